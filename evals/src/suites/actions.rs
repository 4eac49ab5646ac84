//! Sentences that ask for a change: what is proposed, and what becomes of the database when it is confirmed and undone.
//!
//! Start at [`run`]. A proposal is held against the steps that the sentence asks for ([`grade`]); then a program with the
//! person's key tries to confirm it, the person confirms it, twice, and takes it back, and each time SQL says what is there.
//!
//! A proposal that would write something else than asked is wrong, whether or not anybody confirmed it.

mod grade;

use super::{Case, Outcome, Suite, Verdict, filled};
use crate::client::{Client, Told};
use crate::run::Given;
use crate::target::{Target, Truth};
use anyhow::{Context, Result, ensure};
use grade::{Match, Step};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

const CASES: &str = include_str!("../../data/actions/demo.toml");
const TENANT: &str = "demo";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentences {
    case: Vec<Sentence>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expect {
    #[default]
    Proposal,
    Ask,
    Refusal,
    Nothing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    name: String,
    #[serde(rename = "as")]
    email: String,
    /// Values by SQL, in this order.
    #[serde(default)]
    given: Vec<(String, String)>,
    say: String,
    #[serde(default)]
    expect: Expect,
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    after: Vec<Vec<String>>,
    /// The command whose refusal is audited.
    #[serde(default)]
    refused: Option<String>,
}

/// What became of a sentence.
struct Ending {
    verdict: Verdict,
    /// One of the metrics that count.
    counts: &'static str,
    told: String,
}

impl Ending {
    fn new(verdict: Verdict, counts: &'static str, told: impl Into<String>) -> Self {
        Self { verdict, counts, told: told.into() }
    }
}

pub async fn run(given: &Given<'_>) -> Result<Outcome> {
    let target = given.target;
    if target.tenant(TENANT).is_none() {
        return Ok(Outcome::skipped(Suite::Actions, "the target has no demo company"));
    }
    if !target.has_truth() {
        return Ok(Outcome::skipped(Suite::Actions, "the truth by SQL needs --database"));
    }
    let sentences: Sentences = toml::from_str(CASES).context("the sentences cannot be read")?;
    let truth = target.truth(TENANT).await?;
    let mut people: BTreeMap<&str, Actor> = BTreeMap::new();
    let (mut cases, mut counted) = (Vec::new(), BTreeMap::<&str, usize>::new());
    for sentence in &sentences.case {
        if !people.contains_key(sentence.email.as_str()) {
            people.insert(&sentence.email, Actor::log_in(target, &sentence.email).await?);
        }
        let started = Instant::now();
        let trial = Trial { sentence, truth: &truth, actor: &people[sentence.email.as_str()] };
        let (said, ending) = trial.run().await.with_context(|| format!("sentence {}", sentence.name))?;
        *counted.entry(ending.counts).or_default() += 1;
        cases.push(Case {
            name: sentence.name.clone(),
            verdict: ending.verdict,
            detail: format!("{said}\n  {}", ending.told),
            milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
    }
    let mut outcome = Outcome::of(Suite::Actions, cases);
    let count = |what: &str| counted.get(what).copied().unwrap_or_default() as f64;
    let proposals = sentences.case.iter().filter(|sentence| sentence.expect == Expect::Proposal).count() as f64;
    outcome.metrics.insert("exact".to_owned(), count("exact") / proposals.max(1.0));
    for metric in ["asked_back", "not_understood", "broken", "refused"] {
        outcome.metrics.insert(metric.to_owned(), count(metric));
    }
    Ok(outcome)
}

/// A person, and a program with that person's key.
struct Actor {
    client: Client,
    program: Option<Client>,
}

impl Actor {
    async fn log_in(target: &Target, email: &str) -> Result<Self> {
        let tenant = target.tenant(TENANT).context("the demo company is gone")?;
        let login = tenant.users.iter().find(|user| user.email == email).with_context(|| format!("the demo company has no log-in {email}"))?;
        let client = Client::log_in(&target.base_url, TENANT, login).await?;
        let made = client.post("identity/api_keys", &json!({ "name": "evaluation" })).await?;
        let program = made["secret"]["api_key"].as_str().map(|key| client.with_bearer(key));
        Ok(Self { client, program })
    }
}

struct Trial<'a> {
    sentence: &'a Sentence,
    truth: &'a Truth<'a>,
    actor: &'a Actor,
}

impl Trial<'_> {
    async fn run(&self) -> Result<(String, Ending)> {
        let mut values = BTreeMap::new();
        for (name, sql) in &self.sentence.given {
            let rows = self.truth.rows(&filled(sql, &values)).await?;
            let value = rows.first().and_then(|row| row.first()).with_context(|| format!("{name} is nothing"))?;
            values.insert(name.clone(), value.clone());
        }
        let said = filled(&self.sentence.say, &values);
        let refusals = self.refusals().await?;
        let told = self.actor.client.ask(&said).await?;
        let ending = match self.sentence.expect {
            Expect::Proposal => self.proposal(&told, &values).await?,
            Expect::Ask | Expect::Nothing if !told.proposals.is_empty() => Ending::new(Verdict::Wrong, "wrong", format!("proposed {}", steps(&told))),
            Expect::Ask if told.asked => Ending::new(Verdict::Good, "asked_back", &told.answer),
            Expect::Ask => Ending::new(Verdict::Abstained, "not_understood", &told.answer),
            Expect::Nothing => Ending::new(Verdict::Good, "refused", &told.answer),
            Expect::Refusal if !told.proposals.is_empty() => Ending::new(Verdict::Wrong, "wrong", format!("proposed {}", steps(&told))),
            Expect::Refusal if self.refusals().await? > refusals => Ending::new(Verdict::Good, "refused", &told.answer),
            Expect::Refusal => Ending::new(Verdict::Abstained, "not_understood", format!("no refusal is audited: {}", told.answer)),
        };
        Ok((said, ending))
    }

    async fn refusals(&self) -> Result<usize> {
        let Some(command) = &self.sentence.refused else { return Ok(0) };
        let sql = format!(
            "SELECT a.id FROM kernel_audit a JOIN identity_user u ON u.tenant_id = a.tenant_id AND u.id = a.actor_id WHERE a.tenant_id = $1 AND a.outcome = 'refused' AND a.command = '{command}' AND u.email = '{}'",
            self.sentence.email
        );
        Ok(self.truth.rows(&sql).await?.len())
    }

    async fn proposal(&self, told: &Told, values: &BTreeMap<String, String>) -> Result<Ending> {
        let Some(card) = told.proposals.first() else {
            let counts = if told.asked { "asked_back" } else { "not_understood" };
            return Ok(Ending::new(Verdict::Abstained, counts, &told.answer));
        };
        let wanted: Vec<Step> = self.sentence.steps.iter().map(|step| step.filled(values)).collect();
        if told.proposals.len() > 1 {
            return Ok(Ending::new(Verdict::Wrong, "wrong", format!("proposed {} cards", told.proposals.len())));
        }
        if let Match::Differs(how) = grade::compare(&wanted, &card["steps"]) {
            return Ok(Ending::new(Verdict::Wrong, "wrong", format!("{how}: proposed {}", card["steps"])));
        }
        Ok(match self.execute(card, values).await? {
            Ok(()) => Ending::new(Verdict::Good, "exact", card["steps"].to_string()),
            Err(broken) => Ending::new(Verdict::Wrong, "broken", broken),
        })
    }

    /// Confirms and takes back; what is not as it should be is the inner error.
    async fn execute(&self, card: &Value, values: &BTreeMap<String, String>) -> Result<std::result::Result<(), String>> {
        let (person, state) = (&self.actor.client, self.sentence.state.as_deref().context("has no state")?);
        let state = filled(state, values);
        let wanted: Vec<Vec<String>> = self.sentence.after.iter().map(|row| row.iter().map(|cell| filled(cell, values)).collect()).collect();
        let before = self.truth.rows(&state).await?;
        ensure!(before != wanted, "the state is already the expected one: {state}");
        let proposal = card["id"].as_str().context("the card has no id")?;
        let path = format!("assistant/proposals/{proposal}");
        let shown = person.get(&path).await?;
        let token = json!({ "token": shown["token"] });
        if let Some(program) = &self.actor.program {
            let seen = program.get(&path).await?;
            let (status, _) = program.send(Method::POST, &format!("{path}/confirm"), Some(&token)).await?;
            if seen.get("token").is_some() || !status.is_client_error() || self.truth.rows(&state).await? != before {
                return Ok(Err(format!("an API key got a token or confirmed: {status}")));
            }
        }
        let (status, done) = person.send(Method::POST, &format!("{path}/confirm"), Some(&token)).await?;
        if !status.is_success() {
            return Ok(Err(format!("the confirmation was refused with {status}: {done}")));
        }
        let after = self.truth.rows(&state).await?;
        if after != wanted {
            return Ok(Err(format!("confirmed it is {after:?}, wanted {wanted:?}")));
        }
        let executions = self.executions().await?;
        let (_, again) = person.send(Method::POST, &format!("{path}/confirm"), Some(&token)).await?;
        if again != done || self.executions().await? != executions || self.truth.rows(&state).await? != after {
            return Ok(Err(format!("confirmed twice it is executed twice or answers otherwise: {again}")));
        }
        for execution in done["undo"]["executions"].as_array().context("nothing can be undone")? {
            let execution = execution.as_str().context("an execution has no id")?;
            let (status, undone) = person.send(Method::POST, &format!("commands/{execution}/undo"), Some(&json!({}))).await?;
            if !status.is_success() {
                return Ok(Err(format!("the undo was refused with {status}: {undone}")));
            }
        }
        let undone = self.truth.rows(&state).await?;
        Ok(if undone == before { Ok(()) } else { Err(format!("undone it is {undone:?}, was {before:?}")) })
    }

    async fn executions(&self) -> Result<usize> {
        Ok(self.truth.rows("SELECT id FROM kernel_audit WHERE tenant_id = $1 AND outcome = 'done'").await?.len())
    }
}

fn steps(told: &Told) -> String {
    told.proposals.iter().map(|card| card["steps"].to_string()).collect::<Vec<_>>().join("; ")
}
