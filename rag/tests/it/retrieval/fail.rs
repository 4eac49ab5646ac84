//! Engines that fail are gone without, and the answer says so; rights that fail end the question.

use super::house::{App, Paper, READ, ids_of, named, settings};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use steward_embedder::{Embedder, Hashed, Off};
use steward_kernel::{Code, Principal, Scope, ids};
use steward_rag::engine::{Embedded, Error, Generation, Hit, Index, Known, Result, TextIndex, TextQuery, VectorIndex, Write};
use steward_rag::passage::{Key, Passage, Record};
use steward_rag::permit::Permit;
use steward_rag::retrieve::{Degraded, Position, Query, Retriever, Settings};
use uuid::Uuid;

/// An engine that cannot be reached, or never answers.
#[derive(Default)]
struct Broken {
    hangs: bool,
    asked: AtomicUsize,
}

impl Broken {
    async fn fail<T>(&self) -> Result<T> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Err(Error::Unavailable { engine: "broken", source: "out of order".into() })
    }
}

#[async_trait]
impl Index for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }
    async fn create(&self, _: Generation) -> Result<()> {
        self.fail().await
    }
    async fn drop(&self, _: Generation) -> Result<()> {
        self.fail().await
    }
    async fn generations(&self) -> Result<Vec<Generation>> {
        self.fail().await
    }
    async fn known(&self, _: Generation, _: Uuid, _: &str, _: Option<Uuid>, _: usize) -> Result<Vec<Known>> {
        self.fail().await
    }
    async fn forget(&self, _: Generation, _: Uuid) -> Result<()> {
        self.fail().await
    }
    async fn prune(&self, _: Generation, _: DateTime<Utc>) -> Result<u64> {
        self.fail().await
    }
}

#[async_trait]
impl TextIndex for Broken {
    async fn apply(&self, _: Generation, _: &[Write<Passage>]) -> Result<()> {
        self.fail().await
    }
    async fn search(&self, _: Generation, _: &Permit, _: &TextQuery) -> Result<Vec<Hit>> {
        self.fail().await
    }
    async fn freeze(&self, _: Generation, _: Uuid) -> Result<()> {
        self.fail().await
    }
}

#[async_trait]
impl VectorIndex for Broken {
    async fn apply(&self, _: Generation, _: &[Write<Embedded>]) -> Result<()> {
        self.fail().await
    }
    async fn search(&self, _: Generation, _: &Permit, _: &[f32], _: usize) -> Result<Vec<Hit>> {
        self.fail().await
    }
    async fn hashes(&self, _: Generation, _: Uuid, _: &[Record]) -> Result<HashMap<Key, [u8; 32]>> {
        self.fail().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_vectors_words_answer_and_the_answer_says_so() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let id = app.paper(&tenant, &named("Harbour ledger")).await;
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    let hurry = Settings { vectors_timeout: Duration::from_millis(20), ..settings() };
    let hashed: Arc<dyn Embedder> = Arc::new(Hashed);
    let off: Arc<dyn Embedder> = Arc::new(Off::because("the test wants none"));
    let cases = [
        Retriever { vectors: Some(Arc::new(Broken::default())), embedder: Some(Arc::clone(&hashed)), ..app.retriever.clone() },
        Retriever { vectors: Some(Arc::new(Broken { hangs: true, ..Broken::default() })), embedder: Some(hashed), settings: hurry, ..app.retriever.clone() },
        Retriever { embedder: Some(off), ..app.retriever.clone() },
    ];
    for retriever in cases {
        let answer = retriever.search(&app.kernel, &reader, &Query::new("harbour", 10)).await.unwrap();
        assert_eq!((ids_of(&answer), answer.degraded), (vec![id], vec![Degraded::WordsOnly]));
        let typed = retriever.search(&app.kernel, &reader, &Query::as_you_type("harb", 10)).await.unwrap();
        assert_eq!((ids_of(&typed), typed.degraded), (vec![id], vec![]));
    }
    let without = Retriever { vectors: None, embedder: None, ..app.retriever.clone() };
    assert_eq!(without.search(&app.kernel, &reader, &Query::new("harbour", 10)).await.unwrap().degraded, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_another_model_are_not_compared() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let id = app.paper(&tenant, &named("Harbour ledger")).await;
    app.index(&tenant).await;
    sqlx::query("UPDATE rag.generation SET model = 'another'").execute(app.house.owner.pool()).await.unwrap();
    let answer = app.ask(&app.reader(&tenant).await, "harbour").await;
    assert_eq!((ids_of(&answer), answer.degraded), (vec![id], vec![Degraded::WordsOnly]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_text_index_names_answer_by_sql_under_the_askers_rights() {
    let app = App::without_index().await;
    let tenant = app.tenant("one").await;
    let own = app.user(&tenant, &[(READ, Scope::Own)]).await;
    let his = app.paper(&tenant, &Paper { name: "Harbour ledger", owner: Some(own.user), ..Paper::default() }).await;
    app.paper(&tenant, &Paper { name: "Harbour ledger", owner: Some(ids::fresh()), ..Paper::default() }).await;
    let search = async |retriever: &Retriever, who: &Principal, text: &str| {
        let answer = retriever.search(&app.kernel, who, &Query::new(text, 10)).await.unwrap();
        (ids_of(&answer), answer.degraded)
    };
    // Before the first generation.
    assert_eq!(search(&app.retriever, &own, "harb").await, (vec![his], vec![Degraded::NamesOnly]));
    assert_eq!(search(&app.retriever, &own, "where is the HARBOUR?").await, (vec![his], vec![Degraded::NamesOnly]));
    assert_eq!(search(&app.retriever, &own, "absent").await, (vec![], vec![Degraded::NamesOnly]));
    // With a generation that the engines do not hold.
    app.make_live(Generation(2)).await;
    assert_eq!(search(&app.retriever, &own, "harb").await, (vec![his], vec![Degraded::WordsOnly, Degraded::NamesOnly]));
    // With an engine that does not answer.
    app.make_live(app.generation).await;
    let broken = Retriever { text: Arc::new(Broken::default()), vectors: None, ..app.retriever.clone() };
    assert_eq!(search(&broken, &own, "harb").await, (vec![his], vec![Degraded::NamesOnly]));
    let stranger = app.user(&tenant, &[]).await;
    assert_eq!(search(&broken, &stranger, "harb").await, (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_first_index_is_filled_names_are_looked_up_as_well() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    sqlx::query("UPDATE rag.generation SET state = 'building', text_ready_at = NULL").execute(app.house.owner.pool()).await.unwrap();
    let indexed = app.paper(&tenant, &named("Harbour ledger")).await;
    app.index(&tenant).await;
    let later = app.paper(&tenant, &named("Harbour chart")).await;
    let answer = app.ask(&app.reader(&tenant).await, "harbour").await;
    assert_eq!(answer.degraded, [Degraded::IndexBuilding]);
    assert!([indexed, later].iter().all(|id| ids_of(&answer).contains(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_find_nothing_asks_no_engine() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let broken = Arc::new(Broken::default());
    let retriever = Retriever { text: Arc::clone(&broken) as _, vectors: Some(Arc::clone(&broken) as _), ..app.retriever.clone() };
    let stranger = app.user(&tenant, &[]).await;
    let answer = retriever.search(&app.kernel, &stranger, &Query::new("harbour", 10)).await.unwrap();
    assert!(answer.items.is_empty() && answer.degraded.is_empty());
    assert_eq!(broken.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_gets_an_error_and_no_answer() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    app.paper(&tenant, &named("Harbour")).await;
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    app.run(&tenant, "UPDATE identity_session SET expires_at = now() - interval '1 second' WHERE tenant_id = $1 AND user_id = $2", reader.user).await;
    let refused = app.retriever.search(&app.kernel, &reader, &Query::new("harbour", 10)).await.unwrap_err();
    assert_eq!(refused.code, Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_write_is_known_by_its_position_or_looked_up_by_name() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let reader = app.reader(&tenant).await;
    app.index(&tenant).await;
    let cursor = async |xid: i64| {
        let set = "INSERT INTO kernel.outbox_cursor (consumer, xid, ordinal) VALUES ('indexer:text:1', ($1::text)::xid8, 2147483647) ON CONFLICT (consumer) DO UPDATE SET xid = excluded.xid";
        sqlx::query(set).bind(xid.to_string()).execute(app.house.owner.pool()).await.unwrap();
    };
    cursor(0).await;
    let id = app.paper(&tenant, &named("Harbour ledger")).await;
    let xid: i64 =
        sqlx::query_scalar("SELECT xid::text::bigint FROM kernel.outbox WHERE entity_id = $1").bind(id).fetch_one(app.house.owner.pool()).await.unwrap();
    let query = Query { position: Some(Position::of(xid)), ..Query::new("harbour", 10) };
    // The index does not come: after a short wait SQL answers, and says so.
    let answer = app.ask_for(&reader, &query).await;
    assert_eq!((ids_of(&answer), answer.degraded), (vec![id], vec![Degraded::IndexBehind]));
    // It comes while the question waits.
    let patient = Retriever { settings: Settings { position_timeout: Duration::from_secs(30), ..settings() }, ..app.retriever.clone() };
    let (answer, ()) = tokio::join!(patient.search(&app.kernel, &reader, &query), async {
        app.index(&tenant).await;
        cursor(xid).await;
    });
    let answer = answer.unwrap();
    assert_eq!((ids_of(&answer), answer.degraded), (vec![id], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_is_sealed_for_its_tenant() {
    let app = App::start().await;
    let [one, other] = [ids::fresh(), ids::fresh()];
    for xid in [0, 7, 1 << 40] {
        let sealed = Position::of(xid).seal(&app.kernel, one);
        assert_eq!(Position::open(&app.kernel, one, &sealed).unwrap(), Position::of(xid));
        assert_eq!(Position::open(&app.kernel, other, &sealed).unwrap_err().code, Code::BadRequest);
        assert_ne!(Position::of(xid).seal(&app.kernel, other), sealed);
        for forged in ["", "x", &sealed[1..], &format!("0{}", &sealed[1..]).replace("00", "11"), &"é".repeat(32)] {
            if forged != sealed {
                assert!(Position::open(&app.kernel, one, forged).is_err(), "{forged}");
            }
        }
    }
}
