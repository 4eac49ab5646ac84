//! Questions over a company's records: families with several wordings each, their truth by SQL.
//!
//! An answer is good when it tells all of the truth and no other figure, wrong when it tells a figure, name or record that
//! is not true, and abstained when it tells none.

mod grade;

use super::{Case, Outcome, Suite, Verdict};
use crate::run::Given;
use anyhow::{Context, Result, ensure};
use grade::Truth;
use serde::Deserialize;

const NORTHWIND: &str = include_str!("../../data/answers/northwind.toml");
/// The tenant that the demo makes of the files.
const TENANT: &str = "northwind";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Questions {
    corpus: String,
    family: Vec<Family>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    name: String,
    truth: String,
    shape: grade::Shape,
    #[serde(default)]
    universe: Option<String>,
    #[serde(default)]
    also: Option<String>,
    questions: Vec<String>,
}

pub async fn run(given: &Given<'_>) -> Result<Outcome> {
    let asked: Questions = toml::from_str(NORTHWIND).context("the questions cannot be read")?;
    ensure!(asked.corpus == TENANT, "the questions are about {}", asked.corpus);
    if given.target.tenant(TENANT).is_none() {
        return Ok(Outcome::skipped(Suite::Answers, "the target has no tenant of the Northwind files"));
    }
    if !given.target.has_truth() {
        return Ok(Outcome::skipped(Suite::Answers, "the truth by SQL needs --database"));
    }
    let truth = given.target.truth(TENANT).await?;
    let asker = given.target.log_in_as(TENANT, "administrator").await?;
    let mut cases = Vec::new();
    for family in &asked.family {
        let rows = truth.rows(&family.truth).await.with_context(|| format!("family {}", family.name))?;
        ensure!(!rows.is_empty() && rows.iter().flatten().all(|cell| !cell.is_empty()), "family {} has an empty truth", family.name);
        let universe = match &family.universe {
            Some(sql) => truth.rows(sql).await?.into_iter().flatten().collect(),
            None => Vec::new(),
        };
        let also = match &family.also {
            Some(sql) => truth.rows(sql).await?.into_iter().flatten().collect(),
            None => Vec::new(),
        };
        let expected = Truth { also, shape: family.shape, rows, universe };
        for (at, question) in family.questions.iter().enumerate() {
            let told = asker.ask(question).await?;
            let verdict = expected.grade(question, &told);
            let wanted = if verdict == Verdict::Good { String::new() } else { format!("\n  wanted: {}", expected.shown()) };
            let detail = format!("{question}\n  told: {}{wanted}", told.answer.replace('\n', "\n        "));
            cases.push(Case {
                name: format!("{}/{}", family.name, at + 1),
                verdict,
                detail,
                milliseconds: u64::try_from(told.took.as_millis()).unwrap_or(u64::MAX),
            });
        }
    }
    let mut outcome = Outcome::of(Suite::Answers, cases);
    outcome.metrics.insert("families".to_owned(), asked.family.len() as f64);
    Ok(outcome)
}
