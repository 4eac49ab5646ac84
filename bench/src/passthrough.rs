//! The floor: a server that hands every request on to another and its answer back, without looking at either. On the same
//! libraries and the same runtime as the gateway; what a gateway takes beyond this is its own work.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::server;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: server::Args,
    /// Where requests go: host and port.
    #[arg(long)]
    upstream: String,
}

type Upstream = Client<HttpConnector, Incoming>;

pub(crate) async fn run(args: Args) -> Result<()> {
    let authority: Authority = args.upstream.parse().context("--upstream is no host with a port")?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Upstream = Client::builder(TokioExecutor::new()).build(connector);
    server::serve(&args.server, move |request| hand_on(client.clone(), authority.clone(), request)).await
}

async fn hand_on(client: Upstream, authority: Authority, mut request: Request<Incoming>) -> Response<BoxBody<Bytes, hyper::Error>> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    (parts.scheme, parts.authority) = (Some(Scheme::HTTP), Some(authority));
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    match client.request(request).await {
        Ok(answer) => answer.map(Incoming::boxed),
        Err(_) => {
            let mut failed = Response::new(Empty::new().map_err(|never| match never {}).boxed());
            *failed.status_mut() = StatusCode::BAD_GATEWAY;
            failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{self, Kind, Target};
    use crate::process::free_address;
    use crate::upstream;
    use bytes::Bytes;
    use http::HeaderMap;
    use std::time::Duration;
    use tokio_util::task::TaskTracker;

    #[tokio::test]
    async fn what_is_handed_on_arrives_whole_in_one_piece_as_a_stream_and_as_one_that_stays_open() {
        let (provider, address) = (free_address().unwrap(), free_address().unwrap());
        let tasks = TaskTracker::new();
        tasks.spawn(upstream::run(server::Args { port: provider.port() }));
        tasks.spawn(run(Args { server: server::Args { port: address.port() }, upstream: provider.to_string() }));
        for listening in [provider, address] {
            while tokio::net::TcpStream::connect(listening).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
        let body = |text: &str| Bytes::from(text.to_owned());
        let idle = body(r#"{"model":"idle","stream":true}"#);
        let target = Target { address, headers: HeaderMap::new(), json: body("{}"), sse: body(r#"{"stream":true}"#), idle };
        for kind in [Kind::Json, Kind::Sse] {
            // Each client looks at a whole answer before its time, which is over at once, begins.
            load::window(&target, &[], kind, 2, Duration::ZERO).await.unwrap();
        }
        assert_eq!(load::idle(&target, 3).await.unwrap().len(), 3);
    }
}
