//! The same over the embedded engines: tantivy in a folder, vectors in the same PostgreSQL.

use crate::app::{App, settings};
use crate::library::BOOK;
use rand::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use steward_embedder::{DIMENSIONS, Embedder, Hashed, Purpose};
use steward_indexer::{Engines, Indexer, Settings, Vectors};
use steward_kernel::{Door, Principal, ids};
use steward_rag::engine::pgvector::Pgvector;
use steward_rag::engine::tantivy::TantivyText;
use steward_rag::engine::{Generation, Index, TextIndex, TextQuery, VectorIndex};
use steward_rag::passage::Record;
use steward_rag::permit::Permit;
use uuid::Uuid;

struct Real {
    app: App,
    text: Arc<TantivyText>,
    vectors: Arc<Pgvector>,
    indexer: Indexer,
    folder: PathBuf,
}

impl Drop for Real {
    fn drop(&mut self) {
        // The system's temporary folder is cleared by others where this fails.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Real {
    async fn start() -> Self {
        let app = App::start().await;
        let folder = std::env::temp_dir().join(format!("steward-indexer-{}", ids::fresh().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        let kernel = Arc::clone(&app.house.kernel);
        let text = Arc::new(TantivyText::new(folder.clone(), kernel.clock.clone()));
        let vectors = Arc::new(Pgvector::new(kernel.database.clone(), kernel.clock.clone(), DIMENSIONS));
        let engines = Engines { text: Arc::clone(&text) as _, vectors: Some(Vectors { index: Arc::clone(&vectors) as _, embedder: Arc::new(Hashed) }) };
        // Each commit of the text index takes its time: fewer of them than elsewhere.
        let settings = Settings { batch_rows: 100, chunk_rows: 50, ..settings() };
        let indexer = Indexer::new(kernel, engines, settings);
        Self { app, text, vectors, indexer, folder }
    }

    /// Both engines know the records that the rows make, with their versions and as many passages.
    async fn assert_equal(&self, generation: Generation, tenant: Uuid) {
        let truth = self.app.truth(tenant).await;
        for index in [&*self.text as &dyn Index, &*self.vectors] {
            let mut known: BTreeMap<Record, (i64, u32)> = BTreeMap::new();
            for resource in truth.keys().map(|record| record.resource.as_str()).chain([BOOK]) {
                for held in index.known(generation, tenant, resource, None, 10_000).await.unwrap() {
                    if held.passages > 0 {
                        known.insert(held.record, (held.version, held.passages));
                    }
                }
            }
            let expected = truth.iter().map(|(record, (version, passages))| (record.clone(), (*version, u32::try_from(passages.len()).unwrap()))).collect();
            assert_eq!(known, expected, "{}", index.name());
        }
        let records: Vec<Record> = truth.keys().cloned().collect();
        let hashes = self.vectors.hashes(generation, tenant, &records).await.unwrap();
        let passages = truth.values().flat_map(|(_, passages)| passages);
        let expected = passages.map(|(_, passage)| (passage.key.clone(), passage.hash(Hashed.model()))).collect();
        assert_eq!(hashes, expected);
    }

    /// Books that the system finds by a word, and the one that is nearest to it.
    async fn found(&self, generation: Generation, tenant: Uuid, word: &str) -> (Vec<Uuid>, Option<Uuid>) {
        let principal = Principal::system(tenant, Door::Job, "test");
        let read = self.app.house.kernel.read(&principal).await.unwrap();
        let permit = Permit::of(read.catalogue(), read.rights(), &principal, Some(&[BOOK.to_owned()]));
        let query = TextQuery { text: word.to_owned(), prefix: false, limit: 10 };
        let words = self.text.search(generation, &permit, &query).await.unwrap();
        let vector = Hashed.embed(vec![word.to_owned()], Purpose::Query).await.unwrap().remove(0);
        let near = self.vectors.search(generation, &permit, &vector, 1).await.unwrap();
        (words.into_iter().map(|hit| hit.key.record.id).collect(), near.into_iter().map(|hit| hit.key.record.id).next())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_random_workload_ends_in_the_same_records_as_the_rows_through_a_rebuild() {
    let real = Real::start().await;
    let app = &real.app;
    let tenant = app.tenant("one").await.tenant;
    let (mut rng, mut books) = (StdRng::seed_from_u64(3), Vec::new());
    for round in 0..4 {
        for at in 0..25 {
            match books.choose(&mut rng).copied().filter(|_| rng.random_ratio(1, 2)) {
                None => books.push(app.book(tenant, &format!("Book {round} {at}"), Some("# Chapter\n\nSome words.")).await),
                Some(book) => match rng.random_range(0..4) {
                    0 => app.touch(tenant, "UPDATE library_book SET archived_at = now()", book).await,
                    1 => app.touch(tenant, "DELETE FROM library_book", book).await,
                    _ => app.rename(tenant, book, &format!("Renamed {}", rng.random::<u32>())).await,
                },
            }
        }
        if round == 2 {
            real.indexer.rebuild().await.unwrap();
        }
        real.indexer.settle().await.unwrap();
        real.assert_equal(app.live().await, tenant).await;
    }
    let whale = app.book(tenant, "Leviathan", Some("Nobody else says cetacean.")).await;
    real.indexer.settle().await.unwrap();
    assert_eq!(real.found(app.live().await, tenant, "cetacean").await, (vec![whale], Some(whale)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_a_tenant_adds_is_found_without_a_change_of_the_rows() {
    let real = Real::start().await;
    let app = &real.app;
    let tenant = app.tenant("one").await.tenant;
    let insert = "INSERT INTO library_book (tenant_id, id, name, summary, custom) VALUES ($1, $2, $3, $4, '{\"shelf\": \"northwall\"}')";
    let id = ids::fresh();
    app.write(tenant, insert, id, [Some("Moby Dick"), None]).await;
    app.book(tenant, "Another", None).await;
    real.indexer.settle().await.unwrap();
    assert_eq!(real.found(app.live().await, tenant, "northwall").await.0, [] as [Uuid; 0]);
    app.add_field(tenant, "shelf").await;
    real.indexer.settle().await.unwrap();
    real.assert_equal(app.live().await, tenant).await;
    assert_eq!(real.found(app.live().await, tenant, "northwall").await, (vec![id], Some(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_was_deleted_is_filled_again() {
    let real = Real::start().await;
    let app = &real.app;
    let tenant = app.tenant("one").await.tenant;
    app.book(tenant, "Moby Dick", None).await;
    real.indexer.settle().await.unwrap();
    let generation = app.live().await;
    std::fs::remove_dir_all(real.folder.join(generation.0.to_string())).unwrap();
    real.indexer.settle().await.unwrap();
    assert_eq!(app.live().await, generation);
    real.assert_equal(generation, tenant).await;
}
