//! `cargo xtask …`: what developers and CI run.
//!
//! One file for each subcommand. [`child`] runs programs so that a signal reaches all of them and none is left behind,
//! [`cargo`] speaks to cargo, [`checkout`] knows where things lie, [`phases`] prints how long things took. There is nothing
//! of the product in here: what a running server does is in `steward` itself.

mod bench;
mod cargo;
mod checkout;
mod child;
mod data;
mod demo;
mod full;
mod http;
mod machine;
mod npm;
mod phases;
mod prepare;
mod soak;
mod test;
mod venv;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The demo, the tests and the chores of this repository.")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Start the demo company in the foreground; the first time this fetches PostgreSQL and the embedding model, builds and fills it.
    Demo(demo::Args),
    /// Run all tests against a throwaway PostgreSQL. CI's first half.
    Test(test::Args),
    /// Run what the tests leave out: lints, licences, browser, API fuzzing, kill loops. CI's second half.
    Full(full::Args),
    /// Build for release and print the benchmarks.
    Bench(bench::Args),
    /// Run the long tests: races and load for minutes.
    Soak(soak::Args),
    /// Check all queries against the migrations and write the result to `.sqlx`.
    Prepare(prepare::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(signal) = child::interrupted() {
                return ExitCode::from(128_u8.saturating_add(u8::try_from(signal).unwrap_or(0)));
            }
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    child::listen()?;
    match cli.task {
        Task::Demo(args) => demo::run(args),
        Task::Test(args) => test::run(args),
        Task::Full(args) => full::run(args),
        Task::Bench(args) => bench::run(args),
        Task::Soak(args) => soak::run(args),
        Task::Prepare(args) => prepare::run(args),
    }
}
