//! An answer on its way, to the caller or to where it is put together.
//!
//! **Invariant:** it ends well only with a finish reason. Once that is there, nothing that follows can spoil it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures::Stream;
use tokio::time::Sleep;

use super::pace::Pace;
use super::tracker::Tracker;
use crate::chat::{ChatStream, Chunk};
use crate::error::{Error, Kind, Phase};
use crate::health::Late;

/// What was held back until the answer showed something, and what is still to come.
pub(super) struct Held {
    pub(super) held: VecDeque<Chunk>,
    pub(super) rest: ChatStream,
    pub(super) pace: Pace,
}

impl Held {
    /// Hands it on, watching.
    pub(super) fn follow(self, mut tracker: Tracker) -> Followed {
        // A short answer may be complete already.
        tracker.settle_if_finished();
        Followed { held: self.held, rest: Some(self.rest), pace: self.pace, alarm: None, tracker }
    }
}

pub(super) struct Followed {
    held: VecDeque<Chunk>,
    /// Gone once the answer has ended.
    rest: Option<ChatStream>,
    pace: Pace,
    /// Rings when the next part is late. Moved only when it rings, because most parts come in time.
    alarm: Option<Pin<Box<Sleep>>>,
    tracker: Tracker,
}

impl Followed {
    /// The account, when the answer is over.
    pub(super) fn into_tracker(self) -> Tracker {
        self.tracker
    }

    /// Ready when the next part is late, with what that is called.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Kind> {
        loop {
            let (due, late) = self.pace.due(Instant::now());
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due.into())));
            // It may ring too early, never too late.
            if alarm.deadline() > due.into() {
                alarm.as_mut().reset(due.into());
            }
            ready!(alarm.as_mut().poll(cx));
            if alarm.deadline() >= due.into() {
                return Poll::Ready(late);
            }
            alarm.as_mut().reset(due.into());
        }
    }

    fn end(&mut self, error: Error) -> Poll<Option<Result<Chunk, Error>>> {
        self.rest = None;
        if self.tracker.is_settled() {
            return Poll::Ready(None);
        }
        let error = error.in_phase(Phase::Stream);
        self.tracker.failed(&error, Late::Nobody);
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for Followed {
    type Item = Result<Chunk, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(chunk) = this.held.pop_front() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            let Some(rest) = &mut this.rest else { return Poll::Ready(None) };
            match rest.as_mut().poll_next(cx) {
                // Behind the finish reason only frames follow that say nothing more.
                Poll::Ready(Some(Ok(chunk))) if this.pace.has_finished() => {
                    if chunk.deltas.is_empty() && chunk.raw.is_some() {
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                }
                Poll::Ready(Some(Ok(chunk))) => {
                    this.pace.saw(&chunk);
                    this.tracker.saw(&chunk);
                    this.tracker.settle_if_finished();
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Poll::Ready(Some(Err(error))) => return this.end(error),
                // An end without a finish reason is a cut, whatever the provider thinks.
                Poll::Ready(None) => return this.end(Kind::Cut.into()),
                Poll::Pending => {
                    let late = ready!(this.poll_late(cx));
                    return this.end(late.into());
                }
            }
        }
    }
}
