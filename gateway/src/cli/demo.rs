//! `steward demo`: a demo company from nothing to served, in the foreground.
//!
//! `var/demo.json` tells scripts where it is and how to log in; it is written, whole, once the server is ready, and taken
//! away when it ends.

use super::{Modules, migrate, serve};
use crate::compose::{App, embedder};
use crate::config::Config;
use anyhow::{Context, Result};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where scripts look, relative to the working directory.
const ANNOUNCEMENT: &str = "var/demo.json";

#[derive(clap::Args)]
pub(super) struct Args {
    /// The port to serve on.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Also import the Northwind files in this folder, as a tenant of their own.
    #[arg(long, value_name = "DIR")]
    northwind: Option<PathBuf>,
    /// Where the private PostgreSQL and the signing keys lie.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

impl Args {
    pub(super) fn apply(&self, config: &mut Config) {
        config.server.port = self.port;
        if let Some(home) = &self.home {
            config.server.home = Some(home.clone());
        }
        // The terminal is for the progress and the address; what goes wrong still shows.
        if config.logging.filter == Config::default().logging.filter {
            config.logging.filter = "warn,sqlx=error".into();
        }
    }
}

pub(super) async fn run(args: Args, config: Config, modules: Modules) -> Result<()> {
    let announcement = PathBuf::from(ANNOUNCEMENT);
    remove(&announcement)?;
    let listener = serve::listen(&config).await?;
    embedder::fetch(&config, &|line| eprintln!("{line}")).await?;
    eprintln!("Preparing the database.");
    migrate::apply(&config, modules).await?;
    let base_url = config.public_url();
    let app = App::build(config, modules()).await?;
    let started = Instant::now();
    let tenants = crate::demo::fill(&app.state, args.northwind.as_deref(), &|line| eprintln!("[{:>4.0} s] {line}", started.elapsed().as_secs_f32())).await?;

    let address = listener.local_addr()?;
    let told = json!({ "base_url": base_url, "tenants": tenants });
    let stopping = app.state.stopping.clone();
    let tasks = app.state.tasks.clone();
    let write_to = announcement.clone();
    tasks.spawn(async move {
        let ready = async {
            wait_until_ready(address).await?;
            announce(&write_to, &told)
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            told_all = ready => match told_all {
                Ok(()) => print(&told),
                Err(error) => {
                    eprintln!("Error: {error:#}");
                    stopping.cancel();
                }
            }
        }
    });
    let served = app.serve(listener).await;
    remove(&announcement)?;
    served
}

/// Asks `/readyz` over the wire, as a script would.
async fn wait_until_ready(address: std::net::SocketAddr) -> Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let asked = async {
            let mut stream = tokio::net::TcpStream::connect(address).await?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        match asked.await {
            Ok(answer) if answer.starts_with("HTTP/1.1 200") => return Ok(()),
            _ if Instant::now() > give_up => anyhow::bail!("the server did not become ready"),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Written beside and renamed: whoever finds the file finds it whole.
fn announce(path: &Path, told: &serde_json::Value) -> Result<()> {
    let context = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(context)?;
    }
    let fresh = path.with_extension("json.new");
    std::fs::write(&fresh, serde_json::to_vec_pretty(told)?).with_context(context)?;
    std::fs::rename(&fresh, path).with_context(context)
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(|| format!("{} cannot be removed", path.display())),
        _ => Ok(()),
    }
}

/// The address and the log-ins, for the person at the terminal.
fn print(told: &serde_json::Value) {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    println!("\nSteward runs at {}\n", text(&told["base_url"]));
    for tenant in told["tenants"].as_array().into_iter().flatten() {
        println!("Tenant {}", text(&tenant["tenant"]));
        // One log-in for each role is enough to begin with; all of them stand in the file.
        let mut shown: Vec<String> = Vec::new();
        for user in tenant["users"].as_array().into_iter().flatten() {
            let role = text(&user["role"]);
            if !shown.contains(&role) {
                println!("  {:<24} {:<36} {}", role, text(&user["email"]), text(&user["password"]));
                shown.push(role);
            }
        }
    }
    println!("\nAll log-ins: {ANNOUNCEMENT}. Stop with Ctrl-C.");
}
