//! Whole messages: a provider's read, a caller's written.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::usage::WireUsage;
use super::{finish_reason, stop_reason};
use crate::chat::{Dialect, Opaque, Part, ToolCall, Usage};
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
    content: Option<Vec<Value>>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
        #[serde(default)]
        signature: Option<String>,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Other,
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
    let blocks = body.content.ok_or(Kind::Malformed)?.into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
    let finish = finish_reason(body.stop_reason.as_deref().filter(|reason| !reason.is_empty()).ok_or(Kind::Cut)?);
    let content = checked(blocks.into_iter())?;
    Ok(Reply { id: body.id, model: body.model, content, usage: body.usage.as_ref().map(Usage::from), finish })
}

fn part(value: Value) -> Result<Part, Kind> {
    let signed = |data| Opaque::Signature { dialect: Dialect::Anthropic, data };
    Ok(match Block::deserialize(&value).map_err(|_| Kind::Malformed)? {
        Block::Text { text } => Part::text(text),
        Block::Thinking { thinking, signature } => Part::Reasoning { text: thinking, opaque: signature.filter(|data| !data.is_empty()).map(signed) },
        Block::RedactedThinking { data } => Part::Reasoning { text: String::new(), opaque: Some(Opaque::Hidden { dialect: Dialect::Anthropic, data }) },
        Block::ToolUse { id, name, input } => {
            let arguments = if input.is_null() { String::new() } else { input.to_string() };
            Part::ToolCall(ToolCall { id, name, arguments })
        }
        Block::Other => Part::Other { dialect: Dialect::Anthropic, value },
    })
}

/// Writes an answer for a caller.
pub fn encode(reply: &Reply, head: &Head) -> Bytes {
    let content: Vec<Value> = reply.content.iter().filter_map(block).collect();
    to_bytes(&json!({
        "id": format!("msg_{}", head.id),
        "type": "message",
        "role": "assistant",
        "model": reply.model.as_deref().unwrap_or(&head.model),
        "content": content,
        "stop_reason": stop_reason(&reply.finish),
        "stop_sequence": null,
        "usage": WireUsage::from(&reply.usage.unwrap_or_default()),
    }))
}

fn block(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text { text, .. } | Part::Refusal { text } => json!({"type": "text", "text": text}),
        Part::Reasoning { opaque: Some(Opaque::Hidden { dialect: Dialect::Anthropic, data }), .. } => json!({"type": "redacted_thinking", "data": data}),
        Part::Reasoning { opaque: Some(Opaque::Hidden { .. }), .. } => return None,
        Part::Reasoning { text, opaque } => {
            let signature = match opaque {
                Some(Opaque::Signature { dialect: Dialect::Anthropic, data }) => data.as_str(),
                _ => "",
            };
            json!({"type": "thinking", "thinking": text, "signature": signature})
        }
        Part::ToolCall(ToolCall { id, name, arguments }) => {
            let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
        Part::Other { dialect: Dialect::Anthropic, value } => value.clone(),
        Part::Image { .. } | Part::Other { .. } => return None,
    })
}
