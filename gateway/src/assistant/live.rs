//! The events of a turn while it runs and afterwards: recorded once, read by any number of streams.
//!
//! A turn's events are stored before anybody sees them, so that a client that saw one can pick the stream up behind it,
//! here or at another process. [`Tail`] is that stream: from the running turn where it runs in this process, else from what
//! is stored.

use super::memory::Sources;
use super::store::{self, End};
use crate::state::AppState;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use steward_kernel::{Code, Error, Principal, Result};
use tokio::sync::watch;
use uuid::Uuid;

/// Questions of one person that may be worked on at the same time.
const TURNS_MAX: usize = 4;
/// How often a turn of another process is looked at.
const POLL: Duration = Duration::from_millis(500);
/// What a turn may take beyond its deadline to store its end.
const LATE_SECONDS: f64 = 10.0;

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) sequence: u32,
    pub(super) name: Cow<'static, str>,
    pub(super) data: Value,
}

impl Event {
    fn is_terminal(&self) -> bool {
        matches!(self.name.as_ref(), "done" | "error")
    }
}

/// The turns that run in this process, by the message of their answer, and the places that are taken.
#[derive(Default)]
pub(super) struct Turns {
    running: Mutex<HashMap<Uuid, Arc<Live>>>,
    taken: Arc<Mutex<HashMap<(Uuid, Uuid), usize>>>,
}

/// One of the questions that a person may have open: held from before the question is stored until its answer has ended.
pub(super) struct Place {
    of: (Uuid, Uuid),
    taken: Arc<Mutex<HashMap<(Uuid, Uuid), usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = locked(&self.taken);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

/// One running turn.
pub(super) struct Live {
    tenant: Uuid,
    user: Uuid,
    events: Mutex<Vec<Event>>,
    /// The number of events, for waking those who wait for more.
    count: watch::Sender<usize>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turns {
    /// Takes a place; refuses when the person has too many questions open. Counted and taken at once, so that questions
    /// that come together are not all let in.
    pub(super) fn take_place(&self, principal: &Principal) -> Result<Place> {
        let of = (principal.tenant, principal.user);
        let mut taken = locked(&self.taken);
        let count = taken.entry(of).or_default();
        if *count >= TURNS_MAX {
            return Err(Error::new(Code::RateLimited, "several of your questions are still being answered; wait for one of them"));
        }
        *count += 1;
        Ok(Place { of, taken: Arc::clone(&self.taken) })
    }

    pub(super) fn begin(&self, principal: &Principal, message: Uuid, start: Event) -> Arc<Live> {
        let live = Arc::new(Live { tenant: principal.tenant, user: principal.user, events: Mutex::new(vec![start]), count: watch::Sender::new(1) });
        locked(&self.running).insert(message, Arc::clone(&live));
        live
    }

    fn end(&self, message: Uuid) {
        locked(&self.running).remove(&message);
    }

    /// The person's own running turn.
    pub(super) fn find(&self, principal: &Principal, message: Uuid) -> Option<Arc<Live>> {
        locked(&self.running).get(&message).filter(|live| live.belongs_to(principal)).map(Arc::clone)
    }
}

impl Live {
    fn belongs_to(&self, principal: &Principal) -> bool {
        self.tenant == principal.tenant && self.user == principal.user
    }

    fn after(&self, sequence: u32) -> VecDeque<Event> {
        locked(&self.events).iter().filter(|event| event.sequence > sequence).cloned().collect()
    }
}

/// Writes the events of one turn. Only the turn's own task has it.
pub(super) struct Recorder {
    pub(super) state: AppState,
    pub(super) principal: Principal,
    pub(super) message: Uuid,
    pub(super) live: Arc<Live>,
    /// Given back when the turn has ended.
    pub(super) _place: Place,
}

impl Recorder {
    /// Stores events that do not end the turn, then shows them.
    pub(super) async fn emit(&self, events: Vec<(&'static str, Value)>) {
        let events = self.numbered(events);
        self.write(events, None).await;
    }

    /// The answer: its events and the terminal one.
    pub(super) async fn done(&self, mut events: Vec<(&'static str, Value)>, answer: &str, sources: &Sources, done: Value) {
        events.push(("done", done));
        let events = self.numbered(events);
        self.write(events, Some(End::Done(answer, sources))).await;
        self.state.assistant.turns.end(self.message);
    }

    pub(super) async fn failed(&self, code: &str, message: &str) {
        let events = self.numbered(vec![("error", json!({ "code": code, "message": message }))]);
        self.write(events, Some(End::Failed)).await;
        self.state.assistant.turns.end(self.message);
    }

    fn numbered(&self, events: Vec<(&'static str, Value)>) -> Vec<Event> {
        let known = locked(&self.live.events);
        if known.last().is_some_and(Event::is_terminal) {
            // After the end there is nothing.
            return Vec::new();
        }
        let next = known.last().map_or(0, |event| event.sequence) + 1;
        (next..).zip(events).map(|(sequence, (name, data))| Event { sequence, name: name.into(), data }).collect()
    }

    async fn write(&self, events: Vec<Event>, end: Option<End<'_>>) {
        if events.is_empty() {
            return;
        }
        if let Err(error) = store::append(&self.state.kernel, &self.principal, self.message, &events, end).await {
            // Who listens still gets the answer; who comes later is told that it was lost.
            tracing::warn!(message.id = %self.message, code = error.code.as_str(), "events of a conversation could not be stored");
        }
        let count = {
            let mut known = locked(&self.live.events);
            known.extend(events);
            known.len()
        };
        self.live.count.send_replace(count);
    }
}

/// The events of a message after one of them, until its end.
pub(super) struct Tail {
    state: AppState,
    principal: Principal,
    message: Uuid,
    live: Option<(Arc<Live>, watch::Receiver<usize>)>,
    last: u32,
    ready: VecDeque<Event>,
    ended: bool,
}

impl Tail {
    pub(super) fn of_live(state: AppState, principal: Principal, message: Uuid, live: Arc<Live>, after: u32) -> Self {
        let waiting = live.count.subscribe();
        Self { state, principal, message, live: Some((live, waiting)), last: after, ready: VecDeque::new(), ended: false }
    }

    /// Fails with `NotFound` where the person has no such message.
    pub(super) async fn of(state: AppState, principal: Principal, message: Uuid, after: u32) -> Result<Self> {
        if let Some(live) = state.assistant.turns.find(&principal, message) {
            // A running turn is read from memory: only a unit of work finds that the session has ended.
            state.kernel.read(&principal).await?.finish().await?;
            return Ok(Self::of_live(state, principal, message, live, after));
        }
        let mut tail = Self { state, principal, message, live: None, last: after, ready: VecDeque::new(), ended: false };
        tail.look().await?;
        Ok(tail)
    }

    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.last = event.sequence;
                self.ended |= event.is_terminal();
                return Some(event);
            }
            if self.ended {
                return None;
            }
            match &mut self.live {
                Some((live, waiting)) => {
                    waiting.borrow_and_update();
                    self.ready = live.after(self.last);
                    if self.ready.is_empty() {
                        if locked(&live.events).last().is_some_and(Event::is_terminal) {
                            return None;
                        }
                        if waiting.changed().await.is_err() {
                            return None;
                        }
                    }
                }
                None => {
                    // A turn of another process goes on there: whoever follows it picks the stream up elsewhere.
                    if self.state.stopping.run_until_cancelled(tokio::time::sleep(POLL)).await.is_none() || self.look().await.is_err() {
                        return None;
                    }
                }
            }
        }
    }

    /// Reads what is stored. A turn that is past its time and has no end was cut off with its process: it gets one.
    async fn look(&mut self) -> Result<()> {
        let stored = store::events_after(&self.state.kernel, &self.principal, self.message, self.last).await?;
        self.ready = stored.events.into();
        if !stored.is_running {
            // What is there is all there will be.
            self.ended = self.ready.is_empty();
            return Ok(());
        }
        let deadline = f64::from(u32::try_from(self.state.config.assistant.deadline_seconds).unwrap_or(u32::MAX));
        if self.ready.is_empty() && stored.age_seconds > deadline + LATE_SECONDS {
            let data = json!({ "code": "interrupted", "message": "the answer was interrupted; ask again" });
            let event = Event { sequence: self.last + 1, name: "error".into(), data };
            store::append(&self.state.kernel, &self.principal, self.message, std::slice::from_ref(&event), Some(End::Failed)).await?;
            self.ready.push_back(event);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use steward_kernel::Door;

    #[test]
    fn of_questions_that_come_together_no_more_are_let_in_than_may_be_open() {
        let (turns, start) = (Turns::default(), Barrier::new(12));
        let asker = Principal { user: Uuid::from_u128(1), ..Principal::system(Uuid::nil(), Door::Assistant, "") };
        let places: Vec<Option<Place>> = std::thread::scope(|scope| {
            let ask = || {
                start.wait();
                turns.take_place(&asker).ok()
            };
            let threads: Vec<_> = (0..12).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(places.iter().flatten().count(), TURNS_MAX);
        let other = Principal { user: Uuid::from_u128(2), ..asker.clone() };
        assert!(turns.take_place(&other).is_ok(), "others have places of their own");
        assert_eq!(turns.take_place(&asker).err().map(|error| error.code), Some(Code::RateLimited));
        drop(places);
        assert!(turns.take_place(&asker).is_ok(), "a place is given back");
    }
}
