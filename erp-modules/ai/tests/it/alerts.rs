//! A part of a budget was used up: that is told once a period.

use crate::Firm;
use crate::ledger::answered;
use serde_json::{Value, json};
use std::time::Duration;
use steward_ai::ledger::{Entry, Outcome};
use steward_migrations::Placement;

async fn thresholds(firm: &Firm) -> String {
    firm.peek("SELECT coalesce(string_agg(threshold || '% of ' || name, ', ' ORDER BY created_at, threshold), '') FROM ai_alert").await
}

async fn events(firm: &Firm) -> i64 {
    firm.peek("SELECT count(*) FROM kernel.outbox WHERE kind = 'event' AND name = 'ai.alert.raised'").await
}

#[tokio::test]
async fn a_threshold_is_told_once_a_period_with_a_record_and_an_event() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let firm = Firm::open(placement).await;
        let caller = firm.caller().await;
        firm.run("ai.budget.create", json!({ "name": "Everybody", "cap": "0.000001", "period": "day" })).await;
        let spend = async |nano: i64| {
            firm.gateway().ledger.record(answered(&firm, &caller, 1, nano), None).await;
            firm.gateway().ledger.flush().await.unwrap();
        };
        spend(499).await;
        assert_eq!(thresholds(&firm).await, "");
        spend(1).await;
        assert_eq!(thresholds(&firm).await, "50% of Everybody");
        spend(100).await;
        spend(500).await;
        spend(500).await;
        assert_eq!((thresholds(&firm).await.as_str(), events(&firm).await), ("50% of Everybody, 80% of Everybody, 100% of Everybody", 3));
        // A new day.
        firm.pass(Duration::from_secs(24 * 60 * 60));
        spend(600).await;
        assert_eq!(events(&firm).await, 4);
        let payload: Value = firm.peek("SELECT payload FROM kernel.outbox WHERE name = 'ai.alert.raised' ORDER BY xid, ordinal LIMIT 1").await;
        assert_eq!((&payload["threshold"], &payload["used"], &payload["cap"]), (&json!(50), &json!("0.0000005"), &json!("0.000001")));
        let mut read = firm.house.kernel.read(&firm.admin).await.unwrap();
        let listed = read.list(&steward_kernel::query::ListQuery::new("ai.alert")).await.unwrap();
        assert_eq!(listed.items.len(), 4);
        assert_eq!(listed.items[0]["budget"]["title"], "Everybody");
    }
}

#[tokio::test]
async fn each_budget_counts_whom_it_is_for() {
    let firm = Firm::open(Placement::Pooled).await;
    let (key, secret) = firm.key(json!({})).await;
    let with_key = firm.gateway().access.authenticate(&secret).await.unwrap();
    let person = firm.gateway().access.person(firm.created.tenant, firm.admin.user).await.unwrap().unwrap();
    firm.run("ai.budget.create", json!({ "name": "Key", "scope": "key", "key": key, "metric": "requests", "period": "day", "cap": 2, "thresholds": ["50"] }))
        .await;
    firm.run(
        "ai.budget.create",
        json!({ "name": "User", "scope": "user", "user": firm.admin.user, "metric": "tokens", "period": "day", "cap": 60, "thresholds": ["100"] }),
    )
    .await;
    // Ten tokens read and five written.
    firm.gateway().ledger.record(answered(&firm, &person, 10, 0), None).await;
    firm.gateway().ledger.record(answered(&firm, &person, 10, 0), None).await;
    firm.gateway().ledger.flush().await.unwrap();
    assert_eq!(thresholds(&firm).await, "");
    firm.gateway().ledger.record(answered(&firm, &with_key, 10, 0), None).await;
    firm.gateway().ledger.flush().await.unwrap();
    assert_eq!(thresholds(&firm).await, "50% of Key");
    firm.gateway().ledger.record(answered(&firm, &person, 10, 0), None).await;
    firm.gateway().ledger.flush().await.unwrap();
    assert_eq!(thresholds(&firm).await, "50% of Key, 100% of User");
}

#[tokio::test]
async fn a_call_that_was_refused_for_want_of_budget_uses_nothing_and_is_told_of() {
    let firm = Firm::open(Placement::Pooled).await;
    firm.run("ai.budget.create", json!({ "name": "Everybody", "cap": "1", "thresholds": ["80", "100"] })).await;
    let caller = firm.caller().await;
    let amounts = steward_llm::limit::Amounts { requests: 1, tokens: 0, nano_dollars: 2_000_000_000 };
    let refused = firm.gateway().budget.reserve(caller.tenant, &caller.limits(), amounts).await.unwrap_err();
    let entry = Entry { outcome: Outcome::Refused, refused_by: refused.counter().copied(), ..Entry::of(&caller, "chat", "fast", firm.clock.now()) };
    firm.gateway().ledger.record(entry, None).await;
    firm.gateway().ledger.flush().await.unwrap();
    assert_eq!(thresholds(&firm).await, "80% of Everybody, 100% of Everybody");
    let used: i64 = firm.peek("SELECT used FROM ai_budget_use").await;
    assert_eq!(used, 0);
}

#[tokio::test]
async fn a_lower_cap_is_told_of_with_the_next_call() {
    let firm = Firm::open(Placement::Pooled).await;
    let caller = firm.caller().await;
    let budget = crate::id(&firm.run("ai.budget.create", json!({ "name": "Everybody", "cap": "1", "thresholds": ["80"] })).await);
    let spend = async || {
        firm.gateway().ledger.record(answered(&firm, &caller, 1, 100_000_000), None).await;
        firm.gateway().ledger.flush().await.unwrap();
    };
    spend().await;
    firm.run("ai.budget.update", json!({ "budget": budget, "cap": "0.2" })).await;
    spend().await;
    assert_eq!(thresholds(&firm).await, "80% of Everybody");
}
