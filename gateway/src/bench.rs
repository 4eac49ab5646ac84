//! `steward bench`: the server measures itself, from outside, as its users see it.
//!
//! Start at [`run`]. A fresh database is filled with a company of a million orders ([`seed`]); `steward serve` runs as a
//! process of its own ([`server`]), so that its processor time and memory can be read apart from those of the load
//! ([`load`], [`client`]); [`measure`] holds the benchmarks. What comes out is one table.
//!
//! Deliberately absent: any judgement. Figures depend on the machine and are noted by people, never asserted.

mod client;
mod load;
mod measure;
mod seed;
mod server;
mod table;

use crate::cli::Modules;
use crate::config::Config;
use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::str::FromStr;
use table::Table;

/// The benchmarks by their names.
pub(crate) const NAMES: &[&str] = &["list", "detail", "create", "confirm", "depth", "scope", "outbox", "memory"];

/// Beside whatever the server holds; made anew each time and dropped at the end.
const DATABASE: &str = "steward_bench_run";

/// Runs one benchmark or all of them and prints the table.
pub(crate) async fn run(name: Option<&str>, config: &Config, modules: Modules) -> Result<()> {
    if let Some(name) = name
        && !NAMES.contains(&name)
    {
        bail!("there is no benchmark {name:?}; there are {}", NAMES.join(", "));
    }
    let url = config.database.url.as_ref().context("database.url is not set")?.expose_secret();
    let options = PgConnectOptions::from_str(url).context("the database URL cannot be read")?;
    let measured = options.clone().database(DATABASE).to_url_lossy().to_string();
    drop_database(&options).await?;
    execute(&options, format!("CREATE DATABASE {DATABASE}")).await?;
    let done = in_database(name, &SecretString::from(measured), modules).await;
    let dropped = drop_database(&options).await;
    let table = done?;
    println!("{table}");
    dropped
}

async fn in_database(name: Option<&str>, url: &SecretString, modules: Modules) -> Result<Table> {
    let company = seed::fill(url.expose_secret(), modules, &|line| eprintln!("{line}")).await?;
    let server = server::Serving::start(url).await?;
    let result = measure::all(name, &server, &company).await;
    server.stop().await?;
    company.owner.close().await;
    result
}

async fn drop_database(options: &PgConnectOptions) -> Result<()> {
    execute(options, format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")).await
}

async fn execute(options: &PgConnectOptions, statement: String) -> Result<()> {
    let mut db = options.connect().await.context("the database server cannot be reached")?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut db).await.context("the database of the benchmarks")?;
    Ok(db.close().await?)
}
