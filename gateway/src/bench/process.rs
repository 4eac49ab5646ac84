//! What Linux tells of a process.

use anyhow::{Context, Result};
use std::fs;

#[derive(Clone, Copy)]
pub(super) struct Process(pub(super) u32);

impl Process {
    /// Processor time of all of its threads since it began.
    pub(super) fn cpu_seconds(self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).context("read a process's time")?;
        let ticks = |at: usize| fields(&stat).nth(at).and_then(|field| field.parse::<f64>().ok()).context("a process's time");
        // 100 ticks a second hold for every Linux that Steward is built for.
        Ok((ticks(11)? + ticks(12)?) / 100.0)
    }

    /// Resident memory now and at its highest, in MiB.
    pub(super) fn memory(self) -> Result<(f64, f64)> {
        Ok((self.status("VmRSS:")?, self.status("VmHWM:")?))
    }

    /// What it shares with nobody, in MiB: the pages of a shared buffer would count for every backend that touched them.
    pub(super) fn own_memory(self) -> Result<f64> {
        self.status("RssAnon:")
    }

    fn status(self, name: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).context("read a process's memory")?;
        let value = status.lines().find_map(|line| line.strip_prefix(name)).context("a process's memory")?;
        Ok(value.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1024.0)
    }

    /// Processes that it started and that are still there.
    pub(super) fn children(self) -> Vec<Self> {
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let parent = |id: u32| fields(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?).nth(1)?.parse::<u32>().ok();
        ids.filter(|id| parent(*id) == Some(self.0)).map(Self).collect()
    }
}

/// The name of a program may hold blanks; what counts comes after its closing bracket.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace()
}
