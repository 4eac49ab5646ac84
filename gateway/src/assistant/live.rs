//! The events of a turn while it runs and afterwards: recorded once, read by any number of streams.
//!
//! A turn's events are stored before anybody sees them, so that a client that saw one can pick the stream up behind it,
//! here or at another process. [`Tail`] is that stream: from the running turn where it runs in this process, else from what
//! is stored. The steps that a turn takes on its way are shown while it runs and not stored.
//!
//! **Invariant:** what is written is written whole: a turn that is dropped in the middle leaves its events as they were
//! shown, so that the one that ends it comes next.

use super::check::Figure;
use super::memory::Sources;
use super::store::{self, End};
use crate::state::AppState;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use steward_kernel::{Code, Error, Principal, Result};
use steward_llm::Usage;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
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
    conversation: Uuid,
    events: Mutex<Vec<Event>>,
    /// The tools that were called.
    steps: Mutex<Vec<Cow<'static, str>>>,
    /// Wakes those who wait for more.
    news: watch::Sender<usize>,
    stop: CancellationToken,
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

    pub(super) fn begin(&self, principal: &Principal, conversation: Uuid, message: Uuid, start: Event) -> Arc<Live> {
        let live = Arc::new(Live {
            tenant: principal.tenant,
            user: principal.user,
            conversation,
            events: Mutex::new(vec![start]),
            steps: Mutex::default(),
            news: watch::Sender::new(0),
            stop: CancellationToken::new(),
        });
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

    /// Ends the person's own turn, if it runs in this process.
    pub(super) fn stop(&self, principal: &Principal, message: Uuid) {
        if let Some(live) = self.find(principal, message) {
            live.stop.cancel();
        }
    }

    /// Ends the turns of a conversation that is no more.
    pub(super) fn stop_conversation(&self, principal: &Principal, conversation: Uuid) {
        let running = locked(&self.running);
        running.values().filter(|live| live.belongs_to(principal) && live.conversation == conversation).for_each(|live| live.stop.cancel());
    }
}

impl Live {
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    fn belongs_to(&self, principal: &Principal) -> bool {
        self.tenant == principal.tenant && self.user == principal.user
    }

    fn after(&self, sequence: u32) -> VecDeque<Event> {
        locked(&self.events).iter().filter(|event| event.sequence > sequence).cloned().collect()
    }
}

/// What a turn has told so far, so that it can end at any moment.
#[derive(Clone, Default)]
struct Told {
    text: String,
    figures: Vec<Figure>,
    sources: Sources,
    /// The sources that are stored.
    stored: Sources,
    usage: BTreeMap<String, Usage>,
}

/// Writes the events of one turn. Only the turn's own task has it.
pub(super) struct Recorder {
    pub(super) state: AppState,
    pub(super) principal: Principal,
    pub(super) message: Uuid,
    pub(super) live: Arc<Live>,
    told: Mutex<Told>,
    /// One write at a time: the next one follows what was written, not what was meant to be.
    writing: Arc<tokio::sync::Mutex<()>>,
    /// Given back when the turn ends.
    place: Mutex<Option<Place>>,
}

/// What is written, and what the turn has told with it.
struct Entry {
    events: Vec<(&'static str, Value)>,
    text: String,
    figures: Option<Vec<Figure>>,
    end: Option<Ending>,
}

enum Ending {
    Done(String),
    Failed,
}

impl Recorder {
    pub(super) fn new(state: AppState, principal: Principal, message: Uuid, live: Arc<Live>, place: Place) -> Self {
        let (told, writing, place) = (Mutex::default(), Arc::default(), Mutex::new(Some(place)));
        Self { state, principal, message, live, told, writing, place }
    }

    /// Stores events that do not end the turn, then shows them.
    pub(super) async fn emit(self: &Arc<Self>, events: Vec<(&'static str, Value)>) {
        self.write(Entry { events, text: String::new(), figures: None, end: None }).await;
    }

    /// More of the answer: `figures` are those of all that was told.
    pub(super) async fn tell(self: &Arc<Self>, events: Vec<(&'static str, Value)>, text: String, figures: Vec<Figure>) {
        self.write(Entry { events, text, figures: Some(figures), end: None }).await;
    }

    /// What is told from now on is made of these. Stored with the next events, before anybody sees them.
    pub(super) fn rests_on(&self, sources: &Sources) {
        let mut told = locked(&self.told);
        if told.sources != *sources {
            told.sources = sources.clone();
        }
    }

    /// What a reply of a model took.
    pub(super) fn used(&self, provider: &str, usage: Option<Usage>) {
        let Some(usage) = usage else { return };
        let mut told = locked(&self.told);
        let sum = told.usage.entry(provider.to_owned()).or_default();
        sum.input_tokens += usage.input_tokens;
        sum.cache_read_tokens += usage.cache_read_tokens;
        sum.cache_write_tokens += usage.cache_write_tokens;
        sum.cache_write_long_tokens += usage.cache_write_long_tokens;
        sum.output_tokens += usage.output_tokens;
        sum.reasoning_tokens += usage.reasoning_tokens;
    }

    /// A tool is called.
    pub(super) fn step(&self, tool: &str) {
        // The name is a model's: only those of the house are shown.
        let Some(tool) = super::tools::NAMES.into_iter().find(|known| *known == tool) else { return };
        locked(&self.live.steps).push(tool.into());
        self.live.news.send_modify(|news| *news += 1);
    }

    /// The answer: its last events and the terminal one.
    pub(super) async fn done(self: &Arc<Self>, mut events: Vec<(&'static str, Value)>, answer: &str, done: Value) {
        events.push(("done", done));
        self.write(Entry { events, text: String::new(), figures: None, end: Some(Ending::Done(answer.to_owned())) }).await;
    }

    /// The person looks no further: what was told is the answer.
    pub(super) async fn stopped(self: &Arc<Self>) {
        // What is being written is told, too.
        drop(self.writing.lock().await);
        let (text, figures) = {
            let told = locked(&self.told);
            (told.text.clone(), told.figures.clone())
        };
        let done = json!({ "answer": text, "figures": figures, "degraded": false, "stopped": true });
        self.done(Vec::new(), &text, done).await;
    }

    pub(super) async fn failed(self: &Arc<Self>, code: &str, message: &str) {
        let events = vec![("error", json!({ "code": code, "message": message }))];
        self.write(Entry { events, text: String::new(), figures: None, end: Some(Ending::Failed) }).await;
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

    /// In a task of its own, which the end of the turn does not cut off.
    async fn write(self: &Arc<Self>, entry: Entry) {
        let recorder = Arc::clone(self);
        let one_at_a_time = Arc::clone(&self.writing).lock_owned().await;
        let written = self.state.tasks.spawn(
            async move {
                recorder.write_now(entry).await;
                drop(one_at_a_time);
            }
            .in_current_span(),
        );
        if written.await.is_err() {
            tracing::warn!(message.id = %self.message, "writing the events of a conversation broke off");
        }
    }

    async fn write_now(&self, entry: Entry) {
        let events = self.numbered(entry.events);
        if events.is_empty() {
            return;
        }
        let Told { sources, stored, usage, .. } = locked(&self.told).clone();
        let is_end = entry.end.is_some();
        let end = entry.end.as_ref().map(|end| match end {
            Ending::Done(text) => End::Done(text),
            Ending::Failed => End::Failed,
        });
        let turn = store::Turn { sources: (is_end || sources != stored).then_some(&sources), usage: is_end.then_some(&usage), end };
        let stored = store::append(&self.state.kernel, &self.principal, self.message, &events, turn).await;
        if let Err(error) = &stored {
            // Who listens still gets the answer; who comes later is told that it was lost.
            tracing::warn!(message.id = %self.message, code = error.code.as_str(), "events of a conversation could not be stored");
        }
        {
            let mut told = locked(&self.told);
            // What was not stored goes with the next events: an answer must never rest on more than is known of it.
            if stored.is_ok() {
                told.stored = sources;
            }
            told.text.push_str(&entry.text);
            if let Some(figures) = entry.figures {
                told.figures = figures;
            }
        }
        if is_end {
            // Whoever sees the end may ask again at once.
            locked(&self.place).take();
            self.state.assistant.turns.end(self.message);
        }
        locked(&self.live.events).extend(events);
        self.live.news.send_modify(|news| *news += 1);
    }
}

/// What a stream tells next.
pub(super) enum Next {
    Event(Event),
    /// The turn calls this tool. It is no event: it cannot be picked up.
    Step(Cow<'static, str>),
}

/// The events of a message after one of them, until its end.
pub(super) struct Tail {
    state: AppState,
    principal: Principal,
    message: Uuid,
    live: Option<(Arc<Live>, watch::Receiver<usize>)>,
    last: u32,
    /// Steps that were told.
    steps: usize,
    ready: VecDeque<Event>,
    ended: bool,
}

impl Tail {
    pub(super) fn of_live(state: AppState, principal: Principal, message: Uuid, live: Arc<Live>, after: u32) -> Self {
        let waiting = live.news.subscribe();
        Self { state, principal, message, live: Some((live, waiting)), last: after, steps: 0, ready: VecDeque::new(), ended: false }
    }

    /// Fails with `NotFound` where the person has no such message.
    pub(super) async fn of(state: AppState, principal: Principal, message: Uuid, after: u32) -> Result<Self> {
        if let Some(live) = state.assistant.turns.find(&principal, message) {
            // A running turn is read from memory: only a unit of work finds that the session has ended.
            state.kernel.read(&principal).await?.finish().await?;
            return Ok(Self::of_live(state, principal, message, live, after));
        }
        let mut tail = Self { state, principal, message, live: None, last: after, steps: 0, ready: VecDeque::new(), ended: false };
        tail.look().await?;
        Ok(tail)
    }

    pub(super) async fn next(&mut self) -> Option<Next> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.last = event.sequence;
                self.ended |= event.is_terminal();
                return Some(Next::Event(event));
            }
            if self.ended {
                return None;
            }
            match &mut self.live {
                Some((live, waiting)) => {
                    waiting.borrow_and_update();
                    self.ready = live.after(self.last);
                    if self.ready.is_empty() {
                        if let Some(step) = locked(&live.steps).get(self.steps).cloned() {
                            self.steps += 1;
                            return Some(Next::Step(step));
                        }
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
            let turn = store::Turn { sources: None, usage: None, end: Some(End::Failed) };
            store::append(&self.state.kernel, &self.principal, self.message, std::slice::from_ref(&event), turn).await?;
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
