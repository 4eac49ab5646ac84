//! Anthropic's messages, version `2023-06-01`.
//!
//! Both directions of each: [`request`], [`stream`], [`reply`].

pub mod reply;
pub mod request;
pub mod stream;
mod usage;

use serde::Deserialize;

use crate::chat::FinishReason;

/// The version that is spoken, for the header `anthropic-version`.
pub const VERSION: &str = "2023-06-01";

/// How a server departs from the current API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// How thinking is asked for.
    pub thinking: Thinking,
}

/// How thinking is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// The model decides how much, guided by an effort; what newer models insist on.
    #[default]
    Adaptive,
    /// By a budget in tokens; what older models know.
    Budget,
}

/// The stop reasons of Anthropic.
fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        // Among them `pause_turn`: the answer goes on when it is asked for again.
        other => FinishReason::Other(other.into()),
    }
}

/// A reason in Anthropic's words; one that nobody here knows goes on as it came.
fn stop_reason(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop => "end_turn",
        FinishReason::Length => "max_tokens",
        FinishReason::ToolCalls => "tool_use",
        FinishReason::ContentFilter => "refusal",
        FinishReason::Other(reason) => reason,
    }
}
