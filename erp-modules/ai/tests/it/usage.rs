//! The reports say what the rows say.

use crate::Firm;
use crate::ledger::answered;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use steward_ai::ledger::{Entry, Outcome};
use steward_llm::limit::Amounts;
use steward_llm::price::Cost;
use steward_migrations::Placement;

/// Calls of two users, two keys, two models, two days, all outcomes.
async fn fill(firm: &Firm) {
    let tim = firm.house.user(&firm.created, "Tim", &[]).await.unwrap();
    let (_, mine) = firm.key(json!({ "name": "Mine" })).await;
    let (_, his) = firm.key(json!({ "name": "His", "user": tim.user })).await;
    let access = &firm.gateway().access;
    let callers = [
        access.authenticate(&mine).await.unwrap(),
        access.authenticate(&his).await.unwrap(),
        access.person(firm.created.tenant, firm.admin.user).await.unwrap().unwrap(),
    ];
    let outcomes = [Outcome::Answered, Outcome::Cached, Outcome::Cancelled, Outcome::Failed, Outcome::Refused];
    for number in 0..60_u64 {
        if number == 30 {
            // Half past eleven in the evening in UTC is the next day in Berlin.
            firm.pass(Duration::from_secs(15 * 60 * 60 + 30 * 60));
        }
        let at = |from: u64| usize::try_from(number / from).unwrap();
        let outcome = outcomes[at(1) % outcomes.len()];
        let free = outcome == Outcome::Refused;
        let entry = Entry {
            model: (!free).then(|| ["gpt-4o-mini", "gpt-4.1"][at(2) % 2].to_owned()),
            outcome,
            door: ["chat", "responses"][at(3) % 2].into(),
            alias: ["fast", "large"][at(2) % 2].into(),
            cost: if number % 7 == 0 { Cost::Unpriced } else { Cost::Priced(if free { 0 } else { 1_000_000_001 * i64::try_from(number).unwrap() }) },
            ..answered(firm, &callers[at(1) % callers.len()], if free { 0 } else { 10 + number }, 0)
        };
        firm.gateway().ledger.record(entry, None).await;
    }
    firm.gateway().ledger.flush().await.unwrap();
}

/// The figures of a row from the fifth column on, by whatever the row is of.
fn figures(rows: &[Vec<Value>]) -> BTreeMap<String, String> {
    let named = |row: &Vec<Value>| {
        let of = row[..4].iter().find(|value| !value.is_null()).cloned().unwrap_or_default();
        of.get("id").and_then(Value::as_str).or(of.as_str()).unwrap_or("").to_owned()
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    rows.iter().map(|row| (named(row), row[4..].iter().map(text).collect::<Vec<_>>().join(" "))).collect()
}

#[tokio::test]
async fn the_report_adds_up_to_what_the_calls_say_by_whatever_one_asks() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let firm = Firm::open(placement).await;
        fill(&firm).await;
        let groups = [
            ("user", "coalesce(user_id::text, '')"),
            ("key", "coalesce(key_id::text, '')"),
            ("model", "CASE WHEN model IS NULL THEN provider ELSE provider || '/' || model END"),
            ("alias", "alias"),
            ("door", "door"),
            ("day", "((created_at AT TIME ZONE 'Europe/Berlin')::date)::text"),
            ("total", "''"),
        ];
        for (by, column) in groups {
            let sql = format!(
                "SELECT string_agg(g || '=' || concat_ws(' ', calls, failed, refused, unpriced, input, output, trim_scale(cost / 1000000000.0)), ';') FROM (
                   SELECT {column} AS g, count(*) FILTER (WHERE outcome <> 'refused') AS calls, count(*) FILTER (WHERE outcome = 'failed') AS failed,
                          count(*) FILTER (WHERE outcome = 'refused') AS refused, count(*) FILTER (WHERE NOT priced) AS unpriced,
                          sum(input_tokens) AS input, sum(output_tokens) AS output, sum(cost_nano) AS cost FROM ai_request GROUP BY 1) AS sums"
            );
            let truth: String = firm.peek(&sql).await;
            let truth: BTreeMap<String, String> =
                truth.split(';').map(|row| row.split_once('=').unwrap()).map(|(group, sums)| (group.to_owned(), sums.to_owned())).collect();
            let table = firm.report(&firm.admin, "ai.usage", json!({ "by": by })).await;
            assert_eq!(figures(&table.rows), truth, "{by}");
            assert!(by == "total" || truth.len() > 1, "{by}: {truth:?}");
        }
    }
}

#[tokio::test]
async fn the_report_keeps_to_its_days_and_to_whom_it_is_asked_of() {
    let firm = Firm::open(Placement::Pooled).await;
    fill(&firm).await;
    let calls = async |parameters: Value| {
        let table = firm.report(&firm.admin, "ai.usage", parameters).await;
        table.totals[4].as_i64().unwrap() + table.totals[6].as_i64().unwrap()
    };
    assert_eq!(calls(json!({})).await, 60);
    assert_eq!(calls(json!({ "from": "2026-03-02", "to": "2026-03-02" })).await, 30);
    assert_eq!(calls(json!({ "from": "2026-03-03", "to": "2026-03-03" })).await, 30);
    assert_eq!(calls(json!({ "from": "2026-02-01", "to": "2026-02-28" })).await, 0);
    assert_eq!(calls(json!({ "user": firm.admin.user })).await, 40);
    let mut read = firm.house.kernel.read(&firm.admin).await.unwrap();
    let wrong = read.report("ai.usage", json!({ "from": "2026-03-03", "to": "2026-03-02" })).await.map(drop).unwrap_err();
    assert_eq!(wrong.fields[0].field, "to");
}

#[tokio::test]
async fn the_state_of_budgets_tells_what_is_used_and_what_is_left() {
    let firm = Firm::open(Placement::Pooled).await;
    firm.run("ai.budget.create", json!({ "name": "Everybody", "cap": "10" })).await;
    firm.run("ai.budget.create", json!({ "name": "Calls", "metric": "requests", "period": "day", "cap": 4 })).await;
    let caller = firm.caller().await;
    let amounts = Amounts { requests: 1, tokens: 30, nano_dollars: 2_500_000_000 };
    let reservation = firm.gateway().budget.reserve(caller.tenant, &caller.limits(), amounts).await.unwrap();
    let entry = answered(&firm, &caller, 20, 2_000_000_000);
    reservation.settle(entry.amounts());
    firm.gateway().budget.give_back_all().await.unwrap();
    firm.gateway().ledger.record(entry, None).await;
    firm.gateway().ledger.flush().await.unwrap();
    let table = firm.report(&firm.admin, "ai.budget_status", json!({})).await;
    let row = |name: &str| table.rows.iter().find(|row| row[0]["title"] == name).unwrap().clone();
    assert_eq!(row("Everybody")[1..7], [json!("cost"), json!("month"), json!("10"), json!("2"), json!("8"), json!("20")]);
    assert_eq!(row("Calls")[1..7], [json!("requests"), json!("day"), json!("4"), json!("1"), json!("3"), json!("25")]);
}
