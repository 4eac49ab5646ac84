//! The engines are held to the rows: what differs is found, counted, repaired.

use crate::app::{App, record};
use crate::memory::Held;
use chrono::TimeDelta;
use std::sync::atomic::Ordering;
use steward_indexer::{Drift, Part};
use steward_kernel::ids;

async fn drift(app: &App, part: Part) -> Drift {
    app.indexer.status(None).await.unwrap().parts.iter().find(|status| status.part == part).unwrap().drift
}

#[tokio::test]
async fn planted_drift_is_found_and_repaired() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let mut books = Vec::new();
    for at in 0..12 {
        books.push(app.book(tenant, &format!("Book {at}"), Some("Text.")).await);
    }
    app.rename(tenant, books[1], "Renamed").await;
    app.indexer.settle().await.unwrap();
    app.assert_equal(tenant).await;
    let generation = app.live().await;
    let surplus = ids::fresh();
    for engine in [&app.text, &app.vectors] {
        engine.plant(generation, |records| {
            let sample = records[&(tenant, record(books[5]))].clone();
            records.remove(&(tenant, record(books[0])));
            records.get_mut(&(tenant, record(books[1]))).unwrap().version = 1;
            records.insert((tenant, record(surplus)), Held { version: 1, ..sample });
        });
    }
    // Nothing is looked at before it is due, and nothing is written while nothing is wrong.
    let written = app.text.writes.load(Ordering::Relaxed);
    app.indexer.settle().await.unwrap();
    assert_eq!(app.text.writes.load(Ordering::Relaxed), written);
    app.pass_time(TimeDelta::hours(2));
    app.indexer.settle().await.unwrap();
    assert_eq!(app.text.writes.load(Ordering::Relaxed), written + 3);
    app.assert_equal(tenant).await;
    // Compared once more after the repair.
    assert_eq!((drift(&app, Part::Text).await, drift(&app, Part::Vectors).await), (Drift::default(), Drift::default()));
}

#[tokio::test]
async fn what_cannot_be_repaired_is_told_and_not_tried_without_end() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let [lost, ahead] = [app.book(tenant, "Lost", None).await, app.book(tenant, "Ahead", None).await];
    app.indexer.settle().await.unwrap();
    let generation = app.live().await;
    app.text.refused.lock().unwrap().insert(lost);
    app.text.plant(generation, |records| {
        records.remove(&(tenant, record(lost)));
        records.get_mut(&(tenant, record(ahead))).unwrap().version = 99;
    });
    app.pass_time(TimeDelta::hours(2));
    app.indexer.settle().await.unwrap();
    assert_eq!(drift(&app, Part::Text).await, Drift { missing: 1, stale: 1, surplus: 0 });
    assert_eq!(drift(&app, Part::Vectors).await, Drift::default());
}

#[tokio::test]
async fn a_change_that_the_outbox_will_still_tell_of_is_not_drift() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let id = app.book(tenant, "Moby Dick", None).await;
    app.indexer.settle().await.unwrap();
    // A transaction that stays open holds the outbox back, so that the comparison meets rows that were not told of.
    let mut open = app.house.owner.pool().begin().await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()").execute(&mut *open).await.unwrap();
    app.rename(tenant, id, "The Whale").await;
    app.book(tenant, "New", None).await;
    app.pass_time(TimeDelta::hours(2));
    let settling = app.indexer.clone();
    let settling = async move { settling.settle().await };
    let compared = async {
        let since = app.house.kernel.clock.now();
        crate::follow::until(async || app.indexer.status(None).await.unwrap().parts.iter().all(|part| part.compared_at.is_some_and(|at| at >= since))).await;
        let found: i64 = app.indexer.status(None).await.unwrap().parts.iter().map(|part| part.drift.total()).sum();
        assert_eq!(found, 0);
        open.rollback().await.unwrap();
    };
    let (settled, ()) = tokio::join!(settling, compared);
    settled.unwrap();
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn a_record_without_texts_is_no_drift() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let id = ids::fresh();
    app.write(tenant, "INSERT INTO library_book (tenant_id, id, name, summary) VALUES ($1, $2, $3, $4)", id, [Some(" "), None]).await;
    app.indexer.settle().await.unwrap();
    app.pass_time(TimeDelta::hours(2));
    app.indexer.settle().await.unwrap();
    assert_eq!(drift(&app, Part::Text).await, Drift::default());
    assert!(app.found(tenant).await.is_empty());
}

#[tokio::test]
async fn term_statistics_are_taken_anew_when_a_tenant_has_doubled_and_else_stand_still() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.indexer.settle().await.unwrap();
    let key = (app.live().await, tenant);
    let taken = || app.text.frozen.lock().unwrap()[&key];
    let first = taken();
    let insert = "INSERT INTO library_book (tenant_id, id, name) SELECT $1, gen_random_uuid(), 'Book ' || n FROM generate_series(1, $3::text::int) n WHERE $2::uuid IS NOT NULL AND $4::text IS NULL";
    app.write(tenant, insert, ids::fresh(), [Some("120"), None]).await;
    app.pass_time(TimeDelta::hours(2));
    app.indexer.settle().await.unwrap();
    assert_eq!(taken(), first + 1);
    app.write(tenant, insert, ids::fresh(), [Some("50"), None]).await;
    app.pass_time(TimeDelta::hours(2));
    app.indexer.settle().await.unwrap();
    assert_eq!(taken(), first + 1);
    app.assert_equal(tenant).await;
}
