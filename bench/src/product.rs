//! What is measured: each started with its usual settings, before the same stand-in for a provider.

mod litellm;
mod portkey;
mod steward;

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::load::Target;
use crate::process::{self, Process, Tree};
use crate::upstream::IDLE;

pub(crate) struct Product {
    pub(crate) name: &'static str,
    pub(crate) target: Target,
    /// Two of them may be one process that is asked differently.
    pub(crate) tree: Tree,
    /// The database behind it.
    pub(crate) database: Option<Tree>,
    /// Whether it is also measured with streams that stay open.
    pub(crate) idles: bool,
}

/// All that is measured, and the processes, which end with it.
pub(crate) struct Started {
    /// The provider, asked directly: what it takes by itself is taken off the times of the others.
    pub(crate) direct: Target,
    /// The pass-through comes first.
    pub(crate) products: Vec<Product>,
    _processes: Vec<Process>,
}

/// Where the gateways lie; one that is not named is not measured.
#[derive(clap::Args)]
pub(crate) struct Places {
    /// The program `steward`, as a release.
    #[arg(long, value_name = "FILE", requires = "database")]
    steward: Option<PathBuf>,
    /// An empty database for it.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The database server's process, if it runs on this machine.
    #[arg(long, value_name = "ID")]
    database_process: Option<u32>,
    /// A virtual environment of Python with LiteLLM's proxy.
    #[arg(long, value_name = "DIR")]
    litellm: Option<PathBuf>,
    /// A folder with `node_modules` that hold Portkey's gateway.
    #[arg(long, value_name = "DIR")]
    portkey: Option<PathBuf>,
    /// For the configurations and logs of all of them.
    #[arg(long, value_name = "DIR")]
    scratch: PathBuf,
}

/// The model that answers at once, as all know it.
const MODEL: &str = "bench-1";
const SYSTEM: &str = "You are the assistant of a trading company. Answer in whole sentences, name the source of each figure, and say so where \
                      you do not know. Amounts carry their currency and dates the year.";
const QUESTION: &str = "Which customers have not paid their invoices of the last quarter, how much is open in each currency, and who of our \
                        colleagues looks after them?";
/// The same with something that may not leave the house.
const PERSONAL: &str = "Which invoices has jane.doe@customer.example not paid in the last quarter, how much is open in each currency, and who of \
                        our colleagues looks after her?";

fn body(model: &str, question: &str, stream: bool) -> Bytes {
    let mut body = json!({
        "model": model,
        "messages": [{ "role": "system", "content": SYSTEM }, { "role": "user", "content": question }],
        "temperature": 0.2,
        "max_tokens": 256,
    });
    if stream {
        body["stream"] = Value::from(true);
        body["stream_options"] = json!({ "include_usage": true });
    }
    Bytes::from(body.to_string())
}

impl Target {
    fn new(address: SocketAddr, headers: HeaderMap, question: &str) -> Self {
        let body = |model, stream| body(model, question, stream);
        Self { address, headers, json: body(MODEL, false), sse: body(MODEL, true), idle: body(IDLE, true) }
    }
}

/// Starts the provider and all that stands before it.
pub(crate) async fn start(places: &Places) -> Result<Started> {
    std::fs::create_dir_all(&places.scratch).with_context(|| format!("cannot create {}", places.scratch.display()))?;
    let plain = |address| Target::new(address, HeaderMap::new(), QUESTION);
    let (upstream, provider) = myself("the provider", "upstream", &[]).await?;
    let (address, process) = myself("the pass-through", "passthrough", &["--upstream", &upstream.to_string()]).await?;
    let floor = Product { name: "hyper pass-through", target: plain(address), tree: process.tree, database: None, idles: true };
    let (mut products, mut processes) = (vec![floor], vec![provider, process]);
    let mut add = |(more, process): (Vec<Product>, Process)| {
        products.extend(more);
        processes.push(process);
    };
    if let (Some(program), Some(database)) = (&places.steward, &places.database) {
        add(steward::start(program, database, places.database_process.map(Tree), &places.scratch, upstream).await.context("Steward")?);
    }
    if let Some(folder) = &places.portkey {
        add(portkey::start(folder, &places.scratch, upstream).await.context("Portkey")?);
    }
    if let Some(environment) = &places.litellm {
        add(litellm::start(environment, &places.scratch, upstream).await.context("LiteLLM")?);
    }
    Ok(Started { direct: plain(upstream), products, _processes: processes })
}

/// A part of this program as a process of its own.
async fn myself(name: &str, command: &str, arguments: &[&str]) -> Result<(SocketAddr, Process)> {
    let address = process::free_address()?;
    let program = env::current_exe().context("find this program")?;
    let mut process = Process::start(name, Command::new(program).args([command, "--port", &address.port().to_string()]).args(arguments))?;
    process.ready(address, "/").await?;
    Ok((address, process))
}

fn bearer(secret: &str) -> Result<HeaderMap> {
    let mut value = HeaderValue::from_str(&format!("Bearer {secret}")).context("a key that is no header")?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(http::header::AUTHORIZATION, value)]))
}
