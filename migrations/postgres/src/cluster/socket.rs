//! Where the Unix socket lies: in the cluster's folder, or in a shorter place when that path is too long for a socket.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use steward_wheels::{create_public, remove_dir};

use crate::home::short_hash;
use crate::user::ServerUser;

/// No port is ever opened; the number is part of the socket's name.
pub(super) const PORT: &str = "5432";
pub(super) const FILE: &str = ".s.PGSQL.5432";
pub(super) const LOCK_FILE: &str = ".s.PGSQL.5432.lock";
/// The operating system's limit on the path of a socket, without its final zero.
const PATH_BYTES_MAX: usize = 107;

/// The folder, created if need be, that nobody but the server's user and root can enter.
///
/// The choice depends on nothing but the cluster's place, so that every process finds the same one.
pub(super) fn folder(cluster: &Path, user: Option<&ServerUser>) -> Result<PathBuf> {
    let near = cluster.join("socket");
    let length = near.join(FILE).as_os_str().len();
    let folder = if length <= PATH_BYTES_MAX {
        near
    } else if user.is_some() {
        let shared = Path::new("/run/steward");
        create_public(shared).context("cannot create /run/steward for the socket of PostgreSQL")?;
        shared.join(short_hash(cluster))
    } else {
        let uid = rustix::process::geteuid().as_raw();
        Path::new("/tmp").join(format!("steward-{uid}-{}", short_hash(cluster)))
    };
    make_private(&folder, user).with_context(|| format!("cannot use {} for the socket of PostgreSQL", folder.display()))?;
    Ok(folder)
}

/// Removes the folder of a cluster that is no more.
pub(super) fn remove(folder: &Path) -> Result<()> {
    remove_dir(folder)
}

fn make_private(folder: &Path, user: Option<&ServerUser>) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    // In /tmp anybody could have been there first.
    let found = fs::symlink_metadata(folder)?;
    let ours = rustix::process::geteuid().as_raw();
    if !found.is_dir() || (found.uid() != ours && Some(found.uid()) != user.map(|user| user.uid)) {
        bail!("it is there already and belongs to somebody else");
    }
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    if let Some(user) = user {
        chown(folder, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}
