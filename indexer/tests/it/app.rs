//! A house with books, the indexer over engines in memory, and the comparison with what the rows say.

use crate::library::{self, BOOK, PAGE};
use crate::memory::{Content, Held, Memory};
use chrono::{TimeDelta, TimeZone, Utc};
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use steward_embedder::{Embedder, Hashed};
use steward_indexer::generation::{Target, targets};
use steward_indexer::{Engines, Indexer, Part, Settings, Vectors};
use steward_kernel::{Clock, Door, Module, Principal, ids};
use steward_migrations::test_database::House;
use steward_migrations::{Created, Placement};
use steward_rag::engine::Generation;
use steward_rag::passage::Record;
use steward_rag::render;
use uuid::Uuid;

pub(crate) struct App {
    pub(crate) house: House,
    pub(crate) text: Arc<Memory>,
    pub(crate) vectors: Arc<Memory>,
    pub(crate) indexer: Indexer,
}

pub(crate) fn modules() -> Vec<Module> {
    vec![steward_identity::module(), steward_platform::module(), library::module()]
}

pub(crate) fn settings() -> Settings {
    // Small, so that a test walks several chunks.
    Settings { batch_rows: 7, chunk_rows: 5, poll: Duration::from_millis(20), survey_every: Duration::ZERO, ..Settings::default() }
}

impl App {
    pub(crate) async fn start() -> Self {
        let clock = Clock::fixed(Utc.with_ymd_and_hms(2026, 11, 24, 12, 0, 0).unwrap());
        let house = House::open(modules(), clock).await.unwrap();
        let (text, vectors) = (Arc::new(Memory::default()), Arc::new(Memory::default()));
        let indexer = Indexer::new(Arc::clone(&house.kernel), engines(&text, &vectors), settings());
        Self { house, text, vectors, indexer }
    }

    pub(crate) async fn tenant(&self, slug: &str) -> Created {
        self.house.tenant(slug, Placement::Pooled).await.unwrap()
    }

    pub(crate) fn pass_time(&self, by: TimeDelta) {
        let clock = &self.house.kernel.clock;
        clock.set(clock.now() + by);
    }

    /// Runs a statement in the tenant, as a command would: `$1` is the tenant, `$2` the id, `$3` and `$4` texts.
    pub(crate) async fn write(&self, tenant: Uuid, sql: &str, id: Uuid, texts: [Option<&str>; 2]) {
        let schema = self.house.kernel.placement(tenant).await.unwrap().schema.clone();
        let mut tx = self.house.owner.begin(&schema, tenant, "test").await.unwrap();
        sqlx::query(AssertSqlSafe(sql.to_owned())).bind(tenant).bind(id).bind(texts[0]).bind(texts[1]).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        self.house.kernel.committed.tell();
    }
    pub(crate) async fn book(&self, tenant: Uuid, name: &str, summary: Option<&str>) -> Uuid {
        let id = ids::fresh();
        self.write(tenant, "INSERT INTO library_book (tenant_id, id, name, summary) VALUES ($1, $2, $3, $4)", id, [Some(name), summary]).await;
        id
    }
    pub(crate) async fn rename(&self, tenant: Uuid, id: Uuid, name: &str) {
        self.write(tenant, "UPDATE library_book SET name = $3 WHERE tenant_id = $1 AND id = $2 AND $4::text IS NULL", id, [Some(name), None]).await;
    }
    /// A statement with the tenant and the id alone.
    pub(crate) async fn touch(&self, tenant: Uuid, sql: &str, id: Uuid) {
        self.write(tenant, &format!("{sql} WHERE tenant_id = $1 AND id = $2 AND $3::text IS NULL AND $4::text IS NULL"), id, [None, None]).await;
    }

    /// A text that the tenant adds to books.
    pub(crate) async fn add_field(&self, tenant: Uuid, name: &str) {
        let schema = self.house.kernel.placement(tenant).await.unwrap().schema.clone();
        let mut tx = self.house.owner.begin(&schema, tenant, "test").await.unwrap();
        sqlx::query("UPDATE kernel_placement SET catalogue_version = catalogue_version + 1 WHERE tenant_id = $1").bind(tenant).execute(&mut *tx).await.unwrap();
        sqlx::query("INSERT INTO kernel_custom_field (tenant_id, id, resource, name, kind, label) VALUES ($1, $2, $3, $4, 'text', $4)")
            .bind(tenant)
            .bind(ids::fresh())
            .bind(BOOK)
            .bind(name)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn targets(&self) -> Vec<Target> {
        targets(&self.house.kernel.database.relay).await.unwrap()
    }
    pub(crate) async fn live(&self) -> Generation {
        self.targets().await.into_iter().find(|target| target.live).unwrap().generation
    }

    /// What the engines should hold of a tenant.
    pub(crate) async fn truth(&self, tenant: Uuid) -> BTreeMap<Record, (i64, Vec<render_held::Passage>)> {
        let mut truth = BTreeMap::new();
        let mut read = self.house.kernel.read(&Principal::system(tenant, Door::Job, "test")).await.unwrap();
        let catalogue = Arc::clone(read.catalogue());
        for resource in catalogue.resources.values().filter(|resource| steward_kernel::query::has_texts(resource)) {
            let ids: Vec<Uuid> = read.live(&resource.name, None, 10_000).await.unwrap().into_iter().map(|(id, _)| id).collect();
            for row in read.texts(&resource.name, &ids).await.unwrap() {
                let passages = render::render(resource, &row);
                if !passages.is_empty() {
                    let record = Record { resource: resource.name.to_string(), id: row.id };
                    let attributes = render::attributes(&row);
                    truth.insert(record, (row.version, passages.into_iter().map(|passage| (attributes, passage)).collect()));
                }
            }
        }
        truth
    }

    /// Both engines hold what the rows say, and nothing else.
    pub(crate) async fn assert_equal(&self, tenant: Uuid) {
        self.assert_equal_in(self.live().await, tenant).await;
    }
    pub(crate) async fn assert_equal_in(&self, generation: Generation, tenant: Uuid) {
        let truth = self.truth(tenant).await;
        for part in [Part::Text, Part::Vectors] {
            let engine = if part == Part::Text { &self.text } else { &self.vectors };
            let content = |passage: &steward_rag::passage::Passage| match part {
                Part::Text => Content::Text(passage.title.clone(), passage.text.clone()),
                Part::Vectors => Content::Hash(passage.hash(Hashed.model())),
            };
            let expected: BTreeMap<Record, Held> = truth
                .iter()
                .map(|(record, (version, passages))| {
                    let attributes = passages[0].0;
                    let live = passages.iter().map(|(_, passage)| (passage.key.clone(), content(passage))).collect();
                    (record.clone(), Held { version: *version, live: Some((attributes, live)) })
                })
                .collect();
            let mut held = engine.records(generation, tenant);
            held.retain(|_, held| held.live.as_ref().is_some_and(|(_, passages)| !passages.is_empty()));
            assert_eq!(held, expected, "{part:?}");
        }
    }

    /// Names of the books that can be found by words, in no order that matters.
    pub(crate) async fn found(&self, tenant: Uuid) -> Vec<String> {
        let records = self.text.records(self.live().await, tenant);
        let titles = records.into_iter().filter(|(record, _)| record.resource == BOOK).filter_map(|(_, held)| {
            let (_, passages) = held.live?;
            passages.into_values().find_map(|content| if let Content::Text(title, _) = content { Some(title) } else { None })
        });
        let mut titles: Vec<String> = titles.collect();
        titles.sort();
        titles
    }
}

pub(crate) fn engines(text: &Arc<Memory>, vectors: &Arc<Memory>) -> Engines {
    Engines { text: Arc::clone(text) as _, vectors: Some(Vectors { index: Arc::clone(vectors) as _, embedder: Arc::new(Hashed) }) }
}

pub(crate) fn record(id: Uuid) -> Record {
    Record { resource: BOOK.into(), id }
}
pub(crate) fn page(id: Uuid) -> Record {
    Record { resource: PAGE.into(), id }
}

/// A rendered passage with the attributes of its row.
pub(crate) mod render_held {
    pub(crate) type Passage = (steward_rag::passage::Attributes, steward_rag::passage::Passage);
}
