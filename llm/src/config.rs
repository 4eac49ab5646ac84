//! What an operator says about providers, models and the names under which callers reach them.
//!
//! Start at [`Config`]; `config/sample.toml` ([`SAMPLE`]) shows all of it. Nothing here takes effect: a [`Config`] is parsed, checked
//! as a whole ([`Config::check`] finds every mistake, each with its path), and then becomes a [`Snapshot`](crate::snapshot::Snapshot).
//!
//! **Invariant:** a key stands in a variable or in a file, never in here, and no mistake that is told quotes a value that could be one.

mod alias;
mod check;
mod problem;
mod provider;
mod secret;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

pub use alias::{Alias, Overrides, Target, Tier};
pub use problem::{Problem, Problems};
pub use provider::{Capability, Credential, Model, Provider, ProviderKind, Quirks};
pub use secret::Environment;

/// A configuration with everything in it, as a starting point.
pub const SAMPLE: &str = include_str!("config/sample.toml");

/// Attempts of a request over all targets, at most.
pub const ATTEMPTS_MAX: u32 = 3;
/// Retries for every hundred requests, at most.
pub const RETRIES_PERCENT_MAX: u8 = 10;

/// Everything that routing needs to know.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How much a request may try.
    pub routing: Routing,
    /// Servers that are called, by a name for metrics and screens: letters, digits, `_`, `-` and `.`, at most 64.
    pub providers: BTreeMap<String, Provider>,
    /// What callers ask for, by the name that they use: as a provider's name, and `/` and `:` as well.
    pub aliases: BTreeMap<String, Alias>,
}

/// How much a request may try.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Routing {
    /// Attempts of a request over all targets, without the last resort; at most 3.
    pub attempts_max: u32,
    /// The first wait before a target is tried again is taken at random up to this, the following ones up to its doubles.
    pub backoff_ms: u64,
    /// The longest such wait.
    pub backoff_max_ms: u64,
    /// The longest `Retry-After` that is waited for within a request.
    pub retry_after_max_ms: u64,
    /// The time kept for the last resort before the deadline; at most a quarter of what there is.
    pub reserve_ms: u64,
    /// Retries of the same target and hedges for every hundred requests, at most 10; one in each second is always allowed.
    pub retries_percent: u8,
}

impl Default for Routing {
    fn default() -> Self {
        Self { attempts_max: ATTEMPTS_MAX, backoff_ms: 250, backoff_max_ms: 5_000, retry_after_max_ms: 10_000, reserve_ms: 2_000, retries_percent: 10 }
    }
}

impl Routing {
    pub(crate) fn backoff(&self) -> Duration {
        Duration::from_millis(self.backoff_ms)
    }

    pub(crate) fn backoff_max(&self) -> Duration {
        Duration::from_millis(self.backoff_max_ms)
    }

    pub(crate) fn retry_after_max(&self) -> Duration {
        Duration::from_millis(self.retry_after_max_ms)
    }

    pub(crate) fn reserve(&self) -> Duration {
        Duration::from_millis(self.reserve_ms)
    }
}

impl Config {
    /// Reads TOML. Whether it can work is for [`Config::check`] to say.
    ///
    /// # Errors
    /// The first place that is not of this form, by its line, without what stands there.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        toml::from_str(text).map_err(|error| Problem::of_form(text, &error).into())
    }

    /// Finds everything that cannot work, without calling anybody or reading a key.
    ///
    /// # Errors
    /// All mistakes, each with the path of its key.
    pub fn check(&self) -> Result<(), Problems> {
        check::all(self)
    }
}

#[cfg(test)]
mod tests;
