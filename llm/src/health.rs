//! How well providers, models and keys are, as far as calls have shown.
//!
//! Start at [`Health`]: it hands out what is known of one candidate as `Vitals`. A call asks there for leave and gets a `Pass`, which
//! hears how it went. Two things are kept apart: a [`Breaker`] for what fails (the way to an endpoint, a model there), and a rest for
//! what is well and only has to wait (a key, a model with a key, a model that is not there).
//!
//! What is known outlives every change of the configuration. **Invariant:** nothing in here holds a text that somebody said; a failure
//! is its time and its codes.

mod breaker;
mod report;
mod rest;
mod vitals;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};

pub use breaker::{Breaker, BreakerConfig, BreakerState, Permit, Protected};
pub use report::{Failure, Line, Resting};
pub(crate) use vitals::{Late, Pass, Standing, Vitals};

use self::vitals::{Guarded, Key};
use crate::limit::Clock;

/// What is known of all that was ever configured and is not well, and of all that is configured. Clones share it.
#[derive(Clone)]
pub struct Health {
    inner: Arc<Inner>,
}

struct Inner {
    breaker: BreakerConfig,
    clock: Clock,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    /// By provider and address.
    endpoints: HashMap<(Arc<str>, Arc<str>), Arc<Guarded>>,
    /// By provider and model.
    models: HashMap<(Arc<str>, Arc<str>), Arc<Guarded>>,
    credentials: HashMap<CredentialId, Arc<Key>>,
    /// By credential and model.
    pairs: HashMap<(CredentialId, Arc<str>), Arc<Key>>,
}

/// A key by its name and what it is: another key under the same name starts anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CredentialId {
    provider: Arc<str>,
    name: Arc<str>,
    fingerprint: u64,
}

/// Which candidate is asked about.
pub(crate) struct Subject<'a> {
    pub(crate) provider: &'a Arc<str>,
    pub(crate) address: &'a Arc<str>,
    pub(crate) model: &'a Arc<str>,
    /// The key's name; empty if the server needs none.
    pub(crate) credential: &'a Arc<str>,
    pub(crate) secret: Option<&'a SecretString>,
}

impl Health {
    /// Nothing is known yet. The clock is for telling when something failed.
    pub fn new(breaker: BreakerConfig, clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { breaker, clock, tables: Mutex::default() }) }
    }

    /// What is known of a candidate, shared with whoever else asks for it.
    pub(crate) fn vitals(&self, of: &Subject<'_>) -> Vitals {
        let mut tables = self.lock();
        let Subject { provider, address, model, credential, secret } = of;
        let id = CredentialId { provider: Arc::clone(provider), name: Arc::clone(credential), fingerprint: fingerprint(*secret) };
        let served = |model: Option<&Arc<str>>| {
            let protected = Protected { provider: Arc::clone(provider), model: model.map(Arc::clone) };
            Arc::new(Guarded::new(Breaker::new(protected, &self.inner.breaker)))
        };
        let endpoint = tables.endpoints.entry((Arc::clone(provider), Arc::clone(address))).or_insert_with(|| served(None)).clone();
        let at = tables.models.entry((Arc::clone(provider), Arc::clone(model))).or_insert_with(|| served(Some(model))).clone();
        let credential = tables.credentials.entry(id.clone()).or_default().clone();
        let pair = tables.pairs.entry((id, Arc::clone(model))).or_default().clone();
        Vitals { endpoint, model: at, credential, pair, clock: self.inner.clock.clone() }
    }

    /// Forgets what no configuration in use speaks of and what is well.
    pub(crate) fn forget_unused(&self) {
        let mut tables = self.lock();
        let now = failsafe::clock::now();
        tables.endpoints.retain(|_, served| Arc::strong_count(served) > 1 || !served.is_well(now));
        tables.models.retain(|_, served| Arc::strong_count(served) > 1 || !served.is_well(now));
        tables.credentials.retain(|_, key| Arc::strong_count(key) > 1 || !key.is_well(now));
        tables.pairs.retain(|_, key| Arc::strong_count(key) > 1 || !key.is_well(now));
    }

    /// Everything that is known, for a screen, in a fixed order.
    pub fn report(&self) -> Vec<Line> {
        report::lines(&self.lock(), failsafe::clock::now())
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // Nothing under the lock can leave a table half-changed.
        self.inner.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Never leaves this process, and is too short to find a key by.
fn fingerprint(secret: Option<&SecretString>) -> u64 {
    secret.map_or(0, |secret| {
        let hash = blake3::hash(secret.expose_secret().as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    })
}

#[cfg(test)]
mod tests;
