//! LiteLLM's proxy with one worker: with its master key, without a database, as its figures are usually published.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::process::Command;

use super::{MODEL, Product, QUESTION, bearer};
use crate::load::Target;
use crate::process::{self, Process};
use crate::upstream::IDLE;

const KEY: &str = "sk-bench";

pub(super) async fn start(environment: &Path, scratch: &Path, upstream: SocketAddr) -> Result<(Vec<Product>, Process)> {
    let model = |name: &str| {
        let parameters = json!({ "model": format!("openai/{name}"), "api_base": format!("http://{upstream}/v1"), "api_key": "none" });
        json!({ "model_name": name, "litellm_params": parameters })
    };
    let settings = json!({
        "model_list": [model(MODEL), model(IDLE)],
        "general_settings": { "master_key": KEY },
        "litellm_settings": { "telemetry": false },
    });
    // JSON is YAML.
    let file = scratch.join("litellm.yaml");
    fs::write(&file, settings.to_string()).with_context(|| format!("cannot write {}", file.display()))?;
    let log = File::create(scratch.join("litellm.log")).context("cannot write its log")?;
    let address = process::free_address()?;
    let mut command = Command::new(environment.join("bin/litellm"));
    command.args(["--host", "127.0.0.1", "--port", &address.port().to_string(), "--num_workers", "1", "--config"]).arg(&file);
    // Prices from the package: nothing is fetched.
    command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").stdout(log.try_clone()?).stderr(log);
    let mut process = Process::start("LiteLLM", &mut command)?;
    process.ready(address, "/health/liveliness").await?;
    let target = Target::new(address, bearer(KEY)?, QUESTION);
    Ok((vec![Product { name: "LiteLLM, one worker", target, tree: process.tree, database: None, idles: false }], process))
}
