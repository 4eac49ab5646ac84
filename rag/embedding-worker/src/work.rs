//! The order in which requests are computed.
//!
//! One thread reads, one computes. Questions go before passages, also before the rest of passages that are half done: what
//! is computed at a time is small, so that a question waits for the length of one long text at most.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use steward_embedder::protocol::{Reply, Request};
use steward_embedder::{Purpose, frame};

use crate::say;

/// Of a batch: its texts as long as its longest, as they are computed. One text of the greatest length counts about as
/// much; eight of those at once would take 450 MB more and be slower than one after the other.
const BATCH_BYTES_MAX: usize = 1_536;
/// For the batch at hand, once nobody listens any longer.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers requests until `input` ends, then finishes at most the batch at hand.
pub(crate) fn until_input_ends<C>(mut input: impl Read, output: impl Write + Send + 'static, compute: C) -> Result<()>
where
    C: FnMut(&[&str]) -> Result<Vec<Vec<f32>>> + Send + 'static,
{
    let inbox = Arc::new(Inbox::default());
    let (done, outcome) = mpsc::channel();
    let computing = {
        let inbox = Arc::clone(&inbox);
        // Whoever waits for the outcome may have given up.
        let compute = move || drop(done.send(answer_all(&inbox, output, compute)));
        thread::Builder::new().name("compute".into()).spawn(compute).context("start a thread")?
    };
    let read = loop {
        match frame::read::<Request>(&mut input) {
            Ok(Some(request)) => inbox.put(Task::new(request)),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
        if computing.is_finished() {
            break Ok(());
        }
    };
    inbox.close();
    // A computation that hangs must not keep a process alive that nobody listens to.
    let computed = match outcome.recv_timeout(END_TIMEOUT) {
        Ok(computed) => computed,
        Err(RecvTimeoutError::Timeout) => Err(anyhow!("the computation at hand was given up")),
        Err(RecvTimeoutError::Disconnected) => Err(anyhow!("the computation has panicked")),
    };
    read.context("a request cannot be read").and(computed)
}

fn answer_all<C>(inbox: &Inbox, mut output: impl Write, mut compute: C) -> Result<()>
where
    C: FnMut(&[&str]) -> Result<Vec<Vec<f32>>>,
{
    while let Some(mut task) = inbox.take() {
        match task.step(&mut compute) {
            Ok(()) if task.rest.is_empty() => say(&mut output, &Reply::Vectors { id: task.request.id, vectors: task.vectors })?,
            Ok(()) => inbox.put_back(task),
            Err(error) => {
                let message = format!("{error:#}");
                tracing::warn!(error = message, texts = task.request.texts.len(), "embedder.worker.failed");
                say(&mut output, &Reply::Failed { id: task.request.id, message })?;
            }
        }
    }
    Ok(())
}

/// A request, and how far it is done.
struct Task {
    request: Request,
    /// What is still to be computed: places in the request, short texts first.
    rest: VecDeque<usize>,
    /// By place; empty where nothing has been computed yet.
    vectors: Vec<Vec<f32>>,
}

impl Task {
    fn new(request: Request) -> Self {
        let mut rest: Vec<usize> = (0..request.texts.len()).collect();
        rest.sort_by_key(|place| request.texts[*place].len());
        Self { vectors: vec![Vec::new(); rest.len()], rest: rest.into(), request }
    }

    /// Computes the next batch.
    fn step(&mut self, compute: &mut impl FnMut(&[&str]) -> Result<Vec<Vec<f32>>>) -> Result<()> {
        let texts = &self.request.texts;
        let mut batch = Vec::new();
        while let Some(place) = self.rest.front() {
            if !batch.is_empty() && texts[*place].len() * (batch.len() + 1) > BATCH_BYTES_MAX {
                break;
            }
            batch.extend(self.rest.pop_front());
        }
        if batch.is_empty() {
            return Ok(());
        }
        let computed = compute(&batch.iter().map(|place| texts[*place].as_str()).collect::<Vec<_>>())?;
        for (place, vector) in batch.into_iter().zip(computed) {
            self.vectors[place] = vector;
        }
        Ok(())
    }
}

/// What has been read and not been finished. The client keeps to a few passages at a time.
#[derive(Default)]
struct Inbox {
    lanes: Mutex<Lanes>,
    changed: Condvar,
}

#[derive(Default)]
struct Lanes {
    queries: VecDeque<Task>,
    passages: VecDeque<Task>,
    closed: bool,
}

impl Lanes {
    fn of(&mut self, purpose: Purpose) -> &mut VecDeque<Task> {
        match purpose {
            Purpose::Query => &mut self.queries,
            Purpose::Passage => &mut self.passages,
        }
    }
}

impl Inbox {
    fn put(&self, task: Task) {
        self.lock().of(task.request.purpose).push_back(task);
        self.changed.notify_one();
    }

    fn put_back(&self, task: Task) {
        self.lock().of(task.request.purpose).push_front(task);
    }

    /// Waits for the next task; `None` once the input has ended.
    fn take(&self) -> Option<Task> {
        let nothing = |lanes: &mut Lanes| !lanes.closed && lanes.queries.is_empty() && lanes.passages.is_empty();
        let mut lanes = self.changed.wait_while(self.lock(), nothing).unwrap_or_else(PoisonError::into_inner);
        if lanes.closed { None } else { lanes.queries.pop_front().or_else(|| lanes.passages.pop_front()) }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "work/tests.rs"]
mod tests;
