//! An answer as it comes in, with the clock running.
//!
//! Nothing is spawned: the connection lives in the stream, and whoever drops the stream closes it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use reqwest::Response;
use tokio::time::timeout_at;

use super::clock::Clock;
use crate::chat::{ChatStream, Chunk, Dialect};
use crate::dialect::{Raw, Reader};
use crate::error::{Error, Kind, Phase};

/// How long a finished answer is kept open for the usage that should follow.
const USAGE_WAIT: Duration = Duration::from_secs(2);

/// The chunks of this response.
pub(super) fn stream(provider: String, response: Response, dialect: Dialect, raw: Raw, clock: Clock) -> Result<ChatStream, Error> {
    let now = Instant::now();
    let body = response.bytes_stream().boxed();
    let answer = Answer { provider, body, reader: Reader::new(dialect, raw)?, clock, since: now, left_at: now, is_closed: false, broken: None };
    Ok(Box::pin(stream::try_unfold(answer, |mut answer| async move {
        let chunk = answer.next().await.map_err(|error| error.in_phase(answer.phase()))?;
        Ok(chunk.map(|chunk| (chunk, answer)))
    })))
}

struct Answer {
    provider: String,
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    reader: Reader,
    clock: Clock,
    /// When the model last showed that it works, without the time in which nobody asked.
    since: Instant,
    left_at: Instant,
    is_closed: bool,
    broken: Option<Error>,
}

impl Answer {
    async fn next(&mut self) -> Result<Option<Chunk>, Error> {
        self.since += self.left_at.elapsed();
        let next = self.wait_for_next().await;
        self.left_at = Instant::now();
        next
    }

    async fn wait_for_next(&mut self) -> Result<Option<Chunk>, Error> {
        loop {
            let (skipped, progress) = (self.reader.skipped(), self.reader.progress());
            let read = if self.is_closed { self.reader.close(self.broken.take()) } else { self.reader.next_chunk() };
            self.count(skipped);
            // Comments and empty frames are no progress.
            if self.reader.progress() != progress {
                self.since = Instant::now();
            }
            if let Some(chunk) = read? {
                return Ok(Some(chunk));
            }
            if self.reader.has_ended() {
                return Ok(None);
            }
            let (until, late) = self.wait();
            match timeout_at(until.into(), self.body.next()).await {
                Ok(Some(Ok(bytes))) => self.reader.push(&bytes),
                Ok(None) => self.is_closed = true,
                Ok(Some(Err(error))) => (self.is_closed, self.broken) = (true, Some(Error::caused_by(Kind::Cut, error.without_url()))),
                Err(_) => (self.is_closed, self.broken) = (true, Some(late.into())),
            }
        }
    }

    fn count(&self, before: u64) {
        let more = self.reader.skipped() - before;
        if more > 0 {
            metrics::counter!("steward_llm_malformed_frames_total", "provider" => self.provider.clone()).increment(more);
        }
    }

    /// Until when the next part has to come, and what it is called if it does not.
    fn wait(&self) -> (Instant, Kind) {
        let idle = self.since + self.clock.idle;
        match (self.reader.is_finished(), self.reader.progress()) {
            (true, _) => self.clock.until(idle.min(self.since + USAGE_WAIT), Kind::IdleTimeout),
            (false, 1..) => self.clock.until(idle, Kind::IdleTimeout),
            (false, 0) => self.clock.until(self.clock.first_token, Kind::FirstTokenTimeout),
        }
    }

    fn phase(&self) -> Phase {
        if self.reader.progress() > 0 { Phase::Stream } else { Phase::FirstToken }
    }
}
