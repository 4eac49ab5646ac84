//! Virtual environments of Python with pinned packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{checkout, child, machine};

/// The environment in a folder with the packages that `xtask/requirements/<pins>.txt` pins, all of them; made once for each
/// set of pins.
pub(crate) fn with(pins: &str, folder: PathBuf) -> Result<PathBuf> {
    let pins = checkout::root()?.join("xtask/requirements").join(pins).with_extension("txt");
    let wanted = fs::read_to_string(&pins).with_context(|| format!("cannot read {}", pins.display()))?;
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    make(&folder)?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]).arg(&pins);
    child::run(&mut pip).with_context(|| format!("the packages of {} could not be installed: pip needs its package index", pins.display()))?;
    fs::write(&installed, wanted).context("cannot note what was installed")?;
    Ok(folder)
}

/// Debian keeps a part of `venv` in a package of its own.
fn make(folder: &Path) -> Result<()> {
    let venv = || child::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if venv().is_ok() {
        return Ok(());
    }
    machine::install("python3-venv")?;
    venv().context("making a virtual environment")
}
