//! Who pays: asked before each attempt, told after it.
//!
//! Start at [`Meter::reserve`]. It gives a [`Ticket`] for one attempt, which is settled exactly once: when the answer is complete, when
//! the attempt failed, or when it was dropped in the middle, be it by the caller or because another target was faster.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::chat::Usage;
use crate::error::{Error, Kind, Phase};
use crate::price::Request;

/// Says whether an attempt may be paid for.
pub trait Meter: Send + Sync {
    /// Whether an attempt at this price could be paid for at all. Where it could not, the next target is looked at, and no attempt is
    /// counted. `price` is where it stands: a provider and a name in the price table.
    ///
    /// # Errors
    /// The refusal that ends the request if no other target could be paid for either.
    fn admits(&self, price: (&str, &str), size: Request) -> Result<(), Refusal> {
        let _ = (price, size);
        Ok(())
    }

    /// Reserves what this attempt can cost at most. Dropped before it is done, it must leave nothing reserved.
    ///
    /// # Errors
    /// A refusal ends the request: no other target is tried.
    fn reserve<'a>(&'a self, planned: Planned<'a>) -> BoxFuture<'a, Result<Box<dyn Ticket>, Refusal>>;
}

/// Leave to make one attempt.
pub trait Ticket: Send {
    /// The attempt is over. Called exactly once, sometimes from a destructor: it must not block.
    fn settle(self: Box<Self>, settlement: Settlement);
}

/// An attempt that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    /// Which attempt of the request, from 1.
    pub number: u32,
    /// The alias that was asked for.
    pub alias: &'a str,
    /// The provider, by its configured name.
    pub provider: &'a str,
    /// The model, by the provider's own name.
    pub model: &'a str,
    /// The name of the key; empty if none is needed.
    pub credential: &'a str,
    /// Where the price stands: a provider and a name in the price table.
    pub price: (&'a str, &'a str),
    /// How large the request is at most.
    pub size: Request,
}

/// Why an attempt may not be made.
#[derive(Debug)]
pub struct Refusal {
    /// The stable code.
    pub code: &'static str,
    /// When asking again may help.
    pub retry_after: Option<Duration>,
    /// What exactly stood in the way, for the door that knows the meter.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let error = match refusal.source {
            Some(source) => Self::caused_by(Kind::Refused, source),
            None => Self::new(Kind::Refused),
        };
        error.with_reason(refusal.code).with_retry_after(refusal.retry_after)
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// What it used.
    pub used: Used,
    /// What there is to tell of it.
    pub attempt: Attempted,
}

/// What an attempt used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// Nothing, for certain: it never reached the provider, or the provider answered that it failed.
    Nothing,
    /// This, as the provider says.
    Exactly(Usage),
    /// Nobody knows, so that nothing of the reservation may be given back. Holds what was told until then.
    Uncertain(Option<Usage>),
}

/// One attempt, for the ledger and for telemetry. Holds names and codes only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// Which attempt of the request, from 1.
    pub number: u32,
    /// The alias that was asked for.
    pub alias: Arc<str>,
    /// The provider, by its configured name.
    pub provider: Arc<str>,
    /// The model, by the provider's own name.
    pub model: Arc<str>,
    /// The name of the key; empty if none was needed.
    pub credential: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// How far it came.
    pub phase: Phase,
    /// The HTTP status of a failure.
    pub status: Option<u16>,
    /// From its start to the first part that shows something.
    pub first_token: Option<Duration>,
    /// From its start to its end.
    pub duration: Duration,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// With a whole answer.
    Answered,
    /// With a failure.
    Failed(Kind),
    /// The caller went away.
    Abandoned,
    /// Another target, asked at the same time, was faster.
    Outrun,
}

impl Outcome {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Answered => "ok",
            Self::Failed(kind) => kind.code(),
            Self::Abandoned => "abandoned",
            Self::Outrun => "outrun",
        }
    }
}

/// What an attempt that failed so has used.
pub(super) fn used_by(error: &Error, told: Option<Usage>) -> Used {
    let is_free = match (error.kind(), error.status()) {
        (Kind::Misconfigured | Kind::Unsupported, _) => true,
        (Kind::Connect, None) => never_left(error),
        // These say only that somebody on the way did not wait for the answer.
        (_, Some(408 | 499 | 504 | 524)) => false,
        (_, Some(status)) => (400..600).contains(&status),
        (_, None) => false,
    };
    if is_free && told.is_none() { Used::Nothing } else { Used::Uncertain(told) }
}

/// Whether there was no connection at all. One that was reset may have carried the request.
fn never_left(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<reqwest::Error>() {
            return cause.is_connect();
        }
        source = cause.source();
    }
    false
}
