//! OpenAI's chat completions and embeddings, as OpenAI means them and as compatible servers speak them.
//!
//! Both directions of each: [`request`], [`stream`], [`reply`], [`embed`]. How a server departs from OpenAI is a value,
//! [`Quirks`], not code.

pub mod embed;
pub mod reply;
pub mod request;
pub mod stream;
mod usage;

use serde::Deserialize;

use super::ids::Form;
use crate::chat::FinishReason;

/// How a server departs from OpenAI's own API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// The field for the length of the answer.
    pub token_limit: TokenLimit,
    /// Whether it knows `stream_options`, and with it usage at the end of a stream.
    pub stream_options: bool,
    /// Whether it knows the role `developer`; it becomes `system` otherwise.
    pub developer_role: bool,
    /// What ids of tool calls have to look like.
    pub ids: Form,
}

impl Quirks {
    /// OpenAI itself.
    pub const OPENAI: Self = Self { token_limit: TokenLimit::MaxCompletionTokens, stream_options: true, developer_role: true, ids: Form::OpenAi };
    /// What compatible servers have in common.
    pub const COMPATIBLE: Self = Self { token_limit: TokenLimit::MaxTokens, stream_options: true, developer_role: false, ids: Form::OpenAi };
    /// Mistral's own API.
    pub const MISTRAL: Self = Self { ids: Form::Mistral, stream_options: false, ..Self::COMPATIBLE };
}

impl Default for Quirks {
    fn default() -> Self {
        Self::COMPATIBLE
    }
}

/// The name of the field that bounds the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// `max_tokens`, which compatible servers know.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's newer models insist on.
    MaxCompletionTokens,
}

impl TokenLimit {
    /// The field's name.
    pub fn field(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }

    /// The name that it does not have.
    fn other(self) -> &'static str {
        match self {
            Self::MaxTokens => Self::MaxCompletionTokens.field(),
            Self::MaxCompletionTokens => Self::MaxTokens.field(),
        }
    }
}

/// The finish reasons of OpenAI, and what servers with other models behind them write instead.
fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "stop" | "end_turn" | "stop_sequence" | "eos" | "eos_token" | "complete" | "completed" => FinishReason::Stop,
        "length" | "max_tokens" | "model_length" => FinishReason::Length,
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "content_filter" | "safety" => FinishReason::ContentFilter,
        // Whatever else it is, it may be a truncation, and a truncation must not pass for success.
        other => FinishReason::Other(other.into()),
    }
}

/// A gateway's way to say that the model behind it broke down.
const BROKE_DOWN: &str = "error";
