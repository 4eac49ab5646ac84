//! Generations: the first one, those that take its place, and what is filled again without one.

use crate::app::{App, engines, modules, settings};
use crate::library;
use crate::memory::{Content, Memory};
use rand::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use steward_embedder::{Embedder, Hashed, Off};
use steward_indexer::generation;
use steward_indexer::{Engines, Indexer, Part};
use steward_kernel::bus::Kernel;
use steward_kernel::database::Database;
use steward_migrations::Placement;
use uuid::Uuid;

async fn rebuild(app: &App) {
    app.indexer.rebuild().await.unwrap();
}

/// Random books: made, renamed, put away, brought back, deleted.
async fn workload(app: &App, tenant: Uuid, rng: &mut StdRng, books: &mut Vec<Uuid>, steps: usize) {
    for at in 0..steps {
        let Some(book) = books.choose(rng).copied().filter(|_| rng.random_ratio(2, 3)) else {
            books.push(app.book(tenant, &format!("Book {at} {}", rng.random::<u16>()), Some("Some text.")).await);
            continue;
        };
        match rng.random_range(0..5) {
            0 => app.touch(tenant, "UPDATE library_book SET archived_at = now()", book).await,
            1 => app.touch(tenant, "UPDATE library_book SET archived_at = NULL", book).await,
            2 => app.touch(tenant, "DELETE FROM library_book", book).await,
            _ => app.rename(tenant, book, &format!("Renamed {}", rng.random::<u32>())).await,
        }
    }
}

#[tokio::test]
async fn what_was_there_before_the_indexer_is_found_and_every_placement_is_filled() {
    let app = App::start().await;
    let pooled = app.tenant("pooled").await.tenant;
    let own = app.house.tenant("own", Placement::Schema).await.unwrap().tenant;
    for at in 0..13 {
        app.book(pooled, &format!("Pooled {at}"), Some("Text.")).await;
        app.book(own, &format!("Own {at}"), Some("Text.")).await;
    }
    app.indexer.settle().await.unwrap();
    for tenant in [pooled, own] {
        app.assert_equal(tenant).await;
        let live = app.live().await;
        assert!(app.text.frozen.lock().unwrap().contains_key(&(live, tenant)));
    }
}

#[tokio::test]
async fn a_rebuild_while_everybody_writes_equals_the_rows_and_is_swapped_in_whole() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let (mut rng, mut books) = (StdRng::seed_from_u64(7), Vec::new());
    workload(&app, tenant, &mut rng, &mut books, 60).await;
    app.indexer.settle().await.unwrap();
    let before = app.live().await;
    rebuild(&app).await;
    let writing = workload(&app, tenant, &mut rng, &mut books, 60);
    let settling = async {
        // What is searched meanwhile is the one or the other, both parts complete.
        loop {
            app.indexer.settle().await.unwrap();
            let targets = app.targets().await;
            let searched = targets.iter().find(|target| target.live).unwrap();
            assert!(searched.text_ready && searched.vectors_ready);
            if searched.generation != before && targets.len() == 1 {
                break;
            }
        }
    };
    futures::join!(writing, settling);
    app.indexer.settle().await.unwrap();
    assert!(app.live().await > before);
    app.assert_equal(tenant).await;
    let status = app.indexer.status(Some(tenant)).await.unwrap();
    assert!(status.parts.iter().all(|part| part.drift.total() == 0 && part.walks == part.walks_done && part.lag_rows == 0));
}

#[tokio::test]
async fn a_filling_that_was_killed_goes_on_where_it_was() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    for at in 0..23 {
        app.book(tenant, &format!("Book {at}"), None).await;
    }
    app.text.hang.store(true, Ordering::Relaxed);
    let mut kills = 0;
    loop {
        // Each time one more write gets through before the end.
        app.text.hang.store(kills % 2 == 0, Ordering::Relaxed);
        let before = app.text.writes.load(Ordering::Relaxed);
        tokio::select! {
            settled = app.indexer.settle() => {
                settled.unwrap();
                break;
            }
            () = app.text.hung.notified() => {}
        }
        assert!(app.text.writes.load(Ordering::Relaxed) > before);
        kills += 1;
    }
    assert!(kills > 0);
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn the_generation_before_is_kept_older_ones_go_and_the_way_back_is_open() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.book(tenant, "First", None).await;
    app.indexer.settle().await.unwrap();
    let first = app.live().await;
    rebuild(&app).await;
    app.indexer.settle().await.unwrap();
    let second = app.live().await;
    rebuild(&app).await;
    app.indexer.settle().await.unwrap();
    let third = app.live().await;
    use steward_rag::engine::Index;
    for engine in [&app.text, &app.vectors] {
        assert_eq!(engine.generations().await.unwrap(), [second, third], "without {first:?}");
    }
    // Nothing holds the outbox but the live one.
    let cursors: Vec<String> = sqlx::query_scalar("SELECT consumer FROM kernel.outbox_cursor WHERE consumer LIKE 'indexer:%' ORDER BY 1")
        .fetch_all(app.house.owner.pool())
        .await
        .unwrap();
    assert_eq!(cursors, [format!("indexer:text:{}", third.0), format!("indexer:vectors:{}", third.0)]);

    app.book(tenant, "Later", None).await;
    app.indexer.settle().await.unwrap();
    assert_eq!(generation::roll_back(&app.house.kernel.database.relay).await.unwrap(), Some(second));
    app.indexer.settle().await.unwrap();
    assert_eq!(app.live().await, second);
    assert_eq!(app.found(tenant).await, ["First", "Later"]);
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn a_part_that_is_lost_is_filled_again_and_the_other_is_left_alone() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.book(tenant, "Moby Dick", Some("A whale.")).await;
    app.indexer.settle().await.unwrap();
    let (generation, embedded) = (app.live().await, app.vectors.vectors.load(Ordering::Relaxed));
    app.text.lose(generation);
    app.indexer.settle().await.unwrap();
    assert_eq!(app.live().await, generation);
    assert_eq!(app.vectors.vectors.load(Ordering::Relaxed), embedded);
    app.assert_equal(tenant).await;
}

/// The same vectors under another name.
struct Renamed;

#[async_trait::async_trait]
impl Embedder for Renamed {
    fn model(&self) -> &'static str {
        "another"
    }
    async fn embed(&self, texts: Vec<String>, purpose: steward_embedder::Purpose) -> Result<Vec<Vec<f32>>, steward_embedder::Error> {
        Hashed.embed(texts, purpose).await
    }
    fn health(&self) -> steward_embedder::Health {
        Hashed.health()
    }
}

#[tokio::test]
async fn another_model_asks_for_another_generation() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.book(tenant, "Moby Dick", None).await;
    app.indexer.settle().await.unwrap();
    let before = app.live().await;
    let mut other = engines(&app.text, &app.vectors);
    other.vectors.as_mut().unwrap().embedder = Arc::new(Renamed);
    Indexer::new(Arc::clone(&app.house.kernel), other, settings()).settle().await.unwrap();
    let live = app.targets().await.remove(0);
    assert!(live.live && live.generation > before);
    assert_eq!(live.model, "another");
}

#[tokio::test]
async fn vectors_can_be_switched_off_and_on() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let text_only = Engines { vectors: None, ..engines(&app.text, &app.vectors) };
    let without = Indexer::new(Arc::clone(&app.house.kernel), text_only, settings());
    app.book(tenant, "First", None).await;
    without.settle().await.unwrap();
    assert_eq!(app.found(tenant).await, ["First"], "a generation without vectors is live");
    app.indexer.settle().await.unwrap();
    app.assert_equal(tenant).await;
    without.settle().await.unwrap();
    let book = app.book(tenant, "Second", None).await;
    app.touch(tenant, "DELETE FROM library_book", book).await;
    app.book(tenant, "Third", None).await;
    without.settle().await.unwrap();
    assert!(without.status(None).await.unwrap().parts.iter().all(|status| status.part == Part::Text), "no cursor holds the outbox");
    app.indexer.settle().await.unwrap();
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn an_embedder_that_is_down_leaves_words_searchable() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.book(tenant, "Moby Dick", None).await;
    let mut down = engines(&app.text, &app.vectors);
    down.vectors.as_mut().unwrap().embedder = Arc::new(Off::because("a test wants none"));
    let indexer = Indexer::new(Arc::clone(&app.house.kernel), down, settings());
    assert!(indexer.settle().await.is_err());
    let target = app.targets().await.remove(0);
    assert!(!target.live);
    assert!(app.text.records(target.generation, tenant).values().any(|held| held.live.is_some()));
}

#[tokio::test]
async fn a_field_that_a_tenant_adds_is_found_in_the_records_that_had_it() {
    let app = App::start().await;
    let [tenant, other] = [app.tenant("one").await.tenant, app.tenant("other").await.tenant];
    let insert = "INSERT INTO library_book (tenant_id, id, name, summary, custom) VALUES ($1, $2, $3, $4, '{\"shelf\": \"north wall\"}')";
    for tenant in [tenant, other] {
        app.write(tenant, insert, steward_kernel::ids::fresh(), [Some("Moby Dick"), None]).await;
    }
    app.indexer.settle().await.unwrap();
    let texts = async |tenant| {
        let held = app.text.records(app.live().await, tenant);
        let passages = held.into_values().filter_map(|held| held.live).flat_map(|(_, passages)| passages.into_values());
        passages.filter(|content| matches!(content, Content::Text(title, text) if title == "Moby Dick" && text == "north wall")).count()
    };
    assert_eq!((texts(tenant).await, texts(other).await), (0, 0));
    let generation = app.live().await;
    app.add_field(tenant, "shelf").await;
    app.indexer.settle().await.unwrap();
    assert_eq!((texts(tenant).await, texts(other).await), (1, 0));
    assert_eq!(app.live().await, generation);
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn a_release_that_finds_records_by_other_fields_builds_a_generation() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    let insert = "INSERT INTO library_book (tenant_id, id, name, summary, author) VALUES ($1, $2, $3, $4, 'Melville')";
    app.write(tenant, insert, steward_kernel::ids::fresh(), [Some("Moby Dick"), None]).await;
    app.indexer.settle().await.unwrap();
    let before = app.live().await;
    let mut modules = modules();
    modules.pop();
    modules.push(library::with_another_field());
    let database = Database::new(&app.house.database.settings()).unwrap();
    let kernel = Kernel::new(modules, database, app.house.kernel.clock.clone(), [7; 32]).unwrap();
    Indexer::new(kernel, engines(&app.text, &app.vectors), settings()).settle().await.unwrap();
    assert!(app.live().await > before);
    let held = app.text.records(app.live().await, tenant);
    let melville = held.into_values().filter_map(|held| held.live).flat_map(|(_, passages)| passages.into_values());
    assert_eq!(melville.filter(|content| matches!(content, Content::Text(_, text) if text.contains("Melville"))).count(), 0);
}

#[tokio::test]
async fn a_new_tenant_is_followed_and_a_dropped_one_is_forgotten() {
    let app = App::start().await;
    app.indexer.settle().await.unwrap();
    let [stays, goes] = [app.tenant("stays").await.tenant, app.tenant("goes").await.tenant];
    for tenant in [stays, goes] {
        app.book(tenant, "Moby Dick", None).await;
    }
    app.indexer.settle().await.unwrap();
    let holds = async |engine: &Arc<Memory>, tenant| !engine.records(app.live().await, tenant).is_empty();
    assert!(holds(&app.text, goes).await && holds(&app.vectors, goes).await);
    sqlx::query("DELETE FROM control.tenant WHERE id = $1").bind(goes).execute(app.house.owner.pool()).await.unwrap();
    app.indexer.settle().await.unwrap();
    assert!(!holds(&app.text, goes).await && !holds(&app.vectors, goes).await);
    app.assert_equal(stays).await;
}

#[tokio::test]
async fn what_happens_to_a_suspended_tenant_is_found_when_it_comes_back() {
    let app = App::start().await;
    let [tenant, other] = [app.tenant("one").await.tenant, app.tenant("other").await.tenant];
    let book = app.book(tenant, "Before", None).await;
    app.indexer.settle().await.unwrap();
    let state = async |state: &str| {
        sqlx::query("UPDATE control.tenant SET state = $2 WHERE id = $1").bind(tenant).bind(state).execute(app.house.owner.pool()).await.unwrap();
        let placements = [tenant.to_string(), "one".into()];
        if let Ok(placement) = app.house.kernel.tenants.find(&placements[0]).await {
            app.house.kernel.tenants.forget(&placement).await;
        }
    };
    state("suspended").await;
    let mut tx = app.house.owner.begin("pooled", tenant, "test").await.unwrap();
    sqlx::query("UPDATE library_book SET name = 'Meanwhile' WHERE id = $1").bind(book).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    app.book(other, "Other", None).await;
    app.indexer.settle().await.unwrap();
    assert_eq!(app.found(other).await, ["Other"]);
    assert_eq!(app.found(tenant).await, ["Before"]);
    state("active").await;
    app.indexer.settle().await.unwrap();
    assert_eq!(app.found(tenant).await, ["Meanwhile"]);
    app.assert_equal(tenant).await;
}

#[tokio::test]
async fn catching_up_after_being_down_needs_no_rebuild() {
    let app = App::start().await;
    let tenant = app.tenant("one").await.tenant;
    app.indexer.settle().await.unwrap();
    let generation = app.live().await;
    let (mut rng, mut books) = (StdRng::seed_from_u64(11), Vec::new());
    workload(&app, tenant, &mut rng, &mut books, 150).await;
    app.indexer.settle().await.unwrap();
    assert_eq!(app.live().await, generation);
    app.assert_equal(tenant).await;
}
