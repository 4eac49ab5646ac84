//! `cargo xtask bench`: a release build of the server measures itself against a durable PostgreSQL of its own.
//! `cargo xtask bench gateway` measures calls through it to models, beside others: [`gateway`].

mod gateway;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use steward_postgres::{Cluster, Durability};

use crate::cargo::{self, Profile};
use crate::phases::Phases;
use crate::{checkout, child};

/// Of the cluster and of the database in it.
const NAME: &str = "bench";

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    apart: Option<Apart>,
    /// Only these benchmarks; `steward bench --help` names them.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Documents that are searched; fifty thousand unless given.
    #[arg(long)]
    documents: Option<u64>,
    /// Where the private PostgreSQL and the embedding model lie; by default `var/` or a folder of the system.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Apart {
    /// Calls through the gateway to models: beside a mere pass-through, LiteLLM and Portkey, before the same stand-in for a provider.
    Gateway(gateway::Args),
}

pub(crate) fn run(args: Args) -> Result<()> {
    if let Some(Apart::Gateway(args)) = args.apart {
        return gateway::run(&args);
    }
    let mut phases = Phases::default();
    let steward = phases.run("release build", || cargo::build_steward(Profile::Release))?;
    let home = checkout::home(args.home.as_deref())?;
    phases.run("embedding model", || checkout::embedding_model(&home))?;
    let cluster = match checkout::database_url() {
        Some(_) => None,
        None => Some(phases.run("PostgreSQL", || {
            let cluster = Cluster::open(&checkout::runtime(args.home.as_deref())?, NAME, Durability::Durable)?;
            cluster.ensure_database(NAME)?;
            Ok(cluster)
        })?),
    };
    let measured = phases.run("bench", || {
        let mut command = Command::new(&steward);
        command.arg("bench").current_dir(checkout::root()?).env("STEWARD_SERVER__HOME", &home);
        for name in &args.only {
            command.args(["--only", name]);
        }
        if let Some(documents) = args.documents {
            command.args(["--documents", &documents.to_string()]);
        }
        if let Some(cluster) = &cluster {
            command.env("DATABASE_URL", cluster.url(NAME));
        }
        child::run(&mut command)
    });
    let stopped = cluster.map_or(Ok(()), |cluster| cluster.stop().map(drop).context("stopping PostgreSQL"));
    let printed = phases.finish();
    measured.and(stopped).and(printed)
}
