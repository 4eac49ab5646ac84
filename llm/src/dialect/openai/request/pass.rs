//! A body that its caller wrote in the dialect of the provider: only what has to be is changed.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::TokenLimit;
use super::{Quirks, ids};
use crate::chat::{Authority, ChatRequest, Delivery, Message, Wire};
use crate::dialect::ids::Ids;
use crate::dialect::patch::{Change, patch};

/// What has to be looked at before it can be changed.
#[derive(Deserialize)]
struct Known {
    #[serde(default)]
    model: Option<Value>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<Map<String, Value>>,
    #[serde(default)]
    max_tokens: Option<Value>,
    #[serde(default)]
    max_completion_tokens: Option<Value>,
}

#[derive(Deserialize)]
struct Said {
    messages: Vec<Value>,
}

/// The caller's body for this target; `None` if it has to be written anew.
pub(super) fn patched(wire: &Wire, request: &ChatRequest, model: &str, quirks: &Quirks) -> Option<String> {
    if !request.context.is_null() {
        return None;
    }
    let text = std::str::from_utf8(&wire.body).ok()?;
    let known: Known = serde_json::from_str(text).ok()?;
    let mut changes: Vec<(&str, Change)> = Vec::new();
    if known.model.as_ref().and_then(Value::as_str) != Some(model) {
        changes.push(("model", Change::Set(model.into())));
    }
    let streams = request.delivery == Delivery::Stream;
    if known.stream.unwrap_or(false) != streams {
        changes.push(("stream", Change::Set(streams.into())));
    }
    if streams && quirks.stream_options {
        let mut options = known.stream_options.unwrap_or_default();
        if options.get("include_usage") != Some(&Value::Bool(true)) {
            options.insert("include_usage".to_owned(), true.into());
            changes.push(("stream_options", Change::Set(options.into())));
        }
    } else if known.stream_options.is_some() {
        changes.push(("stream_options", Change::Remove));
    }
    let limit = Value::from(request.max_tokens);
    let (wanted, other) = match quirks.token_limit {
        TokenLimit::MaxTokens => (known.max_tokens, known.max_completion_tokens),
        TokenLimit::MaxCompletionTokens => (known.max_completion_tokens, known.max_tokens),
    };
    if wanted.as_ref() != Some(&limit) {
        changes.push((quirks.token_limit.field(), Change::Set(limit)));
    }
    if other.is_some() {
        changes.push((quirks.token_limit.other(), Change::Remove));
    }
    if let Some(messages) = messages(text, request, quirks)? {
        changes.push(("messages", Change::Set(messages)));
    }
    patch(text, &changes).ok()
}

/// The messages with roles and ids that the server takes, if they have others; `None` if they cannot be read.
fn messages(text: &str, request: &ChatRequest, quirks: &Quirks) -> Option<Option<Value>> {
    let is_developer = |message: &Message| matches!(message, Message::System { authority: Authority::Developer, .. });
    let wants_roles = !quirks.developer_role && request.messages.iter().any(is_developer);
    let ids = ids(&request.messages, quirks);
    if !wants_roles && ids.is_identity() {
        return Some(None);
    }
    let Said { mut messages } = serde_json::from_str(text).ok()?;
    for message in &mut messages {
        if wants_roles && message["role"] == "developer" {
            message["role"] = "system".into();
        }
        rename(message.get_mut("tool_call_id"), &ids);
        for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
            rename(call.get_mut("id"), &ids);
        }
    }
    Some(Some(messages.into()))
}

fn rename(id: Option<&mut Value>, ids: &Ids) {
    if let Some(Value::String(id)) = id {
        *id = ids.outward(id).to_owned();
    }
}
