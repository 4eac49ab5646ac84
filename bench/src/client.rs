//! A client on one kept connection: the same for all that is measured.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    headers: HeaderMap,
    /// Drives the connection, and ends it with the client.
    _connection: AbortOnDropHandle<()>,
}

impl Client {
    /// A connection whose requests all carry these headers.
    pub(crate) async fn connect(address: SocketAddr, headers: &HeaderMap) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let connection = AbortOnDropHandle::new(tokio_util::task::TaskTracker::new().spawn(async move {
            // What went wrong is told to the request that it went wrong for.
            let _ = connection.await;
        }));
        let mut headers = headers.clone();
        headers.insert(HOST, HeaderValue::from_str(&address.to_string())?);
        Ok(Self { sender, headers, _connection: connection })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Bytes> {
        self.whole(Method::GET, path, Bytes::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Bytes) -> Result<Bytes> {
        self.whole(Method::POST, path, body).await
    }

    /// The same in JSON, both ways.
    pub(crate) async fn json(&mut self, path: &str, body: &Value) -> Result<Value> {
        Ok(serde_json::from_slice(&self.post(path, Bytes::from(body.to_string())).await?)?)
    }

    /// Posts, and leaves the answer's body on the connection.
    pub(crate) async fn begin(&mut self, path: &str, body: Bytes) -> Result<Response<Incoming>> {
        self.answer(Method::POST, path, body).await
    }

    async fn whole(&mut self, method: Method, path: &str, body: Bytes) -> Result<Bytes> {
        let mut body = self.answer(method, path, body).await?.into_body();
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.with_context(|| format!("the answer of {path} was cut off"))?.into_data() {
                whole.extend_from_slice(&data);
            }
        }
        Ok(whole.freeze())
    }

    async fn answer(&mut self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>> {
        let mut request = Request::new(Full::new(body));
        (*request.method_mut(), *request.uri_mut()) = (method, path.parse()?);
        request.headers_mut().clone_from(&self.headers);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await.with_context(|| format!("{path} was not answered"))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (status, body) = (answer.status(), answer.into_body().collect().await?.to_bytes());
        bail!("{path} was answered with {status}: {}", String::from_utf8_lossy(&body))
    }
}
