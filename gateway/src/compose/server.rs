//! The PostgreSQL behind the program: the configured one, or a private one that is started and stopped with it.

use crate::config::Config;
use anyhow::{Context, Result};
use secrecy::SecretString;
use steward_postgres::{Cluster, Durability, Runtime, default_home};

/// A server that can be reached; `database.url` of the configuration names it.
pub struct Server {
    cluster: Option<Cluster>,
}

impl Server {
    /// Blocks while a private server is fetched or started. `progress` is told of what takes longer than a moment.
    pub fn open(config: &mut Config, progress: &dyn Fn(&str)) -> Result<Self> {
        if config.database.url.is_some() {
            return Ok(Self { cluster: None });
        }
        let home = match config.server.home.take() {
            Some(home) => home,
            None => default_home(&std::env::current_dir().context("the working directory is gone")?)?,
        };
        let runtime = Runtime::locate_or_fetch_in(&home, progress)?;
        let cluster = Cluster::open(&runtime, &config.database.cluster, Durability::Durable)?;
        cluster.ensure_database(&config.database.name)?;
        config.database.url = Some(SecretString::from(cluster.url(&config.database.name)));
        config.server.home = Some(runtime.home().to_path_buf());
        // Where the one may be fetched, the other may be as well.
        config.embedder.fetch_when_missing.get_or_insert(true);
        Ok(Self { cluster: Some(cluster) })
    }

    /// Stops a private server, unless another process uses it.
    pub fn stop(self) -> Result<()> {
        if let Some(cluster) = self.cluster {
            cluster.stop()?;
        }
        Ok(())
    }
}
