//! One candidate: whether it may be called, and what a call showed of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use failsafe::clock;

use super::breaker::{Breaker, BreakerState, Permit};
use super::report::Failure;
use super::rest::Rest;
use crate::error::{Breaks, Error, Kind, Owner, Pause, Phase};
use crate::limit::Clock;

/// What is known of an endpoint, or of a model there.
pub(super) struct Guarded {
    pub(super) breaker: Breaker,
    pub(super) rest: Rest,
    last: Mutex<Option<Failure>>,
}

/// What is known of a key, or of a model with a key.
#[derive(Default)]
pub(super) struct Key {
    pub(super) rest: Rest,
    last: Mutex<Option<Failure>>,
}

impl Guarded {
    pub(super) fn new(breaker: Breaker) -> Self {
        Self { breaker, rest: Rest::default(), last: Mutex::default() }
    }

    pub(super) fn is_well(&self, now: Instant) -> bool {
        self.breaker.state() == BreakerState::Closed && self.rest.left(now).is_none()
    }

    pub(super) fn last(&self) -> Option<Failure> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, failure: &Failure) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
    }
}

impl Key {
    pub(super) fn is_well(&self, now: Instant) -> bool {
        self.rest.left(now).is_none()
    }

    pub(super) fn last(&self) -> Option<Failure> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn failed(&self, error: &Error, failure: &Failure) {
        self.rest.after(error, clock::now());
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
    }
}

/// All that bears on one candidate. Clones share it.
#[derive(Clone)]
pub(crate) struct Vitals {
    pub(super) endpoint: Arc<Guarded>,
    pub(super) model: Arc<Guarded>,
    pub(super) credential: Arc<Key>,
    pub(super) pair: Arc<Key>,
    pub(super) clock: Clock,
}

/// Whether a candidate may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As far as is known.
    Ready,
    /// It is well and only has to wait.
    Resting(Kind, Duration),
    /// A breaker stands in the way.
    Open,
}

impl Vitals {
    /// Where it stands; asks no breaker for its probe.
    pub(crate) fn standing(&self) -> Standing {
        match self.resting() {
            Some((kind, left)) => Standing::Resting(kind, left),
            None if self.endpoint.breaker.state() == BreakerState::Open || self.model.breaker.state() == BreakerState::Open => Standing::Open,
            None => Standing::Ready,
        }
    }

    /// The rest that ends last, because all of them have to be over.
    fn resting(&self) -> Option<(Kind, Duration)> {
        let now = clock::now();
        [&self.model.rest, &self.credential.rest, &self.pair.rest].into_iter().filter_map(|rest| rest.left(now)).max_by_key(|(_, left)| *left)
    }

    /// Leave for one call.
    pub(crate) fn enter(&self) -> Result<Pass, Standing> {
        if let Some((kind, left)) = self.resting() {
            return Err(Standing::Resting(kind, left));
        }
        // Without the second one, the first is given back as it was.
        match self.endpoint.breaker.permit().and_then(|endpoint| Some((endpoint, self.model.breaker.permit()?))) {
            Some((endpoint, model)) => Ok(Pass { vitals: self.clone(), endpoint, model }),
            None => Err(Standing::Open),
        }
    }

    /// Leave in spite of the breakers, for when there is nobody else to ask.
    pub(crate) fn force(&self) -> Pass {
        Pass { vitals: self.clone(), endpoint: self.endpoint.breaker.force(), model: self.model.breaker.force() }
    }

    /// When a breaker last counted a failure.
    pub(crate) fn failed_at(&self) -> Option<Instant> {
        self.endpoint.breaker.failed_at().max(self.model.breaker.failed_at())
    }
}

/// Leave for one call. One that is only dropped, because the caller went away or another target was faster, says nothing.
#[must_use]
pub(crate) struct Pass {
    vitals: Vitals,
    endpoint: Permit,
    model: Permit,
}

/// Who is to blame when the time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    /// The model: it had all the time there was.
    Model,
    /// Nobody: there was little time left.
    Nobody,
}

impl Pass {
    /// It answered well to the end.
    pub(crate) fn succeeded(self) {
        self.endpoint.success();
        self.model.success();
    }

    /// It failed: counted, and remembered, where the failure table says.
    pub(crate) fn failed(self, error: &Error, late: Late) {
        let Self { vitals, endpoint, model } = self;
        let policy = error.kind().policy();
        let breaks = match (error.kind(), late) {
            (Kind::Deadline, Late::Model) => Breaks::Model,
            _ => policy.breaker,
        };
        match breaks {
            Breaks::Endpoint => endpoint.failure(),
            Breaks::Model => {
                endpoint.reached(error);
                model.failure();
            }
            Breaks::Nothing => endpoint.reached(error),
        }
        if error.owner() == Owner::Caller {
            return;
        }
        let failure = Failure::of(error, (vitals.clock)());
        if breaks == Breaks::Endpoint {
            vitals.endpoint.note(&failure);
        }
        vitals.model.note(&failure);
        match policy.pause {
            Pause::CredentialAndModel => vitals.pair.failed(error, &failure),
            Pause::CredentialLong | Pause::Credential => vitals.credential.failed(error, &failure),
            Pause::Model => vitals.model.rest.after(error, clock::now()),
            Pause::Nothing => {}
        }
    }
}

impl Permit {
    /// The way to the endpoint is open if anything came back over it, whatever that was.
    fn reached(self, error: &Error) {
        let has_answered = error.status().is_some() || matches!(error.phase(), Some(Phase::FirstToken | Phase::Stream));
        if has_answered {
            self.success();
        }
    }
}
