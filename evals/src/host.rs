//! A Steward of the harness's own: the demo company, and Northwind where its files are, on a throwaway database.

use crate::target::Announcement;
use anyhow::{Context, Result};
use secrecy::SecretString;
use sqlx::{Connection, PgConnection};
use std::path::{Path, PathBuf};
use std::time::Duration;
use steward_gateway::compose::{self, App};
use steward_gateway::config::Config;
use steward_gateway::demo;
use steward_gateway::state::AppState;
use steward_llm::OpenAiConfig;
use steward_postgres::{Cluster, Durability, Runtime, default_home};
use steward_wheels::embedding;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

const DATABASE: &str = "steward_evals";

pub struct Host {
    pub announcement: Announcement,
    pub database_url: String,
    server: Server,
    config: Config,
    /// `None` where `--database` names a server of the user's.
    cluster: Option<Cluster>,
    folder: PathBuf,
}

/// One running server.
pub struct Server {
    pub base_url: String,
    state: AppState,
    served: JoinHandle<Result<()>>,
}

impl Host {
    /// Starts one. `server` is a PostgreSQL whose database of our name is made anew; without it a private one is started.
    pub async fn start(server: Option<String>, northwind: Option<&Path>) -> Result<Self> {
        let base = std::env::current_dir().context("the working directory is gone")?;
        let home = default_home(&base)?;
        let (database_url, cluster) = match server {
            Some(url) => (anew(&url).await?, None),
            None => {
                let home = home.clone();
                let cluster = tokio::task::spawn_blocking(move || private(&home)).await.context("PostgreSQL could not be started")??;
                (cluster.url(DATABASE), Some(cluster))
            }
        };
        let folder = std::env::temp_dir().join(format!("steward-evals-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let mut config = Config::default();
        config.database.url = Some(SecretString::from(database_url.clone()));
        // The model lies in the home; the index is as short-lived as the database.
        config.server.home = Some(home);
        config.search.folder = Some(folder.join("index"));
        config.server.port = 0;
        // It indexes when it is asked to, so that what is measured is in the index or not, and never perhaps.
        config.search.indexer = false;
        steward_migrations::migrate(&database_url, &compose::modules()).await.context("the migrations failed")?;
        let app = App::build(config.clone(), compose::modules()).await?;
        let tenants = demo::fill(&app.state, northwind, &|line| eprintln!("{line}")).await?;
        let server = Server::start(app).await?;
        let told = serde_json::json!({ "base_url": server.base_url, "tenants": tenants });
        let announcement = serde_json::from_value(told).context("the log-ins have another shape")?;
        let host = Self { announcement, database_url, server, config, cluster, folder };
        // What the filling told the modules is applied before anything is measured; suites that search wait for the index.
        host.server.state.relay.drain().await.map_err(anyhow::Error::new).context("the events were not delivered")?;
        Ok(host)
    }

    /// Events are delivered and everything committed so far can be found.
    pub async fn settle(&self) -> Result<()> {
        self.server.state.relay.drain().await.map_err(anyhow::Error::new).context("the events were not delivered")?;
        self.server.state.indexer.settle().await.map_err(anyhow::Error::new).context("the index was not brought up to date")
    }

    /// Another server over the same database whose assistant asks these models.
    pub async fn beside(&self, models: Vec<OpenAiConfig>) -> Result<Server> {
        let mut config = self.config.clone();
        config.assistant.models = models;
        // The first server delivers.
        config.server.relay = false;
        Server::start(App::build(config, compose::modules()).await?).await
    }

    pub async fn stop(self) -> Result<()> {
        self.server.stop().await?;
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some(cluster) = self.cluster {
            tokio::task::spawn_blocking(move || cluster.stop()).await.context("PostgreSQL could not be stopped")??;
        }
        Ok(())
    }
}

impl Server {
    async fn start(app: App) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port is free")?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let state = app.state.clone();
        Ok(Self { base_url, state, served: TaskTracker::new().spawn(app.serve(listener)) })
    }

    pub async fn stop(self) -> Result<()> {
        self.state.stopping.cancel();
        tokio::time::timeout(Duration::from_secs(60), self.served).await.context("the server did not stop")?.context("the server broke")?
    }
}

/// A throwaway cluster with an empty database, and the embedding model, without which search goes by words alone.
fn private(home: &Path) -> Result<Cluster> {
    let runtime = Runtime::locate_or_fetch_in(home, &|line| eprintln!("{line}"))?;
    if let Err(error) = embedding::Files::locate_or_fetch_in(home, &|line| eprintln!("{line}")) {
        eprintln!("Search goes by words alone: {error:#}");
    }
    let cluster = Cluster::open(&runtime, "evals", Durability::Throwaway)?;
    cluster.psql("postgres", &format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
    cluster.ensure_database(DATABASE)?;
    Ok(cluster)
}

/// An empty database on a server of the user's, whose address names another one to connect to.
async fn anew(server: &str) -> Result<String> {
    let options: sqlx::postgres::PgConnectOptions = server.parse().context("--database is no address of PostgreSQL")?;
    let mut db = PgConnection::connect_with(&options).await.context("the server of --database cannot be reached")?;
    for sql in [format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"), format!("CREATE DATABASE {DATABASE}")] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut db).await.context("the database cannot be made anew")?;
    }
    db.close().await.context("the connection did not end well")?;
    Ok(with_database(server))
}

/// The address with our database instead of the one that it names.
fn with_database(server: &str) -> String {
    let (address, parameters) = server.split_once('?').map_or((server, None), |(address, parameters)| (address, Some(parameters)));
    let path = address.find("://").map_or(0, |at| at + 3);
    let host = address[path..].find('/').map_or(address.len(), |at| path + at);
    let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
    format!("{}/{DATABASE}{parameters}", &address[..host])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_is_replaced_in_any_address() {
        assert_eq!(with_database("postgres://u:p@host:5432/other?sslmode=require"), "postgres://u:p@host:5432/steward_evals?sslmode=require");
        assert_eq!(with_database("postgres:///postgres?host=/run/pg"), "postgres:///steward_evals?host=/run/pg");
        assert_eq!(with_database("postgres://host"), "postgres://host/steward_evals");
    }
}
