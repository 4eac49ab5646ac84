//! `cargo xtask demo`: from a clean clone to a running company in one command.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::{self, Profile};
use crate::{checkout, child};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The port to serve on.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Also import the Northwind files in this folder, as a tenant of their own.
    #[arg(long, value_name = "DIR")]
    northwind: Option<PathBuf>,
    /// Where the private PostgreSQL and the embedding model lie; by default `var/` or a folder of the system.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Handed on to `steward demo`.
    #[arg(last = true)]
    rest: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let home = match checkout::database_url() {
        Some(_) => {
            eprintln!("Using the server that DATABASE_URL names.");
            args.home.as_deref().map(std::path::absolute).transpose().context("--home is no path")?.unwrap_or(checkout::root()?.join("var"))
        }
        // Before the build, which takes minutes: what is missing on the machine should show at once.
        None => checkout::runtime(args.home.as_deref())?.home().to_path_buf(),
    };
    if let Err(error) = checkout::embedding_model(&home) {
        eprintln!("The demo goes on without the embedding model, and its search works by words alone: {error:#}");
    }
    eprintln!("Building (the first time takes some minutes).");
    let steward = cargo::build_steward(Profile::Dev)?;
    child::check()?;

    let mut command = Command::new(&steward);
    command.arg("demo").arg("--port").arg(args.port.to_string());
    if let Some(northwind) = &args.northwind {
        // The path was meant from where the user stands.
        command.arg("--northwind").arg(std::path::absolute(northwind).context("--northwind is no path")?);
    }
    command.arg("--home").arg(home);
    command.args(args.rest).current_dir(checkout::root()?);
    // In place of this process, so that signals and the exit status need nobody to pass them on.
    let error = command.exec();
    Err(error).with_context(|| format!("could not run {}", steward.display()))
}
