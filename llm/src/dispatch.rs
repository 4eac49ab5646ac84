//! From a request to the target that answers it: the one loop for everything that calls a model.
//!
//! Start at [`Dispatcher::chat`] and [`Dispatcher::embed`]; both run the loop in `run`. The candidates of an alias (see
//! [`route`](crate::route)) are asked one after the other within one budget of attempts and one deadline. Nothing reaches the caller
//! before the first word or tool call, so that a failure until then can go to the next target; a failure after it reaches the caller as
//! what it is. A caller who wants the answer as a whole sees nothing of it before its end, so that until then every failure can go to the
//! next target, also where the answer comes as a stream. Whoever drops the future or the answer ends the work upstream at once, in every
//! phase.
//!
//! Money is not ours: a [`Meter`] is asked before each attempt and hears exactly once how it ended.
//!
//! What is absent: who may ask for which alias, and how a request is read or an answer written down. That is for the doors.

mod ask;
mod backoff;
mod follow;
mod meter;
mod pace;
mod run;
mod stand;
mod tracker;

use std::fmt;
use std::sync::Arc;

pub use meter::{Attempted, Meter, Outcome, Planned, Refusal, Settlement, Ticket, Used};

use self::ask::Begun;
use crate::chat::ChatRequest;
use crate::embed::{EmbedRequest, Embeddings};
use crate::error::{Error, Kind};
use crate::provider::{Answer, Provider};
use crate::snapshot::Live;

/// Sends requests to the targets of their aliases.
pub struct Dispatcher {
    live: Live,
}

/// On whose account a request is made, and to which alias.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The name that the caller asked for.
    pub alias: &'a str,
    /// Who is asked before each attempt and told afterwards.
    pub meter: &'a dyn Meter,
    /// Who answers when no target does: a provider that needs no network, no money and no time. It is not metered.
    pub last_resort: Option<&'a Arc<dyn Provider>>,
}

/// An answer that is there, or has begun.
pub struct Served<A> {
    /// The answer. An error in a stream comes after the first part that shows something, and is final.
    pub answer: A,
    /// The provider that answers, by its configured name.
    pub provider: Arc<str>,
    /// The model that answers, by the provider's own name; empty for a last resort.
    pub model: Arc<str>,
    /// The name of the key; empty if none was needed.
    pub credential: Arc<str>,
    /// Whether the last resort answers, whatever it is called.
    pub is_last_resort: bool,
    /// Whether the answer comes from a lower tier than it should, or from the last resort.
    pub degraded: bool,
    /// Why another than the first choice answers.
    pub reason: Option<Kind>,
    /// Attempts that were made, the answering one included.
    pub attempts: u32,
}

impl Dispatcher {
    /// Routes by what is live.
    pub fn new(live: Live) -> Self {
        Self { live }
    }

    /// The configuration that holds, the way to the next one, and the state for a screen.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Finds a target that answers a conversation. Who asked for a whole answer is given [`Answer::Whole`].
    ///
    /// # Errors
    /// What the last attempt failed with, if no other target may be tried. If none could be: [`Kind::Unavailable`], or what the
    /// targets rest for with the smallest remaining wait. [`Kind::ModelUnavailable`] if nothing answers to the name,
    /// [`Kind::Unsupported`] or [`Kind::ContextLength`] if none of its targets can do what is asked, [`Kind::Refused`] if the meter
    /// says no; then [`Error::reason`] has the code.
    pub async fn chat(&self, call: &Call<'_>, request: &ChatRequest) -> Result<Served<Answer>, Error> {
        let snapshot = self.live.snapshot();
        let served = Box::pin(run::run(&snapshot, call, request)).await?;
        Ok(served.map(|(begun, mut tracker)| match begun {
            Begun::Whole { reply, raw } => {
                tracker.has_answered(reply.usage, reply.model.as_deref(), Some(&reply.finish));
                Answer::Whole { reply, raw }
            }
            Begun::Stream(held) => Answer::Stream(Box::pin(held.follow(tracker))),
        }))
    }

    /// Finds a target that turns texts into vectors.
    ///
    /// # Errors
    /// As [`Dispatcher::chat`].
    pub async fn embed(&self, call: &Call<'_>, request: &EmbedRequest) -> Result<Served<Embeddings>, Error> {
        let snapshot = self.live.snapshot();
        let served = Box::pin(run::run(&snapshot, call, request)).await?;
        Ok(served.map(|(embeddings, mut tracker)| {
            tracker.has_answered(embeddings.usage, embeddings.model.as_deref(), None);
            embeddings
        }))
    }
}

impl<A> Served<A> {
    /// The same with something else for an answer.
    pub fn map<B>(self, change: impl FnOnce(A) -> B) -> Served<B> {
        let Self { answer, provider, model, credential, is_last_resort, degraded, reason, attempts } = self;
        Served { answer: change(answer), provider, model, credential, is_last_resort, degraded, reason, attempts }
    }
}

/// Answers never reach a log.
impl<A> fmt::Debug for Served<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served")
            .field("provider", &self.provider)
            .field("model", &self.model)
            .field("degraded", &self.degraded)
            .field("reason", &self.reason)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
