//! Two measurements side by side.

use super::{Report, shown, sign};
use crate::suites::{Case, Outcome};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;

pub fn files(before: &Path, after: &Path) -> Result<bool> {
    Ok(against(&Report::read(before)?, &Report::read(after)?))
}

/// Prints what changed. False when a case became worse or a suite was not measured any more.
pub fn against(before: &Report, after: &Report) -> bool {
    let mut worse = 0_usize;
    for earlier in before.outcomes.iter().filter(|outcome| outcome.skipped.is_none()) {
        let Some(later) = after.outcomes.iter().find(|outcome| outcome.suite == earlier.suite && outcome.skipped.is_none()) else {
            println!("{}: was measured before and is not any more", earlier.suite);
            worse += 1;
            continue;
        };
        worse += suite(earlier, later);
    }
    worse == 0
}

fn suite(before: &Outcome, after: &Outcome) -> usize {
    for (metric, value) in &after.metrics {
        match before.metrics.get(metric) {
            Some(earlier) if earlier != value => println!("{}.{metric}: {} → {}", after.suite, shown(*earlier), shown(*value)),
            _ => {}
        }
    }
    let earlier: BTreeMap<&str, &Case> = before.cases.iter().map(|case| (case.name.as_str(), case)).collect();
    let mut worse = 0;
    for case in &after.cases {
        let Some(was) = earlier.get(case.name.as_str()) else { continue };
        if was.verdict != case.verdict {
            println!("{} {}: {} → {}", after.suite, case.name, sign(was.verdict), sign(case.verdict));
        }
        worse += usize::from(case.verdict > was.verdict);
    }
    worse
}
