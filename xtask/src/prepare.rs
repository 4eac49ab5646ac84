//! `cargo xtask prepare`: checks every query of the workspace against the migrations and writes the result to `.sqlx`,
//! where builds without a database find it.
//!
//! The migrations are applied with `psql` rather than by `steward migrate`, which cannot be built as long as a query in it
//! is new.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use steward_postgres::{Cluster, Durability};

use crate::phases::Phases;
use crate::{cargo, checkout, child};

const DATABASE: &str = "steward_prepare";
/// Where a placement's tables lie, and what else unqualified names mean, here and in the server.
const PLACEMENT: &str = "pooled";
const SEARCH_PATH: &str = "pooled,app";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only make the database, and print what to export so that `cargo check` reads it.
    #[arg(long)]
    database_only: bool,
    /// Where the private PostgreSQL lies, programs and data; by default `var/` or a folder of the system.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let mut phases = Phases::default();
    let cluster = phases.run("database", || {
        let cluster = Cluster::open(&checkout::runtime(args.home.as_deref())?, "test", Durability::Throwaway)?;
        make_database(&cluster)?;
        Ok(cluster)
    })?;
    let options = format!("-c search_path={SEARCH_PATH}").replace(' ', "%20").replace('=', "%3D").replace(',', "%2C");
    let url = format!("{}&options={options}", cluster.url(DATABASE));
    if args.database_only {
        // Left running: it is there to be used.
        println!("export DATABASE_URL='{url}'\nexport SQLX_OFFLINE=false");
        return Ok(());
    }
    let prepared = phases.run("queries", || write_queries(&url));
    let stopped = cluster.stop().map(drop).context("stopping PostgreSQL");
    let printed = phases.finish();
    prepared.and(stopped).and(printed)
}

fn make_database(cluster: &Cluster) -> Result<()> {
    let root = checkout::root()?;
    cluster.psql("postgres", &format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
    cluster.ensure_database(DATABASE)?;

    for file in sorted(sql_files(&root.join("migrations/fixed"))?) {
        apply(cluster, &file, None)?;
    }
    for file in sorted(sql_files(&root.join("migrations/control"))?) {
        apply(cluster, &file, Some("control,app"))?;
    }
    cluster.psql(DATABASE, &format!("CREATE SCHEMA IF NOT EXISTS {PLACEMENT}"))?;
    let mut files = sql_files(&root.join("migrations/kernel"))?;
    for module in folders(&root.join("erp-modules"))? {
        files.extend(sql_files(&module.join("migrations"))?);
    }
    for file in sorted(files) {
        apply(cluster, &file, Some(SEARCH_PATH))?;
    }
    Ok(())
}

fn apply(cluster: &Cluster, file: &Path, search_path: Option<&str>) -> Result<()> {
    let sql = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut command = cluster.client("psql");
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", DATABASE, "-f"]).arg(file);
    // Says nothing about what need not be created or dropped.
    let mut options = String::from("-c client_min_messages=warning");
    if let Some(search_path) = search_path {
        options.push_str(" -c search_path=");
        options.push_str(search_path);
    }
    command.env("PGOPTIONS", options);
    if !sql.contains("CONCURRENTLY") {
        command.arg("--single-transaction");
    }
    // Its output says what it did not like; on success there is nothing to read.
    child::read(&mut command).with_context(|| format!("applying {}", file.display()))?;
    Ok(())
}

/// By file name, which begins with a time: the order of the migrations across folders.
fn sorted(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.sort_by_key(|file| file.file_name().map(ToOwned::to_owned));
    files
}

/// A folder that does not exist has no files: not every module has tables.
fn sql_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = entries(dir)?;
    Ok(entries.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "sql")).collect())
}

fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(dir)?.into_iter().filter(|path| path.is_dir()).collect())
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let context = || format!("cannot list {}", dir.display());
    fs::read_dir(dir).with_context(context)?.map(|entry| entry.map(|entry| entry.path()).with_context(context)).collect()
}

/// Into a folder beside the old one, which takes its place only when every query was understood.
fn write_queries(url: &str) -> Result<()> {
    let root = checkout::root()?;
    let (current, fresh, old) = (root.join(".sqlx"), root.join(".sqlx.new"), root.join(".sqlx.old"));
    for dir in [&fresh, &old] {
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
    }
    fs::create_dir(&fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    touch_query_crates()?;
    let mut command = cargo::command()?;
    command.args(["check", "--workspace", "--all-targets"]);
    command.env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", &fresh).env("DATABASE_URL", url);
    if let Err(error) = child::run(&mut command) {
        let _ = fs::remove_dir_all(&fresh);
        return Err(error).context("`.sqlx` is left as it was");
    }
    if current.exists() {
        fs::rename(&current, &old).context("cannot put the old `.sqlx` aside")?;
    }
    fs::rename(&fresh, &current).context("cannot put the new `.sqlx` in its place")?;
    if old.exists() {
        fs::remove_dir_all(&old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    eprintln!("{} queries in .sqlx", entries(&current)?.len());
    Ok(())
}

/// A query is looked at when its crate is compiled: every crate that uses sqlx must look stale to cargo.
fn touch_query_crates() -> Result<()> {
    let mut command = cargo::command()?;
    let text = child::read(command.args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).context("`cargo metadata` printed no JSON")?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut touched = 0;
    for package in list(&metadata["packages"]) {
        if !list(&package["dependencies"]).iter().any(|dependency| dependency["name"] == "sqlx") {
            continue;
        }
        for target in list(&package["targets"]) {
            let Some(source) = target["src_path"].as_str() else { continue };
            let file = File::open(source).with_context(|| format!("cannot open {source}"))?;
            file.set_modified(SystemTime::now()).with_context(|| format!("cannot touch {source}"))?;
            touched += 1;
        }
    }
    if touched == 0 {
        bail!("no package of the workspace depends on sqlx");
    }
    Ok(())
}
