//! One attempt: hold the answer back until it begins, then follow it to its end and say how it went.
//!
//! **Invariant:** every attempt is counted once and gives its permit back, also if the caller goes away in the middle.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures::{Stream, StreamExt};
use tokio::time::timeout_at;

use crate::chat::{ChatRequest, ChatStream, Chunk, Delta};
use crate::error::{Error, Kind, Owner};
use crate::health::Permit;
use crate::provider::{Provider, Target};

/// Until when an answer has to have begun.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) until: Instant,
    /// Whether being late is the provider's fault.
    pub(super) counts: bool,
}

/// Starts an answer. The stream that comes back has something for the caller in it.
pub(super) async fn begin(
    provider: &Arc<dyn Provider>,
    target: &Target,
    permit: Option<Permit>,
    request: &ChatRequest,
    limit: Option<Limit>,
) -> Result<ChatStream, Error> {
    let mut outcome = Outcome { provider: provider.name().to_owned(), permit, is_settled: false };
    let begun = match limit {
        Some(limit) => timeout_at(limit.until.into(), held_back(&**provider, target, request)).await.unwrap_or_else(|_| Err(Kind::Deadline.into())),
        None => held_back(&**provider, target, request).await,
    };
    match begun {
        Ok((held, rest)) => Ok(Box::pin(Followed { held, rest: Some(rest), outcome })),
        Err(error) => {
            let is_late = error.kind() == Kind::Deadline && limit.is_some_and(|limit| limit.counts);
            outcome.failed(&error, is_late);
            Err(error)
        }
    }
}

/// Adds an attempt, or a refusal to attempt, to the metrics.
pub(super) fn count(provider: &str, outcome: &'static str) {
    metrics::counter!("steward_llm_requests_total", "provider" => provider.to_owned(), "outcome" => outcome).increment(1);
}

/// Reads up to the first delta that shows anything to the caller.
async fn held_back(provider: &dyn Provider, target: &Target, request: &ChatRequest) -> Result<(VecDeque<Chunk>, ChatStream), Error> {
    let mut stream = provider.chat(target.attempt(request)).await?.into_stream();
    let mut held = VecDeque::new();
    loop {
        let chunk = stream.next().await.ok_or(Kind::Cut)??;
        let begins = chunk.deltas.iter().any(Delta::is_shown);
        held.push_back(chunk);
        if begins {
            return Ok((held, stream));
        }
    }
}

/// How an attempt went. Dropped unsettled, the caller went away, and neither breaker nor provider is to blame.
struct Outcome {
    provider: String,
    permit: Option<Permit>,
    is_settled: bool,
}

impl Outcome {
    fn succeeded(&mut self) {
        if !std::mem::replace(&mut self.is_settled, true) {
            count(&self.provider, "ok");
            if let Some(permit) = self.permit.take() {
                permit.success();
            }
        }
    }

    fn failed(&mut self, error: &Error, is_late: bool) {
        self.is_settled = true;
        count(&self.provider, error.code());
        let permit = self.permit.take();
        if let Some(permit) = permit.filter(|_| is_late || error.kind().counts_against_provider()) {
            permit.failure();
        }
        let (provider, upstream_code, status) = (&self.provider, error.upstream_code(), error.status());
        if matches!(error.kind(), Kind::Unauthorized | Kind::QuotaExhausted | Kind::Misconfigured) {
            tracing::error!(llm.provider = %provider, llm.outcome = error.code(), llm.upstream_code = upstream_code, http.status = status,
                "a model provider cannot be used until its key, quota or configuration is put right");
        } else if error.owner() != Owner::Caller {
            tracing::warn!(llm.provider = %provider, llm.outcome = error.code(), llm.upstream_code = upstream_code, http.status = status,
                "an attempt at a model provider failed");
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if !self.is_settled {
            count(&self.provider, "abandoned");
        }
    }
}

/// The answer on its way to the caller.
struct Followed {
    held: VecDeque<Chunk>,
    /// Gone once the answer has ended.
    rest: Option<ChatStream>,
    outcome: Outcome,
}

impl Followed {
    fn pass(&mut self, item: Result<Chunk, Error>) -> Result<Chunk, Error> {
        match &item {
            Ok(chunk) if matches!(chunk.deltas.last(), Some(Delta::Finish(_))) => {
                self.rest = None;
                self.outcome.succeeded();
            }
            Ok(_) => {}
            Err(error) => {
                self.rest = None;
                self.outcome.failed(error, false);
            }
        }
        item
    }
}

impl Stream for Followed {
    type Item = Result<Chunk, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(chunk) = self.held.pop_front() {
            return Poll::Ready(Some(self.pass(Ok(chunk))));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let item = match rest.as_mut().poll_next(cx) {
            Poll::Ready(Some(item)) => item,
            // An end without a finish reason is a cut, whatever the provider thinks.
            Poll::Ready(None) => Err(Kind::Cut.into()),
            Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(Some(self.pass(item)))
    }
}
