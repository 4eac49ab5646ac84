//! `cargo xtask test`: every test that needs nothing but PostgreSQL.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use steward_postgres::{Cluster, Durability, Stopped};

use crate::phases::Phases;
use crate::{cargo, checkout, child, data};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the tests of this package; may be given several times.
    #[arg(short, long)]
    package: Vec<String>,
    /// Where the private PostgreSQL lies, programs and data; by default `var/` or a folder of the system.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Handed on to the tests: part of a name, `--ignored`, `--nocapture` …
    #[arg(last = true)]
    tests: Vec<String>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let mut phases = Phases::default();
    let folder = data::folder()?;
    // Where the tests look for it: they know of no other home.
    phases.run("embedding model", || checkout::embedding_model(&checkout::home(None)?))?;
    let server = phases.run("PostgreSQL", || TestServer::start(args.home.as_deref()))?;
    let tested = test(&mut phases, &args, &server, &folder);
    let stopped = server.stop();
    let printed = phases.finish();
    data::tell_absent(&folder);
    tested.and(stopped).and(printed)
}

fn test(phases: &mut Phases, args: &Args, server: &TestServer, folder: &Path) -> Result<()> {
    let which = |command: &mut std::process::Command| {
        if args.package.is_empty() {
            command.arg("--workspace");
        }
        for package in &args.package {
            command.args(["--package", package]);
        }
    };
    phases.run("build", || {
        let mut command = cargo::command()?;
        which(command.args(["test", "--no-run"]));
        child::run(&mut command)
    })?;
    phases.run("tests", || {
        let mut command = cargo::command()?;
        which(command.args(["test", "--no-fail-fast"]));
        command.env(VARIABLE, server.url()).env(data::VARIABLE, folder).arg("--").args(&args.tests);
        child::run(&mut command)
    })
}

/// What the tests read to find their server; it names a database that exists, on a server where they may create others.
pub(crate) const VARIABLE: &str = "STEWARD_TEST_DATABASE_URL";

/// The server that tests make their databases on.
pub(crate) enum TestServer {
    Private {
        cluster: Cluster,
        url: String,
    },
    /// Named by the environment, and left alone.
    Named {
        url: String,
    },
}

impl TestServer {
    pub(crate) fn start(home: Option<&Path>) -> Result<Self> {
        let named = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()).or_else(checkout::database_url);
        if let Some(url) = named {
            eprintln!("Using the server that the environment names.");
            return Ok(Self::Named { url });
        }
        let cluster = Cluster::open(&checkout::runtime(home)?, "test", Durability::Throwaway)?;
        let url = cluster.url("postgres");
        Ok(Self::Private { cluster, url })
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Private { url, .. } | Self::Named { url } => url,
        }
    }

    pub(crate) fn stop(self) -> Result<()> {
        let Self::Private { cluster, .. } = self else { return Ok(()) };
        if cluster.stop().context("stopping PostgreSQL")? == Stopped::InUse {
            eprintln!("PostgreSQL is left running: another process uses it.");
        }
        Ok(())
    }
}
