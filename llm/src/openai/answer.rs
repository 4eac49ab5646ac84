//! An answer as it comes in: frames to deltas, with the clock running.
//!
//! Nothing is spawned: the connection lives in the stream, and whoever drops the stream closes it.
//!
//! **Invariant:** an answer is complete only if the upstream said why it ended. What follows that (usage, `[DONE]`, a cut) can no
//! longer spoil it; whatever else ends the stream before is an error.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use reqwest::Response;
use tokio::time::timeout_at;

use super::sse::Events;
use super::wire::{Choice, Frame, WireCall, finish_reason};
use super::{Clock, classify};
use crate::chat::{ChatStream, Chunk, Delta, FinishReason, Usage};
use crate::error::{Error, Kind, Phase};

/// How long a finished answer is kept open for the usage that should follow.
const USAGE_WAIT: Duration = Duration::from_secs(2);

/// The deltas of this response.
pub(super) fn stream(provider: String, response: Response, clock: Clock) -> ChatStream {
    let answer = Answer {
        provider,
        body: response.bytes_stream().boxed(),
        events: Events::default(),
        ready: VecDeque::new(),
        clock,
        frames: 0,
        has_begun: false,
        has_called: false,
        usage: None,
        finish: None,
        has_ended: false,
    };
    Box::pin(stream::try_unfold(answer, |mut answer| async move {
        let delta = answer.next().await.map_err(|error| error.in_phase(answer.phase()))?;
        Ok(delta.map(|delta| (Chunk::from(delta), answer)))
    }))
}

struct Answer {
    provider: String,
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    events: Events,
    ready: VecDeque<Delta>,
    clock: Clock,
    /// Frames that could be read.
    frames: u64,
    /// Whether there was a sign of an answer, be it only of reasoning.
    has_begun: bool,
    has_called: bool,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    has_ended: bool,
}

impl Answer {
    async fn next(&mut self) -> Result<Option<Delta>, Error> {
        // Comments and empty frames are no progress, so this is reset only by what the model does.
        let mut since = Instant::now();
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Ok(Some(delta));
            }
            if self.has_ended {
                return Ok(None);
            }
            if let Some(data) = self.events.next().map_err(malformed)? {
                if self.event(&data)? {
                    since = Instant::now();
                }
                continue;
            }
            let (until, late) = self.wait(since);
            match timeout_at(until.into(), self.body.next()).await {
                Ok(Some(Ok(bytes))) => self.events.push(&bytes),
                Ok(None) => {
                    if let Some(data) = self.events.rest().map_err(malformed)? {
                        self.event(&data)?;
                    }
                    self.end(if self.frames == 0 { Kind::Malformed } else { Kind::Cut }.into())?;
                }
                Ok(Some(Err(error))) => self.end(Error::caused_by(Kind::Cut, error.without_url()))?,
                Err(_) => self.end(late.into())?,
            }
        }
    }

    fn phase(&self) -> Phase {
        if self.has_begun { Phase::Stream } else { Phase::FirstToken }
    }

    /// Until when the next part has to come, and what it is called if it does not.
    fn wait(&self, since: Instant) -> (Instant, Kind) {
        let idle = since + self.clock.idle;
        match (&self.finish, self.has_begun) {
            (Some(_), _) => self.clock.until(idle.min(since + USAGE_WAIT), Kind::IdleTimeout),
            (None, true) => self.clock.until(idle, Kind::IdleTimeout),
            (None, false) => self.clock.until(self.clock.first_token, Kind::FirstTokenTimeout),
        }
    }

    /// Ends the answer: well if there was a finish reason, else with this error.
    fn end(&mut self, otherwise: Error) -> Result<(), Error> {
        if self.has_ended {
            return Ok(());
        }
        let finish = self.finish.take().ok_or(otherwise)?;
        // Some servers call it a stop when the model waits for its tools.
        let finish = if self.has_called && finish == FinishReason::Stop { FinishReason::ToolCalls } else { finish };
        self.has_ended = true;
        self.ready.extend(self.usage.map(Delta::Usage));
        self.ready.push_back(Delta::Finish(finish));
        Ok(())
    }

    /// Takes one event in; true if the model made progress.
    fn event(&mut self, data: &[u8]) -> Result<bool, Error> {
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            self.end(Kind::Cut.into())?;
            return Ok(true);
        }
        let Ok(frame) = serde_json::from_slice::<Frame>(data) else {
            metrics::counter!("steward_llm_malformed_frames_total", "provider" => self.provider.clone()).increment(1);
            return Ok(false);
        };
        if let (Some(error), None) = (&frame.error, &self.finish) {
            return Err(classify::in_stream(error));
        }
        self.frames += 1;
        self.usage = frame.usage().or(self.usage);
        let mut is_progress = false;
        // Only one answer was asked for.
        for choice in frame.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            is_progress |= self.choice(choice)?;
        }
        Ok(is_progress)
    }

    fn choice(&mut self, choice: Choice) -> Result<bool, Error> {
        let delta = choice.delta.unwrap_or_default();
        let mut is_progress = delta.is_reasoning();
        for text in [delta.content, delta.refusal].into_iter().flatten().filter(|text| !text.is_empty()) {
            self.ready.push_back(Delta::Text(text));
            is_progress = true;
        }
        for call in delta.tool_calls.into_iter().flatten() {
            is_progress |= self.call(call);
        }
        match choice.finish_reason.as_deref() {
            None | Some("") => {}
            // A gateway's way to say that the model behind it broke down.
            Some("error") => return Err(Kind::Upstream.into()),
            Some(reason) => {
                self.finish.get_or_insert(finish_reason(reason));
                is_progress = true;
            }
        }
        self.has_begun |= is_progress;
        Ok(is_progress)
    }

    fn call(&mut self, call: WireCall) -> bool {
        let function = call.function.unwrap_or_default();
        let id = call.id.filter(|id| !id.is_empty());
        let name = function.name.filter(|name| !name.is_empty());
        let arguments_fragment = function.arguments.unwrap_or_default();
        if id.is_none() && name.is_none() && arguments_fragment.is_empty() {
            return false;
        }
        self.has_called = true;
        self.ready.push_back(Delta::ToolCall { index: call.index.unwrap_or(0), id, name, arguments_fragment });
        true
    }
}

fn malformed(error: super::sse::TooLong) -> Error {
    Error::caused_by(Kind::Malformed, error)
}
