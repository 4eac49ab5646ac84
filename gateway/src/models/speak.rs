//! An answer on its way to the caller, as a stream of events in his dialect.
//!
//! **Invariants:** a stream that broke off says so and does not end like a good one; when the caller goes away the work upstream ends
//! at once, and what was used is still noted.

use super::call::ended;
use super::record::Record;
use crate::state::AppState;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use futures::stream::{self, StreamExt};
use std::convert::Infallible;
use steward_ai::idempotency;
use steward_ai::ledger::Outcome;
use steward_llm::dialect::Frames;
use steward_llm::{ChatStream, Chunk, Delta};

const EVENT_STREAM: &str = "text/event-stream";

/// What is spoken, in the order in which it is dropped: first the work upstream, then the note of it.
pub(super) struct Speech {
    pub(super) stream: ChatStream,
    pub(super) frames: Box<dyn Frames>,
    pub(super) record: Record,
    pub(super) keeping: Option<Keeping>,
}

/// An answer that is kept for whoever asks again with the same key.
pub(super) struct Keeping {
    state: AppState,
    ticket: Option<idempotency::Ticket>,
    said: Vec<u8>,
    bytes_max: usize,
}

impl Keeping {
    pub(super) fn new(state: &AppState, ticket: idempotency::Ticket) -> Self {
        let bytes_max = idempotency::Settings::default().answer_bytes_max;
        Self { state: state.clone(), ticket: Some(ticket), said: Vec::new(), bytes_max }
    }

    fn hear(&mut self, bytes: &[u8]) {
        // Beyond it the answer is not kept, so nothing of it needs to be.
        if self.said.len() <= self.bytes_max {
            self.said.extend_from_slice(bytes);
        }
    }

    /// The answer is complete.
    pub(super) async fn finish(mut self, status: u16, content_type: &str, body: Option<Bytes>) {
        let body = body.unwrap_or_else(|| std::mem::take(&mut self.said).into());
        let Some(ticket) = self.ticket.take() else { return };
        let answer = idempotency::Answer { status, content_type: content_type.to_owned(), body };
        if let Err(error) = self.state.ai.idempotency.finish(ticket, &answer).await {
            tracing::warn!(code = error.code.as_str(), "an answer could not be kept under its idempotency key");
        }
    }
}

/// No answer that is worth keeping: the key is free again.
impl Drop for Keeping {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let state = self.state.clone();
            self.state.tasks.spawn(async move {
                if let Err(error) = state.ai.idempotency.abandon(ticket).await {
                    tracing::warn!(code = error.code.as_str(), "an idempotency key could not be given up and is taken until its run ends");
                }
            });
        }
    }
}

impl Speech {
    pub(super) fn response(self) -> Response {
        let spoken = stream::unfold(Some(self), |speech| async move {
            let mut speech = speech?;
            loop {
                let Some(next) = speech.stream.next().await else {
                    // Whoever makes streams ends them with a reason or an error.
                    speech.record.end(Outcome::Failed, Some("cut"));
                    return None;
                };
                match next {
                    Ok(chunk) => {
                        let is_last = speech.note(&chunk);
                        let bytes = speech.frames.chunk(&chunk);
                        if let Some(keeping) = &mut speech.keeping {
                            keeping.hear(&bytes);
                        }
                        if is_last {
                            // What the end needs is not held for as long as the stream lasts.
                            Box::pin(speech.end()).await;
                            return Some((Ok::<_, Infallible>(bytes), None));
                        }
                        if !bytes.is_empty() {
                            return Some((Ok(bytes), Some(speech)));
                        }
                    }
                    Err(error) => {
                        let bytes = speech.frames.failure(&error);
                        ended(speech.record, &error);
                        return Some((Ok(bytes), None));
                    }
                }
            }
        });
        let mut response = Response::new(Body::from_stream(spoken));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
        // Proxies that collect an answer before they pass it on would hold the events back.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        response
    }

    /// Takes note of what is about to be said; true at the end.
    fn note(&mut self, chunk: &Chunk) -> bool {
        let mut is_last = false;
        for delta in &chunk.deltas {
            if delta.is_shown() {
                self.record.first_token();
            }
            match delta {
                Delta::Text(words) | Delta::Refusal(words) => self.record.said(words),
                Delta::Finish(_) => is_last = true,
                _ => {}
            }
        }
        is_last
    }

    async fn end(self) {
        let Self { mut stream, record, keeping, .. } = self;
        // What settles the call may come behind its last part.
        while stream.next().await.is_some() {}
        drop(stream);
        record.end(Outcome::Answered, None);
        // Before the last part goes out, and only where the client has named the call: whoever has seen the end and asks again is given
        // the same, also if this process ends or the client leaves in between. All words are with him already.
        if let Some(keeping) = keeping {
            keeping.finish(200, EVENT_STREAM, None).await;
        }
    }
}
