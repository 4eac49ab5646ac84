//! A client for HTTP/1.1 on one kept connection: no more than the load needs, so that it takes little of the processor
//! that the server is measured on.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None }
    }
    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: "POST", path: path.into(), body: Some(body) }
    }
}

pub(super) struct Client {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("connect to the server")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), token: token.to_owned() })
    }

    /// The body of a good answer; anything else is an error with the answer's text.
    pub(super) async fn call(&mut self, call: &Call) -> Result<Vec<u8>> {
        self.stream(call, |_| {}).await
    }

    /// The same, with what has come of the body after each of its chunks.
    pub(super) async fn stream(&mut self, call: &Call, mut arrived: impl FnMut(&[u8]) + Send) -> Result<Vec<u8>> {
        self.send(call).await?;
        let (status, answer) = self.answer(&mut arrived).await?;
        if !(200..300).contains(&status) {
            bail!("{} {} was answered with {status}: {}", call.method, call.path, String::from_utf8_lossy(&answer));
        }
        Ok(answer)
    }

    async fn send(&mut self, call: &Call) -> Result<()> {
        let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut head = format!("{} {} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n", call.method, call.path, body.len());
        if !self.token.is_empty() {
            head.push_str(&format!("authorization: Bearer {}\r\n", self.token));
        }
        if !body.is_empty() {
            head.push_str("content-type: application/json\r\n");
        }
        if call.method == "PATCH" {
            // Whatever version there is: a load does not read before it writes.
            head.push_str("if-match: *\r\n");
        }
        head.push_str("\r\n");
        head.push_str(&body);
        Ok(self.stream.get_mut().write_all(head.as_bytes()).await?)
    }

    pub(super) async fn json(&mut self, call: &Call) -> Result<Value> {
        Ok(serde_json::from_slice(&self.call(call).await?)?)
    }

    async fn answer(&mut self, arrived: &mut (dyn FnMut(&[u8]) + Send)) -> Result<(u16, Vec<u8>)> {
        let first = self.line().await?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no answer in HTTP")?;
        let (mut length, mut chunked) = (0_usize, false);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = value.trim().parse()?,
                Some(("transfer-encoding", value)) => chunked = value.contains("chunked"),
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        if !chunked {
            self.stream.read_exact(&mut body).await?;
            return Ok((status, body));
        }
        loop {
            let size = usize::from_str_radix(self.line().await?.trim(), 16).context("a chunk without its size")?;
            let mut chunk = vec![0; size];
            self.stream.read_exact(&mut chunk).await?;
            self.line().await?;
            if size == 0 {
                return Ok((status, body));
            }
            body.extend_from_slice(&chunk);
            arrived(&body);
        }
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }
}
