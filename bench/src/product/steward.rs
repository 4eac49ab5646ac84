//! Steward: a server of its own with one tenant, and everything on that a call passes through: keys, limits, budgets, breakers,
//! masking, telemetry, the ledger.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{MODEL, PERSONAL, Product, QUESTION, bearer};
use crate::client::Client;
use crate::load::Target;
use crate::process::{self, Process, Tree};
use crate::upstream::IDLE;

const TENANT: &str = "bench";
const ADMINISTRATOR: &str = "admin@bench.example";
const PASSWORD: &str = "measured in figures";
/// Read from the folder in which it is started.
const CONFIGURATION: &str = "steward.toml";
/// So wide that none is reached: what is measured is that they hold, not that they refuse.
const BUDGETS: [(&str, &str, &str); 3] = [("requests", "minute", "100000000"), ("tokens", "day", "1000000000000"), ("cost", "month", "1000000")];

pub(super) async fn start(program: &Path, url: &str, database: Option<Tree>, scratch: &Path, upstream: SocketAddr) -> Result<(Vec<Product>, Process)> {
    let home = scratch.join("steward");
    fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    let file = home.join(CONFIGURATION);
    fs::write(&file, configuration(upstream)).with_context(|| format!("cannot write {}", file.display()))?;
    let log = File::create(scratch.join("steward.log")).context("cannot write its log")?;
    let command = |arguments: &[&str]| -> Result<Command> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&home).env("DATABASE_URL", url).env("STEWARD_SERVER__HOME", &home);
        command.env("STEWARD_EMBEDDER__ENGINE", "hashed").env("STEWARD_SEARCH__INDEXER", "false");
        command.stdout(log.try_clone()?).stderr(log.try_clone()?);
        Ok(command)
    };
    let password = home.join("password");
    fs::write(&password, PASSWORD).context("cannot write the password")?;
    let mut tenant = command(&["tenant", "create", TENANT, "--admin-email", ADMINISTRATOR, "--admin-password-file"])?;
    let made = tenant.arg(&password).status().await.context("could not run it")?;
    ensure!(made.success(), "its tenant could not be made; {} says why", scratch.join("steward.log").display());

    let address = process::free_address()?;
    let mut process = Process::start("Steward", &mut command(&["serve", "--port", &address.port().to_string()])?)?;
    process.ready(address, "/readyz").await?;
    let (headers, tree) = (bearer(&key(address).await?)?, process.tree);
    let product = |name, question, idles| Product { name, target: Target::new(address, headers.clone(), question), tree, database, idles };
    Ok((vec![product("Steward", QUESTION, true), product("Steward, with something to mask", PERSONAL, false)], process))
}

fn configuration(upstream: SocketAddr) -> String {
    let model = "context_window = 128_000, max_output = 16_384, tools = true, structured_output = true, price = \"openai/gpt-4.1-mini\"";
    format!(
        r#"[llm.providers.bench]
kind = "compatible"
base_url = "http://{upstream}/v1"
models."{MODEL}" = {{ {model} }}
models."{IDLE}" = {{ {model} }}

[llm.aliases]
"{MODEL}".tiers = [{{ targets = [{{ provider = "bench", model = "{MODEL}" }}] }}]
"{IDLE}".tiers = [{{ targets = [{{ provider = "bench", model = "{IDLE}" }}] }}]
"#
    )
}

/// A key for models, under budgets.
async fn key(address: SocketAddr) -> Result<String> {
    let login = json!({ "tenant": TENANT, "email": ADMINISTRATOR, "password": PASSWORD });
    let told = Client::connect(address, &HeaderMap::new()).await?.json("/api/v1/auth/login", &login).await?;
    let token = told["access_token"].as_str().context("a log-in without a token")?;
    let mut client = Client::connect(address, &bearer(token)?).await?;
    let made = client.json("/api/v1/ai/keys", &json!({ "name": "bench" })).await?;
    for (metric, period, cap) in BUDGETS {
        for (scope, key) in [("tenant", &Value::Null), ("key", &made["id"])] {
            let mut budget = json!({ "name": format!("{scope}, {metric}"), "scope": scope, "metric": metric, "period": period, "cap": cap });
            if !key.is_null() {
                budget["key"] = key.clone();
            }
            client.json("/api/v1/ai/budgets", &budget).await?;
        }
    }
    Ok(made["secret"]["api_key"].as_str().context("a key without its secret")?.to_owned())
}
