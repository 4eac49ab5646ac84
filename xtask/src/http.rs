//! Just enough HTTP to log in to a server on this machine and to make a key. A real client would cost every first `cargo xtask` a minute of
//! compiling.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends JSON, with a token where one is given, and reads JSON.
pub(crate) fn post(base_url: &str, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let authority = base_url.strip_prefix("http://").with_context(|| format!("{base_url} is not a plain http address"))?;
    let authority = authority.trim_end_matches('/');
    let mut stream = TcpStream::connect(authority).with_context(|| format!("cannot connect to {authority}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let body = body.to_string();
    let authorization = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    // By HTTP/1.0 the answer comes in one piece and ends with the connection.
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nHost: {authority}\r\n{authorization}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).with_context(|| format!("{authority} did not answer"))?;
    let (head, content) = answer.split_once("\r\n\r\n").context("the answer is not HTTP")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if !status.starts_with('2') {
        bail!("POST {path}: {status} {content}");
    }
    serde_json::from_str(content).with_context(|| format!("POST {path} answered no JSON"))
}
