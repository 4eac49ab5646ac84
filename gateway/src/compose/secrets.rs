//! The key that signs the cursors of lists: made once, kept beside the signing keys, shared by the processes of a machine.
//!
//! Where several machines serve one installation they share the folder, as they do for the signing keys.

use anyhow::{Context, Result, anyhow};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub(super) fn cursor_key(folder: &Path) -> Result<[u8; 32]> {
    let path = folder.join("cursor.key");
    loop {
        match fs::read(&path) {
            Ok(bytes) => return <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| anyhow!("{} is not a key of 32 bytes", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => make(folder, &path)?,
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }
}

/// Written beside and linked to its name, so that of two processes the first one's key counts, and whole.
fn make(folder: &Path, path: &Path) -> Result<()> {
    let mut key = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| anyhow!("the random generator failed"))?;
    let fresh = folder.join(format!("cursor.{}.new", steward_kernel::ids::fresh().simple()));
    let context = || format!("{} cannot be written", fresh.display());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).with_context(context)?;
    file.write_all(&key).and_then(|()| file.sync_all()).with_context(context)?;
    let linked = fs::hard_link(&fresh, path);
    fs::remove_file(&fresh).with_context(context)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error).with_context(|| format!("{} cannot be made", path.display())),
        _ => Ok(()),
    }
}
