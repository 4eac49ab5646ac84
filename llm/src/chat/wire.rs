//! The dialects of the wire, and a request as its caller sent it.
//!
//! **Invariant:** body and request say the same. Whoever changes one of them changes the other, or lets the wire go.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// How a side of the gateway speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI's chat completions, and whatever is compatible with them.
    OpenAiChat,
    /// OpenAI's responses; only spoken to callers.
    OpenAiResponses,
    /// Anthropic's messages.
    Anthropic,
}

impl Dialect {
    /// The stable name, for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiChat => "open_ai_chat",
            Self::OpenAiResponses => "open_ai_responses",
            Self::Anthropic => "anthropic",
        }
    }
}

/// A request as its caller sent it. To a target that speaks the same dialect it goes on byte for byte, but for what has to be changed.
#[derive(Clone, PartialEq, Eq)]
pub struct Wire {
    /// What it is written in.
    pub dialect: Dialect,
    /// The whole body, a JSON object.
    pub body: Bytes,
    /// Whether the caller asked to be told what the answer used. In some dialects everybody is.
    pub shows_usage: bool,
    /// What the caller's header `anthropic-beta` names, which belongs to the body.
    pub betas: Vec<String>,
}

/// Prompts never reach a log, so only sizes are shown.
impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("dialect", &self.dialect).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}
