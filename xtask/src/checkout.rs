//! Where things lie, and which servers the environment names.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use steward_postgres::{Runtime, default_home};
use steward_wheels::embedding;

/// The root of the checkout.
pub(crate) fn root() -> Result<PathBuf> {
    // Cargo sets the variable for programs that it runs; the constant is for those who run the binary themselves.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&manifest).parent().context("xtask lies in no checkout")?;
    root.canonicalize().with_context(|| format!("{} is gone", root.display()))
}

/// The home of the private PostgreSQL: the named one, or the one that belongs to this checkout.
pub(crate) fn home(named: Option<&Path>) -> Result<PathBuf> {
    match named {
        Some(home) => std::path::absolute(home).context("--home is no path"),
        None => default_home(&root()?),
    }
}

/// The programs of PostgreSQL, fetched if need be, with progress on standard error.
pub(crate) fn runtime(named_home: Option<&Path>) -> Result<Runtime> {
    Runtime::locate_or_fetch_in(&home(named_home)?, &|line| eprintln!("{line}"))
}

/// The embedding model and what computes it, fetched if need be, with progress on standard error.
pub(crate) fn embedding_model(home: &Path) -> Result<()> {
    embedding::Files::locate_or_fetch_in(home, &|line| eprintln!("{line}")).map(drop)
}

/// The server that the user wants used instead of the private one.
pub(crate) fn database_url() -> Option<String> {
    env::var("DATABASE_URL").ok().filter(|url| !url.is_empty())
}

/// Where to keep what is made once and can be thrown away: tools, virtual environments, reports.
pub(crate) fn scratch(name: &str) -> Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let scratch = root()?.join(target).join("xtask").join(name);
    std::fs::create_dir_all(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
    Ok(scratch)
}
