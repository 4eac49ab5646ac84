//! What somebody tried and may not is written down, in batches and imports as well; and what nobody needs is forgotten.

use crate::app::{TestApp, User, id, moment};
use crate::shop::{READING, Shop};
use chrono::TimeDelta;
use serde_json::{Value, json};
use steward_kernel::bus::{External, Plan, Request, Row, Step};
use steward_kernel::principal::Scope;
use steward_kernel::{Code, ids};
use tokio_util::sync::CancellationToken;

/// The refusals so far: command, code and detail.
async fn refusals(shop: &Shop) -> Vec<(String, String, Value)> {
    let mut tx = shop.app.owner.begin(&shop.tenant.schema, shop.tenant.id, "test.audit").await.unwrap();
    sqlx::query_as("SELECT command, code, detail FROM kernel_audit WHERE tenant_id = app.tenant() AND outcome = 'refused' ORDER BY at, command, code")
        .fetch_all(&mut *tx)
        .await
        .unwrap()
}

/// Creates parties for himself only, and changes his own.
async fn narrow(shop: &Shop) -> User {
    let mut grants = READING.to_vec();
    grants.extend([("crm:party:create", Scope::Own), ("crm:party:update", Scope::Own)]);
    shop.app.user(&shop.tenant, "Narrow", &grants).await
}

#[tokio::test]
async fn refused_rows_of_a_batch_are_written_down_together() {
    let shop = Shop::open().await;
    let narrow = narrow(&shop).await;
    let rows: Vec<Value> = (0..230)
        .map(|i| match i {
            5 | 17 | 210 => json!({ "name": format!("Party {i}"), "owner": shop.admin.id }),
            9 => json!({ "name": "" }),
            _ => json!({ "name": format!("Party {i}") }),
        })
        .collect();
    let answer = shop.app.post(&narrow, "crm/parties/create/batch", &json!({ "rows": rows })).await.ok();
    let bad: Vec<&Value> = answer["results"].as_array().unwrap().iter().filter_map(|result| result.get("error")).collect();
    assert_eq!((bad.len(), bad.iter().filter(|error| error["code"] == "forbidden").count()), (4, 3), "{bad:?}");
    // One for each chunk; the row whose input is wrong is none.
    let told = |rows: usize, refused: Value| {
        ("crm.party.create".to_owned(), "forbidden".to_owned(), json!({ "batch": rows, "refused": refused.as_array().unwrap().len(), "rows": refused }))
    };
    assert_eq!(refusals(&shop).await, [told(200, json!([5, 17])), told(30, json!([210]))]);
    let stored: i64 = shop.app.peek(&shop.tenant, "SELECT count(*) FROM crm_party WHERE tenant_id = app.tenant()").await;
    assert_eq!(stored, 227);
    shop.app.close().await;
}

#[tokio::test]
async fn refused_rows_of_an_import_are_named_as_their_sender_knows_them() {
    let shop = Shop::open().await;
    let narrow = narrow(&shop).await;
    let row = |command: &str, input: Value, name: &str| Row {
        command: command.into(),
        input,
        expected_version: None,
        external: Some(External { resource: "crm.party".into(), source: "test".into(), external_id: name.into(), digest: vec![1], known: None }),
    };
    let rows = [
        row("crm.party.create", json!({ "name": "Mine" }), "a"),
        row("crm.party.create", json!({ "name": "Theirs", "owner": shop.admin.id }), "b"),
        row("crm.party.update", json!({ "party": shop.customer, "phone": "1" }), "c"),
        row("crm.party.update", json!({ "party": ids::fresh(), "phone": "1" }), "d"),
        row("crm.party.archive", json!({ "party": shop.customer }), "e"),
    ];
    let results = shop.app.kernel.execute_chunk(&narrow.principal, &rows, None).await;
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, false, false]);
    let told = |command: &str, code: &str, rows: Value| {
        (command.to_owned(), code.to_owned(), json!({ "batch": 5, "refused": rows.as_array().unwrap().len(), "rows": rows }))
    };
    let expected = [
        told("crm.party.archive", "forbidden", json!(["e"])),
        told("crm.party.create", "forbidden", json!(["b"])),
        told("crm.party.update", "not_found", json!(["c", "d"])),
    ];
    let mut refused = refusals(&shop).await;
    refused.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(refused, expected);
    shop.app.close().await;
}

#[tokio::test]
async fn whoever_aims_at_a_record_out_of_his_reach_is_written_down_as_for_one_that_is_absent() {
    let shop = Shop::open().await;
    let narrow = narrow(&shop).await;
    for party in [shop.customer, ids::fresh()] {
        let error = shop.app.try_run(&narrow, "crm.party.update", json!({ "party": party, "phone": "1" })).await.unwrap_err();
        assert_eq!(error.code, Code::NotFound);
    }
    let refused = refusals(&shop).await;
    assert_eq!(refused.len(), 2);
    assert_eq!((&refused[0].0, &refused[0].1, &refused[0].2), (&refused[1].0, &refused[1].1, &refused[1].2));
    // What the state of a record does not allow is no refusal of a right.
    let order = shop.quotation(&shop.admin, "1").await;
    shop.app.try_run(&shop.admin, "sales.order.start", json!({ "order": order })).await.unwrap_err();
    assert_eq!(refusals(&shop).await.len(), 2);
    shop.app.close().await;
}

#[tokio::test]
async fn of_a_plan_the_step_that_was_refused_is_written_down() {
    let shop = Shop::open().await;
    let mut grants = READING.to_vec();
    grants.extend([("crm:party:create", Scope::Tenant), ("sales:order:quote", Scope::Own)]);
    let user = shop.app.user(&shop.tenant, "Planner", &grants).await;
    let order = id(&shop.app.run(&shop.admin, "sales.order.create", shop.order_input("1")).await);
    let step = |command: &str, input: Value| Step { command: command.into(), input, name: None, expected_version: None };
    let create = || step("crm.party.create", json!({ "name": "X" }));
    for (steps, command, code) in [
        // Refused before anything runs, and in the course of it.
        ([create(), step("sales.order.confirm", json!({ "order": order }))], "sales.order.confirm", "forbidden"),
        ([create(), step("sales.order.quote", json!({ "order": order }))], "sales.order.quote", "not_found"),
        ([step("sales.order.confirm", json!({ "order": order })), create()], "sales.order.confirm", "forbidden"),
        // Slow work is prepared before the transaction, for who may run every step.
        (
            [create(), step("identity.user.set_password", json!({ "user": shop.admin.id, "password": "correct horse battery" }))],
            "identity.user.set_password",
            "forbidden",
        ),
    ] {
        let told = refusals(&shop).await.len();
        let plan = Plan { steps: steps.to_vec(), idempotency_key: None, detail: json!({ "plan": told }), expected_digest: None };
        shop.app.kernel.execute_plan(&user.principal, plan).await.unwrap_err();
        shop.app.kernel.preview(&user.principal, &steps).await.unwrap_err();
        let refused = refusals(&shop).await;
        let fresh: Vec<_> = refused.iter().filter(|(.., detail)| *detail == json!({ "plan": told })).collect();
        assert_eq!(fresh.iter().map(|(name, code, _)| (name.as_str(), code.as_str())).collect::<Vec<_>>(), [(command, code)], "{refused:?}");
        let previewed = refused.iter().filter(|(name, _, detail)| name == command && *detail == json!({ "preview": true })).count();
        assert!(previewed > 0, "{command}: {refused:?}");
    }
    assert!(refusals(&shop).await.iter().all(|(command, ..)| command != "crm.party.create"));
    shop.app.close().await;
}

#[tokio::test]
async fn a_key_is_kept_for_its_days_and_then_forgotten() {
    let shop = Shop::of(TestApp::configured(Vec::new(), |config| config.limits.idempotency_keep_days = 3).await).await;
    let run = async |key: &str| {
        let request = Request { idempotency_key: Some(key.into()), ..Request::new("crm.party.create", json!({ "name": key, "allow_duplicate": true })) };
        shop.app.kernel.execute(&shop.admin.principal, request).await.unwrap()
    };
    let prune = async || shop.app.state.relay.prune_keys(&CancellationToken::new()).await.unwrap();
    let first = run("early").await;
    shop.app.clock.set(moment() + TimeDelta::days(2));
    run("late").await;
    shop.app.clock.set(moment() + TimeDelta::days(3));
    assert_eq!(prune().await, 0, "on the day itself it is still kept");
    assert_eq!(run("early").await.execution, first.execution);
    shop.app.clock.set(moment() + TimeDelta::days(3) + TimeDelta::seconds(1));
    assert_eq!((prune().await, prune().await), (1, 0));
    let again = run("early").await;
    assert!(!again.replayed && again.execution != first.execution);
    assert!(run("late").await.replayed);
    shop.app.close().await;
}

#[tokio::test]
async fn every_follower_of_the_outbox_is_told_of_a_commit() {
    let shop = Shop::open().await;
    let mut followers = [shop.app.kernel.committed.follow(), shop.app.kernel.committed.follow()];
    let done = shop.app.run(&shop.admin, "crm.party.update", json!({ "party": shop.customer, "phone": "1" })).await;
    for follower in &mut followers {
        assert!(follower.has_changed().unwrap(), "told by a command");
        follower.borrow_and_update();
    }
    shop.app.kernel.undo(&shop.admin.principal, done.execution).await.unwrap();
    assert!(followers.iter().all(|follower| follower.has_changed().unwrap()), "told by an undo");
    followers.iter_mut().for_each(|follower| drop(follower.borrow_and_update()));
    shop.app.post(&shop.admin, "crm/parties/create/batch", &json!({ "rows": [{ "name": "New" }] })).await.ok();
    assert!(followers.iter().all(|follower| follower.has_changed().unwrap()), "told by a batch");
    followers.iter_mut().for_each(|follower| drop(follower.borrow_and_update()));
    shop.app.post(&shop.admin, "crm/parties?preview=true", &json!({ "name": "Never" })).await.ok();
    assert!(followers.iter().all(|follower| !follower.has_changed().unwrap()), "a preview commits nothing");
    shop.app.close().await;
}

#[tokio::test]
async fn a_delivery_is_forgotten_when_it_can_never_come_again_and_not_before() {
    let shop = Shop::open().await;
    for _ in 0..3 {
        let order = shop.quotation(&shop.admin, "1").await;
        shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    }
    shop.app.drain().await;
    let kept = async || -> i64 { shop.app.peek(&shop.tenant, "SELECT count(*) FROM kernel_delivery WHERE tenant_id = app.tenant()").await };
    let prune = async || shop.app.state.relay.prune_deliveries(&CancellationToken::new()).await.unwrap();
    let as_owner = async |sql: &'static str| {
        sqlx::query(sql).execute(shop.app.owner.pool()).await.unwrap();
    };
    let all = kept().await;
    assert_eq!(all, 3);
    assert_eq!(prune().await, 0, "they are young");
    shop.app.poke(&shop.tenant, "UPDATE kernel_delivery SET at = now() - interval '200 days' WHERE tenant_id = app.tenant()").await;
    assert_eq!(prune().await, 0, "the outbox still has the events");
    as_owner("DELETE FROM kernel.outbox").await;
    as_owner("INSERT INTO kernel.outbox_cursor (consumer) VALUES ('probe.behind')").await;
    assert_eq!(prune().await, 0, "somebody has not read them");
    as_owner("DELETE FROM kernel.outbox_cursor WHERE consumer = 'probe.behind'").await;
    // The cursors pass the deliveries: what came after them was read.
    let order = shop.quotation(&shop.admin, "1").await;
    shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    shop.app.drain().await;
    let failed = "INSERT INTO kernel.delivery_failure (consumer, xid, ordinal, tenant_id, name, event, code, next_attempt_at)
        SELECT consumer, xid, ordinal, tenant_id, 'x', '{}', 'internal', now() FROM kernel_delivery WHERE tenant_id = app.tenant() ORDER BY xid LIMIT 1";
    shop.app.poke(&shop.tenant, failed).await;
    assert_eq!(prune().await, 2, "one may be retried by hand, one is young");
    as_owner("DELETE FROM kernel.delivery_failure").await;
    assert_eq!(prune().await, 1);
    assert_eq!((kept().await, prune().await), (1, 0));
    shop.app.close().await;
}
