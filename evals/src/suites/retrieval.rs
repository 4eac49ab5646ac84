//! What search finds, against judgements: the demo company's policies always, and any collection with judgements.
//!
//! Start at [`run`]. Everything goes through the doors: a collection is brought in as documents of a tenant of its own and
//! asked for through the search that everybody uses, with its engines, its late binding and its limit of fifty. The harness's
//! own Steward has a library for it, with the embedding model; on another one the policies are those of its demo company.

mod corpus;
mod measure;
mod trec;

use super::{Case, Outcome, Suite, Verdict};
use crate::client::Client;
use crate::host::Library;
use crate::run::Given;
use crate::target::Login;
use anyhow::{Context, Result, bail, ensure};
use corpus::{Corpus, Entry};
use measure::{Judged, mean, ndcg, recall, reciprocal_rank};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};
use steward_gateway::{compose, demo};
use steward_migrations::{Contents, NewTenant, Owner, create_tenant};

const POLICIES: &str = include_str!("../../data/retrieval/policies.toml");
const TENANT: &str = "demo";
const ASKER: &str = "anna.schulte@demo.example";
/// What the door gives at most.
const DEPTH: usize = 50;
/// Rows of one batch.
const BATCH: usize = 200;
/// How long an index of somebody else's server may take.
const PATIENCE: Duration = Duration::from_secs(300);
const PASSWORD: &str = "evaluation-only";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Questions {
    question: Vec<Question>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    ask: String,
    document: String,
    phrase: String,
}

/// One query's measures.
#[derive(Default)]
struct Measured {
    ndcg: Vec<f64>,
    recall_at_10: Vec<f64>,
    recall_at_50: Vec<f64>,
    reciprocal_rank: Vec<f64>,
    degraded: Vec<f64>,
}

impl Measured {
    fn add(&mut self, found: &Found, ranking: &[String], judged: &Judged) {
        self.degraded.push(if found.is_degraded { 1.0 } else { 0.0 });
        self.ndcg.extend(ndcg(ranking, judged, 10));
        self.recall_at_10.extend(recall(ranking, judged, 10));
        self.recall_at_50.extend(recall(ranking, judged, DEPTH));
        self.reciprocal_rank.extend(reciprocal_rank(ranking, judged, 10));
    }

    fn metrics(&self, prefix: &str) -> BTreeMap<String, f64> {
        let all = [
            ("ndcg_at_10", &self.ndcg),
            ("recall_at_10", &self.recall_at_10),
            ("recall_at_50", &self.recall_at_50),
            ("mrr_at_10", &self.reciprocal_rank),
            ("degraded", &self.degraded),
        ];
        all.into_iter().map(|(name, values)| (format!("{prefix}{name}"), mean(values.iter().copied()))).collect()
    }
}

pub async fn run(given: &Given<'_>) -> Result<Outcome> {
    let Some(host) = given.host else {
        if given.target.tenant(TENANT).is_none() {
            return Ok(Outcome::skipped(Suite::Retrieval, "the target has no demo company"));
        }
        let shelf = Shelf { base_url: &given.target.base_url, owner: given.target.owner(), library: None };
        let asker = given.target.tenant(TENANT).and_then(|tenant| tenant.users.iter().find(|user| user.email == ASKER));
        let asker = asker.with_context(|| format!("the demo company has no log-in {ASKER}"))?;
        return measure(given, &shelf, Client::log_in(shelf.base_url, TENANT, asker).await?).await;
    };
    let library = host.library().await?;
    let shelf = Shelf { base_url: &library.server.base_url, owner: Some(&library.owner), library: Some(&library) };
    let measured = async {
        let entry = |(title, body): (&str, &str)| Entry { id: title.to_owned(), title: title.to_owned(), text: body.to_owned() };
        let documents: Vec<Entry> = demo::documents().into_iter().map(entry).collect();
        let (asker, _) = shelf.bring_in("policies", &documents).await?;
        measure(given, &shelf, asker).await
    };
    let measured = measured.await;
    library.stop().await?;
    measured
}

/// `asker` reads the policies.
async fn measure(given: &Given<'_>, shelf: &Shelf<'_>, asker: Client) -> Result<Outcome> {
    let mut outcome = policies(shelf, &asker).await?;
    let mut folders = given.data.map(Corpus::below).unwrap_or_default();
    folders.extend(given.corpora.iter().cloned());
    if folders.is_empty() {
        eprintln!("  No collection with judgements is there (--corpus DIR): only the policies are measured");
    }
    for folder in folders {
        let corpus = Corpus::read(&folder).with_context(|| format!("the collection {}", folder.display()))?;
        outcome.metrics.extend(collection(shelf, &corpus).await.with_context(|| format!("the collection {}", corpus.name))?);
    }
    Ok(outcome)
}

/// Places of the records found, first to last.
struct Found {
    items: Vec<Value>,
    /// An engine was away, or there is none for meanings.
    is_degraded: bool,
    took: Duration,
}

async fn search(client: &Client, words: &str) -> Result<Found> {
    // A query of a collection may be longer than the door takes.
    let words: String = words.chars().take(1_000).collect();
    let started = Instant::now();
    let answer = client.get(&format!("search?resource=documents.document&limit={DEPTH}&q={}", encoded(&words))).await?;
    let items = answer["items"].as_array().cloned().context("the search has no items")?;
    let is_degraded = answer["degraded"].as_array().is_some_and(|how| !how.is_empty());
    Ok(Found { items, is_degraded, took: started.elapsed() })
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

async fn policies(shelf: &Shelf<'_>, asker: &Client) -> Result<Outcome> {
    let questions: Questions = toml::from_str(POLICIES).context("the questions cannot be read")?;
    shelf.indexed(asker, "Which hotel rate may I claim in Berlin?").await?;
    let (mut cases, mut measured, mut quoted) = (Vec::new(), Measured::default(), 0_usize);
    for question in &questions.question {
        let found = search(asker, &question.ask).await?;
        let titles: Vec<String> = found.items.iter().map(|item| item["title"].as_str().unwrap_or_default().to_owned()).collect();
        measured.add(&found, &titles, &Judged::from([(question.document.clone(), 1.0)]));
        let quotes = found.items.iter().take(3).any(|item| item["title"] == question.document.as_str() && told(item).contains(&question.phrase));
        quoted += usize::from(quotes);
        let place = titles.iter().position(|title| *title == question.document);
        let verdict = match place {
            Some(0) => Verdict::Good,
            Some(place) if place < 10 => Verdict::Abstained,
            _ => Verdict::Wrong,
        };
        let first: Vec<&str> = titles.iter().take(3).map(String::as_str).collect();
        let detail = format!(
            "{}\n  wanted: {}, found at {}; first: {}; quoted: {quotes}",
            question.ask,
            question.document,
            place.map_or_else(|| "no place".to_owned(), |place| (place + 1).to_string()),
            first.join(", ")
        );
        cases.push(Case { name: question.ask.clone(), verdict, detail, milliseconds: u64::try_from(found.took.as_millis()).unwrap_or(u64::MAX) });
    }
    let mut outcome = Outcome::of(Suite::Retrieval, cases);
    let count = questions.question.len().max(1) as f64;
    outcome.metrics = BTreeMap::from([
        ("questions".to_owned(), count),
        ("first".to_owned(), outcome.metrics["good"]),
        ("phrase_in_first_3".to_owned(), quoted as f64 / count),
    ]);
    outcome.metrics.extend(measured.metrics(""));
    Ok(outcome)
}

/// The words that a hit shows, as one would read them.
fn told(item: &Value) -> String {
    item["snippet"].as_str().unwrap_or_default().replace('\n', " ")
}

/// Where collections are brought in.
struct Shelf<'a> {
    base_url: &'a str,
    /// The database's, for a tenant of each collection's own.
    owner: Option<&'a Owner>,
    library: Option<&'a Library>,
}

impl Shelf<'_> {
    /// Waits until these words find something: an own library says when it has indexed everything, another server shows it.
    async fn indexed(&self, client: &Client, words: &str) -> Result<()> {
        if let Some(library) = self.library {
            library.server.settle().await?;
        }
        let give_up = Instant::now() + PATIENCE;
        while search(client, words).await?.items.is_empty() {
            if Instant::now() > give_up {
                bail!("nothing was indexed within {} seconds", PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Ok(())
    }

    /// Documents in a tenant of their own: its administrator, and their names by the ids of their records.
    async fn bring_in(&self, name: &str, documents: &[Entry]) -> Result<(Client, HashMap<String, String>)> {
        let owner = self.owner.context("a collection needs --database: it gets a tenant of its own")?;
        let slug: String = format!("corpus-{}", name.to_lowercase()).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
        let mut new = NewTenant::new(&slug, name);
        new.administrator.password = Some(PASSWORD.to_owned());
        let login = Login { email: new.administrator.email.clone(), password: PASSWORD.to_owned(), role: "administrator".to_owned(), external_id: None };
        create_tenant(owner, &Contents::of(&compose::modules()), new)
            .await
            .map_err(anyhow::Error::new)
            .with_context(|| format!("the tenant {slug} cannot be made"))?;
        let client = Client::log_in(self.base_url, &slug, &login).await?;
        let mut names = HashMap::new();
        for part in documents.chunks(BATCH) {
            let rows: Vec<Value> = part.iter().map(|document| json!({ "title": titled(document), "body": document.text, "allow_duplicate": true })).collect();
            let answer = client.post("documents/documents/create/batch", &json!({ "rows": rows })).await?;
            let results = answer["results"].as_array().context("the batch has no results")?;
            ensure!(results.len() == part.len(), "a batch of {} has {} results", part.len(), results.len());
            for (document, result) in part.iter().zip(results) {
                let id = result["ok"]["id"].as_str().with_context(|| format!("document {} was refused: {result}", document.id))?;
                names.insert(id.to_owned(), document.id.clone());
            }
        }
        Ok((client, names))
    }
}

/// A collection in a tenant of its own.
async fn collection(shelf: &Shelf<'_>, corpus: &Corpus) -> Result<BTreeMap<String, f64>> {
    let (client, names) = shelf.bring_in(&corpus.name, &corpus.documents).await?;
    eprintln!("  {}: {} documents brought in", corpus.name, names.len());
    if let Some(first) = corpus.documents.last() {
        shelf.indexed(&client, &first.text.split_whitespace().take(20).collect::<Vec<_>>().join(" ")).await?;
    }
    eprintln!("  {}: indexed", corpus.name);
    let mut measured = Measured::default();
    let started = Instant::now();
    for (id, words) in &corpus.queries {
        let found = search(&client, words).await?;
        let ranking: Vec<String> = found.items.iter().filter_map(|item| names.get(item["id"].as_str()?).cloned()).collect();
        measured.add(&found, &ranking, corpus.judged.get(id).context("a query without judgements")?);
    }
    let prefix = format!("{}.", corpus.name);
    let mut metrics = measured.metrics(&prefix);
    metrics.insert(format!("{prefix}documents"), corpus.documents.len() as f64);
    metrics.insert(format!("{prefix}queries"), corpus.queries.len() as f64);
    metrics.insert(format!("{prefix}milliseconds_per_query"), started.elapsed().as_secs_f64() * 1_000.0 / corpus.queries.len().max(1) as f64);
    Ok(metrics)
}

/// A document has a title, whatever the collection says.
fn titled(document: &Entry) -> String {
    let title: String = document.title.trim().chars().take(200).collect();
    if title.is_empty() { document.id.clone() } else { title }
}
