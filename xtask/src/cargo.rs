//! Calling cargo from a program that cargo runs.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{checkout, child};

/// Cargo in the root of the checkout, as the user would call it there: what `cargo run` told about xtask is taken out of
/// the environment again, since build scripts that look at such variables would run anew each time.
pub(crate) fn command() -> Result<Command> {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(checkout::root()?);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO" {
            command.env_remove(&name);
        }
    }
    Ok(command)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// The one that the tests are built with, so that nothing is built twice.
    Dev,
    Release,
}

/// Builds the server; answers where it lies.
pub(crate) fn build_steward(profile: Profile) -> Result<PathBuf> {
    build("steward-gateway", "steward", profile)
}

/// Builds a program of a package; answers where it lies. The gateway is always named as well: which features dependencies
/// are built with follows from all packages that are named, and another set would build them anew.
pub(crate) fn build(package: &str, program: &str, profile: Profile) -> Result<PathBuf> {
    let mut command = command()?;
    command.args(["build", "-p", "steward-gateway", "-p", package, "--bin", program, "--message-format", "json-render-diagnostics"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    let messages = child::read(&mut command).with_context(|| format!("building {program}"))?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == program)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo built no program `{program}`"))
}
