//! Running programs so that a signal reaches all of them and none is left behind.
//!
//! Each program gets a process group of its own, and a signal to this process is passed on to the whole group: once,
//! whether it came from a terminal (which would signal everybody) or from a supervisor (which signals only us). The program
//! ends by its own rules, and then this process ends by its own.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The first signal that arrived; 0 for none.
static RECEIVED: AtomicI32 = AtomicI32::new(0);
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// From here on signals no longer end this process, but whatever it runs.
pub(crate) fn listen() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let again = RECEIVED.swap(signal, Ordering::SeqCst) != 0;
            let groups = groups();
            // Between two programs there is nothing to wait for; the second time, patience is over.
            if groups.is_empty() && again {
                std::process::exit(128 + signal);
            }
            for group in groups.iter() {
                let passed_on = if again { Signal::KILL } else { Signal::from_named_raw(signal).unwrap_or(Signal::TERM) };
                let _ = kill_process_group(*group, passed_on);
            }
        }
    });
    Ok(())
}

/// The signal that ended what was run.
pub(crate) fn interrupted() -> Option<i32> {
    Some(RECEIVED.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

/// Refuses to go on after a signal.
pub(crate) fn check() -> Result<()> {
    if interrupted().is_some() {
        bail!("interrupted");
    }
    Ok(())
}

/// Runs a program to its end; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let mut running = Running::start(command)?;
    running.wait()
}

/// The same, and what it printed to its standard output.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let mut running = Running::start(command.stdout(Stdio::piped()))?;
    let mut text = String::new();
    if let Some(stdout) = &mut running.child.stdout {
        stdout.read_to_string(&mut text).with_context(|| format!("cannot read the output of {}", running.name))?;
    }
    running.wait()?;
    Ok(text)
}

/// A program in the background. Dropping it ends it, gracefully.
pub(crate) struct Running {
    name: String,
    child: Child,
    group: Option<Pid>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        // Held over the start, so that a signal in this moment finds the group.
        let mut groups = groups();
        check()?;
        let child = command.process_group(0).stdin(Stdio::null()).spawn().with_context(|| format!("could not run {name}"))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        groups.extend(group);
        Ok(Self { name, child, group })
    }

    /// Waits for its end; anything but success is an error.
    pub(crate) fn wait(&mut self) -> Result<()> {
        let status = self.child.wait().with_context(|| format!("could not wait for {}", self.name))?;
        self.forget();
        check()?;
        if !status.success() {
            bail!("{} failed ({status})", self.name);
        }
        Ok(())
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait().with_context(|| format!("could not wait for {}", self.name))?.is_some())
    }

    fn forget(&mut self) {
        if let Some(group) = self.group.take() {
            groups().retain(|other| *other != group);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::TERM);
            let _ = self.child.wait();
            self.forget();
        }
    }
}

fn groups() -> std::sync::MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
