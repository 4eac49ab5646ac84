//! A Steward of the harness's own: the demo company, and Northwind where its files are, on a throwaway database.

use crate::target::Announcement;
use anyhow::{Context, Result};
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use steward_gateway::compose::{self, App};
use steward_gateway::config::Config;
use steward_gateway::demo;
use steward_postgres::{Cluster, Durability, Runtime, default_home};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const DATABASE: &str = "steward_evals";

pub struct Host {
    pub announcement: Announcement,
    pub database_url: String,
    stopping: CancellationToken,
    served: JoinHandle<Result<()>>,
    /// `None` where `DATABASE_URL` names a server of the user's.
    cluster: Option<Cluster>,
    folder: PathBuf,
}

impl Host {
    /// Starts one. `server` is a PostgreSQL whose database of our name is made anew; without it a private one is started.
    pub async fn start(server: Option<String>, northwind: Option<&Path>) -> Result<Self> {
        let (database_url, cluster) = match server {
            Some(url) => (url, None),
            None => {
                let cluster = tokio::task::spawn_blocking(private).await.context("PostgreSQL could not be started")??;
                (cluster.url(DATABASE), Some(cluster))
            }
        };
        let folder = std::env::temp_dir().join(format!("steward-evals-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let mut config = Config::default();
        config.database.url = Some(SecretString::from(database_url.clone()));
        config.server.home = Some(folder.clone());
        config.server.port = 0;
        steward_migrations::migrate(&database_url, &compose::modules()).await.context("the migrations failed")?;
        let app = App::build(config, compose::modules()).await?;
        let tenants = demo::fill(&app.state, northwind, &|line| eprintln!("{line}")).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port is free")?;
        let told = serde_json::json!({ "base_url": format!("http://{}", listener.local_addr()?), "tenants": tenants });
        let announcement = serde_json::from_value(told).context("the log-ins have another shape")?;
        let stopping = app.state.stopping.clone();
        let relay = app.state.relay.clone();
        let served = TaskTracker::new().spawn(app.serve(listener));
        // What the filling told the modules is applied before anything is measured.
        relay.drain().await.map_err(anyhow::Error::new).context("the events of the demo company were not delivered")?;
        Ok(Self { announcement, database_url, stopping, served, cluster, folder })
    }

    pub async fn stop(self) -> Result<()> {
        self.stopping.cancel();
        tokio::time::timeout(Duration::from_secs(60), self.served).await.context("the server did not stop")?.context("the server broke")??;
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some(cluster) = self.cluster {
            tokio::task::spawn_blocking(move || cluster.stop()).await.context("PostgreSQL could not be stopped")??;
        }
        Ok(())
    }
}

/// A throwaway cluster with an empty database.
fn private() -> Result<Cluster> {
    let base = std::env::current_dir().context("the working directory is gone")?;
    let runtime = Runtime::locate_or_fetch_in(&default_home(&base)?, &|line| eprintln!("{line}"))?;
    let cluster = Cluster::open(&runtime, "evals", Durability::Throwaway)?;
    cluster.psql("postgres", &format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
    cluster.ensure_database(DATABASE)?;
    Ok(cluster)
}
