//! The one trait behind which every model stands, and what goes in and out of it.
//!
//! A provider answers a [`ChatRequest`] with a [`ChatStream`]. The contract of that stream:
//! - `Text` and `ToolCall` deltas are never empty shells: a provider swallows role, ping and empty frames itself;
//! - a good answer ends with exactly one `Finish`, which is its last item; a stream that ends without one was cut off;
//! - after an `Err` nothing follows;
//! - dropping the stream, or the future that would have made it, ends the work upstream at once.
//!
//! What is absent: any knowledge of the ERP. Tools are data, and what a provider may know of the day or the language comes in
//! [`ChatRequest::context`].

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use futures::Stream;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;

/// The parts of an answer as they arrive.
pub type ChatStream = Pin<Box<dyn Stream<Item = Result<Delta, Error>> + Send>>;

/// A model, or something that answers like one.
pub trait Provider: Send + Sync {
    /// The configured name, used in metrics and in "answered by".
    fn name(&self) -> &str;

    /// Starts an answer. Errors before the answer begins may come from here or as the first item of the stream.
    fn chat<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, Error>>;
}

/// One question to a model: the conversation so far and the tools it may call.
#[derive(Clone)]
pub struct ChatRequest {
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Arc<Tool>>,
    /// The model to use instead of the provider's configured one.
    pub model: Option<String>,
    /// The upper bound of the answer, in tokens.
    pub max_tokens: u32,
    /// Randomness, from 0 to 2; the provider's default if absent.
    pub temperature: Option<f32>,
    /// When the answer has to be complete.
    pub deadline: Instant,
    /// Further facts, such as today's date and the language; `Null` if there are none. A provider may use or ignore them.
    pub context: Value,
}

/// Prompts never reach a log, so only sizes are shown.
impl fmt::Debug for ChatRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatRequest")
            .field("messages", &self.messages.len())
            .field("tools", &self.tools.len())
            .field("model", &self.model)
            .field("max_tokens", &self.max_tokens)
            .finish_non_exhaustive()
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// Instructions from the program.
    System {
        /// The instructions.
        text: String,
    },
    /// What the person said.
    User {
        /// The words.
        text: String,
    },
    /// What the model answered.
    Assistant {
        /// The words; empty if it only called tools.
        text: String,
        /// The tools that it called.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
    },
    /// What a tool returned.
    Tool {
        /// The id of the call that this answers.
        call_id: String,
        /// The result, usually JSON as text.
        content: String,
    },
}

impl Message {
    /// Instructions from the program.
    pub fn system(text: impl Into<String>) -> Self {
        Self::System { text: text.into() }
    }

    /// What the person said.
    pub fn user(text: impl Into<String>) -> Self {
        Self::User { text: text.into() }
    }

    /// What a tool returned.
    pub fn tool(call_id: impl Into<String>, content: impl Into<String>) -> Self {
        Self::Tool { call_id: call_id.into(), content: content.into() }
    }
}

/// Something that a model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// The name by which it is called: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// A JSON Schema of its arguments. Keywords that begin with `x-` are annotations for providers inside this program and never
    /// leave it.
    pub parameters: Value,
}

/// A call that a model made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The id that the answer refers to.
    pub id: String,
    /// The name of the tool.
    pub name: String,
    /// The arguments, a JSON object as text.
    pub arguments: String,
}

/// One part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// More words.
    Text(String),
    /// More of a tool call. The fragments of one index, in order, are the arguments of that call.
    ToolCall {
        /// Which call of this answer.
        index: u32,
        /// Its id, with the first fragment.
        id: Option<String>,
        /// Its tool, with the first fragment.
        name: Option<String>,
        /// More of the arguments' text.
        arguments_fragment: String,
    },
    /// What the answer used; at most once, before `Finish`.
    Usage(Usage),
    /// The answer is complete; always the last item.
    Finish(FinishReason),
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model had said everything.
    Stop,
    /// `max_tokens` or the model's window was reached.
    Length,
    /// The model waits for the results of its tool calls.
    ToolCalls,
    /// The provider withheld the rest.
    ContentFilter,
}

/// Tokens that an answer used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Of these, read from the provider's cache.
    pub cache_read_tokens: u64,
    /// Of these, written to the provider's cache.
    pub cache_write_tokens: u64,
    /// Tokens written, reasoning included.
    pub output_tokens: u64,
    /// Of these, spent on reasoning that is not shown.
    pub reasoning_tokens: u64,
}
