//! `cargo xtask bench gateway`: sees to it that all that is measured is there, and hands over to `steward-bench`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use steward_postgres::{Cluster, Durability};

use super::NAME;
use crate::cargo::{self, Profile};
use crate::phases::Phases;
use crate::{checkout, child, npm, venv};

/// Made anew each time.
const DATABASE: &str = "bench_gateway";
/// A thousand streams are two thousand connections of a gateway.
const OPEN_FILES: u64 = 8192;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is not measured.
    #[arg(long, value_enum, value_delimiter = ',')]
    skip: Vec<Product>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Where the private PostgreSQL and the other gateways lie; by default `var/` or a folder of the system.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Product {
    Steward,
    /// From the Python package index, once, into a virtual environment of 700 MB.
    Litellm,
    /// From the registry of npm, once.
    Portkey,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let mut phases = Phases::default();
    let measured = measure(args, &mut phases);
    let printed = phases.finish();
    measured.and(printed)
}

fn measure(args: &Args, phases: &mut Phases) -> Result<()> {
    let wanted = |product| !args.skip.contains(&product);
    allow_open_files()?;
    let bench = phases.run("release build", || cargo::build("steward-bench", "steward-bench", Profile::Release))?;
    let peers = checkout::home(args.home.as_deref())?.join("peers");
    let mut command = Command::new(bench);
    command.args(["run", "--rounds", &args.rounds.to_string(), "--scratch"]).arg(checkout::scratch("bench-gateway")?);
    if wanted(Product::Litellm) {
        let folder = phases.run("LiteLLM", || venv::with("litellm", peers.join("litellm")).context(instead("litellm")))?;
        command.arg("--litellm").arg(folder);
    }
    if wanted(Product::Portkey) {
        let pins = checkout::root()?.join("xtask/requirements/portkey");
        let folder = phases.run("Portkey", || npm::install_in(&pins, peers.join("portkey")).context(instead("portkey")))?;
        command.arg("--portkey").arg(folder);
    }
    if !wanted(Product::Steward) {
        return phases.run("bench", || child::run(&mut command));
    }
    let steward = phases.run("release build of the server", || cargo::build_steward(Profile::Release))?;
    let cluster = phases.run("PostgreSQL", || database(args.home.as_deref()))?;
    command.arg("--steward").arg(steward).args(["--database", &cluster.url(DATABASE)]);
    if let Some(id) = cluster.server_pid() {
        command.args(["--database-process", &id.to_string()]);
    }
    let measured = phases.run("bench", || child::run(&mut command));
    let stopped = cluster.stop().map(drop).context("stopping PostgreSQL");
    measured.and(stopped)
}

fn instead(name: &str) -> String {
    format!("measure without it by --skip {name}")
}

/// An empty database, as durable as one that is used.
fn database(home: Option<&Path>) -> Result<Cluster> {
    let cluster = Cluster::open(&checkout::runtime(home)?, NAME, Durability::Durable)?;
    cluster.psql("postgres", &format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
    cluster.ensure_database(DATABASE)?;
    Ok(cluster)
}

/// Programs that are started from here inherit it.
fn allow_open_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= OPEN_FILES);
    if enough(limit.current) {
        return Ok(());
    }
    let current = if enough(limit.maximum) { Some(OPEN_FILES) } else { limit.maximum };
    setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum }).context("a thousand streams need more open files than this process may have")
}
