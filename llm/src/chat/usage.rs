//! What an answer used.

use serde::{Deserialize, Serialize};

/// Tokens that an answer used. What is cached is part of the input, and its three kinds exclude each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Of these, read from the provider's cache.
    pub cache_read_tokens: u64,
    /// Of these, written to the provider's cache for minutes.
    pub cache_write_tokens: u64,
    /// Of these, written to the provider's cache for an hour.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_long_tokens: u64,
    /// Tokens written, reasoning included.
    pub output_tokens: u64,
    /// Of these, spent on reasoning.
    pub reasoning_tokens: u64,
}

/// Few providers have such a cache, and what was stored before there was one has no such field.
fn is_zero(tokens: &u64) -> bool {
    *tokens == 0
}
