//! A demo server for the length of a test run: on a port of its own, against a throwaway PostgreSQL of its own.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use steward_postgres::{Cluster, Durability};

use super::models::{KEY_VARIABLE, Models};
use crate::cargo::{self, Profile};
use crate::child::{self, Running};
use crate::{checkout, http};

/// Generating the demo company is the long part.
const START_TIMEOUT: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(200);

pub(super) struct DemoServer {
    /// Declared before the cluster: fields are dropped in order, and the server must end first.
    server: Running,
    cluster: Cluster,
    announcement: PathBuf,
    told: Value,
}

impl DemoServer {
    /// With models behind its doors where some are named.
    pub(super) fn start(home: Option<&Path>, models: Option<&Models>) -> Result<Self> {
        let steward = cargo::build_steward(Profile::Dev)?;
        let cluster = Cluster::open(&checkout::runtime(home)?, "full", Durability::Throwaway)?;
        cluster.psql("postgres", "DROP DATABASE IF EXISTS demo WITH (FORCE)")?;
        cluster.ensure_database("demo")?;

        let announcement = checkout::root()?.join("var/demo.json");
        // An old one would be taken for the new server's.
        match fs::remove_file(&announcement) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).context("cannot remove var/demo.json"),
            _ => {}
        }
        let mut command = Command::new(steward);
        command.args(["demo", "--port", &free_port()?.to_string()]);
        command.env("DATABASE_URL", cluster.url("demo")).current_dir(checkout::root()?);
        if let Some(models) = models {
            command.arg("--config").arg(models.file()).env(KEY_VARIABLE, "any");
        }
        let mut server = Running::start(&mut command)?;
        let told = wait_for(&announcement, &mut server)?;
        Ok(Self { server, cluster, announcement, told })
    }

    pub(super) fn base_url(&self) -> &str {
        self.told["base_url"].as_str().unwrap_or_default()
    }

    /// Where the server wrote its address and log-ins.
    pub(super) fn announcement(&self) -> &Path {
        &self.announcement
    }

    /// An administrator's token: who may do everything reaches every handler.
    pub(super) fn token(&self) -> Result<String> {
        let tenant = &self.told["tenants"][0];
        let users = tenant["users"].as_array().context("var/demo.json names no users")?;
        let administrator = |user: &&Value| user["role"].as_str().is_some_and(|role| role.to_lowercase().contains("admin"));
        let user = users.iter().find(administrator).context("var/demo.json names no administrator")?;
        let login = json!({"tenant": tenant["tenant"], "email": user["email"], "password": user["password"]});
        let answer = http::post(self.base_url(), "/api/v1/auth/login", None, &login)?;
        answer["access_token"].as_str().map(ToOwned::to_owned).context("the log-in answered no access_token")
    }

    pub(super) fn stop(self) -> Result<()> {
        let Self { server, cluster, .. } = self;
        drop(server);
        cluster.stop().map(drop).context("stopping PostgreSQL")
    }
}

/// The file appears, whole, once the server is ready.
fn wait_for(announcement: &Path, server: &mut Running) -> Result<Value> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        if let Ok(text) = fs::read_to_string(announcement) {
            return serde_json::from_str(&text).context("var/demo.json is not JSON");
        }
        child::check()?;
        if server.has_ended()? {
            bail!("the demo server ended before it was ready");
        }
        if Instant::now() > deadline {
            bail!("the demo server was not ready within {} seconds", START_TIMEOUT.as_secs());
        }
        std::thread::sleep(POLL);
    }
}

pub(super) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot find a free port")?;
    Ok(listener.local_addr()?.port())
}
