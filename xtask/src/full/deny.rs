//! Licences, sources and known vulnerabilities of the dependencies, by `cargo deny` and `deny.toml`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{cargo, checkout, child};

const VERSION: &str = "0.20.2";

pub(super) fn run() -> Result<()> {
    let program = program()?;
    let deny = |checks: &[&str]| -> Result<Command> {
        let mut command = Command::new(&program);
        command.args(["--workspace", "check"]).args(checks).current_dir(checkout::root()?);
        Ok(command)
    };
    child::run(&mut deny(&["bans", "licenses", "sources"])?)?;

    // The advisories are a git repository, which machines that reach only package registries do not see. Not to know is
    // not the same as to have none, so it is said; but it is no fault of what is checked.
    let output = deny(&["advisories"])?.stdin(Stdio::null()).output().context("could not run cargo-deny")?;
    let said = String::from_utf8_lossy(&output.stderr);
    eprint!("{said}");
    if !output.status.success() {
        if said.contains("failed to fetch advisory database") || said.contains("failed to load advisory database") {
            eprintln!("WARNING: the advisory database could not be fetched: vulnerabilities were NOT checked.");
            return Ok(());
        }
        bail!("cargo-deny found advisories");
    }
    Ok(())
}

/// The one on the machine if it has the pinned version; else one of our own, built once, which takes minutes.
fn program() -> Result<PathBuf> {
    let own = checkout::scratch("tools")?;
    for candidate in [PathBuf::from("cargo-deny"), own.join("bin/cargo-deny")] {
        let output = Command::new(&candidate).arg("--version").stdin(Stdio::null()).output();
        if output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim().ends_with(VERSION)) {
            return Ok(candidate);
        }
    }
    eprintln!("Building cargo-deny {VERSION} (two to three minutes, once).");
    let mut install = cargo::command()?;
    install.args(["install", "--locked", "cargo-deny", "--version", VERSION, "--root"]).arg(&own);
    install.arg("--target-dir").arg(own.join("build"));
    child::run(&mut install).context("installing cargo-deny")?;
    Ok(own.join("bin/cargo-deny"))
}
