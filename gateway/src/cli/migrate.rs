//! `steward migrate`: brings the database and every placement up to this version.

use super::Modules;
use crate::config::Config;
use anyhow::{Context, Result};
use secrecy::ExposeSecret;

pub(super) async fn run(config: Config, modules: Modules) -> Result<()> {
    apply(&config, modules).await?;
    eprintln!("The database is up to date.");
    Ok(())
}

/// Applies what is pending.
pub(super) async fn apply(config: &Config, modules: Modules) -> Result<()> {
    let url = config.database.url.as_ref().context("database.url is not set")?;
    steward_migrations::migrate(url.expose_secret(), &modules()).await.context("the migrations could not be applied")
}

/// Before serving: applies what is pending, or refuses to start over a database that is behind.
pub(super) async fn at_start(config: &Config, modules: Modules) -> Result<()> {
    if config.database.migrate_at_start {
        return apply(config, modules).await;
    }
    let url = config.database.url.as_ref().context("database.url is not set")?;
    let pending = steward_migrations::pending(url.expose_secret(), &modules()).await.context("the state of the database could not be read")?;
    if !pending.is_empty() {
        anyhow::bail!("{} migrations are pending (the first is {}): run `steward migrate`, or set `database.migrate_at_start`", pending.len(), pending[0]);
    }
    Ok(())
}
