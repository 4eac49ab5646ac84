//! `steward-evals`: measures a Steward, and compares two measurements.

use anyhow::Result;
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use steward_evals::{report, run};

#[derive(Parser)]
#[command(name = "steward-evals", about = "Measures what a Steward answers, does and leaks.")]
enum Command {
    /// Runs suites and writes a table, `report.json` and `report.html`; fails where a threshold is missed.
    Run(run::Args),
    /// Compares two reports, metric by metric and case by case; fails where the second is worse.
    Compare { before: PathBuf, after: PathBuf },
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended: Result<bool> = match Command::parse() {
        Command::Run(args) => run::run(args).await,
        Command::Compare { before, after } => report::compare::files(&before, &after),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::from(2)
        }
    }
}
