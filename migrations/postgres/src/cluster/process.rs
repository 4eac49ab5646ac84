//! Which processes belong to a data directory.
//!
//! Told by their command lines, which every user may read: what else would tell (`/proc/…/cwd`) is closed to root in a
//! container. The pid file alone says nothing after a crash, because its number may belong to anybody by now.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::POLL;

/// Backends notice the death of their parent at their next pause; only a long computation lasts longer.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_AFTER_KILL: Duration = Duration::from_secs(10);

pub(super) struct Processes {
    pub(super) data: PathBuf,
    /// `cluster_name` of the server, which its children carry in their titles.
    pub(super) title: String,
}

impl Processes {
    /// The server's main process, if it lives.
    pub(super) fn postmaster(&self) -> Option<u32> {
        let file = fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        let pid: u32 = file.lines().next()?.trim().parse().ok()?;
        let arguments = command_line(pid)?;
        let ours = arguments.windows(2).any(|pair| pair[0] == b"-D" && pair[1] == self.data.as_os_str().as_encoded_bytes());
        ours.then_some(pid)
    }

    /// Sees to it that no process of a server that was killed is left: while one lives, it holds the shared memory, and a
    /// new server refuses to start. Only to be called when there is no postmaster.
    pub(super) fn end_orphans(&self) -> Result<()> {
        if self.gone_within(PATIENCE)? {
            return Ok(());
        }
        let orphans = self.children()?;
        tracing::warn!(title = self.title, ?orphans, "postgres.cluster.orphans: ending what a killed server left behind");
        for orphan in orphans {
            // It may end by itself in this moment; whether it is gone is asked below.
            if let Some(pid) = i32::try_from(orphan).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        if self.gone_within(PATIENCE_AFTER_KILL)? {
            return Ok(());
        }
        bail!("processes of a server that was killed do not end: {:?}", self.children()?)
    }

    fn gone_within(&self, patience: Duration) -> Result<bool> {
        let deadline = Instant::now() + patience;
        loop {
            if self.children()?.is_empty() {
                return Ok(true);
            }
            if Instant::now() > deadline {
                return Ok(false);
            }
            std::thread::sleep(POLL);
        }
    }

    fn children(&self) -> Result<Vec<u32>> {
        let title = format!("postgres: {}: ", self.title);
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").context("cannot list the processes")? {
            let name = entry.context("cannot list the processes")?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let first = command_line(pid).and_then(|arguments| arguments.into_iter().next());
            if first.is_some_and(|first| first.starts_with(title.as_bytes())) {
                found.push(pid);
            }
        }
        Ok(found)
    }
}

/// `None` for a process that is gone, and for one that has ended and waits to be collected.
fn command_line(pid: u32) -> Option<Vec<Vec<u8>>> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    if bytes.is_empty() {
        return None;
    }
    Some(bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
}
