//! `steward serve` as a process of its own, and what Linux tells of it.

use super::client::{Call, Client};
use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const START_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct Serving {
    pub(super) address: SocketAddr,
    process: Child,
    id: u32,
    home: PathBuf,
}

impl Serving {
    /// Starts it with its usual settings and waits until it is ready.
    pub(super) async fn start(url: &SecretString) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let home = std::env::temp_dir().join(format!("steward-bench-{}", std::process::id()));
        std::fs::create_dir_all(&home).context("a folder for the server's keys")?;
        let mut process = Command::new(std::env::current_exe().context("find this program")?)
            .args(["serve", "--port", &address.port().to_string()])
            .env("DATABASE_URL", url.expose_secret())
            .env("STEWARD_SERVER__HOME", &home)
            .env("STEWARD_LOGGING__FILTER", "error")
            .env("STEWARD_EMBEDDER__ENGINE", "hashed")
            .current_dir(&home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start the server")?;
        let id = process.id().context("the server has ended")?;
        let started = Instant::now();
        loop {
            if let Some(status) = process.try_wait()? {
                bail!("the server ended with {status}");
            }
            if let Ok(mut client) = Client::connect(address, "").await
                && client.call(&Call::get("/readyz")).await.is_ok()
            {
                return Ok(Self { address, process, id, home });
            }
            if started.elapsed() > START_TIMEOUT {
                bail!("the server did not become ready");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(super) async fn stop(mut self) -> Result<()> {
        self.process.kill().await.context("end the server")?;
        std::fs::remove_dir_all(&self.home).context("remove the server's folder")
    }

    /// Processor time of all of its threads since it began.
    pub(super) fn cpu_seconds(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id)).context("read the server's processor time")?;
        // The name of the program may hold blanks; what counts comes after its closing bracket.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).context("the server's processor time");
        // 100 ticks a second hold for every Linux that Steward is built for.
        Ok((ticks(11)? + ticks(12)?) / 100.0)
    }

    /// Resident memory now and at its highest, in MiB.
    pub(super) fn memory(&self) -> Result<(f64, f64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id)).context("read the server's memory")?;
        let line = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)).context("the server's memory")?;
            Ok::<_, anyhow::Error>(value.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1024.0)
        };
        Ok((line("VmRSS:")?, line("VmHWM:")?))
    }
}
