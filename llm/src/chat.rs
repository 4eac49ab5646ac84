//! What goes into a model and what comes out of it, whatever dialect either side speaks.
//!
//! Start at [`ChatRequest`]; its [`message`]s hold parts, its [`options`] what else a caller may ask for. An answer comes as a
//! [`ChatStream`] of [`Chunk`]s. The dialects translate these types to the wire and back; nothing else knows both.
//!
//! What is absent: any knowledge of the ERP. Tools are data, and what a provider may know of the day or the language comes in
//! [`ChatRequest::context`].

mod delta;
mod message;
mod options;
mod usage;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

pub use delta::{ChatStream, Chunk, Delta, FinishReason};
pub use message::{Authority, Cache, ImageSource, Message, Opaque, Part, ToolCall, ToolStatus};
pub(crate) use message::{text, tool_calls};
pub use options::{Effort, Format, Reasoning, Sampling, Schema, Tool, ToolChoice};
pub use usage::Usage;
pub use wire::{Dialect, Wire};

/// One question to a model: the conversation so far and the tools it may call.
#[derive(Clone)]
pub struct ChatRequest {
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Arc<Tool>>,
    /// Whether it must, or must not; the provider's default if absent.
    pub tool_choice: Option<ToolChoice>,
    /// Whether one answer may hold several calls; the provider's default if absent.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the words.
    pub format: Format,
    /// How the next token is chosen.
    pub sampling: Sampling,
    /// How much the model thinks before it answers; the provider's default if absent.
    pub reasoning: Option<Reasoning>,
    /// The upper bound of the answer, in tokens.
    pub max_tokens: u32,
    /// The model as the caller names it. Which model a target is asked for stands in the [`Attempt`](crate::Attempt).
    pub model: Option<String>,
    /// Whether the caller reads the answer as it comes.
    pub delivery: Delivery,
    /// When the answer has to be complete.
    pub deadline: Instant,
    /// Further facts, such as today's date and the language; `Null` if there are none. A provider may use or ignore them.
    pub context: Value,
    /// What the caller sent, if it came over the wire.
    pub wire: Option<Arc<Wire>>,
    /// What the caller asks for that stands in the wire only, by the names of the fields. Where the wire does not go on as it is, the
    /// request cannot be served.
    pub beyond: Vec<String>,
}

/// How the caller reads an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// As it comes.
    #[default]
    Stream,
    /// At once when it is complete.
    Whole,
}

impl ChatRequest {
    /// A conversation without tools and with no wishes.
    pub fn new(messages: Vec<Message>, max_tokens: u32, deadline: Instant) -> Self {
        Self {
            messages,
            tools: Vec::new(),
            tool_choice: None,
            parallel_tool_calls: None,
            format: Format::Text,
            sampling: Sampling::default(),
            reasoning: None,
            max_tokens,
            model: None,
            delivery: Delivery::Stream,
            deadline,
            context: Value::Null,
            wire: None,
            beyond: Vec::new(),
        }
    }
}

/// Prompts never reach a log, so only sizes are shown.
impl fmt::Debug for ChatRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatRequest")
            .field("messages", &self.messages.len())
            .field("tools", &self.tools.len())
            .field("model", &self.model)
            .field("max_tokens", &self.max_tokens)
            .field("delivery", &self.delivery)
            .field("wire", &self.wire)
            .finish_non_exhaustive()
    }
}
