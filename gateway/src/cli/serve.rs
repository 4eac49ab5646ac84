//! `steward serve`: the server.

use super::Modules;
use crate::compose::{App, embedder};
use crate::config::Config;
use anyhow::{Context, Result};
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpListener;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The address to listen at, instead of the configured one.
    #[arg(long)]
    host: Option<IpAddr>,
    /// The port to listen at, instead of the configured one.
    #[arg(long)]
    port: Option<u16>,
}

impl Args {
    pub(super) fn apply(&self, config: &mut Config) {
        config.server.host = self.host.unwrap_or(config.server.host);
        config.server.port = self.port.unwrap_or(config.server.port);
    }
}

pub(super) async fn run(config: Config, modules: Modules) -> Result<()> {
    super::migrate::at_start(&config, modules).await?;
    let listener = listen(&config).await?;
    embedder::fetch(&config, &|line| eprintln!("{line}")).await?;
    let app = App::build(config, modules()).await?;
    tracing::info!(address = %listener.local_addr()?, "serving");
    app.serve(listener).await
}

/// The port is taken before the program is composed, so that a second start fails at once and clearly.
pub(super) async fn listen(config: &Config) -> Result<TcpListener> {
    let address = SocketAddr::new(config.server.host, config.server.port);
    TcpListener::bind(address).await.with_context(|| format!("cannot listen at {address}"))
}
