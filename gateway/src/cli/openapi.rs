//! `steward openapi`: the document of the modules, without a database.

use super::Modules;
use crate::http::openapi;
use anyhow::{Context, Result};
use std::io::Write;
use steward_kernel::Clock;
use steward_kernel::bus::Kernel;
use steward_kernel::database::{Database, Settings};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The language of labels and descriptions.
    #[arg(long, default_value = "en")]
    language: String,
}

pub(super) fn run(args: &Args, modules: Modules) -> Result<()> {
    // The pools connect when they are used first, which here is never; they only need a runtime to live in.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("could not start the runtime")?;
    let _inside = runtime.enter();
    let database = Database::new(&Settings::new("postgres://localhost/none")).map_err(crate::compose::told)?;
    let kernel = Kernel::new(modules(), database, Clock::System, [0; 32]).map_err(crate::compose::told)?;
    let document = openapi::document(&kernel.registry.catalogue, &kernel.labels, &args.language);
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)?;
    Ok(())
}
