//! `steward worker`: delivers events, for installations where the servers do not (`server.relay = false`).

use super::Modules;
use crate::compose::App;
use crate::config::Config;
use anyhow::Result;

pub(super) async fn run(config: Config, modules: Modules) -> Result<()> {
    super::migrate::at_start(&config, modules).await?;
    tracing::info!("working");
    App::build(config, modules()).await?.work().await
}
