//! What an answer used, in Anthropic's words: there, the input is without what is cached.

use serde::{Deserialize, Serialize};

use crate::chat::Usage;

/// The object `usage`. A later one replaces what it names of an earlier one.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation: Option<CacheCreation>,
    output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

impl WireUsage {
    /// What is known once this one has come, too.
    pub(super) fn then(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            cache_creation_input_tokens: later.cache_creation_input_tokens.or(self.cache_creation_input_tokens),
            cache_read_input_tokens: later.cache_read_input_tokens.or(self.cache_read_input_tokens),
            cache_creation: later.cache_creation.or(self.cache_creation),
            output_tokens: later.output_tokens.or(self.output_tokens),
            output_tokens_details: later.output_tokens_details.or(self.output_tokens_details),
        }
    }
}

impl From<&WireUsage> for Usage {
    fn from(usage: &WireUsage) -> Self {
        let written = usage.cache_creation_input_tokens.unwrap_or(0);
        let read = usage.cache_read_input_tokens.unwrap_or(0);
        let long = usage.cache_creation.map_or(0, |created| created.ephemeral_1h_input_tokens).min(written);
        Self {
            input_tokens: usage.input_tokens.unwrap_or(0) + written + read,
            cache_read_tokens: read,
            cache_write_tokens: written - long,
            cache_write_long_tokens: long,
            output_tokens: usage.output_tokens.unwrap_or(0),
            reasoning_tokens: usage.output_tokens_details.and_then(|details| details.thinking_tokens).unwrap_or(0),
        }
    }
}

impl From<&Usage> for WireUsage {
    fn from(usage: &Usage) -> Self {
        let written = usage.cache_write_tokens + usage.cache_write_long_tokens;
        let created = CacheCreation { ephemeral_5m_input_tokens: usage.cache_write_tokens, ephemeral_1h_input_tokens: usage.cache_write_long_tokens };
        Self {
            input_tokens: Some(usage.input_tokens.saturating_sub(written + usage.cache_read_tokens)),
            cache_creation_input_tokens: Some(written),
            cache_read_input_tokens: Some(usage.cache_read_tokens),
            cache_creation: (written > 0).then_some(created),
            output_tokens: Some(usage.output_tokens),
            output_tokens_details: (usage.reasoning_tokens > 0).then_some(OutputDetails { thinking_tokens: Some(usage.reasoning_tokens) }),
        }
    }
}
