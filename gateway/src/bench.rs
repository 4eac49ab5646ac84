//! `steward bench`: the server measures itself, from outside, as its users see it.
//!
//! Start at [`run`]. Fresh databases are filled with companies ([`seed`]); `steward serve` runs as a process of its own
//! ([`server`]), so that its processor time and memory can be read apart from those of the load ([`load`], [`client`]).
//! [`measure`] holds the benchmarks of a company of a million orders, [`search`] those of search and of the assistant,
//! [`embedder`] those of the embedder alone. What comes out is one table.
//!
//! Deliberately absent: any judgement. Figures depend on the machine and are noted by people, never asserted.

mod client;
mod embedder;
mod load;
mod measure;
mod process;
mod search;
mod seed;
mod server;
mod table;

use crate::cli::Modules;
use crate::config::Config;
use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};
use server::{Search, Serving};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::str::FromStr;
use table::Table;

/// The benchmarks by their names, apart by what they run against: a company of a million orders, a library of documents, a
/// desk with the embedding model, the embedder alone.
const COMPANY: &[&str] = &["list", "detail", "create", "confirm", "depth", "scope", "outbox", "memory"];
const LIBRARY: &[&str] = &["retrieval", "text", "questions"];
const DESK: &[&str] = &["edit", "vectors"];
const ALONE: &[&str] = &["embedder"];

/// Beside whatever the server holds; made anew each time and dropped at the end.
const DATABASE: &str = "steward_bench_run";

/// What is measured.
pub(crate) struct Wanted {
    /// Only these benchmarks; all where none is named.
    pub(crate) only: Vec<String>,
    /// Documents of the library.
    pub(crate) documents: u64,
}

impl Wanted {
    fn check(&self) -> Result<()> {
        let all = || [COMPANY, LIBRARY, DESK, ALONE].concat();
        match self.only.iter().find(|name| !all().contains(&name.as_str())) {
            Some(name) => bail!("there is no benchmark {name:?}; there are {}", all().join(", ")),
            None => Ok(()),
        }
    }
    fn is(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
    fn any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }
}

/// Runs the benchmarks and prints the table.
pub(crate) async fn run(wanted: &Wanted, config: &Config, modules: Modules) -> Result<()> {
    wanted.check()?;
    let url = config.database.url.as_ref().context("database.url is not set")?.expose_secret();
    let options = PgConnectOptions::from_str(url).context("the database URL cannot be read")?;
    let measured = measured(wanted, config, modules, &options).await;
    let dropped = drop_database(&options).await;
    println!("{}", measured?);
    dropped
}

async fn measured(wanted: &Wanted, config: &Config, modules: Modules, options: &PgConnectOptions) -> Result<Table> {
    let (is, progress) = (|name: &str| wanted.is(name), |line: &str| eprintln!("{line}"));
    let mut table = Table::default();
    if wanted.any(ALONE) {
        table = Box::pin(embedder::measure(config, table)).await?;
    }
    if wanted.any(COMPANY) {
        let url = anew(options).await?;
        let company = seed::fill(url.expose_secret(), modules, &progress).await?;
        let server = Serving::start(&url, Search::None).await?;
        let result = Box::pin(measure::all(&is, &server, &company, table)).await;
        server.stop().await?;
        company.owner.close().await;
        table = result?;
    }
    if wanted.any(LIBRARY) {
        let url = anew(options).await?;
        let company = seed::texts::library(url.expose_secret(), wanted.documents, modules, &progress).await?;
        let server = Serving::start(&url, Search::Hashed).await?;
        let result = Box::pin(search::library(&is, wanted.documents, &server, &company, table)).await;
        server.stop().await?;
        company.owner.close().await;
        table = result?;
    }
    if wanted.any(DESK) {
        let url = anew(options).await?;
        let company = seed::texts::desk(url.expose_secret(), modules).await?;
        let home = std::path::absolute(crate::compose::home(config)?)?;
        let server = Serving::start(&url, Search::Model(&home)).await?;
        let result = Box::pin(search::desk(&is, &server, &company, table)).await;
        server.stop().await?;
        company.owner.close().await;
        table = result?;
    }
    Ok(table)
}

/// An empty database.
async fn anew(options: &PgConnectOptions) -> Result<SecretString> {
    drop_database(options).await?;
    execute(options, format!("CREATE DATABASE {DATABASE}")).await?;
    Ok(SecretString::from(options.clone().database(DATABASE).to_url_lossy().to_string()))
}

async fn drop_database(options: &PgConnectOptions) -> Result<()> {
    execute(options, format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")).await
}

async fn execute(options: &PgConnectOptions, statement: String) -> Result<()> {
    let mut db = options.connect().await.context("the database server cannot be reached")?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut db).await.context("the database of the benchmarks")?;
    Ok(db.close().await?)
}
