//! `steward bench`: measures the server on this machine and prints one table.

use super::Modules;
use crate::bench::Wanted;
use crate::config::Config;
use anyhow::Result;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Only these benchmarks: list, detail, create, confirm, depth, scope, outbox, memory, retrieval, text, questions, edit,
    /// vectors, embedder.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Documents that are searched.
    #[arg(long, default_value_t = 50_000)]
    documents: u64,
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
    crate::bench::run(&Wanted { only: args.only, documents: args.documents }, &config, modules).await
}
