//! The benchmarks of search and of the assistant: how fast it finds, how soon a change is found, how soon an answer comes.
//!
//! [`library`] holds many documents whose vectors are hashed from their words, so that nothing need be embedded; [`desk`]
//! few texts, with the model.

use super::client::{Call, Client};
use super::load::{self, Make, milliseconds};
use super::measure::{backends, log_in, processes};
use super::process::Process;
use super::seed::texts::{DESK_CUSTOMERS, Dice, LIBRARY_CUSTOMERS, unique};
use super::seed::{self, ADMINISTRATOR, Kind, Seeded};
use super::server::Serving;
use super::table::Table;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use steward_migrations::POOLED;
use tokio_util::sync::CancellationToken;

const TIME: Duration = Duration::from_secs(8);
/// How long changes are looked for under a load.
const WATCHED: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(1_800);
/// What a change may take to be found before something is broken.
const FOUND_TIMEOUT: Duration = Duration::from_secs(120);
const TEXT_CHANGES_A_SECOND: f64 = 200.0;
const VECTOR_CHANGES_A_SECOND: f64 = 30.0;
/// Edits on a quiet system.
const EDITS: u64 = 30;
/// Changes that come at once.
const BACKLOG: u64 = 400;
const QUESTIONS: u64 = 25;
/// The words of the n-th question of a kind.
type Wording = fn(u64) -> String;
/// The first customers are edited by who watches, the others by the load.
const WATCHED_CUSTOMERS: u64 = 50;

/// Rows of the outbox that a part of the index has still to read, and walks that are not done, after which nothing waits.
const OPEN: &str =
    "SELECT (SELECT count(*) FROM kernel.outbox o, kernel.outbox_cursor c WHERE c.consumer LIKE 'indexer:%' AND (o.xid, o.ordinal) > (c.xid, c.ordinal))
    + (SELECT count(*) FROM rag.filling WHERE filled_at IS NULL)
    + (SELECT (count(*) <> 1)::int FROM rag.generation WHERE state = 'live' AND text_ready_at IS NOT NULL AND vectors_ready_at IS NOT NULL)";

struct Bench<'a> {
    serving: &'a Serving,
    company: &'a Seeded,
    token: String,
    /// No two edits have the same text.
    edits: Arc<AtomicU64>,
    table: Table,
}

impl<'a> Bench<'a> {
    async fn begin(serving: &'a Serving, company: &'a Seeded, table: Table) -> Result<Self> {
        let bench = Self { serving, company, token: log_in(serving, ADMINISTRATOR).await?, edits: Arc::default(), table };
        let started = Instant::now();
        bench.indexed().await?;
        eprintln!("indexed after {:.0} s", started.elapsed().as_secs_f32());
        Ok(bench)
    }
}

pub(super) async fn library(wanted: &(dyn Fn(&str) -> bool + Sync), documents: u64, serving: &Serving, company: &Seeded, table: Table) -> Result<Table> {
    let mut bench = Bench::begin(serving, company, table).await?;
    if wanted("retrieval") {
        bench.retrieval(documents).await?;
    }
    if wanted("text") {
        bench.text(documents).await?;
    }
    if wanted("questions") {
        bench.questions(documents).await?;
    }
    Ok(bench.table)
}

pub(super) async fn desk(wanted: &(dyn Fn(&str) -> bool + Sync), serving: &Serving, company: &Seeded, table: Table) -> Result<Table> {
    let mut bench = Bench::begin(serving, company, table).await?;
    if wanted("edit") {
        bench.edit().await?;
    }
    if wanted("vectors") {
        bench.vectors().await?;
    }
    Ok(bench.table)
}

fn search(words: &str) -> Call {
    Call::get(format!("/api/v1/search?limit=10&q={}", words.replace(' ', "+")))
}

impl Bench<'_> {
    async fn open(&self) -> Result<i64> {
        sqlx::query_scalar(OPEN).fetch_one(self.company.owner.pool()).await.context("see how far the index is")
    }

    async fn indexed(&self) -> Result<()> {
        let started = Instant::now();
        while self.open().await? > 0 {
            ensure!(started.elapsed() < PATIENCE, "the index is not complete");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// From the question to what it may be answered from, read again under the asker's rights.
    async fn retrieval(&mut self, documents: u64) -> Result<()> {
        let make: Make = Arc::new(|n| Some(search(&Dice::new(n ^ 0x5EED).words(5))));
        for clients in [1, 4] {
            let found = load::run(self.serving, &self.token, clients, TIME, &Arc::default(), Arc::clone(&make)).await?;
            self.table.add(&format!("retrieval over {documents} documents, with the recheck"), clients, &found);
        }
        Ok(())
    }

    /// A customer's note becomes a text of its own; the word that is only in it.
    async fn change(&self, client: &mut Client, customer: u64) -> Result<String> {
        let (text, word) = unique(self.edits.fetch_add(1, Ordering::Relaxed));
        client.call(&Call { method: "PATCH", path: path(customer), body: Some(json!({ "note": text })) }).await?;
        Ok(word)
    }

    /// Commit → found by its word. The search that finds it counts.
    async fn lag_of_text(&self, client: &mut Client, customer: u64) -> Result<f64> {
        let word = self.change(client, customer).await?;
        let committed = Instant::now();
        let (call, id) = (search(&word), seed::id(Kind::Party, customer).to_string());
        loop {
            let found = client.json(&call).await?;
            if found["items"].as_array().is_some_and(|items| items.iter().any(|item| item["id"] == id.as_str())) {
                return Ok(milliseconds(committed.elapsed()));
            }
            ensure!(committed.elapsed() < FOUND_TIMEOUT, "a change was not found by its word");
        }
    }

    /// Commit → its vector is in the table that is searched.
    async fn lag_of_vector(&self, client: &mut Client, customer: u64) -> Result<f64> {
        self.change(client, customer).await?;
        let committed = Instant::now();
        while !self.has_vector(customer).await? {
            ensure!(committed.elapsed() < FOUND_TIMEOUT, "a change got no vector");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(milliseconds(committed.elapsed()))
    }

    async fn has_vector(&self, customer: u64) -> Result<bool> {
        let tenant = self.company.tenant.tenant;
        let mut tx = self.company.owner.begin(POOLED, tenant, "bench.look").await?;
        let generation: i64 = sqlx::query_scalar("SELECT id FROM rag.generation WHERE state = 'live'").fetch_one(&mut *tx).await.context("the generation")?;
        let sql = format!(
            "SELECT EXISTS (SELECT FROM rag.vector_record_{generation} r JOIN crm_party p ON p.tenant_id = r.tenant_id AND p.id = r.entity_id AND p.version <= r.version
              WHERE r.tenant_id = $1 AND r.resource = 'crm.party' AND r.entity_id = $2)"
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(tenant).bind(seed::id(Kind::Party, customer)).fetch_one(&mut *tx).await.context("look for a vector")
    }

    /// Changes of texts at a pace, of customers that nobody watches.
    fn changes(&self, customers: u64) -> Make {
        let edits = Arc::clone(&self.edits);
        Arc::new(move |n| {
            let (text, _) = unique(edits.fetch_add(1, Ordering::Relaxed));
            let customer = WATCHED_CUSTOMERS + 1 + n % (customers - WATCHED_CUSTOMERS);
            Some(Call { method: "PATCH", path: path(customer), body: Some(json!({ "note": text })) })
        })
    }

    async fn text(&mut self, documents: u64) -> Result<()> {
        let name = format!("commit → found by its word, beside {documents} documents");
        let mut client = Client::connect(self.serving.address, &self.token).await?;
        let mut quiet = Vec::new();
        for n in 0..EDITS {
            quiet.push(self.lag_of_text(&mut client, 1 + n % WATCHED_CUSTOMERS).await?);
        }
        self.times(&format!("{name}, quiet"), quiet);
        let over = CancellationToken::new();
        let load = load::paced(self.serving, &self.token, 8, TEXT_CHANGES_A_SECOND, &over, self.changes(LIBRARY_CUSTOMERS));
        let watch = async {
            let (mut lags, began) = (Vec::new(), Instant::now());
            while began.elapsed() < WATCHED {
                lags.push(self.lag_of_text(&mut client, 1 + lags.len() as u64 % WATCHED_CUSTOMERS).await?);
            }
            Ok::<_, anyhow::Error>(lags)
        };
        let (loaded, lags) = futures::join!(load, ended(watch, &over));
        let (loaded, lags) = (loaded?, lags?);
        self.times(&format!("{name}, at {:.0} changes/s", loaded.per_second), lags);
        self.table.add(&format!("a change of a text, {TEXT_CHANGES_A_SECOND:.0}/s wanted"), 8, &loaded);
        self.indexed().await
    }

    /// One edit when nothing else happens.
    async fn edit(&mut self) -> Result<()> {
        let mut client = Client::connect(self.serving.address, &self.token).await?;
        let (mut texts, mut vectors) = (Vec::new(), Vec::new());
        for n in 0..EDITS {
            texts.push(self.lag_of_text(&mut client, 1 + n % WATCHED_CUSTOMERS).await?);
            self.indexed().await?;
            vectors.push(self.lag_of_vector(&mut client, 1 + n % WATCHED_CUSTOMERS).await?);
            self.indexed().await?;
        }
        self.times("one edit, commit → found by its word", texts);
        self.times("one edit, commit → found by its meaning", vectors);
        Ok(())
    }

    async fn vectors(&mut self) -> Result<()> {
        let mut client = Client::connect(self.serving.address, &self.token).await?;
        let over = CancellationToken::new();
        let load = load::paced(self.serving, &self.token, 4, VECTOR_CHANGES_A_SECOND, &over, self.changes(DESK_CUSTOMERS));
        let (before, began) = (self.processor().await?, Instant::now());
        let watch = async {
            let mut lags = Vec::new();
            while began.elapsed() < WATCHED {
                lags.push(self.lag_of_vector(&mut client, 1 + lags.len() as u64 % WATCHED_CUSTOMERS).await?);
            }
            Ok::<_, anyhow::Error>(lags)
        };
        let (loaded, lags) = futures::join!(load, ended(watch, &over));
        let (loaded, lags) = (loaded?, lags?);
        let (after, took) = (self.processor().await?, began.elapsed().as_secs_f64());
        self.times(&format!("commit → found by its meaning, at {:.0} changed texts/s", loaded.per_second), lags);
        let share = |at: usize| format!("{:.0} %", (after[at] - before[at]).max(0.0) / took * 100.0);
        self.table.figure("processor meanwhile: serve, embedder, PostgreSQL's backends", format!("{}, {}, {} of one", share(0), share(1), share(2)));
        processes(self.serving, self.company, "while texts change", &mut self.table).await?;
        self.indexed().await?;

        let changes = self.changes(DESK_CUSTOMERS);
        let backlog: Make = Arc::new(move |n| (n < BACKLOG).then(|| changes(n)).flatten());
        let began = Instant::now();
        load::paced(self.serving, &self.token, 4, f64::MAX, &CancellationToken::new(), backlog).await?;
        self.indexed().await?;
        self.table
            .figure(&format!("{BACKLOG} changed texts at once, until all are found"), format!("{:.0} texts/s", BACKLOG as f64 / began.elapsed().as_secs_f64()));
        Ok(())
    }

    /// Seconds of the server, of its embedder, of its backends. Those that have ended count no more.
    async fn processor(&self) -> Result<[f64; 3]> {
        let seconds = |processes: Vec<Process>| processes.into_iter().filter_map(|process| process.cpu_seconds().ok()).sum::<f64>();
        Ok([self.serving.process.cpu_seconds()?, seconds(self.serving.process.children()), seconds(backends(self.company).await?)])
    }

    /// Question → first and last token, by the planner: the model that is always there.
    async fn questions(&mut self, documents: u64) -> Result<()> {
        let kinds: [(&str, Wording); 4] = [
            ("a count", |_| "How many orders are there?".into()),
            ("a count of one customer's", |n| format!("How many orders did Customer {:06} place?", 1 + n * 37 % LIBRARY_CUSTOMERS)),
            ("a ranking", |_| "Top 3 customers by revenue".into()),
            ("a text", |n| format!("What does the document Report {:06} say?", 1 + n * 997 % 1_000)),
        ];
        let mut client = Client::connect(self.serving.address, &self.token).await?;
        for (kind, question) in kinds {
            let (mut first, mut last) = (Vec::new(), Vec::new());
            for n in 0..QUESTIONS {
                let call = Call::post("/api/v1/assistant/messages", json!({ "text": question(n) }));
                let (asked, mut begun) = (Instant::now(), None);
                let told = client.stream(&call, |body| {
                    if begun.is_none() && contains(body, b"event: text") {
                        begun = Some(asked.elapsed());
                    }
                });
                let told = told.await?;
                ensure!(contains(&told, b"event: done"), "{:?} was not answered: {}", question(n), String::from_utf8_lossy(&told));
                last.push(milliseconds(asked.elapsed()));
                first.extend(begun.map(milliseconds));
            }
            ensure!(!first.is_empty(), "no question for {kind} was answered with text");
            self.times(&format!("question for {kind} → first token, beside {documents} documents"), first);
            self.times(&format!("question for {kind} → last token"), last);
        }
        Ok(())
    }

    fn times(&mut self, name: &str, mut times: Vec<f64>) {
        times.sort_by(f64::total_cmp);
        self.table.times(name, &times);
    }
}

fn path(customer: u64) -> String {
    format!("/api/v1/crm/parties/{}", seed::id(Kind::Party, customer))
}

/// `over` is told however it ends.
async fn ended<T>(work: impl Future<Output = T>, over: &CancellationToken) -> T {
    let _told = over.clone().drop_guard();
    work.await
}

fn contains(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}
