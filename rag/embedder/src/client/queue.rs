//! The batches that wait and those that the worker has, with what became of the worker so far.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::protocol::{Request, TEXTS_MAX};
use crate::{DIMENSIONS, Error, Failure, Health, Purpose, State, shortened};

/// Batches that may wait, over all callers.
const WAITING_MAX: usize = 512;
/// Batches of passages that the worker has at a time: one to compute and one to go on with. More would only be lost with it.
const PASSAGES_SENT_MAX: usize = 2;
/// How often a batch is given to a worker: twice, because the first may have been killed for something else.
const ATTEMPTS_MAX: u8 = 2;

pub(super) type Answer = Result<Vec<Vec<f32>>, Error>;

/// Shared by the callers and the supervisor. The lock is never held over an await.
#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// There may be something to send.
    pub(super) sendable: Notify,
    /// The worker has got something to do.
    pub(super) busy: Notify,
}

#[derive(Default)]
struct Inner {
    state: Option<State>,
    queries: VecDeque<Job>,
    passages: VecDeque<Job>,
    sent: BTreeMap<u64, Job>,
    /// Since when the worker has had something to do without finishing any of it.
    busy_since: Option<Instant>,
    next_id: u64,
    finished: u64,
    embedded: u64,
    restarts: u64,
    process: Option<u32>,
    last_failure: Option<Arc<Failure>>,
}

struct Job {
    request: Request,
    answer: oneshot::Sender<Answer>,
    attempts: u8,
}

impl Queue {
    /// Whether this call is the one that has to start the supervisor.
    pub(super) fn begin(&self) -> bool {
        let mut inner = self.lock();
        let first = inner.state.is_none();
        if first {
            inner.state = Some(State::Starting);
        }
        first
    }

    /// Batches of the texts, in their order. A receiver that is dropped gives its batch up.
    pub(super) fn push(&self, texts: &[String], purpose: Purpose) -> Result<Vec<oneshot::Receiver<Answer>>, Error> {
        let mut inner = self.lock();
        match (inner.state, &inner.last_failure) {
            (Some(State::Stopped), _) => return Err(Error::Stopping),
            (Some(State::Down), Some(failure)) => return Err(Error::Down(Arc::clone(failure))),
            _ => {}
        }
        let batches = texts.len().div_ceil(TEXTS_MAX);
        if inner.waiting() + batches > WAITING_MAX {
            inner.queries.retain(|job| !job.answer.is_closed());
            inner.passages.retain(|job| !job.answer.is_closed());
            if inner.waiting() + batches > WAITING_MAX {
                return Err(Error::Busy(WAITING_MAX));
            }
        }
        let mut receivers = Vec::with_capacity(batches);
        for batch in texts.chunks(TEXTS_MAX) {
            let (answer, receiver) = oneshot::channel();
            let texts = batch.iter().map(|text| shortened(text).to_owned()).collect();
            let request = Request { id: inner.next_id, purpose, texts };
            inner.next_id += 1;
            inner.lane(purpose).push_back(Job { request, answer, attempts: 0 });
            receivers.push(receiver);
        }
        drop(inner);
        self.sendable.notify_one();
        Ok(receivers)
    }

    /// The next batch for the worker, as a frame.
    pub(super) fn take(&self) -> Result<Option<Vec<u8>>, Failure> {
        let mut inner = self.lock();
        let Some(mut job) = inner.next() else { return Ok(None) };
        let frame = crate::frame::encode(&job.request).map_err(Failure::Send)?;
        job.attempts += 1;
        inner.sent.insert(job.request.id, job);
        if inner.busy_since.is_none() {
            inner.busy_since = Some(Instant::now());
            self.busy.notify_one();
        }
        Ok(Some(frame))
    }

    pub(super) fn answered(&self, id: u64, vectors: Vec<Vec<f32>>) -> Result<(), Failure> {
        let job = self.finish(id)?;
        let expected = job.request.texts.len();
        if vectors.len() != expected || vectors.iter().any(|vector| vector.len() != DIMENSIONS) {
            let found = vectors.len();
            // It would only be computed wrongly again.
            let _ = job.answer.send(Err(Error::Down(Arc::new(Failure::Shape { expected, found }))));
            return Err(Failure::Shape { expected, found });
        }
        self.lock().embedded += expected as u64;
        // Whoever asked may have given up.
        let _ = job.answer.send(Ok(vectors));
        Ok(())
    }

    pub(super) fn refused(&self, id: u64, error: Error) -> Result<(), Failure> {
        let _ = self.finish(id)?.answer.send(Err(error));
        Ok(())
    }

    fn finish(&self, id: u64) -> Result<Job, Failure> {
        let mut inner = self.lock();
        let job = inner.sent.remove(&id).ok_or(Failure::OutOfTurn)?;
        inner.finished += 1;
        inner.busy_since = (!inner.sent.is_empty()).then(Instant::now);
        drop(inner);
        // Its place can be taken, and there is a new time to watch.
        self.sendable.notify_one();
        self.busy.notify_one();
        Ok(job)
    }

    pub(super) fn busy_since(&self) -> Option<Instant> {
        self.lock().busy_since
    }

    /// Batches that were finished, whichever way.
    pub(super) fn finished(&self) -> u64 {
        self.lock().finished
    }

    pub(super) fn up(&self, process: Option<u32>) {
        let mut inner = self.lock();
        inner.state = Some(State::Up);
        inner.process = process;
    }

    /// The worker is gone. What it had goes to the next one, before everything else; while `down`, nothing waits for that.
    pub(super) fn ended(&self, failure: &Arc<Failure>, down: bool) {
        let mut inner = self.lock();
        inner.state = Some(if down { State::Down } else { State::Starting });
        inner.process = None;
        inner.busy_since = None;
        inner.restarts += 1;
        inner.last_failure = Some(Arc::clone(failure));
        let mut lost = Vec::new();
        for (_, job) in std::mem::take(&mut inner.sent).into_iter().rev() {
            if down || job.attempts >= ATTEMPTS_MAX {
                lost.push(job);
            } else {
                inner.lane(job.request.purpose).push_front(job);
            }
        }
        if down {
            lost.extend(inner.drain());
        }
        drop(inner);
        for job in lost {
            let _ = job.answer.send(Err(Error::Down(Arc::clone(failure))));
        }
    }

    /// The program ends: nobody waits any longer.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.state = Some(State::Stopped);
        inner.process = None;
        let mut jobs = inner.drain();
        jobs.extend(std::mem::take(&mut inner.sent).into_values());
        drop(inner);
        for job in jobs {
            let _ = job.answer.send(Err(Error::Stopping));
        }
    }

    pub(super) fn health(&self) -> Health {
        let inner = self.lock();
        Health {
            state: inner.state.unwrap_or(State::Idle),
            restarts: inner.restarts,
            queued: inner.waiting() + inner.sent.len(),
            embedded: inner.embedded,
            process: inner.process,
            last_error: inner.last_failure.as_deref().map(with_causes),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn lane(&mut self, purpose: Purpose) -> &mut VecDeque<Job> {
        match purpose {
            Purpose::Query => &mut self.queries,
            Purpose::Passage => &mut self.passages,
        }
    }

    fn waiting(&self) -> usize {
        self.queries.len() + self.passages.len()
    }

    fn drain(&mut self) -> Vec<Job> {
        self.queries.drain(..).chain(self.passages.drain(..)).collect()
    }

    /// Questions go at once, passages as long as the worker has few of them.
    fn next(&mut self) -> Option<Job> {
        let wanted = |lane: &mut VecDeque<Job>| {
            while let Some(job) = lane.pop_front() {
                if !job.answer.is_closed() {
                    return Some(job);
                }
            }
            None
        };
        if let Some(job) = wanted(&mut self.queries) {
            return Some(job);
        }
        let passages = self.sent.values().filter(|job| job.request.purpose == Purpose::Passage).count();
        if passages < PASSAGES_SENT_MAX { wanted(&mut self.passages) } else { None }
    }
}

/// An error and what it comes from, in one line.
pub(super) fn with_causes(error: &Failure) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
