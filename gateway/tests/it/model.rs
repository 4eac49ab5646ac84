//! A model that says what a test wants, as a server that speaks OpenAI's protocol over real sockets, well or badly.

mod held;

pub(crate) use held::Held;

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use steward_gateway::config::Config;
use steward_llm::{OpenAiConfig, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The bytes of one answer; the connection is closed behind them.
pub(crate) type Script = Vec<u8>;

pub(crate) struct Model {
    name: String,
    base_url: String,
    requests: Arc<Mutex<Vec<Value>>>,
    scripts: Arc<Mutex<VecDeque<Script>>>,
    _tasks: JoinSet<()>,
}

impl Model {
    /// Answers by these scripts in turn; the last one serves all further requests.
    pub(crate) async fn start(name: &str, scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Value>>> = Arc::default();
        let scripts = Arc::new(Mutex::new(VecDeque::from(scripts)));
        let (seen, next) = (Arc::clone(&requests), Arc::clone(&scripts));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let Some(body) = read_request(&mut socket).await else { continue };
                seen.lock().unwrap().push(body);
                let script = {
                    let mut scripts = next.lock().unwrap();
                    if scripts.len() > 1 { scripts.pop_front().unwrap() } else { scripts[0].clone() }
                };
                // A client that has gone away does not end the model.
                let _ = socket.write_all(&script).await;
                let _ = socket.shutdown().await;
            }
        });
        Self { name: name.to_owned(), base_url, requests, scripts, _tasks: tasks }
    }

    /// Other answers from now on.
    pub(crate) fn rewrite(&self, scripts: Vec<Script>) {
        *self.scripts.lock().unwrap() = scripts.into();
        self.requests.lock().unwrap().clear();
    }

    /// Makes it the first model of the program.
    pub(crate) fn configure(&self, config: &mut Config) {
        configured(&self.name, &self.base_url, config);
    }

    /// The same as a section of the configuration, for a program of its own.
    pub(crate) fn section(&self) -> String {
        format!("[[assistant.models]]\nname = \"{}\"\nbase_url = \"{}\"\nmodel = \"scripted\"\n", self.name, self.base_url)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The bodies that were sent to it.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

fn configured(name: &str, base_url: &str, config: &mut Config) {
    let patient = Timeouts { connect_ms: 30_000, headers_ms: 30_000, first_token_ms: 30_000, idle_ms: 30_000, total_ms: 60_000 };
    config.assistant.models = vec![OpenAiConfig {
        name: name.to_owned(),
        base_url: base_url.to_owned(),
        api_key: None,
        model: "scripted".into(),
        timeouts: patient,
        token_limit: None,
        price: None,
        proxy_url: None,
    }];
}

async fn read_request(socket: &mut TcpStream) -> Option<Value> {
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
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
    while bytes.len() < ends + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    serde_json::from_slice(&bytes[ends..]).ok()
}

pub(crate) fn fails(status: u16) -> Script {
    format!("HTTP/1.1 {status} No\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}").into_bytes()
}

/// The head of a stream and these frames, without its end.
pub(crate) fn cut_off(frames: &[&str]) -> Script {
    let mut script = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n".to_vec();
    script.extend(chunks(frames));
    script
}

fn chunks(frames: &[&str]) -> Vec<u8> {
    let chunk = |frame: &&str| {
        let frame = format!("data: {frame}\n\n");
        format!("{:x}\r\n{frame}\r\n", frame.len()).into_bytes()
    };
    frames.iter().flat_map(chunk).collect()
}

fn whole(deltas: &[Value], reason: &str) -> Script {
    let mut frames: Vec<String> = deltas.iter().map(|delta| frame(delta, None).to_string()).collect();
    frames.push(frame(&json!({}), Some(reason)).to_string());
    frames.push("[DONE]".into());
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let mut script = cut_off(&frames);
    script.extend(b"0\r\n\r\n");
    script
}

pub(crate) fn frame(delta: &Value, reason: Option<&str>) -> Value {
    json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] })
}

/// An answer that tells what it took.
pub(crate) fn says_for(text: &str, usage: &Value) -> Script {
    told_for(&json!({ "role": "assistant", "content": text }), "stop", usage)
}

/// The same of a call.
pub(crate) fn calls_for(tool: &str, arguments: &Value, usage: &Value) -> Script {
    told_for(&call(tool, arguments), "tool_calls", usage)
}

/// Words with a call behind them.
pub(crate) fn says_and_calls_for(text: &str, tool: &str, arguments: &Value, usage: &Value) -> Script {
    let mut delta = call(tool, arguments);
    delta["content"] = json!(text);
    told_for(&delta, "tool_calls", usage)
}

fn told_for(delta: &Value, reason: &str, usage: &Value) -> Script {
    let usage = json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [], "usage": usage });
    let frames = [frame(delta, None), frame(&json!({}), Some(reason)), usage].map(|frame| frame.to_string());
    let mut frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    frames.push("[DONE]");
    let mut script = cut_off(&frames);
    script.extend(b"0\r\n\r\n");
    script
}

pub(crate) fn says(text: &str) -> Script {
    whole(&[json!({ "role": "assistant", "content": text })], "stop")
}

pub(crate) fn calls(tool: &str, arguments: &Value) -> Script {
    whole(&[call(tool, arguments)], "tool_calls")
}

fn call(tool: &str, arguments: &Value) -> Value {
    let call = json!({ "index": 0, "id": "call_1", "type": "function", "function": { "name": tool, "arguments": arguments.to_string() } });
    json!({ "role": "assistant", "tool_calls": [call] })
}
