//! One server with its data: made once, started when it does not run, taken up when it does.
//!
//! Start at [`Cluster::open`]. Two lock files say who is there: `open.lock` is held for the moment of making, starting
//! or stopping; `users.lock` is held, shared, for as long as a process has the cluster open. The operating system drops
//! both when a process dies, however it dies.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use steward_wheels::{create_public, remove_dir};

use crate::home::short_hash;
use crate::runtime::Runtime;
use crate::user::ServerUser;
use process::Processes;

mod process;
mod settings;
mod socket;

/// Recovery after a crash reads back at most `max_wal_size`; this is far beyond that.
const START_TIMEOUT: Duration = Duration::from_secs(300);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks at a condition that nothing announces.
const POLL: Duration = Duration::from_millis(20);

/// What a cluster promises about its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Survives everything that PostgreSQL survives.
    Durable,
    /// For tests: nothing is forced to disk, autovacuum is off (so that plans do not depend on when it came by). When the
    /// server is killed, the transactions of the last moment may be lost; after a crash of the machine, or when it does not
    /// start, the cluster is made anew, empty.
    Throwaway,
}

/// Whether [`Cluster::stop`] stopped the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    Yes,
    /// Another process has the cluster open; whoever stops last, stops it.
    InUse,
}

/// An open cluster: the server ran when this was handed out.
///
/// **Dropping it leaves the server running**, which costs little and makes the next [`Cluster::open`] instant; so does
/// any way of dying. A process that wants the server gone calls [`Cluster::stop`] on its way out.
#[derive(Debug)]
pub struct Cluster {
    runtime: Runtime,
    user: Option<ServerUser>,
    dir: PathBuf,
    socket_dir: PathBuf,
    name: String,
    durability: Durability,
    /// Held, shared, while this process has the cluster open.
    users: File,
}

impl Cluster {
    /// Makes the cluster if it does not exist, starts it if it does not run, recovers it if it was killed.
    ///
    /// `name` consists of lower-case letters, digits, `_` and `-`. A change of settings, between versions of this crate or
    /// between durabilities, takes effect as soon as nobody else has the cluster open.
    pub fn open(runtime: &Runtime, name: &str, durability: Durability) -> Result<Self> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 30 || !name.chars().all(fits) {
            bail!("{name:?} is no name for a cluster: it takes 1 to 30 lower-case letters, digits, `_` and `-`");
        }
        let dir = runtime.home().join("postgres/clusters").join(name);
        let make = || format!("cannot write in {} (does it belong to another user?)", dir.display());
        create_public(&dir).with_context(make)?;
        let turn = File::create(dir.join("open.lock")).with_context(make)?;
        turn.lock().with_context(make)?;
        let users = File::create(dir.join("users.lock")).with_context(make)?;

        // Data that exists decides who runs the server: the machine may have got a user `postgres` in the meantime.
        let user = match (runtime.user(), fs::metadata(dir.join("data"))) {
            (Some(_), Ok(data)) if data.uid() != 0 => Some(ServerUser { uid: data.uid(), gid: data.gid() }),
            (user, _) => user.cloned(),
        };
        let socket_dir = socket::folder(&dir, user.as_ref())?;
        let cluster = Self { runtime: runtime.clone(), user, dir, socket_dir, name: name.into(), durability, users };
        cluster.make_ready().with_context(|| format!("the private PostgreSQL `{name}` in {}", cluster.dir.display()))?;
        // Making ready may have taken it alone. Whoever wants it alone holds `open.lock` first, so this does not wait.
        cluster.users.unlock().context("cannot unlock the cluster")?;
        cluster.users.lock_shared().context("cannot lock the cluster")?;
        Ok(cluster)
    }

    /// The address of a database in this cluster, as the superuser `postgres`, in the form that sqlx and libpq read.
    /// The database need not exist; `postgres` always does.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        // Port and TLS are spelled out, since PGPORT and PGSSLMODE of some other server would fill the gap.
        format!("postgres:///{}?host={}&port={}&user=postgres&sslmode=disable", encode(database), encode(&self.socket_dir.to_string_lossy()), socket::PORT,)
    }

    /// A client program that is set up for this cluster, such as `psql` or `pg_dump`; the database is the caller's to add.
    #[must_use]
    pub fn client(&self, program: &str) -> Command {
        let mut command = self.runtime.client(program);
        command.env("PGHOST", &self.socket_dir).env("PGPORT", socket::PORT).env("PGUSER", "postgres");
        command
    }

    /// Runs SQL with `psql`, stopping at the first error; answers what it printed, without headers or padding.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String> {
        let output = self
            .client("psql")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql])
            .stdin(Stdio::null())
            .output()
            .context("could not run psql")?;
        if !output.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Creates a database unless it exists. `name` is taken as it stands.
    pub fn ensure_database(&self, name: &str) -> Result<()> {
        let literal = name.replace('\'', "''");
        let exists = self.psql("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{literal}'"))?;
        if exists.is_empty() {
            self.psql("postgres", &format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\"")))?;
        }
        Ok(())
    }

    /// The folder of the Unix socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The process id of the server, if it runs.
    #[must_use]
    pub fn server_pid(&self) -> Option<u32> {
        self.processes().postmaster()
    }

    /// Closes the cluster and stops the server, unless another process has it open. Sessions that are open are ended and
    /// their transactions rolled back ("fast shutdown").
    pub fn stop(self) -> Result<Stopped> {
        let _turn = self.turn()?;
        if !self.alone()? {
            return Ok(Stopped::InUse);
        }
        self.shut_down()?;
        Ok(Stopped::Yes)
    }

    /// Stops the server and deletes the cluster with all its data; refuses while another process has it open.
    pub fn destroy(self) -> Result<()> {
        let _turn = self.turn()?;
        if !self.alone()? {
            bail!("the private PostgreSQL `{}` is in use by another process", self.name);
        }
        self.shut_down()?;
        remove_dir(&self.dir)?;
        socket::remove(&self.socket_dir)
    }

    fn turn(&self) -> Result<File> {
        let turn = File::create(self.dir.join("open.lock")).context("cannot lock the cluster")?;
        turn.lock().context("cannot lock the cluster")?;
        Ok(turn)
    }

    /// Whether nobody else has the cluster open; called with the turn held, so that nobody comes in meanwhile. When the
    /// answer is yes, this process holds the lock alone.
    fn alone(&self) -> Result<bool> {
        self.users.unlock().context("cannot unlock the cluster")?;
        match self.users.try_lock() {
            Ok(()) => Ok(true),
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            Err(fs::TryLockError::Error(error)) => Err(error).context("cannot lock the cluster"),
        }
    }

    fn make_ready(&self) -> Result<()> {
        let wanted = self.settings();
        let written = fs::read_to_string(self.config()).ok();
        if self.is_running()? {
            if written.as_deref() == Some(&wanted) || !self.alone()? {
                return Ok(());
            }
            tracing::info!(cluster = self.name, "postgres.cluster.restart: its settings or its version changed");
            self.shut_down()?;
        }
        if self.durability == Durability::Throwaway && self.may_be_damaged() {
            self.wipe()?;
        }
        self.check_version()?;
        self.initialise()?;
        fs::write(self.config(), wanted).with_context(|| format!("cannot write {}", self.config().display()))?;
        match self.start() {
            Err(error) if self.durability == Durability::Throwaway => {
                tracing::warn!(cluster = self.name, error = format!("{error:#}"), "postgres.cluster.recreate");
                self.wipe()?;
                self.initialise()?;
                self.start()
            }
            done => done,
        }
    }

    /// True once the server takes connections; false when there is none. In between it may be starting or stopping on
    /// behalf of a process that died over it, which is waited out.
    fn is_running(&self) -> Result<bool> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            // A server in another container shows no process here, but it answers.
            let here = self.processes().postmaster().is_some();
            let there = UnixStream::connect(self.socket_dir.join(socket::FILE)).is_ok();
            if !here && !there {
                return Ok(false);
            }
            if here && !there && !self.socket_dir.join(socket::FILE).exists() && self.is_up() {
                // Something that cleans temporary folders took the socket: nobody can connect any more.
                self.shut_down()?;
                return Ok(false);
            }
            let mut probe = self.client("pg_isready");
            let probe = probe.args(["-q", "-t", "5", "-d", "postgres"]).stdin(Stdio::null()).stdout(Stdio::null());
            if probe.status().context("could not run pg_isready")?.success() {
                return Ok(true);
            }
            if Instant::now() > deadline {
                bail!("a server is there, but it takes no connections; see {}", self.log().display());
            }
            std::thread::sleep(POLL);
        }
    }

    /// What the server itself wrote about its state.
    fn is_up(&self) -> bool {
        fs::read_to_string(self.data().join("postmaster.pid")).is_ok_and(|file| file.lines().nth(7).is_some_and(|state| state.trim() == "ready"))
    }

    /// Makes the data directory beside its place and moves it there, so that an interrupted start leaves nothing half
    /// done.
    fn initialise(&self) -> Result<()> {
        self.private_dir(&self.dir.join("log"))?;
        if self.data().is_dir() {
            return Ok(());
        }
        let fresh = self.dir.join("data.new");
        remove_dir(&fresh)?;
        self.private_dir(&fresh)?;
        let mut command = self.server("initdb");
        command.arg("-D").arg(&fresh).args(["--username=postgres", "--auth=trust", "--no-instructions"]);
        // The builtin provider sorts by code point in every version and on every machine; LC_CTYPE of the C library is
        // still what the parsers of trigrams and full text ask whether "ü" is a letter.
        command.args(["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]);
        command.arg("--data-checksums");
        if self.durability == Durability::Throwaway {
            command.arg("--no-sync");
        }
        succeed("initdb", &command.output().context("could not run initdb")?)?;
        fs::rename(&fresh, self.data()).context("cannot put the data directory in its place")
    }

    fn start(&self) -> Result<()> {
        let processes = self.processes();
        processes.end_orphans()?;
        // The two files that hold the number of a process that is gone would stop the start if the number went to another
        // process of the same user, which in containers is the rule rather than the exception.
        remove_file(&self.data().join("postmaster.pid"))?;
        remove_file(&self.socket_dir.join(socket::LOCK_FILE))?;
        if let Ok(boot) = fs::read_to_string(BOOT_ID) {
            fs::write(self.dir.join("boot"), boot).context("cannot note the start")?;
        }

        let log = self.log();
        settings::rotate_log(&log)?;
        let before = fs::metadata(&log).map_or(0, |log| log.len());
        let mut command = self.server("pg_ctl");
        command.arg("start").arg("-D").arg(self.data()).arg("-l").arg(&log);
        command.args(["-s", "-w", "-t", &START_TIMEOUT.as_secs().to_string()]);
        command.arg("-o").arg(format!("-c 'config_file={}'", self.config().display()));
        let output = command.output().context("could not run pg_ctl")?;
        if output.status.success() {
            return Ok(());
        }
        let log = fs::read(&log).unwrap_or_default();
        let since = log.get(usize::try_from(before)?..).unwrap_or_default();
        let since = String::from_utf8_lossy(since);
        let lines: Vec<&str> = since.lines().collect();
        bail!("the server does not start: {}\n  {}", String::from_utf8_lossy(&output.stderr).trim(), lines[lines.len().saturating_sub(12)..].join("\n  "));
    }

    fn shut_down(&self) -> Result<()> {
        let Some(pid) = self.processes().postmaster() else { return Ok(()) };
        let stop = |mode: &str| -> Result<Output> {
            let mut command = self.server("pg_ctl");
            command.arg("stop").arg("-D").arg(self.data()).args(["-s", "-w", "-m", mode]);
            command.args(["-t", &STOP_TIMEOUT.as_secs().to_string()]);
            command.output().context("could not run pg_ctl")
        };
        if stop("fast")?.status.success() || self.processes().postmaster().is_none() {
            return Ok(());
        }
        tracing::warn!(cluster = self.name, pid, "postgres.cluster.stop: it did not stop in time and is stopped as in a crash");
        let output = stop("immediate")?;
        if self.processes().postmaster().is_none() {
            return Ok(());
        }
        succeed("pg_ctl stop", &output)
    }

    /// Without fsync, a crash of the machine under a running server leaves anything; the death of the server alone does
    /// not, since the operating system still has what was written.
    fn may_be_damaged(&self) -> bool {
        let unclean = self.data().join("postmaster.pid").exists();
        let boot = fs::read_to_string(BOOT_ID).ok();
        unclean && boot.is_some() && fs::read_to_string(self.dir.join("boot")).ok() != boot
    }

    fn check_version(&self) -> Result<()> {
        let Ok(version) = fs::read_to_string(self.data().join("PG_VERSION")) else { return Ok(()) };
        if version.trim() == "18" {
            return Ok(());
        }
        if self.durability == Durability::Throwaway {
            return self.wipe();
        }
        bail!(
            "its data is of PostgreSQL {}, the programs are of 18: move it with pg_dump of the old version and psql of \
             the new one, or remove the folder if the data is not needed",
            version.trim()
        )
    }

    fn wipe(&self) -> Result<()> {
        self.shut_down()?;
        self.processes().end_orphans()?;
        remove_dir(&self.data())
    }

    /// A folder that only the server's user (and root) may enter.
    fn private_dir(&self, dir: &Path) -> Result<()> {
        let context = || format!("cannot create {}", dir.display());
        create_public(dir).with_context(context)?;
        fs::set_permissions(dir, Permissions::from_mode(0o700)).with_context(context)?;
        if let Some(user) = &self.user {
            chown(dir, Some(user.uid), Some(user.gid)).with_context(context)?;
        }
        Ok(())
    }

    fn settings(&self) -> String {
        settings::render(&settings::Inputs { runtime: &self.runtime, durability: self.durability, socket_dir: &self.socket_dir, title: &self.title() })
    }

    /// What the server's processes call themselves: unique to the data directory, so that they can be told from those of
    /// any other server.
    fn title(&self) -> String {
        format!("steward-{}-{}", self.name, short_hash(&self.data()))
    }

    fn processes(&self) -> Processes {
        Processes { data: self.data(), title: self.title() }
    }

    fn server(&self, program: &str) -> Command {
        self.runtime.server(program, self.user.as_ref())
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn config(&self) -> PathBuf {
        self.dir.join("postgresql.conf")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("log/server.log")
    }
}

/// Differs after every start of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

fn succeed(what: &str, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    bail!("{what} failed: {}\n{}", String::from_utf8_lossy(&output.stderr).trim(), String::from_utf8_lossy(&output.stdout).trim())
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).with_context(|| format!("cannot remove {}", path.display())),
        _ => Ok(()),
    }
}

/// Percent-encodes everything but what needs it nowhere in a URL.
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
