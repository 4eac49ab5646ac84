//! Portkey's gateway: it has no keys and no limits of its own; each request names its provider in headers.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use http::HeaderValue;
use tokio::process::Command;

use super::{Product, QUESTION, bearer};
use crate::load::Target;
use crate::process::{self, Process};

pub(super) async fn start(folder: &Path, scratch: &Path, upstream: SocketAddr) -> Result<(Vec<Product>, Process)> {
    let log = File::create(scratch.join("portkey.log")).context("cannot write its log")?;
    let address = process::free_address()?;
    let mut command = Command::new("node");
    command.arg(folder.join("node_modules/@portkey-ai/gateway/build/start-server.js")).arg("--headless");
    command.arg(format!("--port={}", address.port())).env("NODE_ENV", "production").stdout(log.try_clone()?).stderr(log);
    let mut process = Process::start("Portkey", &mut command)?;
    process.ready(address, "/").await?;
    let mut headers = bearer("none")?;
    headers.insert("x-portkey-provider", HeaderValue::from_static("openai"));
    headers.insert("x-portkey-custom-host", HeaderValue::from_str(&format!("http://{upstream}/v1"))?);
    let target = Target::new(address, headers, QUESTION);
    Ok((vec![Product { name: "Portkey", target, tree: process.tree, database: None, idles: false }], process))
}
