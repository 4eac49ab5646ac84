//! `steward import`: the files of a folder by a mapping, as the system: whoever may start it may reach the database.

use super::{Modules, migrate};
use crate::compose::{App, told};
use crate::config::Config;
use crate::import::execute::{Mode, Progress};
use crate::import::import_folder;
use crate::import::mapping::Mapping;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use steward_kernel::{Door, Principal, ids};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The tenant to import into.
    #[arg(long)]
    tenant: String,
    /// Which files and columns become which commands and inputs.
    #[arg(long, value_name = "FILE")]
    mapping: PathBuf,
    /// Sets a variable of the mapping.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// Check everything and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON on standard output.
    #[arg(long)]
    json: bool,
    /// The folder with the CSV files.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

fn variable(text: &str) -> Result<(String, String), String> {
    text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "NAME=VALUE is expected".to_owned())
}

pub(super) async fn run(args: Args, config: Config, modules: Modules) -> Result<()> {
    let text = std::fs::read_to_string(&args.mapping).with_context(|| format!("{} cannot be read", args.mapping.display()))?;
    let mapping = Mapping::parse(&text).map_err(told)?;
    migrate::at_start(&config, modules).await?;
    let app = App::build(config, modules()).await?;
    let kernel = &app.state.kernel;
    let placement = kernel.tenants.find(&args.tenant).await.map_err(told).with_context(|| format!("the tenant {}", args.tenant))?;
    let principal = Principal::system(placement.tenant, Door::Import, ids::fresh().to_string());
    let variables: BTreeMap<String, String> = args.variables.into_iter().collect();
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Apply };
    let progress = |progress: &Progress<'_>| eprintln!("{} → {}: {} of {}", progress.file, progress.command, progress.done, progress.total);
    let result = import_folder(kernel, &principal, &mapping, &variables, &args.folder, mode, &progress).await;
    app.close(Duration::from_secs(5)).await;

    let report = result.map_err(told)?;
    for error in &report.errors {
        eprintln!("{error}");
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        for step in &report.steps {
            println!(
                "{:<22} {:<32} {:>6} rows: {} created, {} updated, {} unchanged, {} failed",
                step.file, step.command, step.rows, step.created, step.updated, step.unchanged, step.failed
            );
        }
    }
    match report.failed() {
        0 => Ok(()),
        failed => bail!("{failed} rows failed; the others are {}", if args.dry_run { "valid" } else { "in" }),
    }
}
