//! What stands behind the doors to models of the demo server: a provider that plays by a script, in two formats, and a small real
//! model. They need not run while nobody asks them.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::demo_server::{DemoServer, free_port};
use crate::child::{self, Running};
use crate::{checkout, http};

/// A small model is read from the disk first.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// Ports of the providers, and the configuration that names them.
pub(super) struct Models {
    pub(super) scripted: u16,
    pub(super) small: u16,
    file: PathBuf,
}

impl Models {
    pub(super) fn new() -> Result<Self> {
        let (scripted, small) = (free_port()?, free_port()?);
        let file = checkout::scratch("models")?.join("steward.toml");
        fs::write(&file, configuration(scripted, small)).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self { scripted, small, file })
    }

    /// The configuration, in TOML.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }
}

fn configuration(scripted: u16, small: u16) -> String {
    let model = "context_window = 128_000, max_output = 16_384, tools = true, structured_output = true";
    format!(
        r#"[llm.providers.script]
kind = "compatible"
base_url = "http://127.0.0.1:{scripted}/v1"
models.scripted = {{ {model} }}
models.brief = {{ context_window = 8192, max_output = 512 }}
models.vectors = {{ context_window = 8192, chat = false, embeddings = true }}

[llm.providers.script-anthropic]
kind = "anthropic"
base_url = "http://127.0.0.1:{scripted}/v1"
credentials = [{{ name = "none", key_env = "{KEY_VARIABLE}" }}]
models.scripted = {{ {model} }}

[llm.providers.llama]
kind = "compatible"
base_url = "http://127.0.0.1:{small}/v1"
timeouts = {{ headers_ms = 60000, first_token_ms = 60000, idle_ms = 60000 }}
models.small = {{ context_window = 2048, max_output = 512, structured_output = true }}

[llm.aliases]
scripted.tiers = [{{ targets = [{{ provider = "script", model = "scripted" }}] }}]
scripted-anthropic.tiers = [{{ targets = [{{ provider = "script-anthropic", model = "scripted" }}] }}]
scripted-brief.tiers = [{{ targets = [{{ provider = "script", model = "brief" }}] }}]
scripted-vectors.tiers = [{{ targets = [{{ provider = "script", model = "vectors" }}] }}]
small.tiers = [{{ targets = [{{ provider = "llama", model = "small" }}] }}]
"#
    )
}

/// Holds the key of a provider that takes any.
pub(super) const KEY_VARIABLE: &str = "STEWARD_TEST_PROVIDER_KEY";

/// A key for models of the demo's administrator, kept to what `limits` says of it.
pub(super) fn key(server: &DemoServer, name: &str, requests_a_minute: Option<u32>) -> Result<String> {
    let token = server.token()?;
    let post = |path: &str, body: &Value| http::post(server.base_url(), path, Some(&token), body);
    let made = post("/api/v1/ai/keys", &json!({ "name": name }))?;
    if let Some(cap) = requests_a_minute {
        let budget = json!({ "name": name, "scope": "key", "key": made["id"], "metric": "requests", "period": "minute", "cap": cap.to_string() });
        post("/api/v1/ai/budgets", &budget)?;
    }
    made["secret"]["api_key"].as_str().map(ToOwned::to_owned).context("a key without its secret")
}

/// Starts a program that listens at a port, and waits until it does.
pub(super) fn start(command: &mut Command, port: u16) -> Result<Running> {
    let mut running = Running::start(command)?;
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        child::check()?;
        if running.has_ended()? {
            bail!("the provider behind the doors ended before it listened");
        }
        if began.elapsed() > START_TIMEOUT {
            bail!("the provider behind the doors did not listen within {} seconds", START_TIMEOUT.as_secs());
        }
        std::thread::sleep(POLL);
    }
    Ok(running)
}
