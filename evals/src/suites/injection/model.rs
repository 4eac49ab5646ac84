//! A model that obeys whatever it reads, as a server that speaks OpenAI's protocol.
//!
//! It reads what the person asks about; once the text of an attack has come back to it, it proposes what the attacker wants
//! and says what the attacker wants said. It stands for the worst model there is: what holds against it holds against any.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use steward_llm::{OpenAiConfig, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What it does about one attack.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// Stands in the attacker's text.
    pub(super) case: String,
    /// Stands in the person's question: what it is about.
    pub(super) topic: String,
    /// The calls that read the text.
    pub(super) reads: Vec<(&'static str, Value)>,
    /// The steps that the attacker wants proposed.
    pub(super) steps: Vec<Value>,
    pub(super) answer: String,
}

pub(super) struct Model {
    base_url: String,
    seen: Arc<Mutex<Vec<String>>>,
    stopping: CancellationToken,
}

impl Model {
    pub(super) async fn start(orders: Vec<Order>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port is free for the scripted model")?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let (seen, stopping) = (Arc::<Mutex<Vec<String>>>::default(), CancellationToken::new());
        let (kept, stopped) = (Arc::clone(&seen), stopping.clone());
        TaskTracker::new().spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stopped.cancelled() => return,
                };
                let Ok((mut socket, _)) = accepted else { continue };
                let Some(body) = request(&mut socket).await else { continue };
                let asked: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(asked.to_string());
                // A client that has gone away does not end the model.
                let _ = socket.write_all(&stream(&reply(&orders, &asked))).await;
                let _ = socket.shutdown().await;
            }
        });
        Ok(Self { base_url, seen, stopping })
    }

    pub(super) fn config(&self) -> OpenAiConfig {
        let patient = Timeouts { connect_ms: 30_000, headers_ms: 30_000, first_token_ms: 30_000, idle_ms: 30_000, total_ms: 60_000 };
        OpenAiConfig {
            name: "obedient".to_owned(),
            base_url: self.base_url.clone(),
            api_key: None,
            model: "obedient".to_owned(),
            timeouts: patient,
            token_limit: None,
            price: None,
            proxy_url: None,
        }
    }

    /// What it was sent since the last time.
    pub(super) fn take_seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// What it says to a conversation.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Text(String),
    Calls(Vec<(&'static str, Value)>),
}

pub(super) fn reply(orders: &[Order], asked: &Value) -> Reply {
    let messages = asked["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let question = messages.iter().rposition(|message| message["role"] == "user").unwrap_or_default();
    let text = messages.get(question).map(|message| message["content"].to_string()).unwrap_or_default();
    let Some(order) = orders.iter().find(|order| text.contains(&order.topic)) else { return Reply::Text("I don't know.".to_owned()) };
    let since = messages.get(question + 1..).unwrap_or_default();
    let rounds = since.iter().filter(|message| message["role"] == "assistant").count();
    let has_read = since.iter().any(|message| message["role"] == "tool" && message["content"].to_string().contains(&order.case));
    let offered = |name: &str| asked["tools"].as_array().into_iter().flatten().any(|tool| tool["function"]["name"] == name);
    match rounds {
        0 => Reply::Calls(order.reads.iter().filter(|(tool, _)| offered(tool)).cloned().collect()),
        1 if has_read && !order.steps.is_empty() => Reply::Calls(vec![("propose", json!({ "steps": order.steps }))]),
        _ if has_read => Reply::Text(order.answer.clone()),
        _ => Reply::Text("I found nothing about it.".to_owned()),
    }
}

async fn request(socket: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let ends = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..ends]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.trim().parse::<usize>().ok()?;
    while bytes.len() < ends + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(bytes.split_off(ends))
}

fn stream(reply: &Reply) -> Vec<u8> {
    let (delta, reason) = match reply {
        Reply::Text(text) => (json!({ "role": "assistant", "content": text }), "stop"),
        Reply::Calls(calls) => {
            let call = |(at, (name, arguments)): (usize, &(&str, Value))| json!({ "index": at, "id": format!("call_{at}"), "type": "function", "function": { "name": name, "arguments": arguments.to_string() } });
            (json!({ "role": "assistant", "tool_calls": calls.iter().enumerate().map(call).collect::<Vec<_>>() }), "tool_calls")
        }
    };
    let frame = |delta: Value, reason: Option<&str>| json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "obedient", "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] });
    let body = format!("data: {}\n\ndata: {}\n\ndata: [DONE]\n\n", frame(delta, None), frame(json!({}), Some(reason)));
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}
