//! A record that cannot be indexed is put aside with its reason, and does not hold up others.

use crate::app::{App, record};
use chrono::TimeDelta;
use serde_json::json;
use std::sync::atomic::Ordering;
use steward_indexer::PartStatus;
use steward_kernel::bus::Request;
use steward_kernel::{Door, Principal};

async fn text_status(app: &App) -> PartStatus {
    app.indexer.status(None).await.unwrap().parts.remove(0)
}

#[tokio::test]
async fn a_poisoned_record_does_not_hold_up_the_others() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.indexer.settle().await.unwrap();
    let poisoned = app.book(tenant, "Poisoned", None).await;
    app.text.refused.lock().unwrap().insert(poisoned);
    for at in 0..12 {
        app.book(tenant, &format!("Book {at:02}"), None).await;
    }
    app.indexer.settle().await.unwrap();
    assert_eq!(app.found(tenant).await, (0..12).map(|at| format!("Book {at:02}")).collect::<Vec<_>>());
    // In the other engine it is like any other.
    assert!(app.vectors.records(app.live().await, tenant).contains_key(&record(poisoned)));
    let failures: Vec<(String, String, String)> =
        sqlx::query_as("SELECT name, code, event ->> 'entity' FROM kernel.delivery_failure").fetch_all(app.house.owner.pool()).await.unwrap();
    assert_eq!(failures, [("library.book".to_owned(), "index_refused".to_owned(), poisoned.to_string())]);
    let status = text_status(&app).await;
    assert_eq!((status.lag_rows, status.failures_waiting, status.failures_dead), (0, 1, 0));
}

#[tokio::test]
async fn a_record_that_failed_is_tried_again_when_it_is_due_and_read_as_it_is_then() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.indexer.settle().await.unwrap();
    let poisoned = app.book(tenant, "Poisoned", None).await;
    app.text.refused.lock().unwrap().insert(poisoned);
    app.indexer.settle().await.unwrap();
    app.text.refused.lock().unwrap().clear();
    app.indexer.settle().await.unwrap();
    assert!(app.found(tenant).await.is_empty(), "not before it is due");
    app.pass_time(TimeDelta::seconds(1));
    app.indexer.settle().await.unwrap();
    assert_eq!(app.found(tenant).await, ["Poisoned"]);
    assert_eq!(text_status(&app).await.failures_waiting, 0);
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn a_record_has_one_failure_however_often_it_changes_and_none_when_it_is_indexed() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.indexer.settle().await.unwrap();
    let poisoned = app.book(tenant, "Poisoned", None).await;
    app.text.refused.lock().unwrap().insert(poisoned);
    for at in 0..3 {
        app.rename(tenant, poisoned, &format!("Poisoned {at}")).await;
        app.indexer.settle().await.unwrap();
        assert_eq!(text_status(&app).await.failures_waiting, 1);
    }
    app.text.refused.lock().unwrap().clear();
    app.rename(tenant, poisoned, "Cured").await;
    app.indexer.settle().await.unwrap();
    assert_eq!(text_status(&app).await.failures_waiting, 0);
    assert_eq!(app.found(tenant).await, ["Cured"]);
}

#[tokio::test]
async fn after_its_last_attempt_a_record_waits_for_a_person() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.indexer.settle().await.unwrap();
    let poisoned = app.book(tenant, "Poisoned", None).await;
    app.text.refused.lock().unwrap().insert(poisoned);
    for _ in 0..10 {
        app.indexer.settle().await.unwrap();
        app.pass_time(TimeDelta::minutes(6));
    }
    let status = text_status(&app).await;
    assert_eq!((status.failures_waiting, status.failures_dead), (0, 1));
    let tried = app.text.writes.load(Ordering::Relaxed);
    app.indexer.settle().await.unwrap();
    assert_eq!(app.text.writes.load(Ordering::Relaxed), tried);

    // The command that there is for deliveries gives it new attempts.
    app.text.refused.lock().unwrap().clear();
    let (consumer, xid, ordinal): (String, String, i32) =
        sqlx::query_as("SELECT consumer, xid::text, ordinal FROM kernel.delivery_failure").fetch_one(app.house.owner.pool()).await.unwrap();
    let request = Request::new("platform.delivery.retry", json!({ "delivery": format!("{consumer}/{xid}/{ordinal}") }));
    app.house.kernel.execute(&Principal::system(tenant, Door::Job, "test"), request).await.unwrap();
    app.indexer.settle().await.unwrap();
    assert_eq!(app.found(tenant).await, ["Poisoned"]);
    assert_eq!(text_status(&app).await.failures_dead, 0);
}

#[tokio::test]
async fn a_record_that_fails_while_a_generation_is_filled_is_put_aside_too() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let poisoned = app.book(tenant, "Poisoned", None).await;
    app.book(tenant, "Sound", None).await;
    app.text.refused.lock().unwrap().insert(poisoned);
    app.indexer.settle().await.unwrap();
    assert_eq!(app.found(tenant).await, ["Sound"], "the generation is live");
    assert_eq!(text_status(&app).await.failures_waiting, 1);
    app.text.refused.lock().unwrap().clear();
    app.pass_time(TimeDelta::seconds(1));
    app.indexer.settle().await.unwrap();
    assert_eq!(app.found(tenant).await, ["Poisoned", "Sound"]);
}
