//! Under which user the server runs.
//!
//! PostgreSQL refuses root. An ordinary user runs it as themselves; root runs it as an unprivileged system user.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Made when there is no `postgres` on the machine.
const OWN_USER: &str = "steward";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerUser {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The user to change to before starting anything of the server; `None` when this process is not root.
pub(crate) fn find() -> Result<Option<ServerUser>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let user = match look_up("postgres")?.or(look_up(OWN_USER)?) {
        Some(user) => user,
        None => match create()? {
            Some(user) => user,
            None => look_up("nobody")?
                .context("PostgreSQL refuses to run as root, and neither a user `postgres` nor `nobody` exists. Create one: useradd --system postgres")?,
        },
    };
    if user.uid == 0 {
        bail!("the system user found for PostgreSQL has the user id 0, but PostgreSQL refuses to run as root");
    }
    // Containers without the capability to change users would otherwise fail later with a bare "permission denied".
    match enter(Some(&user), Path::new("/")) {
        Ok(()) => Ok(Some(user)),
        Err(error) => Err(error).with_context(|| {
            format!(
                "PostgreSQL refuses to run as root, and this process may not change to the user id {}. \
                 Run as an ordinary user, or set DATABASE_URL to a server of your own",
                user.uid
            )
        }),
    }
}

/// Whether the user can reach `dir`, asked of the operating system rather than worked out from mode bits: access lists
/// and security modules count as well.
pub(crate) fn enter(user: Option<&ServerUser>, dir: &Path) -> io::Result<()> {
    let mut command = Command::new("true");
    become_user(&mut command, user);
    command.current_dir(dir).stdin(Stdio::null()).status().map(drop)
}

/// The standard library clears the supplementary groups, then sets group and user, then changes the directory.
pub(crate) fn become_user(command: &mut Command, user: Option<&ServerUser>) {
    if let Some(user) = user {
        command.gid(user.gid).uid(user.uid);
    }
}

fn look_up(name: &str) -> Result<Option<ServerUser>> {
    let Some(uid) = id("-u", name)? else { return Ok(None) };
    let Some(gid) = id("-g", name)? else { return Ok(None) };
    Ok(Some(ServerUser { uid, gid }))
}

/// `id` rather than `/etc/passwd`, because users may come from a directory service.
fn id(flag: &str, name: &str) -> Result<Option<u32>> {
    let output = Command::new("id").args([flag, name]).stdin(Stdio::null()).output().context("could not run `id`")?;
    if !output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let number = text.trim().parse().with_context(|| format!("`id {flag} {name}` printed {text:?}"))?;
    Ok(Some(number))
}

fn create() -> Result<Option<ServerUser>> {
    let made = Command::new("useradd")
        .args(["--system", "--user-group", "--no-create-home"])
        .args(["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", OWN_USER])
        .stdin(Stdio::null())
        .output();
    match made {
        // Two first starts at once: the other one made it.
        Ok(_) => look_up(OWN_USER),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("could not run `useradd`"),
    }
}
