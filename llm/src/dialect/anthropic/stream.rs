//! Streams of messages: a provider's read by [`Decoder`], a caller's written by [`Encoder`].

mod encode;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::finish_reason;
use super::usage::WireUsage;
use crate::chat::{Chunk, Delta, Dialect, FinishReason, Opaque, Usage};
use crate::dialect::classify;
use crate::dialect::sse::Event;
use crate::dialect::stream::{Decode, Step};
use crate::error::Error;

pub use encode::Encoder;

/// One event. The name stands in the data as well, so the line `event:` is not needed.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireEvent {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: u32,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u32,
        delta: BlockDelta,
    },
    ContentBlockStop,
    MessageDelta {
        delta: End,
        #[serde(default)]
        usage: Option<WireUsage>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    // `ping`, and whatever comes to be.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
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

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockDelta {
    TextDelta {
        text: String,
    },
    ThinkingDelta {
        thinking: String,
    },
    SignatureDelta {
        signature: String,
    },
    InputJsonDelta {
        partial_json: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct End {
    #[serde(default)]
    stop_reason: Option<String>,
}

/// Reads the stream of a provider.
#[derive(Default)]
pub(crate) struct Decoder {
    usage: Option<WireUsage>,
    /// The calls by their blocks.
    calls: HashMap<u32, u32>,
    signature: String,
    finish: Option<FinishReason>,
}

impl Decode for Decoder {
    fn event(&mut self, event: &Event, chunk: &mut Chunk) -> Result<Step, Error> {
        let Ok(event) = serde_json::from_slice::<WireEvent>(&event.data) else { return Ok(Step::Malformed) };
        let mut is_progress = true;
        match event {
            WireEvent::MessageStart { message } => {
                is_progress = false;
                chunk.deltas.push(Delta::Start { id: message.id, model: message.model });
                self.used(message.usage, chunk);
            }
            WireEvent::ContentBlockStart { index, content_block } => is_progress = self.block(index, content_block, chunk),
            WireEvent::ContentBlockDelta { index, delta } => match delta {
                BlockDelta::TextDelta { text } => chunk.deltas.push(Delta::Text(text)),
                BlockDelta::ThinkingDelta { thinking } => chunk.deltas.push(Delta::Reasoning(thinking)),
                BlockDelta::SignatureDelta { signature } => self.signature.push_str(&signature),
                BlockDelta::InputJsonDelta { partial_json } => {
                    // A tool that runs at the provider has no call of ours.
                    if let Some(&index) = self.calls.get(&index) {
                        chunk.deltas.push(Delta::ToolCall { index, id: None, name: None, arguments_fragment: partial_json });
                    }
                }
                BlockDelta::Other => {}
            },
            WireEvent::ContentBlockStop => {
                is_progress = false;
                if !self.signature.is_empty() {
                    let data = std::mem::take(&mut self.signature);
                    chunk.deltas.push(Delta::Opaque(Opaque::Signature { dialect: Dialect::Anthropic, data }));
                }
            }
            WireEvent::MessageDelta { delta, usage } => {
                self.used(usage, chunk);
                if let Some(reason) = delta.stop_reason.filter(|reason| !reason.is_empty()) {
                    self.finish.get_or_insert_with(|| finish_reason(&reason));
                }
            }
            WireEvent::MessageStop => return Ok(Step::Ends),
            WireEvent::Error { error } if self.finish.is_none() => return Err(classify::in_stream(&error)),
            WireEvent::Error { .. } | WireEvent::Other => is_progress = false,
        }
        chunk.deltas.retain(|delta| !is_empty(delta));
        Ok(Step::of(is_progress))
    }

    fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    fn finish(&mut self) -> Option<Chunk> {
        self.finish.take().map(|finish| Delta::Finish(finish).into())
    }

    fn last_event(&self) -> &'static [u8] {
        encode::STOP_EVENT
    }
}

impl Decoder {
    fn block(&mut self, index: u32, block: Block, chunk: &mut Chunk) -> bool {
        match block {
            Block::Text { text } => chunk.deltas.push(Delta::Text(text)),
            Block::Thinking { thinking } => chunk.deltas.push(Delta::Reasoning(thinking)),
            Block::RedactedThinking { data } => chunk.deltas.push(Delta::Opaque(Opaque::Hidden { dialect: Dialect::Anthropic, data })),
            Block::ToolUse { id, name, input } => {
                let call = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
                self.calls.insert(index, call);
                // Some servers give the whole input at once.
                let arguments_fragment = if input.as_object().is_some_and(|input| !input.is_empty()) { input.to_string() } else { String::new() };
                chunk.deltas.push(Delta::ToolCall { index: call, id: Some(id), name: Some(name), arguments_fragment });
                return true;
            }
            Block::Other => {}
        }
        chunk.deltas.iter().any(|delta| !is_empty(delta))
    }

    /// The counts so far. They are told as they come, so that an answer that breaks off can be paid for.
    fn used(&mut self, usage: Option<WireUsage>, chunk: &mut Chunk) {
        if let Some(usage) = usage {
            let all = self.usage.unwrap_or_default().then(usage);
            self.usage = Some(all);
            chunk.deltas.push(Delta::Usage(Usage::from(&all)));
        }
    }
}

/// Whether a delta says nothing.
fn is_empty(delta: &Delta) -> bool {
    match delta {
        Delta::Text(text) | Delta::Reasoning(text) => text.is_empty(),
        Delta::ToolCall { id, name, arguments_fragment, .. } => id.is_none() && name.is_none() && arguments_fragment.is_empty(),
        _ => false,
    }
}
