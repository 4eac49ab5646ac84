//! Listening: HTTP/1.1 on kept connections, without waiting for fuller packets.

use std::convert::Infallible;
use std::future::Future;

use anyhow::{Context, Result};
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The port to listen at, on this machine only.
    #[arg(long)]
    pub(crate) port: u16,
}

/// Serves until the process is ended.
pub(crate) async fn serve<A, F, B>(args: &Args, answer: A) -> Result<()>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send,
    B: Body<Error: std::error::Error + Send + Sync> + Send + 'static,
    B::Data: Send,
{
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await.with_context(|| format!("cannot listen at port {}", args.port))?;
    let connections = TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await.context("cannot accept a connection")?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            // A client that goes away is no matter of this server's.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
