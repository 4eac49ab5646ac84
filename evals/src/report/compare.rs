//! Two measurements side by side.

use super::{Report, shown, sign};
use crate::suites::{Case, Outcome};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;

/// What is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Higher,
    Lower,
}

/// Metrics by their direction. Those that are not named tell of a run and are neither good nor bad, such as times.
const HIGHER: &[&str] = &[
    "attacks",
    "cases",
    "documents",
    "exact",
    "families",
    "first",
    "good",
    "mrr_at_10",
    "ndcg_at_10",
    "pages_with_the_text",
    "phrase_in_first_3",
    "probes",
    "queries",
    "questions",
    "reached",
    "recall_at_10",
    "recall_at_50",
];
const LOWER: &[&str] = &[
    "abstained",
    "broken",
    "cited_elsewhere",
    "degraded",
    "effects_without_confirmation",
    "human_only_proposed",
    "leaks",
    "leaks_in_answers_about_salaries",
    "missing",
    "not_understood",
    "proposals_without_marks",
    "rendered",
    "tokens_shown_to_the_model",
    "wrong",
];

/// Differences below it are the arithmetic's.
const SAME: f64 = 1e-9;

impl Direction {
    /// A metric of a collection has the collection's name before it.
    pub fn of(metric: &str) -> Option<Self> {
        let name = metric.rsplit_once('.').map_or(metric, |(_, name)| name);
        match (HIGHER.contains(&name), LOWER.contains(&name)) {
            (true, _) => Some(Self::Higher),
            (_, true) => Some(Self::Lower),
            _ => None,
        }
    }

    fn is_worse(self, before: f64, after: f64) -> bool {
        match self {
            Self::Higher => after < before - SAME,
            Self::Lower => after > before + SAME,
        }
    }
}

pub fn files(before: &Path, after: &Path) -> Result<bool> {
    Ok(against(&Report::read(before)?, &Report::read(after)?))
}

/// Prints what changed. False when something became worse: a metric with a direction, a case, or what is not measured any more.
pub fn against(before: &Report, after: &Report) -> bool {
    let told = differences(before, after);
    for difference in &told {
        println!("{}{}", if difference.is_worse { "WORSE " } else { "" }, difference.text);
    }
    !told.iter().any(|difference| difference.is_worse)
}

struct Difference {
    text: String,
    is_worse: bool,
}

fn differences(before: &Report, after: &Report) -> Vec<Difference> {
    let mut told = Vec::new();
    for earlier in before.outcomes.iter().filter(|outcome| outcome.skipped.is_none()) {
        match after.outcomes.iter().find(|outcome| outcome.suite == earlier.suite && outcome.skipped.is_none()) {
            Some(later) => {
                metrics(earlier, later, &mut told);
                cases(earlier, later, &mut told);
            }
            None => told.push(gone(earlier.suite.clone())),
        }
    }
    told
}

fn gone(what: String) -> Difference {
    Difference { text: format!("{what}: was measured before and is not any more"), is_worse: true }
}

fn metrics(before: &Outcome, after: &Outcome, told: &mut Vec<Difference>) {
    for (metric, earlier) in &before.metrics {
        let name = format!("{}.{metric}", after.suite);
        let Some(later) = after.metrics.get(metric) else {
            told.push(gone(name));
            continue;
        };
        let is_worse = Direction::of(metric).is_some_and(|direction| direction.is_worse(*earlier, *later));
        if is_worse || (earlier - later).abs() > SAME {
            told.push(Difference { text: format!("{name}: {} → {}", shown(*earlier), shown(*later)), is_worse });
        }
    }
}

fn cases(before: &Outcome, after: &Outcome, told: &mut Vec<Difference>) {
    let later: BTreeMap<&str, &Case> = after.cases.iter().map(|case| (case.name.as_str(), case)).collect();
    for was in &before.cases {
        let name = format!("{} {}", after.suite, was.name);
        match later.get(was.name.as_str()) {
            None => told.push(gone(name)),
            Some(case) if was.verdict != case.verdict => {
                told.push(Difference { text: format!("{name}: {} → {}", sign(was.verdict), sign(case.verdict)), is_worse: case.verdict > was.verdict });
            }
            Some(_) => {}
        }
    }
}
