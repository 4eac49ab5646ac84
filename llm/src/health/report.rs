//! What a screen shows of all this.

use std::time::Instant;

use serde::Serialize;

use super::breaker::BreakerState;
use super::rest::Rest;
use super::{CredentialId, Tables};
use crate::error::Error;

/// How well one thing is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Line {
    /// The provider, by its configured name.
    pub provider: String,
    /// The address, if the line is about the way to it.
    pub endpoint: Option<String>,
    /// The model, if the line is about one.
    pub model: Option<String>,
    /// The name of the key, if the line is about one.
    pub credential: Option<String>,
    /// Where its breaker stands, if it has one.
    pub breaker: Option<BreakerState>,
    /// Why and how long it rests.
    pub resting: Option<Resting>,
    /// Its last failure.
    pub last_failure: Option<Failure>,
}

/// A rest that is not over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Resting {
    /// Why: the code of a [`Kind`](crate::Kind).
    pub code: &'static str,
    /// How much longer, rounded up.
    pub seconds: u64,
}

/// A failure: when, and its codes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Failure {
    /// In milliseconds since 1970.
    pub at: i64,
    /// The code of its [`Kind`](crate::Kind).
    pub code: &'static str,
    /// How far the attempt had come.
    pub phase: Option<&'static str>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The provider's own code, if it sent a short identifier.
    pub upstream_code: Option<String>,
}

impl Failure {
    pub(super) fn of(error: &Error, at: i64) -> Self {
        Self {
            at,
            code: error.code(),
            phase: error.phase().map(|phase| phase.as_str()),
            status: error.status(),
            upstream_code: error.upstream_code().map(str::to_owned),
        }
    }
}

pub(super) fn lines(tables: &Tables, now: Instant) -> Vec<Line> {
    let resting = |rest: &Rest| {
        rest.left(now).map(|(kind, left)| Resting { code: kind.code(), seconds: left.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX) })
    };
    let line = |provider: &str| Line {
        provider: provider.to_owned(),
        endpoint: None,
        model: None,
        credential: None,
        breaker: None,
        resting: None,
        last_failure: None,
    };
    let endpoints = tables.endpoints.iter().map(|((provider, address), served)| Line {
        endpoint: Some(address.to_string()),
        breaker: Some(served.breaker.state()),
        last_failure: served.last(),
        ..line(provider)
    });
    let models = tables.models.iter().map(|((provider, model), served)| Line {
        model: Some(model.to_string()),
        breaker: Some(served.breaker.state()),
        resting: resting(&served.rest),
        last_failure: served.last(),
        ..line(provider)
    });
    let credential = |id: &CredentialId| Some(id.name.to_string()).filter(|name| !name.is_empty());
    let credentials = tables.credentials.iter().map(|(id, key)| Line {
        credential: credential(id),
        resting: resting(&key.rest),
        last_failure: key.last(),
        ..line(&id.provider)
    });
    let pairs = tables.pairs.iter().map(|((id, model), key)| Line {
        model: Some(model.to_string()),
        credential: credential(id),
        resting: resting(&key.rest),
        last_failure: key.last(),
        ..line(&id.provider)
    });
    // Of keys only what is worth a line: their ordinary state says nothing.
    let is_told = |line: &Line| line.breaker.is_some() || line.resting.is_some() || line.last_failure.is_some();
    let mut lines: Vec<Line> = endpoints.chain(models).chain(credentials).chain(pairs).filter(is_told).collect();
    lines.sort();
    lines
}
