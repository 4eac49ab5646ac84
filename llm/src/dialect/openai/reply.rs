//! Whole chat completions: a provider's read, a caller's written.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::stream::finish_word;
use super::usage::WireUsage;
use super::{BROKE_DOWN, finish_reason};
use crate::chat::{FinishReason, Part, ToolCall, Usage};
use crate::dialect::{Head, classify, to_bytes};
use crate::error::{Error, Kind};
use crate::reply::{Reply, checked};

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    reasoning: Option<Value>,
    #[serde(default)]
    reasoning_content: Option<Value>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Default, Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<Value>,
}

/// Reads a provider's answer.
///
/// # Errors
/// What it says went wrong; [`Kind::Malformed`] if it is no answer; [`Kind::Cut`] if it does not say why it ended;
/// [`Kind::InvalidToolCall`] if a call cannot be read.
pub fn decode(body: &[u8]) -> Result<Reply, Error> {
    // The cause is left out: it could quote the answer.
    let body: Body = serde_json::from_slice(body).map_err(|_| Kind::Malformed)?;
    if let Some(error) = &body.error {
        return Err(classify::in_stream(error));
    }
    let choice = body.choices.into_iter().flatten().find(|choice| choice.index == 0).ok_or(Kind::Malformed)?;
    let message = choice.message.ok_or(Kind::Malformed)?;
    let mut parts = Vec::new();
    let thought = message.reasoning_content.or(message.reasoning);
    parts.extend(thought.as_ref().and_then(Value::as_str).map(|text| Part::Reasoning { text: text.to_owned(), opaque: None }));
    parts.extend(message.content.map(Part::text));
    parts.extend(message.refusal.map(|text| Part::Refusal { text }));
    parts.retain(|part| !matches!(part, Part::Text { text, .. } | Part::Refusal { text } | Part::Reasoning { text, .. } if text.is_empty()));
    let calls = message.tool_calls.unwrap_or_default();
    let has_called = !calls.is_empty();
    parts.extend(calls.into_iter().map(|call| {
        let function = call.function.unwrap_or_default();
        let arguments = match function.arguments {
            Some(Value::String(text)) => text,
            // Some servers send them as an object.
            Some(other) => other.to_string(),
            None => String::new(),
        };
        Part::ToolCall(ToolCall { id: call.id.unwrap_or_default(), name: function.name.unwrap_or_default(), arguments })
    }));
    let finish = match choice.finish_reason.as_deref() {
        None | Some("") => return Err(Kind::Cut.into()),
        Some(BROKE_DOWN) => return Err(Kind::Upstream.into()),
        Some("stop") if has_called => FinishReason::ToolCalls,
        Some(reason) => finish_reason(reason),
    };
    let content = checked(parts.into_iter())?;
    Ok(Reply { id: body.id, model: body.model, content, usage: body.usage.as_ref().map(Usage::from), finish })
}

/// Writes an answer for a caller.
pub fn encode(reply: &Reply, head: &Head) -> Bytes {
    let mut message = json!({"role": "assistant"});
    let text = reply.text();
    let pieces = |pick: fn(&Part) -> Option<&str>| reply.content.iter().filter_map(pick).collect::<String>();
    let refusal = pieces(|part| if let Part::Refusal { text } = part { Some(text) } else { None });
    let thought = pieces(|part| if let Part::Reasoning { text, .. } = part { Some(text) } else { None });
    let calls: Vec<Value> =
        reply.tool_calls().map(|call| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})).collect();
    message["content"] = if text.is_empty() && (!calls.is_empty() || !refusal.is_empty()) { Value::Null } else { text.into() };
    message["refusal"] = if refusal.is_empty() { Value::Null } else { refusal.into() };
    if !thought.is_empty() {
        message["reasoning_content"] = thought.into();
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    let mut body = json!({
        "id": format!("chatcmpl-{}", head.id),
        "object": "chat.completion",
        "created": head.created,
        "model": reply.model.as_deref().unwrap_or(&head.model),
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_word(&reply.finish)}],
    });
    if let Some(usage) = &reply.usage {
        body["usage"] = serde_json::to_value(WireUsage::from(usage)).unwrap_or_default();
    }
    to_bytes(&body)
}
