//! A house with papers and notes, engines that are filled by hand, and a retriever over them.

use sqlx::AssertSqlSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use steward_embedder::{DIMENSIONS, Embedder, Hashed, Purpose};
use steward_kernel::bus::Kernel;
use steward_kernel::{Clock, Door, Field, Module, Principal, Resource, Scope, ids};
use steward_migrations::test_database::House;
use steward_migrations::{Created, Placement};
use steward_rag::engine::pgvector::Pgvector;
use steward_rag::engine::tantivy::TantivyText;
use steward_rag::engine::{Embedded, Generation, Index as _, State, TextIndex, VectorIndex, Write};
use steward_rag::passage::{Passage, Record};
use steward_rag::render;
use steward_rag::retrieve::{Answer, Query, Retriever, Settings};
use uuid::Uuid;

use crate::contract::text::start;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("tests/it/retrieval/archive");
pub(crate) const PAPER: &str = "archive.paper";
pub(crate) const NOTE: &str = "archive.note";
pub(crate) const READ: &str = "archive:paper:read";
pub(crate) const APPRAISE: &str = "archive:paper:appraise";

pub(crate) fn module() -> Module {
    let paper = Resource { archivable: true, ..Resource::new(PAPER, "papers", "archive_paper") };
    let note = Resource::new(NOTE, "notes", "archive_note").owner("owner_id").open_unplaced().hangs_on("subject_resource", "subject_id");
    Module::new("archive")
        .depends(&["identity"])
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("archive/en.ftl"))
        .labels("de", include_str!("archive/de.ftl"))
        .resource(
            paper
                .owner("owner_id")
                .department("department_id")
                .company("company_id")
                .field(Field::text("name").required().prefix("name_fold").searchable())
                .field(Field::text("keywords").searchable())
                .field(Field::long_text("body").searchable())
                .field(Field::text("appraisal").searchable().permission(APPRAISE)),
        )
        .resource(note.field(Field::text("name").required().searchable()).field(Field::long_text("body").searchable()))
}

/// A row of a paper.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paper<'a> {
    pub(crate) name: &'a str,
    pub(crate) keywords: Option<&'a str>,
    pub(crate) body: Option<&'a str>,
    pub(crate) appraisal: Option<&'a str>,
    pub(crate) owner: Option<Uuid>,
    pub(crate) company: Option<Uuid>,
}

pub(crate) fn named(name: &str) -> Paper<'_> {
    Paper { name, ..Paper::default() }
}

pub(crate) struct App {
    pub(crate) house: House,
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) text: Arc<TantivyText>,
    pub(crate) vectors: Arc<Pgvector>,
    pub(crate) retriever: Retriever,
    pub(crate) generation: Generation,
    folder: PathBuf,
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn settings() -> Settings {
    Settings { position_timeout: Duration::from_millis(40), ..Settings::default() }
}

impl App {
    pub(crate) async fn start() -> Self {
        let app = Self::without_index().await;
        app.make_live(app.generation).await;
        app
    }

    /// No generation is known yet.
    pub(crate) async fn without_index() -> Self {
        let clock = Clock::fixed(start());
        let house = House::open(vec![steward_identity::module(), steward_platform::module(), module()], clock.clone()).await.unwrap();
        let folder = std::env::temp_dir().join(format!("steward-retrieval-{}", ids::fresh().simple()));
        let text = Arc::new(TantivyText::new(folder.clone(), clock.clone()));
        let vectors = Arc::new(Pgvector::new(house.kernel.database.clone(), clock, DIMENSIONS));
        let generation = Generation(1);
        text.create(generation).await.unwrap();
        vectors.create(generation).await.unwrap();
        let retriever = Retriever::new(Arc::clone(&text) as _, Some(Arc::clone(&vectors) as _), Some(Arc::new(Hashed)), settings());
        Self { kernel: Arc::clone(&house.kernel), house, text, vectors, retriever, generation, folder }
    }

    pub(crate) async fn make_live(&self, generation: Generation) {
        let insert = "INSERT INTO rag.generation (id, state, model, reason, text_ready_at, vectors_ready_at, live_at)
                      OVERRIDING SYSTEM VALUE VALUES ($1, 'live', $2, 'first', now(), now(), now())";
        sqlx::query("UPDATE rag.generation SET state = 'retired' WHERE state = 'live'").execute(self.house.owner.pool()).await.unwrap();
        sqlx::query(insert).bind(generation.0).bind(Hashed.model()).execute(self.house.owner.pool()).await.unwrap();
    }

    pub(crate) async fn tenant(&self, slug: &str) -> Created {
        self.house.tenant(slug, Placement::Pooled).await.unwrap()
    }
    pub(crate) async fn user(&self, tenant: &Created, grants: &[(&str, Scope)]) -> Principal {
        self.house.user(tenant, "Reader", grants).await.unwrap()
    }
    /// Who may read all papers of the tenant.
    pub(crate) async fn reader(&self, tenant: &Created) -> Principal {
        self.user(tenant, &[(READ, Scope::Tenant)]).await
    }

    /// Runs a statement in the tenant: `$1` is the tenant, `$2` the id.
    pub(crate) async fn run(&self, tenant: &Created, sql: &str, id: Uuid) {
        let mut tx = self.house.owner.begin("pooled", tenant.tenant, "test").await.unwrap();
        sqlx::query(AssertSqlSafe(sql.to_owned())).bind(tenant.tenant).bind(id).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    pub(crate) async fn paper(&self, tenant: &Created, paper: &Paper<'_>) -> Uuid {
        let id = ids::fresh();
        self.paper_with(tenant, id, paper).await;
        id
    }
    pub(crate) async fn paper_with(&self, tenant: &Created, id: Uuid, paper: &Paper<'_>) {
        let mut tx = self.house.owner.begin("pooled", tenant.tenant, "test").await.unwrap();
        sqlx::query("INSERT INTO archive_paper (tenant_id, id, name, keywords, body, appraisal, owner_id, company_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(tenant.tenant)
            .bind(id)
            .bind(paper.name)
            .bind(paper.keywords)
            .bind(paper.body)
            .bind(paper.appraisal)
            .bind(paper.owner)
            .bind(paper.company)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    pub(crate) async fn update(&self, tenant: &Created, id: Uuid, set: &str) {
        self.run(tenant, &format!("UPDATE archive_paper SET {set} WHERE tenant_id = $1 AND id = $2"), id).await;
    }

    /// Brings both engines to what the rows of the tenant say.
    pub(crate) async fn index(&self, tenant: &Created) {
        let mut read = self.kernel.read(&Principal::system(tenant.tenant, Door::Job, "test")).await.unwrap();
        let catalogue = Arc::clone(read.catalogue());
        let (mut texts, mut vectors) = (Vec::new(), Vec::new());
        for name in [PAPER, NOTE] {
            let resource = &catalogue.resources[name];
            let ids: Vec<Uuid> = read.live(name, None, 10_000).await.unwrap().into_iter().map(|(id, _)| id).collect();
            for row in read.texts(name, &ids).await.unwrap() {
                let record = Record { resource: name.into(), id: row.id };
                let (attributes, passages) = (render::attributes(&row), render::render(resource, &row));
                let embedded = self.embedded(&passages).await;
                texts.push(Write { tenant: tenant.tenant, record: record.clone(), version: row.version, state: State::Live { attributes, passages } });
                vectors.push(Write { tenant: tenant.tenant, record, version: row.version, state: State::Live { attributes, passages: embedded } });
            }
        }
        read.finish().await.unwrap();
        self.text.apply(self.generation, &texts).await.unwrap();
        self.vectors.apply(self.generation, &vectors).await.unwrap();
    }
    async fn embedded(&self, passages: &[Passage]) -> Vec<Embedded> {
        let texts = passages.iter().map(|passage| format!("{} {}", passage.title, passage.text)).collect();
        let vectors = Hashed.embed(texts, Purpose::Passage).await.unwrap();
        let embedded = |(passage, vector): (&Passage, Vec<f32>)| Embedded {
            key: passage.key.clone(),
            hash: passage.hash(Hashed.model()),
            vector: Some(Arc::from(vector)),
        };
        passages.iter().zip(vectors).map(embedded).collect()
    }

    pub(crate) async fn ask(&self, who: &Principal, text: &str) -> Answer {
        self.ask_for(who, &Query::new(text, 10)).await
    }
    pub(crate) async fn ask_for(&self, who: &Principal, query: &Query) -> Answer {
        self.retriever.search(&self.kernel, who, query).await.unwrap()
    }
    pub(crate) async fn found(&self, who: &Principal, text: &str) -> Vec<Uuid> {
        ids_of(&self.ask(who, text).await)
    }
}

pub(crate) fn ids_of(answer: &Answer) -> Vec<Uuid> {
    answer.items.iter().map(|found| found.record.id).collect()
}

/// All that a door could show of an answer.
pub(crate) fn shown(answer: &Answer) -> String {
    format!("{answer:#?}")
}
