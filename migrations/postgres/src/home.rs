//! Where programs and data lie when nobody says otherwise.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use steward_wheels::{FETCH_LOCK, create_public};

use crate::user::{self, ServerUser};

/// The home for a checkout or working directory: `var/` in it, as long as the user that runs the server can reach that
/// (a checkout under `/root` cannot be); else a folder of its own under `/var/lib/steward` (root) or
/// `$XDG_DATA_HOME/steward` (anybody else).
///
/// `base` may lie anywhere in a checkout: the nearest folder above it with a `Cargo.lock` counts, so that tests and
/// programs of one workspace agree on one home. The folder is created.
pub fn default_home(base: &Path) -> Result<PathBuf> {
    let base = fs::canonicalize(base).with_context(|| format!("{} is not a folder", base.display()))?;
    let base = base.ancestors().find(|dir| dir.join("Cargo.lock").is_file()).unwrap_or(&base);
    let user = user::find()?;

    let near = base.join("var");
    let Err(obstacle) = prepare(&near, user.as_ref()) else { return Ok(near) };
    tracing::debug!(home = %near.display(), reason = format!("{obstacle:#}"), "postgres.home.skipped");

    // One folder for each checkout: two checkouts must not share the data of one demo.
    let far = data_folder(user.is_some())?.join("steward").join(short_hash(base));
    prepare(&far, user.as_ref()).with_context(|| {
        format!(
            "there is no folder for the private PostgreSQL: {} does not do ({obstacle:#}), and neither does {}. \
             Name one with --home",
            near.display(),
            far.display()
        )
    })?;
    Ok(far)
}

/// Makes sure that the folder exists, that we can write in it and that the server's user can reach it.
pub(crate) fn prepare(home: &Path, user: Option<&ServerUser>) -> Result<()> {
    plain(home)?;
    create_public(home).with_context(|| format!("cannot create {}", home.display()))?;
    let not_ours = || format!("cannot write in {} (does it belong to another user?)", home.display());
    create_public(&home.join("postgres")).with_context(not_ours)?;
    // Held by whoever fetches the programs, and written here to find out whether the folder is ours.
    File::options().append(true).create(true).open(home.join("postgres").join(FETCH_LOCK)).with_context(not_ours)?;
    user::enter(user, &home.join("postgres")).with_context(|| format!("the user that runs PostgreSQL cannot reach {}", home.display()))
}

pub(crate) fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// `pg_ctl` hands paths to a shell between double quotes, and they stand quoted in the configuration file: what neither
/// can carry is refused here with a sentence instead of failing there without one.
fn plain(path: &Path) -> Result<()> {
    let Some(text) = path.to_str() else { bail!("{} is not UTF-8", path.display()) };
    if !path.is_absolute() {
        bail!("{text} is not an absolute path");
    }
    if text.chars().any(|c| c.is_control() || "\"'`$\\".contains(c)) {
        bail!("{text} contains quotes or other characters that PostgreSQL's tools cannot take");
    }
    Ok(())
}

/// The environment is asked here because these folders are the operating system's to name, not Steward's to configure.
fn data_folder(root: bool) -> Result<PathBuf> {
    if root {
        return Ok(PathBuf::from("/var/lib"));
    }
    let named = |name: &str| std::env::var_os(name).filter(|value: &OsString| Path::new(value).is_absolute());
    if let Some(folder) = named("XDG_DATA_HOME") {
        return Ok(folder.into());
    }
    let home = named("HOME").context("neither XDG_DATA_HOME nor HOME is set: name a folder with --home")?;
    Ok(Path::new(&home).join(".local/share"))
}
