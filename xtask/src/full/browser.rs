//! The screens in Debian's Chromium, driven by the scripts beside the gateway's tests.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::demo_server::DemoServer;
use crate::{checkout, child, machine, npm};

pub(super) fn folder() -> Result<PathBuf> {
    Ok(checkout::root()?.join("gateway/tests/browser"))
}

/// The script is told where the server is by `STEWARD_TEST_BASE_URL`, where the log-ins stand by `STEWARD_TEST_DEMO_JSON`, where
/// the browser is by `CHROMIUM`, and where to put screenshots by `STEWARD_TEST_SCREENSHOTS`.
pub(super) fn run(server: &DemoServer) -> Result<()> {
    let chromium = chromium()?;
    let folder = folder()?;
    npm::install(&folder)?;
    let mut command = Command::new("node");
    command.arg("run.mjs").current_dir(&folder);
    command.env("STEWARD_TEST_BASE_URL", server.base_url()).env("STEWARD_TEST_DEMO_JSON", server.announcement());
    command.env("CHROMIUM", chromium).env("STEWARD_TEST_SCREENSHOTS", checkout::scratch("screenshots")?);
    child::run(&mut command)
}

fn chromium() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    if let Some(found) = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(machine::find) {
        return Ok(found);
    }
    machine::install("chromium")?;
    machine::find("chromium").context("the package `chromium` brought no program of this name")
}
