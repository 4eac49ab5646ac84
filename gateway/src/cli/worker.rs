//! `steward worker`: delivers events, for installations where the servers do not (`server.relay = false`), and
//! `steward worker embed`, the process behind the vectors of texts, which the server starts itself.

use super::Modules;
use crate::compose::{App, embedder};
use crate::config::Config;
use anyhow::Result;
use clap::Subcommand;

#[derive(clap::Args)]
pub(super) struct Args {
    /// What to do instead of delivering events.
    #[command(subcommand)]
    pub(super) task: Option<Task>,
}

#[derive(Subcommand)]
pub(super) enum Task {
    /// Compute the vectors of texts that arrive on standard input. The server starts this itself.
    Embed(steward_embedding_worker::Arguments),
}

/// Needs neither database nor configuration but that of the logs.
pub(super) fn run_task(task: &Task) -> Result<()> {
    match task {
        Task::Embed(arguments) => steward_embedding_worker::run(arguments),
    }
}

pub(super) async fn run(config: Config, modules: Modules) -> Result<()> {
    super::migrate::at_start(&config, modules).await?;
    embedder::fetch(&config, &|line| eprintln!("{line}")).await?;
    tracing::info!("working");
    App::build(config, modules()).await?.work().await
}
