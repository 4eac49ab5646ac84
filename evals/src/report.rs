//! What was measured, in a form for people, for machines, and for the next run.

pub mod compare;
pub mod html;

use crate::suites::{Outcome, Suite, Verdict};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Bounds by `suite.metric`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Thresholds(BTreeMap<String, BTreeMap<String, Bound>>);

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
}

impl Thresholds {
    pub fn ours() -> Result<Self> {
        toml::from_str(include_str!("../thresholds.toml")).context("the thresholds cannot be read")
    }
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        toml::from_str(&text).with_context(|| format!("{} holds no thresholds", file.display()))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Missed {
    pub suite: String,
    pub metric: String,
    /// `None`: it was not measured although the suite ran.
    pub value: Option<f64>,
    pub bound: Bound,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub outcomes: Vec<Outcome>,
    pub missed: Vec<Missed>,
    /// Suites with bounds that were skipped, and must not be.
    #[serde(default)]
    pub unmeasured: Vec<String>,
}

impl Report {
    /// `may_skip`: suites that need not have been measured although they have bounds.
    pub fn of(outcomes: Vec<Outcome>, thresholds: &Thresholds, may_skip: &[Suite]) -> Self {
        let mut missed = Vec::new();
        for outcome in outcomes.iter().filter(|outcome| outcome.skipped.is_none()) {
            for (metric, bound) in thresholds.0.get(&outcome.suite).into_iter().flatten() {
                let value = outcome.metrics.get(metric).copied();
                let kept = value.is_some_and(|value| bound.min.is_none_or(|min| value >= min) && bound.max.is_none_or(|max| value <= max));
                if !kept {
                    missed.push(Missed { suite: outcome.suite.clone(), metric: metric.clone(), value, bound: *bound });
                }
            }
        }
        let bound = |outcome: &&Outcome| thresholds.0.get(&outcome.suite).is_some_and(|bounds| !bounds.is_empty());
        let may = |outcome: &Outcome| may_skip.iter().any(|suite| suite.name() == outcome.suite);
        let unmeasured = outcomes.iter().filter(|outcome| outcome.skipped.is_some()).filter(bound).filter(|outcome| !may(outcome));
        Self { unmeasured: unmeasured.map(|outcome| outcome.suite.clone()).collect(), outcomes, missed }
    }

    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no report", file.display()))
    }

    pub fn passed(&self) -> bool {
        self.missed.is_empty() && self.unmeasured.is_empty()
    }

    /// For the terminal: cases that did not come out well, then the metrics, then the bounds that were missed.
    pub fn table(&self, quiet: bool) -> String {
        let mut text = String::new();
        for outcome in &self.outcomes {
            let _ = writeln!(text, "\n{}", outcome.suite);
            if let Some(why) = &outcome.skipped {
                let _ = writeln!(text, "  skipped: {why}");
                continue;
            }
            for case in outcome.cases.iter().filter(|case| !quiet || case.verdict == Verdict::Wrong).filter(|case| case.verdict != Verdict::Good) {
                let _ = writeln!(text, "  {} {}: {}", sign(case.verdict), case.name, case.detail.replace('\n', "\n    "));
            }
            for (metric, value) in &outcome.metrics {
                let _ = writeln!(text, "  {metric:<28} {}", shown(*value));
            }
        }
        for missed in &self.missed {
            let value = missed.value.map_or_else(|| "not measured".to_owned(), shown);
            let _ = writeln!(text, "MISSED {}.{}: {value}, wanted {}", missed.suite, missed.metric, wanted(&missed.bound));
        }
        for suite in &self.unmeasured {
            let _ = writeln!(text, "SKIPPED {suite}: it has bounds and was not measured (--allow-skip {suite})");
        }
        text
    }
}

pub(crate) fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Abstained => "abstained",
        Verdict::Wrong => "WRONG",
    }
}

/// Counts without, shares with digits.
pub(crate) fn shown(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.4}") }
}

pub(crate) fn wanted(bound: &Bound) -> String {
    let min = bound.min.map(|min| format!("at least {min}"));
    let max = bound.max.map(|max| format!("at most {max}"));
    min.into_iter().chain(max).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests;
