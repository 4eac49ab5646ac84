//! The pause of a credential after a rate limit, a used-up quota or a refused key.
//!
//! Kept apart from breakers: the provider is well, only this key has to wait. **Invariant:** a pause is only ever extended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Kind};

/// After a rate limit that does not say how long.
const RATE_LIMITED: Duration = Duration::from_secs(5);
const QUOTA_EXHAUSTED: Duration = Duration::from_secs(10 * 60);
const UNAUTHORIZED: Duration = Duration::from_secs(60);

/// A pause; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Cooldown {
    pause: Arc<Mutex<Option<Pause>>>,
}

#[derive(Clone, Copy)]
struct Pause {
    until: Instant,
    kind: Kind,
}

impl Cooldown {
    /// Begins or extends the pause if this failure asks for one.
    pub(crate) fn after(&self, error: &Error, now: Instant) {
        let wait = match error.kind() {
            Kind::RateLimited => error.retry_after().unwrap_or(RATE_LIMITED),
            Kind::QuotaExhausted => error.retry_after().unwrap_or_default().max(QUOTA_EXHAUSTED),
            Kind::Unauthorized => UNAUTHORIZED,
            _ => return,
        };
        let until = now + wait;
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if pause.is_none_or(|pause| pause.until < until) {
            *pause = Some(Pause { until, kind: error.kind() });
        }
    }

    /// Why and how much longer to wait, if there is a pause.
    pub(crate) fn left(&self, now: Instant) -> Option<(Kind, Duration)> {
        let pause = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = pause.filter(|pause| pause.until > now)?;
        Some((pause.kind, pause.until - now))
    }
}

#[cfg(test)]
mod tests;
