//! The rest of a key after a rate limit, a used-up quota or a refusal, and of a model that is not there.
//!
//! Kept apart from breakers: the provider is well, only this has to wait. **Invariant:** a rest is only ever extended.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Kind};

/// After a rate limit that does not say how long.
const RATE_LIMITED: Duration = Duration::from_secs(5);
const QUOTA_EXHAUSTED: Duration = Duration::from_secs(10 * 60);
const UNAUTHORIZED: Duration = Duration::from_secs(60);
const MODEL_UNAVAILABLE: Duration = Duration::from_secs(60);

/// A rest, if there is one.
#[derive(Default)]
pub(super) struct Rest {
    until: Mutex<Option<(Instant, Kind)>>,
}

impl Rest {
    /// Begins or extends it as this failure asks.
    pub(super) fn after(&self, error: &Error, now: Instant) {
        let wait = match error.kind() {
            Kind::RateLimited => error.retry_after().unwrap_or(RATE_LIMITED),
            Kind::QuotaExhausted => error.retry_after().unwrap_or_default().max(QUOTA_EXHAUSTED),
            Kind::Unauthorized => UNAUTHORIZED,
            Kind::ModelUnavailable => MODEL_UNAVAILABLE,
            _ => return,
        };
        let until = now + wait;
        let mut rest = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if rest.is_none_or(|(current, _)| current < until) {
            *rest = Some((until, error.kind()));
        }
    }

    /// Why and how much longer, if it is not over.
    pub(super) fn left(&self, now: Instant) -> Option<(Kind, Duration)> {
        let rest = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, kind) = rest.filter(|(until, _)| *until > now)?;
        Some((kind, until - now))
    }
}

#[cfg(test)]
mod tests;
