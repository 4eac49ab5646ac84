//! How long each part of a task took.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::child;

#[derive(Default)]
pub(crate) struct Phases {
    done: Vec<(&'static str, Duration, bool)>,
}

impl Phases {
    /// Runs one part under a heading. What follows may depend on it: an error is handed on.
    pub(crate) fn run<T>(&mut self, name: &'static str, part: impl FnOnce() -> Result<T>) -> Result<T> {
        child::check()?;
        eprintln!("\n== {name}");
        let start = Instant::now();
        let result = part();
        self.done.push((name, start.elapsed(), result.is_ok()));
        result
    }

    /// Runs one part of several that do not depend on each other: an error is printed and counted, and the next part runs.
    pub(crate) fn attempt(&mut self, name: &'static str, part: impl FnOnce() -> Result<()>) -> Result<()> {
        if let Err(error) = self.run(name, part) {
            child::check()?;
            eprintln!("{name}: {error:#}");
        }
        Ok(())
    }

    /// The table of what took how long; an error if any part failed.
    pub(crate) fn finish(&self) -> Result<()> {
        eprintln!();
        for (name, took, good) in &self.done {
            let seconds = took.as_secs_f64();
            eprintln!("{name:<24}{:>4} min {:>4.1} s  {}", seconds.div_euclid(60.0), seconds.rem_euclid(60.0), if *good { "" } else { "FAILED" });
        }
        let failed: Vec<&str> = self.done.iter().filter(|(.., good)| !good).map(|(name, ..)| *name).collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join(", "));
        }
        Ok(())
    }
}
