//! Clients of each dialect, and what they understand of an answer.

use crate::app::Answer;
use crate::models::data;
use serde_json::{Value, json};

/// A client: what it speaks, and whether it reads a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Chat { stream: bool },
    Messages { stream: bool },
    Responses { stream: bool },
}

impl By {
    /// The name of the door in the ledger.
    pub(super) fn door(self) -> &'static str {
        match self {
            Self::Chat { .. } => "chat",
            Self::Messages { .. } => "messages",
            Self::Responses { .. } => "responses",
        }
    }

    /// Below `/v1/`.
    pub(super) fn path(self) -> &'static str {
        if matches!(self, Self::Chat { .. }) { "chat/completions" } else { self.door() }
    }

    fn is_streamed(self) -> bool {
        let (Self::Chat { stream } | Self::Messages { stream } | Self::Responses { stream }) = self;
        stream
    }

    pub(super) fn body(self, alias: &str) -> Value {
        let (model, stream, messages) = (alias, self.is_streamed(), json!([{ "role": "user", "content": "Hi" }]));
        match self {
            Self::Chat { .. } => json!({ "model": model, "stream": stream, "max_tokens": 50, "messages": messages }),
            Self::Messages { .. } => json!({ "model": model, "stream": stream, "max_tokens": 50, "messages": messages }),
            Self::Responses { .. } => json!({ "model": model, "stream": stream, "max_output_tokens": 50, "input": "Hi" }),
        }
    }

    /// The words of an answer that is complete in the form of the dialect.
    #[track_caller]
    pub(super) fn good(self, answer: &Answer) -> String {
        assert_eq!(answer.status, 200, "{self:?}: {}", answer.text);
        if !self.is_streamed() {
            let body = answer.json();
            let (words, ended, end) = match self {
                Self::Chat { .. } => (&body["choices"][0]["message"]["content"], &body["choices"][0]["finish_reason"], "stop"),
                Self::Messages { .. } => (&body["content"][0]["text"], &body["stop_reason"], "end_turn"),
                Self::Responses { .. } => (&body["output"][0]["content"][0]["text"], &body["status"], "completed"),
            };
            assert_eq!(ended, end, "{body}");
            return words.as_str().unwrap().to_owned();
        }
        let mut told = data(&answer.text);
        if matches!(self, Self::Chat { .. }) {
            assert_eq!(told.pop().as_deref(), Some("[DONE]"), "{}", answer.text);
        }
        let events = events(&told);
        assert!(events.iter().any(is_end), "{}", answer.text);
        assert!(events.iter().all(|event| failure(event).is_none()), "{}", answer.text);
        words(&events)
    }

    /// The code of an error instead of an answer, in the form of the dialect.
    #[track_caller]
    pub(super) fn refused(self, answer: &Answer, status: u16) -> String {
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/json"), "{self:?}: {}", answer.text);
        let (body, id) = (answer.json(), answer.header("request-id"));
        if let Self::Messages { .. } = self {
            assert_eq!((&body["type"], &body["request_id"]), (&json!("error"), &json!(id)), "{body}");
        }
        self.code_of(&body["error"], status)
    }

    /// The stable code of an error, which has the names that clients of this dialect know, wherever it stands.
    #[track_caller]
    fn code_of(self, error: &Value, status: u16) -> String {
        let message = error["message"].as_str().unwrap();
        let behind = message.strip_suffix(')').and_then(|message| message.rsplit_once(" (")).map(|(_, code)| code);
        let own = behind.or(error["code"].as_str()).unwrap();
        let (kind, code) = match (self, status) {
            (Self::Messages { .. }, _) => (anthropic(status), None),
            (_, 429) => ("rate_limit_error", Some("rate_limit_exceeded")),
            (Self::Chat { .. }, _) => ("server_error", Some(own)),
            (Self::Responses { .. }, _) => ("server_error", Some("server_error")),
        };
        assert_eq!((error["type"].as_str(), error["code"].as_str()), (Some(kind), code), "{error}");
        own.to_owned()
    }

    /// What was said before a stream broke off, and that it says so and ends like no good one.
    #[track_caller]
    pub(super) fn broken(self, answer: &Answer, status: u16, code: &str) -> String {
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"), "{self:?}: {}", answer.text);
        assert!(!answer.text.contains("[DONE]"), "{}", answer.text);
        let events = events(&data(&answer.text));
        assert!(!events.iter().any(is_end), "no end is invented: {}", answer.text);
        let (last, before) = events.split_last().unwrap();
        assert!(before.iter().all(|event| failure(event).is_none()), "{}", answer.text);
        let error = failure(last).unwrap_or_else(|| panic!("{}", answer.text));
        assert_eq!(self.code_of(error, status), code, "{}", answer.text);
        words(before)
    }
}

fn anthropic(status: u16) -> &'static str {
    match status {
        429 => "rate_limit_error",
        503 => "overloaded_error",
        504 => "timeout_error",
        _ => "api_error",
    }
}

#[track_caller]
fn events(told: &[String]) -> Vec<Value> {
    told.iter().map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))).collect()
}

/// Whether an event says how the answer ended.
fn is_end(event: &Value) -> bool {
    let has_reason = event["choices"][0]["finish_reason"].is_string() || event["delta"]["stop_reason"].is_string();
    has_reason || matches!(event["type"].as_str(), Some("message_stop" | "response.completed" | "response.incomplete"))
}

/// The failure that an event tells.
fn failure(event: &Value) -> Option<&Value> {
    let error = if event["type"] == "response.failed" { &event["response"]["error"] } else { &event["error"] };
    error.is_object().then_some(error)
}

fn words(events: &[Value]) -> String {
    let of = |event: &Value| {
        let words = match event["type"].as_str() {
            Some("content_block_delta") => &event["delta"]["text"],
            Some("response.output_text.delta") => &event["delta"],
            _ => &event["choices"][0]["delta"]["content"],
        };
        Some(words.as_str()?.to_owned())
    };
    events.iter().filter_map(of).collect()
}
