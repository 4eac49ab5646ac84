//! What each person can get at, against what he may see: every door is asked by people with different rights, and every
//! answer held against SQL.
//!
//! Start at [`run`]. [`world`] says by SQL who may see what; [`records`] asks lists, details, aggregates, exports, histories
//! and reports; [`talk`] asks search and the assistant. A leak is a row, a field, a figure or a difference in an answer that
//! the person has no right to. What is his and does not come is counted apart.

mod records;
mod talk;
mod world;

use super::{Case, Outcome, Suite, Verdict};
use crate::client::Client;
use crate::random::Random;
use crate::run::Given;
use crate::target::Truth;
use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;
use world::{Grants, Masked, Table, Visible, World};

const TENANT: &str = "demo";
const SEED: u64 = 20_261_124;
/// People who ask at the same time.
const AT_ONCE: usize = 4;
/// By e-mail: of each kind of rights one, of representatives two, of managers one for each company.
const PEOPLE: [&str; 9] = [
    "anna.schulte@demo.example",
    "nadia.frei@demo.example",
    "jonas.petersen@demo.example",
    "urs.zimmermann@demo.example",
    "piotr.kowalski@demo.example",
    "claudia.voss@demo.example",
    "marten.fuchs@demo.example",
    "julia.ahrens@demo.example",
    "admin@demo.example",
];

/// What a probe showed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Finding {
    Kept,
    /// Something that is the person's to see did not come.
    Missing(String),
    Leak(String),
}

struct Probe {
    name: String,
    request: String,
    finding: Finding,
}

/// Somebody who asks, with what he may see.
struct Person {
    client: Client,
    grants: Grants,
    visible: BTreeMap<String, Visible>,
}

impl Person {
    fn name(&self) -> &str {
        self.client.email.split('@').next().unwrap_or_default()
    }
    fn sees(&self, resource: &str, id: &str) -> bool {
        self.visible.get(resource).is_some_and(|visible| visible.ids.contains(id))
    }
    fn masked_to<'a>(&self, table: &'a Table) -> impl Iterator<Item = &'a Masked> {
        table.masked.iter().filter(|masked| !self.grants.contains_key(&masked.permission))
    }
}

/// All rows of the tables, whoever sees them.
type Rows = BTreeMap<String, Vec<(String, String)>>;

/// A record with a name that no vocabulary holds, so that an answer about it can be compared with one about nothing.
struct Bait {
    resource: &'static str,
    path: &'static str,
    title: &'static str,
    question: &'static str,
    id: String,
}

/// Asks, and writes down what came.
struct Prober<'a> {
    world: &'a World,
    rows: &'a Rows,
    baits: &'a [Bait],
    person: &'a Person,
    random: Random,
    probes: Vec<(Probe, u64)>,
    started: Instant,
}

impl Prober<'_> {
    fn found(&mut self, name: impl std::fmt::Display, request: impl Into<String>, finding: Finding) {
        let took = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.started = Instant::now();
        self.probes.push((Probe { name: format!("{}/{name}", self.person.name()), request: request.into(), finding }, took));
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, Value)> {
        self.person.client.send(reqwest::Method::GET, path, None).await
    }

    /// A row that the person may not see, with its title.
    fn hidden(&mut self, resource: &str) -> Option<(String, String)> {
        let rows: Vec<&(String, String)> = self.rows.get(resource)?.iter().filter(|(id, _)| !self.person.sees(resource, id)).collect();
        self.random.choose(&rows).map(|row| (*row).clone())
    }

    fn seen(&mut self, resource: &str) -> Option<String> {
        let ids: Vec<&String> = self.person.visible.get(resource)?.ids.iter().collect();
        self.random.choose(&ids).map(|id| (*id).clone())
    }
}

pub async fn run(given: &Given<'_>) -> Result<Outcome> {
    let target = given.target;
    let Some(tenant) = target.tenant(TENANT) else { return Ok(Outcome::skipped(Suite::Permissions, "the target has no demo company")) };
    if !target.has_truth() {
        return Ok(Outcome::skipped(Suite::Permissions, "the truth by SQL needs --database"));
    }
    let world = World::read()?;
    let mut clients = Vec::new();
    for email in PEOPLE {
        let login = tenant.users.iter().find(|user| user.email == email).with_context(|| format!("the demo company has no log-in {email}"))?;
        clients.push(Client::log_in(&target.base_url, TENANT, login).await?);
    }
    let truth = target.truth(TENANT).await?;
    let owner = clients.last().cloned().context("nobody asks")?;
    let baits = baits(&owner, &truth).await?;
    if let Some(host) = given.host {
        // In an index that is empty nothing is found, whoever asks.
        host.settle().await?;
    }
    // Log-ins and baits are rows as well: the truth is read after them, and nothing is written from here on.
    let mut rows = Rows::new();
    for table in &world.tables {
        rows.insert(table.resource.clone(), world.rows(&truth, table).await?);
    }
    let (world, rows, truth, lures) = (&world, &rows, &truth, &baits);
    let asked = clients.into_iter().enumerate().map(async |(at, client)| {
        let person = person(world, truth, client).await?;
        let random = Random::new(SEED.wrapping_add(at as u64));
        let mut prober = Prober { world, rows, baits: lures, person: &person, random, probes: Vec::new(), started: Instant::now() };
        prober.catalogue().await?;
        prober.records().await?;
        prober.reports().await?;
        prober.search().await?;
        prober.assistant(truth).await?;
        Ok::<_, anyhow::Error>(prober.probes)
    });
    let probes: Vec<(Probe, u64)> = stream::iter(asked).buffered(AT_ONCE).try_collect::<Vec<_>>().await?.into_iter().flatten().collect();
    ensure!(!probes.is_empty(), "nothing was probed");
    for bait in &baits {
        let (status, told) = owner.send(reqwest::Method::DELETE, &format!("{}/{}", bait.path, bait.id), None).await?;
        ensure!(status.is_success(), "the bait {} stays: {told}", bait.title);
    }
    Ok(outcome(probes))
}

/// The owner's own, so that few see them.
async fn baits(owner: &Client, truth: &Truth<'_>) -> Result<Vec<Bait>> {
    let parties = truth.rows("SELECT id FROM crm_party WHERE tenant_id = $1 AND archived_at IS NULL ORDER BY name LIMIT 1").await?;
    let party = parties.first().and_then(|row| row.first()).context("the demo company has no party")?;
    let document = json!({ "title": "Zorvath Plimsk", "body": "The lease ends in two years.", "allow_duplicate": true });
    let activity = json!({ "party": party, "kind": "task", "subject": "Quellin Vortag" });
    let made = [
        ("documents.document", "documents/documents", "Zorvath Plimsk", "What does the document {} say?", document),
        ("crm.activity", "crm/activities", "Quellin Vortag", "Show the activity {}", activity),
    ];
    let mut baits = Vec::new();
    for (resource, path, title, question, record) in made {
        let id = owner.post(path, &record).await?["id"].as_str().context("a record that was made has no id")?.to_owned();
        baits.push(Bait { resource, path, title, question, id });
    }
    Ok(baits)
}

async fn person(world: &World, truth: &Truth<'_>, client: Client) -> Result<Person> {
    let grants = world.grants(truth, &client.email).await?;
    let mut visible = BTreeMap::new();
    for table in &world.tables {
        visible.insert(table.resource.clone(), world.visible(truth, table, &client.email, &grants).await?);
    }
    Ok(Person { client, grants, visible })
}

fn outcome(probes: Vec<(Probe, u64)>) -> Outcome {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let cases: Vec<Case> = probes
        .into_iter()
        .map(|(probe, milliseconds)| {
            let number = numbers.entry(probe.name.clone()).or_default();
            *number += 1;
            let (verdict, told) = match probe.finding {
                Finding::Kept => (Verdict::Good, String::new()),
                Finding::Missing(what) => (Verdict::Abstained, format!("\nmissing: {what}")),
                Finding::Leak(what) => (Verdict::Wrong, format!("\nleak: {what}")),
            };
            Case { name: format!("{}/{number}", probe.name), verdict, detail: format!("{}{told}", probe.request), milliseconds }
        })
        .collect();
    let mut outcome = Outcome::of(Suite::Permissions, cases);
    let missing = outcome.cases.iter().filter(|case| case.verdict == Verdict::Abstained).count() as f64;
    let (probes, leaks) = (outcome.metrics["cases"], outcome.metrics["wrong"]);
    let of_salaries = outcome.cases.iter().filter(|case| case.verdict == Verdict::Wrong && case.name.contains("/assistant/salary/")).count() as f64;
    outcome.metrics = BTreeMap::from([
        ("leaks_in_answers_about_salaries".to_owned(), of_salaries),
        ("probes".to_owned(), probes),
        ("leaks".to_owned(), leaks),
        ("missing".to_owned(), missing),
    ]);
    outcome
}

#[cfg(test)]
mod tests;
