//! The command line: `steward serve`, `worker`, `migrate`, `tenant`, `import`, `reindex`, `audit`, `usage`, `openapi`, `demo`, `bench`.
//!
//! Each subcommand is a file of its own. What they share stands here: the configuration is read and checked before
//! anything starts, and a private PostgreSQL is stopped again however a command ends.

mod audit;
mod bench;
mod demo;
mod import;
mod migrate;
mod openapi;
mod reindex;
mod serve;
mod tenant;
mod usage;
mod worker;

use crate::compose::server::Server;
use crate::compose::{App, told};
use crate::config::Config;
use crate::telemetry;
use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use steward_kernel::Module;
use steward_kernel::tenant::Placement;

/// Makes the list of modules; called once for each composition.
pub type Modules = fn() -> Vec<Module>;

#[derive(Parser)]
#[command(name = "steward", version, about = "An ERP with an AI gateway at its centre")]
struct Cli {
    /// The configuration; `steward.toml` in the working directory if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the REST API, the screens and the assistant.
    Serve(serve::Args),
    /// Deliver events without serving requests.
    Worker(worker::Args),
    /// Apply pending migrations of the database and of every tenant's placement.
    Migrate,
    /// Create and list tenants.
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Bring in CSV files.
    Import(import::Args),
    /// Build the index of the search anew, beside the one that is searched.
    Reindex(reindex::Args),
    /// Check the audit.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Print what the tenants used of language models.
    Usage(usage::Args),
    /// Print the OpenAPI document.
    Openapi(openapi::Args),
    /// Start a demo company in the foreground.
    Demo(demo::Args),
    /// Measure the server on this machine, against a database of its own.
    Bench(bench::Args),
}

/// The program. Errors of a command go to standard error with their causes.
pub fn main(modules: Modules) -> ExitCode {
    let cli = Cli::parse();
    match run(cli, modules) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, modules: Modules) -> Result<()> {
    let mut config = Config::load(cli.config.as_deref())?;
    if let Command::Demo(args) = &cli.command {
        args.apply(&mut config);
    }
    if matches!(cli.command, Command::Bench(_)) {
        bench::Args::apply(&mut config);
    }
    // What runs for long is watched; the others end before anybody looks.
    let export = match cli.command {
        Command::Serve(_) | Command::Demo(_) | Command::Worker(worker::Args { task: None }) => telemetry::init(&config)?,
        _ => telemetry::init_logging(&config.logging, None).map(|()| None)?,
    };
    let done = start(cli.command, config, modules);
    if let Some(export) = export {
        export.close();
    }
    done
}

fn start(command: Command, mut config: Config, modules: Modules) -> Result<()> {
    match command {
        Command::Openapi(args) => openapi::run(&args, modules),
        Command::Serve(args) => {
            args.apply(&mut config);
            with_server(config, |config| serve::run(config, modules))
        }
        Command::Worker(worker::Args { task: Some(task) }) => worker::run_task(&task),
        Command::Worker(_) => with_server(config, |config| worker::run(config, modules)),
        Command::Migrate => with_server(config, |config| migrate::run(config, modules)),
        Command::Tenant(command) => with_server(config, |config| tenant::run(command, config, modules)),
        Command::Reindex(args) => with_server(config, |config| reindex::run(args, config, modules)),
        Command::Audit(command) => with_server(config, |config| audit::run(command, config, modules)),
        Command::Usage(args) => with_server(config, |config| usage::run(args, config, modules)),
        Command::Import(args) => with_server(config, |config| import::run(args, config, modules)),
        Command::Demo(args) => with_server(config, |config| demo::run(args, config, modules)),
        Command::Bench(args) => with_server(config, |config| bench::run(args, config, modules)),
    }
}

/// The tenant of this name, or all of them.
async fn placements(app: &App, tenant: Option<&str>) -> Result<Vec<Arc<Placement>>> {
    let tenants = &app.state.kernel.tenants;
    match tenant {
        Some(slug) => Ok(vec![tenants.find(slug).await.map_err(told).with_context(|| format!("the tenant {slug}"))?]),
        None => Ok(tenants.all().await.map_err(told)?.into_iter().map(Arc::new).collect()),
    }
}

/// Runs a command with a database that can be reached, and ends a private server afterwards.
fn with_server<F: Future<Output = Result<()>>>(mut config: Config, command: impl FnOnce(Config) -> F) -> Result<()> {
    let server = Server::open(&mut config, &|line| eprintln!("{line}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("could not start the runtime")?;
    let result = runtime.block_on(Box::pin(command(config)));
    // Before the database goes: nothing that was spawned may still wait for it.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    let stopped = server.stop();
    result.and(stopped)
}
