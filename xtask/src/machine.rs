//! What the machine has, and getting what it lacks.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::child;

/// Where a program of this name lies.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// Sees to it that a program is there.
pub(crate) fn need(program: &str, package: &str) -> Result<()> {
    if find(program).is_some() {
        return Ok(());
    }
    install(package)
}

/// Installs a Debian package, when that is ours to do.
pub(crate) fn install(package: &str) -> Result<()> {
    if !rustix::process::geteuid().is_root() || find("apt-get").is_none() {
        bail!("something is missing on this machine. On Debian: apt-get install -y {package}");
    }
    let apt = |arguments: &[&str]| child::run(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments));
    apt(&["update", "-qq"])?;
    apt(&["install", "-y", "-qq", "--no-install-recommends", package])
}
