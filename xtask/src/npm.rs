//! Packages of npm, as a `package-lock.json` pins them with their hashes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{child, machine};

const PINS: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs what the files of a folder pin, beside them.
pub(crate) fn install(folder: &Path) -> Result<()> {
    machine::need("node", "nodejs")?;
    machine::need("npm", "npm")?;
    let mut npm = Command::new("npm");
    // No script of a package is run: what the packages of this repository need, they bring.
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1").current_dir(folder);
    child::run(&mut npm).with_context(|| format!("the packages of {} could not be installed: npm needs its registry", folder.display()))
}

/// The same in another folder, made once for each set of pins.
pub(crate) fn install_in(pins: &Path, folder: PathBuf) -> Result<PathBuf> {
    let wanted = pins.join("package-lock.json");
    let wanted = fs::read_to_string(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    let installed = folder.join("installed.json");
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for name in PINS {
        fs::copy(pins.join(name), folder.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    install(&folder)?;
    fs::write(&installed, wanted).context("cannot note what was installed")?;
    Ok(folder)
}
