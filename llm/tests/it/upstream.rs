//! A server that answers each request by the next script, byte by byte.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// What the upstream does next.
#[derive(Clone)]
pub(crate) enum Step {
    /// Status and headers; a body in chunks follows.
    Head(u16, Vec<(&'static str, String)>),
    /// One chunk of the body.
    Send(Vec<u8>),
    /// The same chunk again and again.
    Every(Duration, usize, Vec<u8>),
    /// Waits for the test.
    Wait(Arc<Notify>),
    /// The proper end of the body.
    End,
    /// Closes the connection, whatever is missing.
    Close,
    /// Keeps the connection open until the client closes it.
    Hang,
}

#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Seen {
    requests: Vec<Received>,
    hanging: usize,
    closed_by_client: usize,
}

pub(crate) struct Upstream {
    address: SocketAddr,
    seen: watch::Receiver<Seen>,
    _tasks: JoinSet<()>,
}

impl Upstream {
    /// Answers by these scripts in turn; the last one serves all further requests.
    pub(crate) async fn start(scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, watched) = watch::channel(Seen::default());
        let scripts = Arc::new(Mutex::new(scripts.into_iter().collect::<VecDeque<_>>()));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                connections.spawn(serve(socket, scripts.clone(), seen.clone()));
            }
        });
        Self { address, seen: watched, _tasks: tasks }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.seen.borrow().requests.clone()
    }

    /// Waits until so many requests have arrived.
    pub(crate) async fn received(&self, count: usize) {
        self.until(|seen| seen.requests.len() >= count).await;
    }

    /// Waits until the upstream hangs: all that it has to say was sent.
    pub(crate) async fn hangs(&self) {
        self.until(|seen| seen.hanging > 0).await;
    }

    /// Waits until the client has closed a connection on which the upstream hangs.
    pub(crate) async fn saw_the_client_leave(&self) {
        self.until(|seen| seen.closed_by_client > 0).await;
    }

    async fn until(&self, condition: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.clone();
        within(seen.wait_for(condition)).await.unwrap();
    }
}

/// An address at which nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/v1", listener.local_addr().unwrap())
}

/// A server that does not know TLS, by an address that asks for it.
pub(crate) struct NoTls {
    pub(crate) base_url: String,
    _tasks: JoinSet<()>,
}

pub(crate) async fn no_tls() -> NoTls {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("https://{}/v1", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            // A client that has gone away already is no matter.
            let _ = socket.write_all(b"HTTP/1.1 400 This is no TLS\r\n\r\n").await;
        }
    });
    NoTls { base_url, _tasks: tasks }
}

/// A test that hangs fails instead.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("the condition came true in time")
}

async fn serve(mut socket: TcpStream, scripts: Arc<Mutex<VecDeque<Vec<Step>>>>, seen: watch::Sender<Seen>) {
    while let Some(received) = read_request(&mut socket).await {
        let script = {
            let mut scripts = scripts.lock().unwrap();
            if scripts.len() > 1 { scripts.pop_front().unwrap() } else { scripts.front().unwrap().clone() }
        };
        seen.send_modify(|seen| seen.requests.push(received));
        for step in script {
            let sent = match step {
                Step::Head(status, headers) => {
                    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                    let head = format!("HTTP/1.1 {status} Scripted\r\ntransfer-encoding: chunked\r\n{headers}\r\n");
                    socket.write_all(head.as_bytes()).await
                }
                Step::Send(bytes) => send_chunk(&mut socket, &bytes).await,
                Step::Every(pause, times, bytes) => {
                    let mut sent = Ok(());
                    for _ in 0..times {
                        tokio::time::sleep(pause).await;
                        sent = sent.and(send_chunk(&mut socket, &bytes).await);
                    }
                    sent
                }
                Step::Wait(notify) => {
                    notify.notified().await;
                    Ok(())
                }
                Step::End => socket.write_all(b"0\r\n\r\n").await,
                Step::Close => return,
                Step::Hang => {
                    seen.send_modify(|seen| seen.hanging += 1);
                    let mut rest = Vec::new();
                    // A reset is a close as well.
                    let _ = socket.read_to_end(&mut rest).await;
                    seen.send_modify(|seen| seen.closed_by_client += 1);
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    }
}

async fn send_chunk(socket: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    socket.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
    socket.write_all(bytes).await?;
    socket.write_all(b"\r\n").await?;
    socket.flush().await
}

async fn read_request(socket: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_ends = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_ends].to_vec()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
    while bytes.len() < head_ends + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received { head, body: serde_json::from_slice(&bytes[head_ends..]).unwrap() })
}

/// The head of a stream.
pub(crate) fn stream() -> Step {
    Step::Head(200, vec![("content-type", "text/event-stream".to_owned())])
}

/// One event.
pub(crate) fn event(data: &Value) -> Step {
    Step::Send(format!("data: {data}\n\n").into_bytes())
}

/// A frame with this delta.
pub(crate) fn delta(delta: &Value) -> Step {
    event(&frame(delta, None))
}

pub(crate) fn frame(delta: &Value, finish_reason: Option<&str>) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    })
}

pub(crate) fn text(text: &str) -> Step {
    delta(&json!({"content": text}))
}

pub(crate) fn finish(reason: &str) -> Step {
    event(&frame(&json!({}), Some(reason)))
}

pub(crate) fn done() -> Step {
    Step::Send(b"data: [DONE]\n\n".to_vec())
}

/// A whole short answer.
pub(crate) fn answer(words: &str) -> Vec<Step> {
    vec![stream(), delta(&json!({"role": "assistant", "content": ""})), text(words), finish("stop"), done(), Step::End]
}

/// An answer that is an error.
pub(crate) fn status(status: u16, headers: &[(&'static str, &str)], body: &str) -> Vec<Step> {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    vec![Step::Head(status, headers), Step::Send(body.as_bytes().to_vec()), Step::End]
}
