//! What happens to a record happens to what is found of it.

use crate::app::{App, engines, page, record, settings};
use crate::library::PRICE;
use crate::memory::Content;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use steward_indexer::Indexer;
use steward_kernel::ids;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[tokio::test]
async fn a_record_is_found_as_it_is_through_its_whole_life() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.indexer.settle().await.unwrap();
    let id = app.book(tenant, "Moby Dick", Some("A whale.")).await;
    app.indexer.settle().await.unwrap();
    assert_eq!(app.found(tenant).await, ["Moby Dick"]);
    app.rename(tenant, id, "The Whale").await;
    app.indexer.settle().await.unwrap();
    assert_eq!(app.found(tenant).await, ["The Whale"]);
    app.assert_equal(tenant).await;
    app.touch(tenant, "UPDATE library_book SET archived_at = now()", id).await;
    app.indexer.settle().await.unwrap();
    assert!(app.found(tenant).await.is_empty());
    app.touch(tenant, "UPDATE library_book SET archived_at = NULL", id).await;
    app.indexer.settle().await.unwrap();
    assert_eq!(app.found(tenant).await, ["The Whale"]);
    let owner = ids::fresh();
    app.touch(tenant, &format!("UPDATE library_book SET owner_id = '{owner}'"), id).await;
    app.indexer.settle().await.unwrap();
    let held = app.text.records(app.live().await, tenant).remove(&record(id)).unwrap();
    assert_eq!(held.live.unwrap().0.owner, Some(owner));
    app.assert_equal(tenant).await;
    app.touch(tenant, "DELETE FROM library_book", id).await;
    app.indexer.settle().await.unwrap();
    assert!(app.found(tenant).await.is_empty());
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn pages_go_with_their_book() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let book = app.book(tenant, "Moby Dick", None).await;
    let leaf = ids::fresh();
    let insert = format!("INSERT INTO library_page (tenant_id, id, heading, body, book_id) VALUES ($1, $2, $3, $4, '{book}')");
    app.write(tenant, &insert, leaf, [Some("First"), Some("Call me Ishmael.")]).await;
    app.indexer.settle().await.unwrap();
    let generation = app.live().await;
    assert!(app.text.records(generation, tenant).contains_key(&page(leaf)));
    app.touch(tenant, "DELETE FROM library_book", book).await;
    app.indexer.settle().await.unwrap();
    assert_eq!(app.text.records(generation, tenant)[&page(leaf)].live, None);
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn fields_of_different_permissions_never_share_a_passage() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let insert = "INSERT INTO library_book (tenant_id, id, name, summary, price_note, appraisal) VALUES ($1, $2, $3, $4, 'secretprice', 'secretappraisal')";
    app.write(tenant, insert, ids::fresh(), [Some("Moby Dick"), Some("A whale.")]).await;
    app.indexer.settle().await.unwrap();
    let mut families = std::collections::BTreeSet::new();
    for (record, held) in app.text.records(app.live().await, tenant).into_iter().filter(|(record, _)| record.resource == crate::library::BOOK) {
        for (key, content) in held.live.unwrap().1 {
            let Content::Text(title, text) = content else { panic!("{record:?}") };
            assert_eq!(format!("{title} {text}").contains("secret"), key.family == PRICE, "{key:?}");
            families.insert(key.family);
        }
    }
    assert_eq!(families.into_iter().collect::<Vec<_>>(), ["", PRICE]);
}

#[tokio::test]
async fn deliveries_that_are_repeated_or_come_late_change_nothing() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.indexer.settle().await.unwrap();
    let [kept, deleted] = [app.book(tenant, "Kept", None).await, app.book(tenant, "Deleted", None).await];
    app.rename(tenant, kept, "Kept, twice").await;
    app.touch(tenant, "DELETE FROM library_book", deleted).await;
    app.indexer.settle().await.unwrap();
    let before = app.text.records(app.live().await, tenant);
    // All that was ever told is told again.
    let back = "UPDATE kernel.outbox_cursor SET xid = '0', ordinal = 0 WHERE consumer LIKE 'indexer:%'";
    assert_eq!(sqlx::query(back).execute(app.house.owner.pool()).await.unwrap().rows_affected(), 2);
    app.indexer.settle().await.unwrap();
    assert_eq!(app.text.records(app.live().await, tenant).get(&record(deleted)), before.get(&record(deleted)));
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn a_process_that_dies_between_the_engine_and_the_cursor_leaves_the_same_end() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.indexer.settle().await.unwrap();
    let mut kills = 0;
    for at in 0..20 {
        let id = app.book(tenant, &format!("Book {at}"), Some("Text.")).await;
        if at % 3 == 0 {
            app.touch(tenant, "DELETE FROM library_book", id).await;
        }
        for engine in [&app.text, &app.vectors] {
            if at % 4 == 0 {
                engine.hang.store(true, Ordering::Relaxed);
                tokio::select! {
                    // The other part may have been faster the time before.
                    settled = app.indexer.settle() => settled.unwrap(),
                    () = engine.hung.notified() => kills += 1,
                }
                engine.hang.store(false, Ordering::Relaxed);
            }
        }
    }
    assert!(kills > 0);
    app.indexer.settle().await.unwrap();
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn an_unchanged_text_is_not_embedded_again() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let id = app.book(tenant, "Moby Dick", Some("A whale.")).await;
    app.indexer.settle().await.unwrap();
    let before = app.vectors.vectors.load(Ordering::Relaxed);
    app.touch(tenant, &format!("UPDATE library_book SET owner_id = '{}'", ids::fresh()), id).await;
    app.indexer.settle().await.unwrap();
    assert_eq!(app.vectors.vectors.load(Ordering::Relaxed), before);
    app.write(tenant, "UPDATE library_book SET summary = $3 WHERE tenant_id = $1 AND id = $2 AND $4::text IS NULL", id, [Some("A white whale."), None]).await;
    app.indexer.settle().await.unwrap();
    assert_eq!(app.vectors.vectors.load(Ordering::Relaxed), before + 1);
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn an_engine_that_is_away_is_caught_up_with_and_holds_up_nobody_else() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.indexer.settle().await.unwrap();
    app.vectors.away.store(true, Ordering::Relaxed);
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    tasks.spawn(app.indexer.clone().run(stop.clone()));
    for at in 0..30 {
        app.book(tenant, &format!("Book {at}"), None).await;
    }
    until(async || app.found(tenant).await.len() == 30).await;
    let status = app.indexer.status(None).await.unwrap();
    let lag = |part| status.parts.iter().find(|status| status.part == part).unwrap().lag_rows;
    assert_eq!((lag(steward_indexer::Part::Text), lag(steward_indexer::Part::Vectors)), (0, 30));
    assert_eq!(status.parts.iter().map(|part| part.failures_waiting + part.failures_dead).sum::<i64>(), 0);
    app.vectors.away.store(false, Ordering::Relaxed);
    until(async || app.indexer.status(None).await.unwrap().parts.iter().all(|part| part.lag_rows == 0)).await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn of_two_indexers_one_leads_and_the_other_takes_over() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let tasks = TaskTracker::new();
    let indexers: Vec<(Indexer, CancellationToken)> =
        (0..2).map(|_| (Indexer::new(Arc::clone(&app.house.kernel), engines(&app.text, &app.vectors), settings()), CancellationToken::new())).collect();
    for (indexer, stop) in &indexers {
        tasks.spawn(indexer.clone().run(stop.clone()));
    }
    app.book(tenant, "First", None).await;
    until(async || app.targets().await.iter().any(|target| target.live) && app.found(tenant).await == ["First"]).await;
    assert_eq!(indexers.iter().filter(|(indexer, _)| indexer.leading()).count(), 1);
    let leader = indexers.iter().position(|(indexer, _)| indexer.leading()).unwrap();
    indexers[leader].1.cancel();
    app.book(tenant, "Second", None).await;
    until(async || indexers[1 - leader].0.leading() && app.found(tenant).await == ["First", "Second"]).await;
    indexers[1 - leader].1.cancel();
    tasks.close();
    tasks.wait().await;
}

/// Waits for a condition.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap();
}
