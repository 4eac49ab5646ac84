//! A model that stops in the middle of its answer until the test lets it go on, and sees a client that leaves.

use super::{Script, chunks, configured, cut_off, frame, read_request};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use steward_gateway::config::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A test that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Held {
    base_url: String,
    /// Clients that left before the answer was whole.
    left: watch::Receiver<usize>,
    go: CancellationToken,
    _tasks: JoinSet<()>,
}

struct Scripts {
    first: Script,
    begun: Vec<String>,
    rest: Vec<String>,
}

impl Held {
    /// Answers a question with the call of `first`, and its result with these words: then it waits, and goes on with the rest.
    pub(crate) async fn start(first: Script, begun: &[&str], rest: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let said = |words: &[&str]| words.iter().map(|word| frame(&json!({ "content": word }), None).to_string()).collect::<Vec<_>>();
        let mut ends = said(rest);
        ends.push(frame(&json!({}), Some("stop")).to_string());
        ends.push("[DONE]".into());
        let scripts = Arc::new(Scripts { first, begun: said(begun), rest: ends });
        let (left, seen) = watch::channel(0);
        let go = CancellationToken::new();
        let waiting = go.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                connections.spawn(serve(socket, Arc::clone(&scripts), left.clone(), waiting.clone()));
            }
        });
        Self { base_url, left: seen, go, _tasks: tasks }
    }

    pub(crate) fn configure(&self, config: &mut Config) {
        configured("held", &self.base_url, config);
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Goes on with every answer.
    pub(crate) fn go_on(&self) {
        self.go.cancel();
    }

    /// Waits until so many clients have left in the middle.
    pub(crate) async fn saw_leave(&self, count: usize) {
        let mut left = self.left.clone();
        tokio::time::timeout(PATIENCE, left.wait_for(|left| *left >= count)).await.unwrap().unwrap();
    }
}

async fn serve(mut socket: TcpStream, scripts: Arc<Scripts>, left: watch::Sender<usize>, waiting: CancellationToken) {
    let Some(body) = read_request(&mut socket).await else { return };
    let is_result = body["messages"].as_array().and_then(|messages| messages.last()).is_some_and(|last| last["role"] == "tool");
    if !is_result {
        let _ = socket.write_all(&scripts.first).await;
        let _ = socket.shutdown().await;
        return;
    }
    let begun: Vec<&str> = scripts.begun.iter().map(String::as_str).collect();
    let _ = socket.write_all(&cut_off(&begun)).await;
    let mut byte = [0_u8; 1];
    tokio::select! {
        read = socket.read(&mut byte) => {
            if read.is_ok_and(|read| read > 0) {
                return;
            }
            left.send_modify(|left| *left += 1);
        }
        () = waiting.cancelled() => {
            let rest: Vec<&str> = scripts.rest.iter().map(String::as_str).collect();
            let _ = socket.write_all(&chunks(&rest)).await;
            let _ = socket.write_all(b"0\r\n\r\n").await;
            let _ = socket.shutdown().await;
        }
    }
}
