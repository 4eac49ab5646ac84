//! `steward bench`: measures the server on this machine and prints one table.

use super::Modules;
use crate::config::Config;
use anyhow::Result;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Only this benchmark: list, detail, create, confirm, depth, scope, outbox or memory.
    name: Option<String>,
}

impl Args {
    /// The terminal is for the figures.
    pub(super) fn apply(config: &mut Config) {
        if config.logging.filter == Config::default().logging.filter {
            config.logging.filter = "error".into();
        }
    }
}

pub(super) async fn run(args: Args, config: Config, modules: Modules) -> Result<()> {
    crate::bench::run(args.name.as_deref(), &config, modules).await
}
