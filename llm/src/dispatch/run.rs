//! The loop.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::time::timeout_at;
use tower::retry::budget::Budget;
use tracing::Instrument;

use super::ask::Ask;
use super::backoff;
use super::meter::Planned;
use super::pace::Pace;
use super::stand::Stand;
use super::tracker::{About, Tracker};
use super::{Call, Served};
use crate::error::{Error, Kind, Pause};
use crate::health::{Late, Pass, Standing};
use crate::route::{Candidate, Onward, Route};
use crate::snapshot::{Alias, Snapshot};
use crate::telemetry;

/// An answer that may go to the caller, with its account.
pub(super) type Landed<A> = Served<(<A as Ask>::Begun, Tracker)>;

/// Finds a target that answers.
pub(super) async fn run<A: Ask>(snapshot: &Snapshot, call: &Call<'_>, ask: &A) -> Result<Landed<A>, Error> {
    snapshot.retries.deposit();
    let Some(alias) = snapshot.alias(call.alias) else {
        let unknown = Error::new(Kind::ModelUnavailable).with_reason("unknown_alias");
        return Stand::unasked(call, ask, None).last_resort(unknown).await;
    };
    let route = Route::new(alias, &ask.needs(), &mut rand::rng());
    match route {
        Ok(route) => Run::new(snapshot, alias, call, ask, route).go().await,
        Err(shortfall) => {
            let error = Error::from(shortfall);
            Stand::unasked(call, ask, Some(error.kind())).last_resort(error).await
        }
    }
}

/// What all attempts of a request share.
struct Shared<'a, A> {
    ask: &'a A,
    call: &'a Call<'a>,
    alias: &'a Arc<str>,
    /// When an attempt has to have begun its answer.
    until: Instant,
}

impl<A> Clone for Shared<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Shared<'_, A> {}

/// One request on its way.
struct Run<'a, A> {
    shared: Shared<'a, A>,
    snapshot: &'a Snapshot,
    alias: &'a Alias,
    route: Route<'a>,
    attempts: u32,
    /// Why the first choice did not answer.
    reason: Option<Kind>,
    last_error: Option<Error>,
    /// Candidates that could not be paid for, and what was said of the last of them.
    unpaid: Vec<usize>,
    refusal: Option<Error>,
}

/// An attempt that begins.
struct Start {
    position: usize,
    pass: Pass,
}

/// How a round of one attempt, or of two at the same time, ended.
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for a moment, and nearly every one has begun")]
enum Round<B> {
    Begun(usize, B, Tracker),
    Failed(usize, Error, Onward),
}

impl<'a, A: Ask> Run<'a, A> {
    fn new(snapshot: &'a Snapshot, alias: &'a Arc<Alias>, call: &'a Call<'a>, ask: &'a A, route: Route<'a>) -> Self {
        let left = ask.deadline().saturating_duration_since(Instant::now());
        let reserve = match call.last_resort {
            Some(_) => snapshot.routing.reserve().min(left / 4),
            None => Duration::ZERO,
        };
        let until = ask.deadline().checked_sub(reserve).unwrap_or(ask.deadline());
        let shared = Shared { ask, call, alias: alias.shared_name(), until };
        Self { shared, snapshot, alias, route, attempts: 0, reason: None, last_error: None, unpaid: Vec::new(), refusal: None }
    }

    async fn go(mut self) -> Result<Landed<A>, Error> {
        let mut again: Option<usize> = None;
        let mut retries = 0;
        while self.attempts < self.alias.attempts_max {
            if Instant::now() >= self.shared.until {
                self.reason.get_or_insert(Kind::Deadline);
                self.last_error.get_or_insert(Kind::Deadline.into());
                break;
            }
            let start = match again.take() {
                Some(position) => self.enter(position),
                None => {
                    retries = 0;
                    let Some(position) = self.route.take() else { break };
                    self.enter(position)
                }
            };
            let Some(start) = start else { continue };
            match self.completed(start).await {
                Round::Begun(position, begun, tracker) => return Ok(self.landed(position, begun, tracker)),
                Round::Failed(_, error, Onward::Caller) => return Err(error),
                Round::Failed(_, error, Onward::LastResort) => {
                    self.last_error = Some(error);
                    break;
                }
                Round::Failed(position, error, Onward::Others) => {
                    let wait = self.wait_before_retry(position, &error, retries);
                    self.last_error = Some(error);
                    if let Some(wait) = wait {
                        retries += 1;
                        again = Some(position);
                        tokio::time::sleep(wait).await;
                    }
                }
            }
        }
        self.without_target().await
    }

    /// Asks a candidate's breakers and rests for leave.
    fn enter(&mut self, position: usize) -> Option<Start> {
        if !self.can_pay(position) {
            return None;
        }
        let candidate = self.route.get(position);
        let (kind, reason) = match candidate.key.vitals.enter() {
            Ok(pass) => return Some(Start { position, pass }),
            Err(Standing::Resting(kind, _)) => (kind, "resting"),
            Err(Standing::Open | Standing::Ready) => (Kind::Unavailable, "open"),
        };
        self.reason.get_or_insert(kind);
        telemetry::skipped(&candidate.choice.site.name, &candidate.choice.site.model, reason);
        None
    }

    /// Whether a candidate could be paid for, which is no matter of its own state.
    fn can_pay(&mut self, position: usize) -> bool {
        let site = &self.route.get(position).choice.site;
        let Err(refusal) = self.shared.call.meter.admits((&site.price.0, &site.price.1), self.shared.ask.size()) else { return true };
        telemetry::skipped(&site.name, &site.model, refusal.code);
        self.reason.get_or_insert(Kind::Refused);
        self.unpaid.push(position);
        self.refusal = Some(refusal.into());
        false
    }

    /// A round up to where the caller would see something.
    async fn completed(&mut self, start: Start) -> Round<A::Begun> {
        match self.round(start).await {
            Round::Begun(position, begun, tracker) => {
                let completed = complete(self.shared.ask, begun, tracker).await;
                self.round_of(position, completed)
            }
            failed => failed,
        }
    }

    /// One attempt; beside it a second one, if the alias is hedged and the first is slow to begin.
    async fn round(&mut self, start: Start) -> Round<A::Begun> {
        let position = start.position;
        // Whoever had all the time there was and did not begin has failed; whoever came late has not.
        let late = if self.attempts == 0 { Late::Model } else { Late::Nobody };
        self.attempts += 1;
        let first_flag = self.alias.hedge_after.map(|_| Arc::<AtomicBool>::default());
        let first = attempt(self.shared, self.route.get(position), start.pass, self.attempts, late, first_flag.clone());
        let (Some(after), Some(first_flag)) = (self.alias.hedge_after, first_flag) else {
            return self.round_of(position, first.await);
        };
        let mut first = pin!(first);
        tokio::select! {
            biased;
            result = &mut first => return self.round_of(position, result),
            () = tokio::time::sleep(after) => {}
        }
        let Some(second) = self.beside(position) else { return self.round_of(position, first.await) };
        let beside = second.position;
        self.attempts += 1;
        let second_flag = Arc::<AtomicBool>::default();
        let second = attempt(self.shared, self.route.get(beside), second.pass, self.attempts, Late::Nobody, Some(Arc::clone(&second_flag)));
        let mut second = pin!(second);
        let (position, result, other) = tokio::select! {
            biased;
            result = &mut first => (position, result, Other::Second),
            result = &mut second => (beside, result, Other::First),
        };
        if result.is_ok() {
            // Whichever is not done is dropped with this function; it has to know why.
            match other {
                Other::Second => second_flag.store(true, Ordering::Release),
                Other::First => first_flag.store(true, Ordering::Release),
            }
            return self.round_of(position, result);
        }
        match self.round_of(position, result) {
            Round::Failed(_, error, Onward::Others | Onward::LastResort) => {
                self.last_error = Some(error);
                match other {
                    Other::Second => self.round_of(beside, second.await),
                    Other::First => self.round_of(start.position, first.await),
                }
            }
            done => done,
        }
    }

    /// Leave for a second attempt beside a slow one, within the same bounds as a retry.
    fn beside(&mut self, position: usize) -> Option<Start> {
        if self.attempts >= self.alias.attempts_max {
            return None;
        }
        let start = loop {
            let other = self.route.take_beside(position)?;
            if let Some(start) = self.enter(other) {
                break start;
            }
        };
        if self.snapshot.retries.withdraw() {
            return Some(start);
        }
        self.route.put_back(start.position);
        None
    }

    fn round_of(&mut self, position: usize, result: Result<(A::Begun, Tracker), Error>) -> Round<A::Begun> {
        match result {
            Ok((begun, tracker)) => Round::Begun(position, begun, tracker),
            Err(error) => {
                self.reason.get_or_insert(error.kind());
                let onward = self.route.after(position, error.kind());
                Round::Failed(position, error, onward)
            }
        }
    }

    /// How long to wait before the same candidate is tried again; `None` if it is not.
    fn wait_before_retry(&self, position: usize, error: &Error, retries: u32) -> Option<Duration> {
        let has_another = self.route.others(position, error.kind()).any(|candidate| candidate.key.vitals.standing() == Standing::Ready);
        if has_another || self.attempts >= self.alias.attempts_max {
            return None;
        }
        let wait = backoff::wait(error, retries, &self.snapshot.routing, rand::random())?;
        (Instant::now() + wait < self.shared.until && self.snapshot.retries.withdraw()).then_some(wait)
    }

    fn landed(self, position: usize, begun: A::Begun, tracker: Tracker) -> Landed<A> {
        let first = self.route.all().first().map_or(0, |candidate| candidate.tier);
        let reason = self.reason.filter(|_| position > 0);
        if let Some(reason) = reason {
            telemetry::fell_back(self.shared.alias, reason);
        }
        let degraded = self.route.get(position).tier > first;
        Served { degraded, reason, attempts: self.attempts, ..served(begun, tracker) }
    }

    /// No target answered, or none may be asked any more.
    async fn without_target(mut self) -> Result<Landed<A>, Error> {
        if let Some(refusal) = self.refusal.take_if(|_| self.unpaid.len() == self.route.all().len()) {
            return Err(refusal);
        }
        if self.shared.call.last_resort.is_some() {
            let stand = Stand { call: self.shared.call, ask: self.shared.ask, degraded: true, reason: self.reason, attempts: self.attempts };
            if let Some(reason) = self.reason {
                telemetry::fell_back(self.shared.alias, reason);
            }
            return stand.last_resort(Kind::Unavailable.into()).await;
        }
        let standings = self.route.all().iter().map(|candidate| candidate.key.vitals.standing());
        let rests: Vec<(Kind, Duration)> =
            standings.filter_map(|standing| if let Standing::Resting(kind, left) = standing { Some((kind, left)) } else { None }).collect();
        let shortest = rests.iter().min_by_key(|(_, left)| *left).copied();
        let all_rest = rests.len() == self.route.all().len();
        let is_a_rest = |error: &Error| error.kind().policy().pause != Pause::Nothing;
        match (self.last_error.take(), shortest) {
            (Some(error), Some((kind, left))) if all_rest && error.kind() == kind => Err(error.with_retry_after(Some(left))),
            (Some(error), Some((kind, left))) if all_rest && is_a_rest(&error) => Err(Error::new(kind).with_retry_after(Some(left))),
            (Some(error), _) => Err(error),
            (None, Some((kind, left))) => Err(Error::new(kind).with_retry_after(Some(left))),
            (None, None) => self.the_least_bad().await,
        }
    }

    /// When every breaker is open and nothing is merely resting, the one that failed least recently is tried rather than nothing.
    async fn the_least_bad(mut self) -> Result<Landed<A>, Error> {
        let candidates = self.route.all().iter().enumerate().filter(|(position, _)| !self.unpaid.contains(position));
        let Some((position, candidate)) = candidates.min_by_key(|(_, candidate)| candidate.key.vitals.failed_at()) else {
            return Err(Kind::Unavailable.into());
        };
        let pass = candidate.key.vitals.force();
        self.attempts += 1;
        let (begun, tracker) = attempt(self.shared, *candidate, pass, self.attempts, Late::Model, None).await?;
        let (begun, tracker) = complete(self.shared.ask, begun, tracker).await?;
        Ok(self.landed(position, begun, tracker))
    }
}

/// Which of two attempts is not done yet.
#[derive(Clone, Copy)]
enum Other {
    First,
    Second,
}

/// One attempt at one candidate, up to the beginning of its answer. Dropped, it ends at once and is settled as abandoned or outrun.
async fn attempt<A: Ask>(
    shared: Shared<'_, A>,
    candidate: Candidate<'_>,
    pass: Pass,
    number: u32,
    late: Late,
    outrun: Option<Arc<AtomicBool>>,
) -> Result<(A::Begun, Tracker), Error> {
    let Shared { ask, call, alias, until } = shared;
    let (site, key) = (&candidate.choice.site, candidate.key);
    let planned =
        Planned { number, alias, provider: &site.name, model: &site.model, credential: &key.name, price: (&site.price.0, &site.price.1), size: ask.size() };
    let ticket = timeout_at(until.into(), call.meter.reserve(planned)).await.map_err(|_| Error::new(Kind::Deadline))??;
    let about = About {
        number,
        alias: Arc::clone(alias),
        provider: Arc::clone(&site.name),
        vendor: Arc::clone(&site.vendor),
        address: Arc::clone(&site.address),
        model: Arc::clone(&site.model),
        credential: Arc::clone(&key.name),
        operation: A::OPERATION,
    };
    let mut tracker = Tracker::start(about, Some(pass), Some(ticket), outrun);
    let span = tracker.span();
    let pace = Pace::start(&key.target.timeouts, ask.deadline(), until, Instant::now());
    let begun = ask.begin(&site.provider, &key.target, pace, &mut tracker).instrument(span).await;
    match begun {
        Ok(begun) => Ok((begun, tracker)),
        Err(error) => {
            tracker.failed(&error, late);
            Err(error)
        }
    }
}

/// What has begun, as far as it has to be there before the caller sees any of it.
pub(super) async fn complete<A: Ask>(ask: &A, begun: A::Begun, tracker: Tracker) -> Result<(A::Begun, Tracker), Error> {
    let span = tracker.span();
    ask.complete(begun, tracker).instrument(span).await
}

pub(super) fn served<B>(begun: B, tracker: Tracker) -> Served<(B, Tracker)> {
    let About { provider, model, credential, .. } = tracker.about().clone();
    Served { answer: (begun, tracker), provider, model, credential, is_last_resort: false, degraded: false, reason: None, attempts: 1 }
}
