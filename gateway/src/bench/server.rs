//! `steward serve` as a process of its own.

use super::client::{Call, Client};
use super::process::Process;
use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// Where the model lies below a home.
const MODEL: &str = "embedder";
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What makes vectors of texts, and whether there is an index at all.
#[derive(Clone, Copy)]
pub(super) enum Search<'a> {
    /// No index: filling one with a million rows would take the processor from what is measured.
    None,
    /// Vectors of hashed words: the same in every run, and made at once.
    Hashed,
    /// The model that lies in this home.
    Model(&'a Path),
}

pub(super) struct Serving {
    pub(super) address: SocketAddr,
    pub(super) process: Process,
    child: Child,
    home: PathBuf,
}

impl Serving {
    /// Starts it with its usual settings and waits until it is ready.
    pub(super) async fn start(url: &SecretString, search: Search<'_>) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let home = std::env::temp_dir().join(format!("steward-bench-{}", std::process::id()));
        std::fs::create_dir_all(&home).context("a folder for the server's keys")?;
        let engine = if let Search::Model(files) = search {
            let link = home.join(MODEL);
            if !link.exists() {
                std::os::unix::fs::symlink(files.join(MODEL), &link).context("point to the embedding model")?;
            }
            "local"
        } else {
            "hashed"
        };
        let mut child = Command::new(std::env::current_exe().context("find this program")?)
            .args(["serve", "--port", &address.port().to_string()])
            .env("DATABASE_URL", url.expose_secret())
            .env("STEWARD_SERVER__HOME", &home)
            .env("STEWARD_LOGGING__FILTER", "error")
            .env("STEWARD_EMBEDDER__ENGINE", engine)
            .env("STEWARD_SEARCH__INDEXER", if matches!(search, Search::None) { "false" } else { "true" })
            .current_dir(&home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start the server")?;
        let process = Process(child.id().context("the server has ended")?);
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                bail!("the server ended with {status}");
            }
            if let Ok(mut client) = Client::connect(address, "").await
                && client.call(&Call::get("/readyz")).await.is_ok()
            {
                return Ok(Self { address, process, child, home });
            }
            if started.elapsed() > START_TIMEOUT {
                bail!("the server did not become ready");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(super) async fn stop(mut self) -> Result<()> {
        self.child.kill().await.context("end the server")?;
        std::fs::remove_dir_all(&self.home).context("remove the server's folder")
    }
}
