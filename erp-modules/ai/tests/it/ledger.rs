//! What is called is written down, once and whole; what is said only where the tenant wants it, masked.

use crate::Firm;
use serde_json::json;
use std::time::Duration;
use steward_ai::access::Caller;
use steward_ai::exchange::Exchange;
use steward_ai::ledger::{Entry, Outcome};
use steward_ai::{Settings, upkeep};
use steward_kernel::Scope;
use steward_llm::price::{Cost, Tokens};
use steward_migrations::Placement;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A call that a model answered.
pub(crate) fn answered(firm: &Firm, caller: &Caller, tokens: u64, cost: i64) -> Entry {
    Entry {
        provider: Some("openai".into()),
        model: Some("gpt-4o-mini".into()),
        outcome: Outcome::Answered,
        attempts: 1,
        tokens: Tokens { input: tokens, output: tokens / 2, ..Tokens::default() },
        cost: Cost::Priced(cost),
        duration: Duration::from_millis(1_200),
        first_token: Some(Duration::from_millis(300)),
        ..Entry::of(caller, "chat", "fast", firm.clock.now())
    }
}

#[tokio::test]
async fn a_call_is_written_down_with_all_that_is_known_of_it() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let firm = Firm::open(placement).await;
        let caller = firm.caller().await;
        let entry = Entry {
            tokens: Tokens { input: 100, cache_read: 40, cache_write: 10, cache_write_long: 5, output: 50 },
            reasoning_tokens: 20,
            ..answered(&firm, &caller, 0, 1_234_567_890)
        };
        firm.gateway().ledger.record(entry.clone(), None).await;
        firm.gateway().ledger.flush().await.unwrap();
        let seen = firm.see("ai.request", entry.id).await;
        let expected = json!({
            "door": "chat", "alias": "fast", "provider": "openai", "model": "gpt-4o-mini", "outcome": "answered", "code": null, "attempts": 1,
            "input_tokens": 100, "cache_read_tokens": 40, "cache_write_tokens": 15, "output_tokens": 50, "reasoning_tokens": 20,
            "cost": "1.23456789", "priced": true, "duration_ms": 1200, "first_token_ms": 300,
        });
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&seen[field], value, "{field}");
        }
        assert_eq!(seen["user"]["id"], json!(caller.user));
        assert_eq!(seen["key"]["title"], "Reporting");
    }
}

#[tokio::test]
async fn what_is_written_twice_counts_once() {
    let firm = Firm::open(Placement::Pooled).await;
    let caller = firm.caller().await;
    let entry = answered(&firm, &caller, 100, 7);
    for _ in 0..2 {
        firm.gateway().ledger.record(entry.clone(), None).await;
        firm.gateway().ledger.flush().await.unwrap();
    }
    let sums: String = firm.peek("SELECT (SELECT count(*) FROM ai_request) || ' ' || requests || ' ' || cost_nano FROM ai_usage_day").await;
    assert_eq!(sums, "1 1 7");
}

#[tokio::test]
async fn entries_of_several_tenants_are_written_to_their_own() {
    let firm = Firm::open(Placement::Pooled).await;
    let there = firm.house.tenant("there", Placement::Schema).await.unwrap();
    let caller = firm.caller().await;
    let foreign = firm.gateway().access.person(there.tenant, there.administrator).await.unwrap().unwrap();
    for caller in [&caller, &foreign, &caller] {
        firm.gateway().ledger.record(answered(&firm, caller, 10, 1), None).await;
    }
    firm.gateway().ledger.flush().await.unwrap();
    let here: i64 = firm.peek("SELECT count(*) FROM ai_request").await;
    assert_eq!(here, 2);
    let admin = firm.house.log_in(there.tenant, there.administrator).await.unwrap();
    let mut read = firm.house.kernel.read(&admin).await.unwrap();
    let listed = read.list(&steward_kernel::query::ListQuery::new("ai.request")).await.unwrap();
    assert_eq!(listed.items.len(), 1);
}

#[tokio::test]
async fn the_task_writes_what_was_recorded_and_the_end_writes_what_still_waits() {
    let firm = Firm::open(Placement::Pooled).await;
    let caller = firm.caller().await;
    let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
    let (gateway, token) = (firm.gateway().clone(), stopping.clone());
    tasks.spawn(async move { gateway.run(token).await });
    firm.gateway().ledger.record(answered(&firm, &caller, 10, 1), None).await;
    while firm.gateway().ledger.waiting() > 0 {
        tokio::task::yield_now().await;
    }
    stopping.cancel();
    tasks.close();
    tasks.wait().await;
    // A request that ended after the task did.
    firm.gateway().ledger.record(answered(&firm, &caller, 10, 1), None).await;
    firm.gateway().close(Duration::from_secs(5)).await;
    let written: i64 = firm.peek("SELECT count(*) FROM ai_request").await;
    assert_eq!((written, firm.gateway().ledger.waiting(), firm.gateway().ledger.lost()), (2, 0, 0));
}

#[tokio::test]
async fn what_cannot_be_written_is_counted_as_lost_and_never_silently() {
    let firm = Firm::with(Placement::Pooled, Settings { ledger_capacity: 2, ledger_wait: Duration::ZERO, ..Settings::default() }).await;
    let caller = firm.caller().await;
    let entry = || answered(&firm, &caller, 10, 1);
    firm.gateway().ledger.record(entry(), None).await;
    firm.gateway().ledger.record(entry(), None).await;
    assert_eq!(firm.gateway().ledger.waiting(), 2);
    firm.gateway().ledger.record(entry(), None).await;
    assert_eq!((firm.gateway().ledger.waiting(), firm.gateway().ledger.lost()), (2, 1));
    // A database that is away for a moment loses nothing; one that stays away until the end does, and it is said.
    firm.house.database.lose().await.unwrap();
    firm.gateway().ledger.flush().await.unwrap_err();
    assert_eq!((firm.gateway().ledger.waiting(), firm.gateway().ledger.lost()), (2, 1));
    firm.gateway().close(Duration::from_millis(100)).await;
    assert_eq!((firm.gateway().ledger.waiting(), firm.gateway().ledger.lost()), (0, 3));
}

#[tokio::test]
async fn an_entry_that_can_never_be_written_holds_up_nobody() {
    let firm = Firm::open(Placement::Pooled).await;
    let caller = firm.caller().await;
    let gone = Entry { tenant: uuid::Uuid::from_u128(1), ..answered(&firm, &caller, 10, 1) };
    for entry in [answered(&firm, &caller, 10, 1), gone, answered(&firm, &caller, 10, 1)] {
        firm.gateway().ledger.record(entry, None).await;
    }
    firm.gateway().ledger.flush().await.unwrap();
    let written: i64 = firm.peek("SELECT count(*) FROM ai_request").await;
    assert_eq!((written, firm.gateway().ledger.lost()), (2, 1));
}

#[tokio::test]
async fn a_tenant_whose_calls_cannot_be_written_holds_up_no_other_and_not_for_ever() {
    let firm = Firm::open(Placement::Pooled).await;
    let there = firm.house.tenant("there", Placement::Schema).await.unwrap();
    let foreign = firm.gateway().access.person(there.tenant, there.administrator).await.unwrap().unwrap();
    let caller = firm.caller().await;
    let schema = firm.house.kernel.placement(there.tenant).await.unwrap().schema.clone();
    let sql = |change: &str| sqlx::AssertSqlSafe(format!("ALTER TABLE {schema}.ai_request {change}"));
    sqlx::query(sql("RENAME COLUMN door TO gate")).execute(firm.house.owner.pool()).await.unwrap();
    let record = async |caller: &Caller| firm.gateway().ledger.record(answered(&firm, caller, 10, 1), None).await;
    record(&foreign).await;
    record(&caller).await;
    firm.gateway().ledger.flush().await.unwrap_err();
    let written: i64 = firm.peek("SELECT count(*) FROM ai_request").await;
    assert_eq!((written, firm.gateway().ledger.waiting()), (1, 1));
    // Alone it waits, and is written when it can be.
    for _ in 0..30 {
        firm.gateway().ledger.flush().await.unwrap_err();
    }
    sqlx::query(sql("RENAME COLUMN gate TO door")).execute(firm.house.owner.pool()).await.unwrap();
    firm.gateway().ledger.flush().await.unwrap();
    assert_eq!((firm.gateway().ledger.waiting(), firm.gateway().ledger.lost()), (0, 0));
    // In the way of others it is lost after a while.
    sqlx::query(sql("RENAME COLUMN door TO gate")).execute(firm.house.owner.pool()).await.unwrap();
    record(&foreign).await;
    while firm.gateway().ledger.lost() == 0 {
        record(&caller).await;
        let _ = firm.gateway().ledger.flush().await;
    }
    assert_eq!((firm.gateway().ledger.waiting(), firm.gateway().ledger.lost()), (0, 1));
}

#[tokio::test]
async fn what_was_said_is_kept_only_where_the_tenant_says_so_and_masked() {
    let firm = Firm::open(Placement::Pooled).await;
    let caller = firm.caller().await;
    let exchange = || Exchange { prompt: "Write to ann@harbour.example".into(), answer: "Done.".into() };
    firm.gateway().ledger.record(answered(&firm, &caller, 10, 1), Some(exchange())).await;
    firm.gateway().ledger.flush().await.unwrap();
    let kept: i64 = firm.peek("SELECT count(*) FROM ai_exchange").await;
    assert_eq!(kept, 0);
    // What the tenant lets pass to models is masked here all the same.
    firm.run("ai.settings.update", json!({ "settings": firm.created.tenant, "prompt_log": true, "masking": false })).await;
    let entry = answered(&firm, &caller, 10, 1);
    firm.gateway().ledger.record(entry.clone(), Some(exchange())).await;
    firm.gateway().ledger.flush().await.unwrap();
    let text: String = firm.peek("SELECT prompt || '|' || answer || '|' || request_text || '|' || withheld FROM ai_exchange").await;
    assert!(!text.contains("ann@") && text.contains("Write to") && text.ends_with(&format!("|Done.|{}|false", entry.id)), "{text}");
    // Nothing of it anywhere else.
    let traces: i64 = firm.peek("SELECT (SELECT count(*) FROM ai_request r WHERE r::text LIKE '%Write to%') + (SELECT count(*) FROM kernel.outbox o WHERE o::text LIKE '%Write to%') + (SELECT count(*) FROM kernel_change c WHERE c::text LIKE '%Write to%')").await;
    assert_eq!(traces, 0);
}

#[tokio::test]
async fn calls_are_read_by_whose_they_are_and_by_nobody_who_may_not() {
    let firm = Firm::open(Placement::Pooled).await;
    let own = [("ai:request:read", Scope::Own), ("ai:usage:read", Scope::Own), ("identity:user:read", Scope::Tenant)];
    let tim = firm.house.user(&firm.created, "Tim", &own).await.unwrap();
    let nobody = firm.house.user(&firm.created, "Nobody", &[]).await.unwrap();
    let (_, his) = firm.key(json!({ "user": tim.user })).await;
    let his = firm.gateway().access.authenticate(&his).await.unwrap();
    let mine = firm.caller().await;
    for (caller, cost) in [(&his, 5), (&mine, 70)] {
        firm.gateway().ledger.record(answered(&firm, caller, 10, cost), None).await;
    }
    firm.gateway().ledger.flush().await.unwrap();
    let listed = async |who: &steward_kernel::Principal| {
        let mut read = firm.house.kernel.read(who).await.unwrap();
        read.list(&steward_kernel::query::ListQuery::new("ai.request")).await.map(|page| page.items.len())
    };
    assert_eq!((listed(&tim).await.unwrap(), listed(&firm.admin).await.unwrap()), (1, 2));
    listed(&nobody).await.unwrap_err();
    let of_tim = firm.report(&tim, "ai.usage", json!({ "by": "total" })).await;
    assert_eq!(of_tim.totals[10], "0.000000005");
    // The wall stands in the database as well.
    let mut read = firm.house.kernel.read(&nobody).await.unwrap();
    for table in ["ai_request", "ai_usage_day", "ai_exchange"] {
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(read.db()).await.unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn what_is_old_is_forgotten_and_the_sums_stay() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let firm = Firm::open(placement).await;
        firm.run("ai.settings.update", json!({ "settings": firm.created.tenant, "prompt_log": true, "prompt_log_days": 7 })).await;
        let caller = firm.caller().await;
        let say = async || {
            let exchange = Exchange { prompt: "Hello".into(), answer: "Good day.".into() };
            firm.gateway().ledger.record(answered(&firm, &caller, 10, 1), Some(exchange)).await;
            firm.gateway().ledger.flush().await.unwrap();
            let limits = [steward_llm::limit::Limit {
                scope: steward_llm::limit::Scope::Tenant,
                metric: steward_llm::limit::Metric::Requests,
                window: steward_llm::limit::Window::Minute,
                cap: 10,
                zone: chrono_tz::Tz::UTC,
            }];
            firm.gateway()
                .budget
                .reserve(firm.created.tenant, &limits, steward_llm::limit::Amounts { requests: 1, ..Default::default() })
                .await
                .unwrap()
                .cancel();
        };
        let counts = async || -> String {
            let never = CancellationToken::new();
            upkeep::prune_all(&firm.house.kernel, 30, &never).await.unwrap();
            firm.peek("SELECT concat_ws(' ', (SELECT count(*) FROM ai_request), (SELECT count(*) FROM ai_exchange), (SELECT count(*) FROM ai_slice), (SELECT count(*) FROM ai_counter), (SELECT sum(requests) FROM ai_usage_day))").await
        };
        say().await;
        assert_eq!(counts().await, "1 1 1 1 1");
        firm.pass(Duration::from_secs(8 * 24 * 60 * 60));
        say().await;
        assert_eq!(counts().await, "2 1 1 1 2", "a week is over for what was said");
        firm.pass(Duration::from_secs(23 * 24 * 60 * 60));
        assert_eq!(counts().await, "1 0 0 0 2", "a month is over for the first call");
    }
}
