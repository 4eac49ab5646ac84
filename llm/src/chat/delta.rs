//! An answer as it arrives.
//!
//! The contract of a [`ChatStream`]:
//! - `Text`, `Refusal`, `Reasoning` and `ToolCall` deltas are never empty shells; a frame that holds none of them is a [`Chunk`]
//!   without deltas, and only there for callers to whom the frames go on as they are;
//! - either every chunk of a stream holds its event or none does, and the events are all that the upstream sent;
//! - a good answer ends with exactly one `Finish`, which is its last delta; a stream that ends without one was cut off;
//! - after an `Err` nothing follows;
//! - dropping the stream, or the future that would have made it, ends the work upstream at once.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use super::message::Opaque;
use super::usage::Usage;
use crate::error::Error;

/// The parts of an answer as they arrive.
pub type ChatStream = Pin<Box<dyn Stream<Item = Result<Chunk, Error>> + Send>>;

/// One frame of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// What it says, in order.
    pub deltas: SmallVec<[Delta; 2]>,
    /// The event as the upstream sent it, with the blank line that ends it, in the dialect of the provider. Absent if it must not go
    /// on as it is.
    pub raw: Option<Bytes>,
}

impl From<Delta> for Chunk {
    fn from(delta: Delta) -> Self {
        Self { deltas: smallvec![delta], raw: None }
    }
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// The answer begins; at most once, before everything else.
    Start {
        /// The upstream's name of the answer.
        id: Option<String>,
        /// The model that answers, by the upstream's own name.
        model: Option<String>,
    },
    /// More words.
    Text(String),
    /// More words with which the model declines.
    Refusal(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// What proves or hides the reasoning before it; it has to come back as it is.
    Opaque(Opaque),
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
    /// What the answer used so far, before `Finish`; each replaces the one before.
    Usage(Usage),
    /// The answer is complete; always the last delta.
    Finish(FinishReason),
}

impl Delta {
    /// Whether it shows anything of the answer, so that another provider can no longer begin anew.
    pub fn is_shown(&self) -> bool {
        match self {
            Self::Text(text) | Self::Refusal(text) => !text.is_empty(),
            Self::ToolCall { .. } | Self::Finish(_) => true,
            Self::Start { .. } | Self::Reasoning(_) | Self::Opaque(_) | Self::Usage(_) => false,
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum FinishReason {
    /// The model had said everything.
    Stop,
    /// `max_tokens` or the model's window was reached.
    Length,
    /// The model waits for the results of its tool calls.
    ToolCalls,
    /// The provider withheld the rest.
    ContentFilter,
    /// Something else, by the provider's own word. It may mean that the answer is not complete.
    Other(Arc<str>),
}

impl FinishReason {
    /// The stable name; the provider's own word where there is none.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other(reason) => reason,
        }
    }
}

impl From<String> for FinishReason {
    fn from(reason: String) -> Self {
        match reason.as_str() {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "tool_calls" => Self::ToolCalls,
            "content_filter" => Self::ContentFilter,
            other => Self::Other(other.into()),
        }
    }
}

impl From<FinishReason> for String {
    fn from(reason: FinishReason) -> Self {
        reason.as_str().to_owned()
    }
}
