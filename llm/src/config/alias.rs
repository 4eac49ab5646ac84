//! The names under which callers reach models.

use std::time::Duration;

use serde::Deserialize;

use super::provider::{Capability, one};
use crate::provider::Timeouts;

/// A name that callers use, and the models that answer to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    /// The models, the preferred ones first. The next tier is tried when no target of the one before can serve a request.
    pub tiers: Vec<Tier>,
    /// What all of them must be able to do.
    #[serde(default)]
    pub requires: Vec<Capability>,
    /// After how long without a sign of an answer a second target is asked at the same time; it is never, unless set. Whoever
    /// begins first answers, the other is dropped and counts as paid.
    #[serde(default)]
    pub hedge_after_ms: Option<u64>,
    /// Whether a request whose content a provider refused may be shown to another one.
    #[serde(default)]
    pub content_policy_fallback: bool,
    /// Attempts of a request, if fewer than elsewhere.
    #[serde(default)]
    pub attempts_max: Option<u32>,
    /// Time-outs that differ from the providers'.
    #[serde(default)]
    pub timeouts: Overrides,
}

/// Targets that are as good as each other.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Each gets its share of the requests; when one fails, the others are tried.
    pub targets: Vec<Target>,
}

/// A model at a provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The provider, by its name in this configuration.
    pub provider: String,
    /// The model, by the provider's own name.
    pub model: String,
    /// Its share of the requests, beside the others' weights.
    #[serde(default = "one")]
    pub weight: u32,
}

/// Time-outs that replace a provider's, in milliseconds. The one for connections belongs to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// For the headers, from the start of the request.
    pub headers_ms: Option<u64>,
    /// For the first sign of an answer, from the start of the request.
    pub first_token_ms: Option<u64>,
    /// Between two parts of an answer.
    pub idle_ms: Option<u64>,
    /// For the whole answer, from the start of the request.
    pub total_ms: Option<u64>,
}

impl Overrides {
    /// These where they are set, else the others.
    pub(crate) fn over(self, timeouts: Timeouts) -> Timeouts {
        Timeouts {
            connect_ms: timeouts.connect_ms,
            headers_ms: self.headers_ms.unwrap_or(timeouts.headers_ms),
            first_token_ms: self.first_token_ms.unwrap_or(timeouts.first_token_ms),
            idle_ms: self.idle_ms.unwrap_or(timeouts.idle_ms),
            total_ms: self.total_ms.unwrap_or(timeouts.total_ms),
        }
    }
}

impl Alias {
    pub(crate) fn hedge_after(&self) -> Option<Duration> {
        self.hedge_after_ms.map(Duration::from_millis)
    }
}
