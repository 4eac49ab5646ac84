//! A Steward of the harness's own: the demo company, and Northwind where its files are, on a throwaway database.
//!
//! Embedding a whole company takes minutes and only the suite of retrieval measures what meanings are worth. So the company
//! is indexed with vectors that are hashed from words, through the same engines, and what search finds is measured in a
//! [`Library`]: a server beside it with the model and nothing but texts.

use crate::target::Announcement;
use anyhow::{Context, Result};
use secrecy::SecretString;
use sqlx::{Connection, PgConnection};
use std::path::{Path, PathBuf};
use std::time::Duration;
use steward_gateway::compose::{self, App};
use steward_gateway::config::{Config, EmbedderEngine};
use steward_gateway::demo;
use steward_gateway::state::AppState;
use steward_llm::OpenAiConfig;
use steward_migrations::Owner;
use steward_postgres::{Cluster, Durability, Runtime, default_home};
use steward_wheels::embedding;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

const DATABASE: &str = "steward_evals";
const LIBRARY: &str = "steward_evals_library";

/// What is brought in.
pub struct Content<'a> {
    pub company: bool,
    /// The folder with the Northwind files.
    pub northwind: Option<&'a Path>,
    /// The company is embedded with the model too.
    pub model: bool,
}

pub struct Host {
    pub announcement: Announcement,
    pub database_url: String,
    server: Server,
    config: Config,
    ground: Ground,
    home: PathBuf,
    folder: PathBuf,
}

/// One running server.
pub struct Server {
    pub base_url: String,
    state: AppState,
    served: JoinHandle<Result<()>>,
}

/// A server with the embedding model and no tenants but those that a suite makes.
pub struct Library {
    pub server: Server,
    pub owner: Owner,
}

/// Where databases are made.
struct Ground {
    /// Of a database that is there.
    url: String,
    /// `None` where the server is the user's.
    cluster: Option<Cluster>,
}

impl Host {
    /// Starts one. `server` is a PostgreSQL whose database of our name is made anew; without it a private one is started.
    pub async fn start(server: Option<String>, content: &Content<'_>) -> Result<Self> {
        let base = std::env::current_dir().context("the working directory is gone")?;
        let home = default_home(&base)?;
        let ground = Ground::open(server, &home).await?;
        let database_url = ground.database(DATABASE).await?;
        let folder = std::env::temp_dir().join(format!("steward-evals-{}", std::process::id()));
        if content.model {
            fetch_model(&home).await?;
        }
        let engine = if content.model { EmbedderEngine::Local } else { EmbedderEngine::Hashed };
        let (app, config) = build(&database_url, &home, &folder.join("index"), engine).await?;
        let progress = |line: &str| eprintln!("{line}");
        let mut tenants = Vec::new();
        if content.company {
            tenants.push(demo::company(&app.state, demo::SLUG, &progress).await?);
        }
        if let Some(files) = content.northwind {
            tenants.push(demo::trading_company(&app.state, files, &progress).await?);
        }
        let server = Server::start(app).await?;
        let told = serde_json::json!({ "base_url": server.base_url, "tenants": tenants });
        let announcement = serde_json::from_value(told).context("the log-ins have another shape")?;
        let host = Self { announcement, database_url, server, config, ground, home, folder };
        // What the filling told the modules is applied before anything is measured; suites that search wait for the index.
        host.server.deliver().await?;
        Ok(host)
    }

    /// Events are delivered and everything committed so far can be found.
    pub async fn settle(&self) -> Result<()> {
        self.server.settle().await
    }

    /// Another server over the same database whose assistant asks these models.
    pub async fn beside(&self, models: Vec<OpenAiConfig>) -> Result<Server> {
        let mut config = self.config.clone();
        config.assistant.models = models;
        // The first server delivers.
        config.server.relay = false;
        Server::start(App::build(config, compose::modules()).await?).await
    }

    pub async fn library(&self) -> Result<Library> {
        fetch_model(&self.home).await?;
        let url = self.ground.database(LIBRARY).await?;
        let (app, _) = build(&url, &self.home, &self.folder.join("library"), EmbedderEngine::Local).await?;
        let owner = Owner::connect(&url).await.context("the library's database cannot be reached")?;
        Ok(Library { server: Server::start(app).await?, owner })
    }

    pub async fn stop(self) -> Result<()> {
        self.server.stop().await?;
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some(cluster) = self.ground.cluster {
            tokio::task::spawn_blocking(move || cluster.stop()).await.context("PostgreSQL could not be stopped")??;
        }
        Ok(())
    }
}

impl Library {
    pub async fn stop(self) -> Result<()> {
        self.owner.close().await;
        self.server.stop().await
    }
}

impl Server {
    async fn start(app: App) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port is free")?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let state = app.state.clone();
        Ok(Self { base_url, state, served: TaskTracker::new().spawn(app.serve(listener)) })
    }

    async fn deliver(&self) -> Result<()> {
        self.state.relay.drain().await.map(drop).map_err(anyhow::Error::new).context("the events were not delivered")
    }

    /// Events are delivered and everything committed so far can be found.
    pub async fn settle(&self) -> Result<()> {
        self.deliver().await?;
        self.state.indexer.settle().await.map_err(anyhow::Error::new).context("the index was not brought up to date")
    }

    pub async fn stop(self) -> Result<()> {
        self.state.stopping.cancel();
        tokio::time::timeout(Duration::from_secs(60), self.served).await.context("the server did not stop")?.context("the server broke")?
    }
}

/// A program over an empty database, not yet serving.
async fn build(database_url: &str, home: &Path, index: &Path, engine: EmbedderEngine) -> Result<(App, Config)> {
    std::fs::create_dir_all(index).with_context(|| format!("{} cannot be made", index.display()))?;
    let mut config = Config::default();
    config.database.url = Some(SecretString::from(database_url));
    // The model lies in the home; the index is as short-lived as the database.
    config.server.home = Some(home.to_owned());
    config.search.folder = Some(index.to_owned());
    config.embedder.engine = engine;
    config.server.port = 0;
    // It indexes when it is asked to, so that what is measured is in the index or not, and never perhaps.
    config.search.indexer = false;
    steward_migrations::migrate(database_url, &compose::modules()).await.context("the migrations failed")?;
    Ok((App::build(config.clone(), compose::modules()).await?, config))
}

/// Without it search goes by words alone; what is measured then says so.
async fn fetch_model(home: &Path) -> Result<()> {
    let home = home.to_owned();
    let fetch = move || {
        if let Err(error) = embedding::Files::locate_or_fetch_in(&home, &|line| eprintln!("{line}")) {
            eprintln!("Search goes by words alone: {error:#}");
        }
    };
    tokio::task::spawn_blocking(fetch).await.context("fetching the embedding model was cut off")
}

impl Ground {
    async fn open(server: Option<String>, home: &Path) -> Result<Self> {
        if let Some(url) = server {
            return Ok(Self { url, cluster: None });
        }
        let home = home.to_owned();
        let start = move || Cluster::open(&Runtime::locate_or_fetch_in(&home, &|line| eprintln!("{line}"))?, "evals", Durability::Throwaway);
        let cluster = tokio::task::spawn_blocking(start).await.context("PostgreSQL could not be started")??;
        Ok(Self { url: cluster.url("postgres"), cluster: Some(cluster) })
    }

    /// The address of a database of this name that is made anew.
    async fn database(&self, name: &str) -> Result<String> {
        let options: sqlx::postgres::PgConnectOptions = self.url.parse().context("--database is no address of PostgreSQL")?;
        let mut db = PgConnection::connect_with(&options).await.context("the server of --database cannot be reached")?;
        for sql in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut db).await.context("the database cannot be made anew")?;
        }
        db.close().await.context("the connection did not end well")?;
        Ok(with_database(&self.url, name))
    }
}

/// The address with another database than the one that it names.
fn with_database(server: &str, name: &str) -> String {
    let (address, parameters) = server.split_once('?').map_or((server, None), |(address, parameters)| (address, Some(parameters)));
    let path = address.find("://").map_or(0, |at| at + 3);
    let host = address[path..].find('/').map_or(address.len(), |at| path + at);
    let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
    format!("{}/{name}{parameters}", &address[..host])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_is_replaced_in_any_address() {
        assert_eq!(with_database("postgres://u:p@host:5432/other?sslmode=require", "x"), "postgres://u:p@host:5432/x?sslmode=require");
        assert_eq!(with_database("postgres:///postgres?host=/run/pg", "x"), "postgres:///x?host=/run/pg");
        assert_eq!(with_database("postgres://host", "x"), "postgres://host/x");
    }
}
