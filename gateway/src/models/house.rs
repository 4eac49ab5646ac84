//! What the assistant of the house asks of models: on the account of whoever it answers, through his tenant's guard, and written down.
//!
//! Start at [`Payer::ask`]. The way is that of every door; its door in the ledger is `assistant`. All calls of a turn count as one
//! request, be it the door's through which the question came. The built-in planner is the last resort: it is part of the program, so it
//! costs nothing, is asked without a guard, and is not written down.
//!
//! **Invariant:** where nobody takes account of a call, or its rules are not known, no model is asked.
//!
//! What is absent: what tools returned, of what a tenant wants kept of prompts. The conversation is kept by the assistant, which shows it
//! only to who may still read what it rests on; whoever reads kept prompts is not asked for that.

use super::account::{Account, NO_PRICE};
use super::call::{ended, failed, shielded};
use super::record::Record;
use crate::state::AppState;
use futures::StreamExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use steward_ai::access::Caller;
use steward_ai::ledger::Outcome;
use steward_kernel::Principal;
use steward_llm::dispatch::{Call, Meter, Planned, Refusal, Served, Ticket};
use steward_llm::limit::Refused;
use steward_llm::{Answer, Attempt, ChatRequest, ChatStream, Chunk, Delta, Error, Kind, Provider};

const DOOR: &str = "assistant";
/// The name of the prompt with which a tenant adds to the assistant's instructions.
const PROMPT: &str = "assistant";

/// On whose account a turn asks.
pub(crate) struct Payer {
    state: AppState,
    /// Who pays and whose rules hold, or why nobody is asked.
    caller: Result<Caller, Why>,
    /// Whether the turn has counted as a request.
    is_counted: AtomicBool,
}

/// Why no model of the alias answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Why {
    /// There is none, or none can be reached.
    #[default]
    Away,
    /// A limit or a budget is used up.
    Limited,
    /// The guard or a rule of the tenant keeps it from models.
    Withheld,
    /// There is a budget of money, and nobody knows what its models cost.
    Unpriced,
    /// The tenant's plan has no models, or they are switched off.
    Excluded,
}

/// An answer that has begun. Dropped before its end, it is written down as cancelled.
pub(crate) struct Asked {
    // In the order in which they are dropped: what was used is known when the stream is gone.
    stream: ChatStream,
    record: Option<Record>,
    pub(crate) provider: Arc<str>,
    /// Whether the planner answers.
    pub(crate) is_last_resort: bool,
    /// Whether it is another model than the preferred one.
    pub(crate) degraded: bool,
}

impl Payer {
    /// For a question of this person, or of one who came through a door that has counted it as a request.
    pub(crate) async fn of(state: &AppState, principal: &Principal, counted: Option<Caller>) -> Self {
        let is_counted = AtomicBool::new(counted.is_some());
        let caller = match counted {
            Some(caller) => Ok(caller),
            None => match state.ai.access.person(principal.tenant, principal.user).await {
                Ok(caller) => caller.ok_or(Why::Excluded),
                Err(error) => {
                    tracing::error!(%error, code = error.code.as_str(), "the tenant's limits and rules for models are not known: the assistant asks none");
                    Err(Why::Away)
                }
            },
        };
        Self { state: state.clone(), caller, is_counted }
    }

    /// What the tenant's own prompt for the assistant says, in the version that holds.
    pub(crate) fn prompt(&self) -> Option<&str> {
        self.caller.as_ref().ok()?.prompt(PROMPT).map(|prompt| &*prompt.body)
    }

    /// Asks the assistant's models; the planner answers where none of them can be reached.
    pub(crate) async fn ask(&self, request: &ChatRequest) -> Result<Asked, Why> {
        let alias = self.state.config.assistant.alias.as_str();
        if self.state.models.live().snapshot().alias(alias).is_none() {
            return self.alone(request).await;
        }
        let caller = self.caller.as_ref().map_err(|why| *why)?;
        if !caller.is_let(alias) {
            return Err(Why::Withheld);
        }
        let mut record = Record::begin(&self.state, caller, DOOR, alias);
        let mut account = Account::of(&self.state, caller, record.totals());
        if self.is_counted.swap(true, Ordering::Relaxed) {
            record.is_part();
            account = account.of_part();
        }
        record.instructed_by(caller.prompt(PROMPT));
        record.keep_question(caller, request);
        let (masked, shield, mut record) = shielded(caller, request.clone(), record).map_err(|_| Why::Withheld)?;
        let planner = self.planner(request);
        let call = Call { alias, meter: &account, last_resort: Some(&planner) };
        let served = match self.state.models.chat(&call, &masked).await {
            Ok(served) => served,
            Err(error) => {
                let now = self.state.kernel.clock.now().timestamp_millis();
                failed(record, &account, &error, now);
                return Err(why(&account, &error));
            }
        };
        if served.is_last_resort {
            record.end(Outcome::Failed, served.reason.map(Kind::code));
            return Ok(Asked::of(served, |stream| stream, None));
        }
        record.served_by(&served.provider, &served.model);
        Ok(Asked::of(served, |stream| shield.stream(stream), Some(record)))
    }

    /// Asks where there is nobody but the planner.
    async fn alone(&self, request: &ChatRequest) -> Result<Asked, Why> {
        let call = Call { alias: &self.state.config.assistant.alias, meter: &Nobody, last_resort: Some(&self.state.planner) };
        match self.state.models.chat(&call, request).await {
            Ok(served) => Ok(Asked::of(served, |stream| stream, None)),
            Err(error) => {
                tracing::warn!(kind = error.kind().code(), "a model did not answer; the planner does");
                Err(Why::Away)
            }
        }
    }

    /// It reads the request as it was before anything was masked.
    fn planner(&self, request: &ChatRequest) -> Arc<dyn Provider> {
        Arc::new(Unmasked { planner: Arc::clone(&self.state.planner), request: request.clone() })
    }
}

fn why(account: &Account, error: &Error) -> Why {
    match (error.kind(), account.refused()) {
        (Kind::Refused, Some(Refused::Exceeded { .. } | Refused::TooLarge { .. })) => Why::Limited,
        (Kind::Refused, None) if error.reason() == Some(NO_PRICE) => Why::Unpriced,
        (Kind::Refused, None) => Why::Withheld,
        _ => Why::Away,
    }
}

impl Asked {
    fn of(served: Served<Answer>, shown: impl FnOnce(ChatStream) -> ChatStream, record: Option<Record>) -> Self {
        let Served { answer, provider, is_last_resort, degraded, .. } = served;
        Self { stream: shown(answer.into_stream()), record, provider, is_last_resort, degraded }
    }

    /// The next part of it.
    pub(crate) async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        let next = self.stream.next().await;
        if let (Some(Ok(chunk)), Some(record)) = (&next, &mut self.record) {
            for delta in &chunk.deltas {
                if delta.is_shown() {
                    record.first_token();
                }
                if let Delta::Text(words) | Delta::Refusal(words) = delta {
                    record.said(words);
                }
            }
        }
        next
    }

    /// It is over, and so it ended. Tells why if it cannot be used.
    pub(crate) fn end<T>(self, ended_so: &Result<T, Error>) -> Why {
        let Self { stream, record, .. } = self;
        drop(stream);
        match (record, ended_so) {
            (Some(record), Ok(_)) => record.end(Outcome::Answered, None),
            (Some(record), Err(error)) => drop(ended(record, error)),
            (None, _) => {}
        }
        let is_refused = ended_so.as_ref().is_err_and(|error| error.kind() == Kind::Refused);
        if is_refused { Why::Withheld } else { Why::Away }
    }
}

/// The planner, asked what the models were asked, but in clear.
struct Unmasked {
    planner: Arc<dyn Provider>,
    request: ChatRequest,
}

impl Provider for Unmasked {
    fn name(&self) -> &str {
        self.planner.name()
    }

    fn chat<'a>(&'a self, attempt: Attempt<'a>) -> BoxFuture<'a, Result<Answer, Error>> {
        self.planner.chat(Attempt { request: &self.request, ..attempt })
    }
}

/// Lets nothing pass: of a model that appears while only the planner is there, nobody has taken account.
struct Nobody;

impl Meter for Nobody {
    fn reserve<'a>(&'a self, _: Planned<'a>) -> BoxFuture<'a, Result<Box<dyn Ticket>, Refusal>> {
        Box::pin(async { Err(Refusal { code: "no_account", retry_after: None, source: None }) })
    }
}
