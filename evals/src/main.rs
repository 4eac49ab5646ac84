//! `steward-evals`: measures a Steward, and compares two measurements.

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use steward_evals::{report, run};

#[derive(Parser)]
#[command(name = "steward-evals", about = "Measures what a Steward answers, does and leaks.")]
enum Command {
    /// Runs suites and writes a table, `report.json` and `report.html`; fails where a threshold is missed.
    Run(Box<run::Args>),
    /// Compares two reports, metric by metric and case by case; fails where the second is worse.
    Compare { before: PathBuf, after: PathBuf },
    /// The process behind the vectors of texts, which a server of the harness's own starts from this very program.
    #[command(subcommand, hide = true)]
    Worker(Worker),
}

#[derive(Subcommand)]
enum Worker {
    Embed(steward_embedding_worker::Arguments),
}

fn main() -> ExitCode {
    match ended(Command::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn ended(command: Command) -> Result<bool> {
    match command {
        Command::Run(args) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")?;
            runtime.block_on(run::run(*args))
        }
        Command::Compare { before, after } => report::compare::files(&before, &after),
        Command::Worker(Worker::Embed(arguments)) => steward_embedding_worker::run(&arguments).map(|()| true),
    }
}
