//! The suites. Each measures one promise and tells cases, one by one, and metrics over them.

pub mod actions;
pub mod answers;
pub mod injection;
pub mod permissions;
pub mod retrieval;

use crate::run::Given;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Suite {
    /// Questions with exact answers, their truth by SQL.
    Answers,
    /// What people with different rights can get at, against what they may see.
    Permissions,
    /// Sentences that ask for a change, with what becomes of it.
    Actions,
    /// What search finds, against judgements.
    Retrieval,
    /// Texts that attack the assistant, with a model that obeys them.
    Injection,
}

impl Suite {
    pub const ALL: [Self; 5] = [Self::Answers, Self::Permissions, Self::Retrieval, Self::Actions, Self::Injection];

    pub fn name(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Permissions => "permissions",
            Self::Actions => "actions",
            Self::Retrieval => "retrieval",
            Self::Injection => "injection",
        }
    }

    /// Others have a tenant of their own.
    pub fn asks_about_the_company(self) -> bool {
        match self {
            Self::Permissions | Self::Actions | Self::Injection => true,
            Self::Answers | Self::Retrieval => false,
        }
    }
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Neither right nor wrong: it did not know, or asked back.
    Abstained,
    Wrong,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Case {
    /// Unique within its suite and the same in every run.
    pub name: String,
    pub verdict: Verdict,
    /// What was asked and what came, for whoever reads the report.
    pub detail: String,
    pub milliseconds: u64,
}

/// A suite's measurement.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub suite: String,
    /// By name; each is a share or a count, as its name says.
    pub metrics: BTreeMap<String, f64>,
    pub cases: Vec<Case>,
    /// Why it was not measured.
    pub skipped: Option<String>,
}

impl Outcome {
    pub fn skipped(suite: Suite, why: impl Into<String>) -> Self {
        Self { suite: suite.name().to_owned(), skipped: Some(why.into()), ..Self::default() }
    }

    /// With the shares of good, abstained and the number of wrong cases.
    pub fn of(suite: Suite, cases: Vec<Case>) -> Self {
        let count = |verdict| cases.iter().filter(|case| case.verdict == verdict).count() as f64;
        let all = (cases.len() as f64).max(1.0);
        let metrics = BTreeMap::from([
            ("cases".to_owned(), cases.len() as f64),
            ("good".to_owned(), count(Verdict::Good) / all),
            ("abstained".to_owned(), count(Verdict::Abstained) / all),
            ("wrong".to_owned(), count(Verdict::Wrong)),
        ]);
        Self { suite: suite.name().to_owned(), metrics, cases, skipped: None }
    }
}

pub async fn run(suite: Suite, given: &Given<'_>) -> Result<Outcome> {
    match suite {
        Suite::Answers => answers::run(given).await,
        Suite::Permissions => permissions::run(given).await,
        Suite::Actions => actions::run(given).await,
        Suite::Retrieval => retrieval::run(given).await,
        Suite::Injection => injection::run(given).await,
    }
}

/// `{name}` becomes the value of this name.
fn filled(text: &str, values: &BTreeMap<String, String>) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}
