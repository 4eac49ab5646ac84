//! What an answer used, in OpenAI's words.

use serde::{Deserialize, Serialize};

use crate::chat::Usage;

/// The object `usage`. Everything may be absent when it is read.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct WireUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: Option<PromptDetails>,
    /// What some servers have in place of the details.
    #[serde(skip_serializing)]
    prompt_cache_hit_tokens: Option<u64>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl From<&WireUsage> for Usage {
    fn from(usage: &WireUsage) -> Self {
        let prompt = usage.prompt_tokens_details.as_ref();
        let completion = usage.completion_tokens_details.as_ref();
        Self {
            input_tokens: usage.prompt_tokens,
            cache_read_tokens: prompt.and_then(|details| details.cached_tokens).or(usage.prompt_cache_hit_tokens).unwrap_or(0),
            cache_write_tokens: prompt.and_then(|details| details.cache_write_tokens).unwrap_or(0),
            cache_write_long_tokens: 0,
            output_tokens: usage.completion_tokens,
            reasoning_tokens: completion.and_then(|details| details.reasoning_tokens).unwrap_or(0),
        }
    }
}

impl From<&Usage> for WireUsage {
    fn from(usage: &Usage) -> Self {
        let written = usage.cache_write_tokens + usage.cache_write_long_tokens;
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens + usage.output_tokens,
            prompt_tokens_details: Some(PromptDetails { cached_tokens: Some(usage.cache_read_tokens), cache_write_tokens: (written > 0).then_some(written) }),
            prompt_cache_hit_tokens: None,
            completion_tokens_details: Some(CompletionDetails { reasoning_tokens: Some(usage.reasoning_tokens) }),
        }
    }
}
