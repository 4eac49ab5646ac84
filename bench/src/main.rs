//! What a call through the gateway to models costs, measured from outside and beside others, in one run.
//!
//! Start at [`rounds::run`]. Everything is a process of its own, so that its processor time and memory can be read apart: the
//! stand-in for a provider ([`upstream`]), the floor that no gateway gets below ([`passthrough`]) and the gateways
//! ([`product`]). The load ([`load`], [`client`]) is this program. [`process`] knows what Linux tells of a process, [`table`]
//! what people are told.
//!
//! Deliberately absent: any judgement. Figures depend on the machine and are noted by people, never asserted. What a wrong
//! answer costs is no figure either: it ends the run.

mod client;
mod load;
mod passthrough;
mod process;
mod product;
mod rounds;
mod server;
mod table;
mod upstream;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::future::Future;
use tokio::runtime::Builder;

#[derive(Parser)]
#[command(name = "steward-bench", about = "Measures what a call through the gateway to models costs, beside other gateways.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, and print one table.
    Run(rounds::Args),
    /// The stand-in for a provider.
    #[command(hide = true)]
    Upstream(server::Args),
    /// Hand every request on to another server, and do nothing else.
    #[command(hide = true)]
    Passthrough(passthrough::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    // One thread each for what stands around the gateways: the processor is theirs.
    let (mut one, mut many) = (Builder::new_current_thread(), Builder::new_multi_thread());
    match command {
        Command::Run(args) => block_on(&mut one, rounds::run(args)),
        Command::Upstream(args) => block_on(&mut one, upstream::run(args)),
        Command::Passthrough(args) => block_on(&mut many, passthrough::run(args)),
    }
}

fn block_on(runtime: &mut Builder, future: impl Future<Output = Result<()>>) -> Result<()> {
    runtime.enable_all().build().context("could not start the runtime")?.block_on(future)
}
