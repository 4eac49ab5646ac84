//! The stream of a message for a caller.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::stop_reason;
use super::super::usage::WireUsage;
use crate::chat::{Chunk, Delta, Dialect, Opaque, Usage};
use crate::dialect::{Frames, Head, Told};
use crate::error::Error;

pub(super) const STOP_EVENT: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// What the block that is being written holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Text,
    Thinking,
    Call(u32),
}

#[derive(Serialize)]
struct BlockDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
    delta: Piece<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Piece<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

struct Call {
    index: u32,
    id: String,
    block: u32,
}

/// Writes the stream for a caller.
pub struct Encoder {
    id: String,
    model: String,
    has_started: bool,
    open: Open,
    /// Blocks that were begun.
    blocks: u32,
    calls: Vec<Call>,
    usage: Usage,
}

impl Encoder {
    /// For an answer with this head.
    pub fn new(head: Head) -> Self {
        let id = format!("msg_{}", head.id);
        Self { id, model: head.model, has_started: false, open: Open::Nothing, blocks: 0, calls: Vec::new(), usage: Usage::default() }
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { model, .. } => {
                if let Some(model) = model {
                    self.model.clone_from(model);
                }
                return;
            }
            // What is known when the answer begins is told with its beginning, the rest with its end.
            Delta::Usage(usage) => return self.usage = *usage,
            _ => self.start(out),
        }
        match delta {
            Delta::Start { .. } | Delta::Usage(_) => {}
            Delta::Text(text) | Delta::Refusal(text) => {
                self.open(Open::Text, || json!({"type": "text", "text": ""}), out);
                self.piece(self.last(), Piece::Text { text }, out);
            }
            Delta::Reasoning(thinking) => {
                self.open(Open::Thinking, thinking_block, out);
                self.piece(self.last(), Piece::Thinking { thinking }, out);
            }
            Delta::Opaque(Opaque::Signature { dialect: Dialect::Anthropic, data }) => {
                self.open(Open::Thinking, thinking_block, out);
                self.piece(self.last(), Piece::Signature { signature: data }, out);
                self.close(out);
            }
            Delta::Opaque(Opaque::Hidden { dialect: Dialect::Anthropic, data }) => {
                self.close(out);
                self.begin(&json!({"type": "redacted_thinking", "data": data}), out);
                event(out, "content_block_stop", &json!({"type": "content_block_stop", "index": self.last()}));
            }
            // The caller could do nothing with it.
            Delta::Opaque(_) => {}
            Delta::ToolCall { index, id, name, arguments_fragment } => self.call(*index, id.as_deref(), name.as_deref(), arguments_fragment, out),
            Delta::Finish(reason) => {
                self.close(out);
                let delta = json!({"stop_reason": stop_reason(reason), "stop_sequence": null});
                event(out, "message_delta", &json!({"type": "message_delta", "delta": delta, "usage": WireUsage::from(&self.usage)}));
                out.extend_from_slice(STOP_EVENT);
            }
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let message = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": WireUsage::from(&self.usage),
        });
        event(out, "message_start", &json!({"type": "message_start", "message": message}));
    }

    fn call(&mut self, index: u32, id: Option<&str>, name: Option<&str>, fragment: &str, out: &mut Vec<u8>) {
        // Some servers number all calls 0 and tell them apart only by id.
        let known = self.calls.iter().rev().find(|call| call.index == index).filter(|call| id.is_none_or(|id| call.id == id)).map(|call| call.block);
        let block = known.unwrap_or_else(|| {
            self.close(out);
            let id = id.map_or_else(|| format!("call_{}", self.calls.len()), str::to_owned);
            self.begin(&json!({"type": "tool_use", "id": id, "name": name.unwrap_or_default(), "input": {}}), out);
            self.open = Open::Call(index);
            self.calls.push(Call { index, id, block: self.last() });
            self.last()
        });
        // Calls that come interleaved are told by the number of their block.
        if !fragment.is_empty() {
            self.piece(block, Piece::InputJson { partial_json: fragment }, out);
        }
    }

    /// The number of the block that was begun last.
    fn last(&self) -> u32 {
        self.blocks.saturating_sub(1)
    }

    fn open(&mut self, wanted: Open, block: impl FnOnce() -> Value, out: &mut Vec<u8>) {
        if self.open != wanted {
            self.close(out);
            self.begin(&block(), out);
            self.open = wanted;
        }
    }

    fn begin(&mut self, block: &Value, out: &mut Vec<u8>) {
        event(out, "content_block_start", &json!({"type": "content_block_start", "index": self.blocks, "content_block": block}));
        self.blocks += 1;
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.open, Open::Nothing) != Open::Nothing {
            event(out, "content_block_stop", &json!({"type": "content_block_stop", "index": self.last()}));
        }
    }

    fn piece(&self, index: u32, delta: Piece<'_>, out: &mut Vec<u8>) {
        event(out, "content_block_delta", &BlockDelta { kind: "content_block_delta", index, delta });
    }
}

fn thinking_block() -> Value {
    json!({"type": "thinking", "thinking": "", "signature": ""})
}

fn event(out: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    // Writing to memory what has only textual keys cannot fail.
    let _ = serde_json::to_writer(&mut *out, data);
    out.extend_from_slice(b"\n\n");
}

impl Frames for Encoder {
    fn chunk(&mut self, chunk: &Chunk) -> Bytes {
        if let Some(raw) = &chunk.raw {
            return raw.clone();
        }
        let mut out = Vec::with_capacity(256);
        for delta in &chunk.deltas {
            self.delta(delta, &mut out);
        }
        out.into()
    }

    fn failure(&mut self, error: &Error) -> Bytes {
        [b"event: error\ndata: ", &Told::of(error).body(Dialect::Anthropic, None)[..], b"\n\n"].concat().into()
    }
}
