//! A program as a process of its own, and what Linux tells of it and of all that it started.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::HeaderMap;
use tokio::process::{Child, Command};

use crate::client::Client;

/// LiteLLM takes a quarter of a minute on a quiet machine.
const START_TIMEOUT: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(100);

/// A program that was started from here; it ends when this is dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    pub(crate) tree: Tree,
}

/// A process with all that it started, by its id.
#[derive(Clone, Copy)]
pub(crate) struct Tree(pub(crate) u32);

/// A port that is free now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?.local_addr()?)
}

impl Process {
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn().with_context(|| format!("could not run {name}"))?;
        let id = child.id().with_context(|| format!("{name} has ended"))?;
        Ok(Self { name: name.to_owned(), child, tree: Tree(id) })
    }

    /// Waits until a path of it is answered well.
    pub(crate) async fn ready(&mut self, address: SocketAddr, path: &str) -> Result<()> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}", self.name);
            }
            let asked = async { Client::connect(address, &HeaderMap::new()).await?.get(path).await };
            match asked.await {
                Ok(_) => return Ok(()),
                Err(error) if began.elapsed() > START_TIMEOUT => return Err(error).with_context(|| format!("{} did not become ready", self.name)),
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }
}

impl Tree {
    /// Processor time since it began, in seconds, with all that it started.
    pub(crate) fn cpu_seconds(self) -> Result<f64> {
        // Its own, and that of its children who have ended, in user and in system mode.
        let of = |stat: &str| fields(stat).skip(11).take(4).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>();
        // 100 ticks a second hold for every Linux that Steward is built for.
        Ok(self.all()?.iter().map(|process| of(&process.stat)).sum::<f64>() / 100.0)
    }

    /// Resident memory in MiB, with all that it started.
    pub(crate) fn memory(self) -> Result<f64> {
        let mut sum = 0.0;
        for process in self.all()? {
            let status = fs::read_to_string(format!("/proc/{}/status", process.id)).unwrap_or_default();
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
            sum += resident.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap_or_default() / 1024.0;
        }
        Ok(sum)
    }

    fn all(self) -> Result<Vec<Entry>> {
        let all = fs::read_dir("/proc").context("read /proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut rest: Vec<Entry> = all.filter_map(Entry::read).collect();
        let mut tree: Vec<Entry> = rest.extract_if(.., |entry| entry.id == self.0).collect();
        let mut at = 0;
        while let Some(parent) = tree.get(at).map(|entry| entry.id) {
            tree.extend(rest.extract_if(.., |entry| entry.parent == parent));
            at += 1;
        }
        if tree.is_empty() {
            bail!("a process that is measured has ended");
        }
        Ok(tree)
    }
}

struct Entry {
    id: u32,
    parent: u32,
    stat: String,
}

impl Entry {
    fn read(id: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let parent = fields(&stat).nth(1)?.parse().ok()?;
        Some(Self { id, parent, stat })
    }
}

/// The name of a program may hold blanks; what counts comes after its closing bracket.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace()
}
