//! The account of one attempt: breakers, money, metrics, log.
//!
//! **Invariant:** every attempt is settled exactly once, also if the caller goes away in the middle or another target was faster.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::meter::{Attempted, Outcome, Settlement, Ticket, Used, used_by};
use crate::chat::{Chunk, Delta, FinishReason, Usage};
use crate::error::{Error, Kind, Owner, Phase};
use crate::health::{Late, Pass};
use crate::telemetry::{self, Labels};

/// Whom an attempt is made at.
#[derive(Clone)]
pub(super) struct About {
    pub(super) number: u32,
    pub(super) alias: Arc<str>,
    pub(super) provider: Arc<str>,
    pub(super) vendor: Arc<str>,
    pub(super) address: Arc<str>,
    pub(super) model: Arc<str>,
    pub(super) credential: Arc<str>,
    pub(super) operation: &'static str,
}

pub(super) struct Tracker {
    about: About,
    pass: Option<Pass>,
    ticket: Option<Box<dyn Ticket>>,
    /// Set when another target was faster.
    outrun: Option<Arc<AtomicBool>>,
    started: Instant,
    phase: Phase,
    first_token: Option<Duration>,
    usage: Option<Usage>,
    has_thought: bool,
    finish: Option<FinishReason>,
    span: tracing::Span,
    is_settled: bool,
}

impl Tracker {
    /// An attempt begins now.
    pub(super) fn start(about: About, pass: Option<Pass>, ticket: Option<Box<dyn Ticket>>, outrun: Option<Arc<AtomicBool>>) -> Self {
        let span = telemetry::span(&about.labels(), &about.address, &about.credential);
        Self {
            about,
            pass,
            ticket,
            outrun,
            started: Instant::now(),
            phase: Phase::Connect,
            first_token: None,
            usage: None,
            has_thought: false,
            finish: None,
            span,
            is_settled: false,
        }
    }

    pub(super) fn span(&self) -> tracing::Span {
        self.span.clone()
    }

    pub(super) fn about(&self) -> &About {
        &self.about
    }

    pub(super) fn reached(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// Whether the model showed that it works on the answer.
    pub(super) fn has_thought(&self) -> bool {
        self.has_thought
    }

    pub(super) fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Takes note of a part of a stream.
    pub(super) fn saw(&mut self, chunk: &Chunk) {
        for delta in &chunk.deltas {
            match delta {
                Delta::Usage(usage) => self.usage = Some(*usage),
                Delta::Start { model, .. } => telemetry::answered_as(&self.span, model.as_deref()),
                Delta::Reasoning(_) | Delta::Opaque(_) => self.has_thought = true,
                Delta::Finish(reason) => self.finish = Some(reason.clone()),
                Delta::Text(_) | Delta::Refusal(_) | Delta::ToolCall { .. } => {}
            }
            if self.first_token.is_none() && delta.is_shown() {
                self.first_token = Some(self.started.elapsed());
                self.phase = Phase::Stream;
            }
        }
    }

    /// A stream is complete with the part that says why it ended.
    pub(super) fn settle_if_finished(&mut self) {
        if let Some(reason) = self.finish.take() {
            self.succeeded(Some(&reason));
        }
    }

    /// The whole answer is there at once.
    pub(super) fn has_answered(&mut self, usage: Option<Usage>, model: Option<&str>, finish: Option<&FinishReason>) {
        self.usage = usage;
        telemetry::answered_as(&self.span, model);
        self.succeeded(finish);
    }

    fn succeeded(&mut self, finish: Option<&FinishReason>) {
        if self.is_settled {
            return;
        }
        if let Some(pass) = self.pass.take() {
            pass.succeeded();
        }
        telemetry::finished(&self.span, finish);
        let used = self.usage.map_or(Used::Uncertain(None), Used::Exactly);
        self.settle(Outcome::Answered, None, used);
    }

    /// It failed, before or after it had begun.
    pub(super) fn failed(&mut self, error: &Error, late: Late) {
        if self.is_settled {
            return;
        }
        if let Some(pass) = self.pass.take() {
            pass.failed(error, late);
        }
        self.phase = error.phase().unwrap_or(self.phase);
        self.log(error);
        self.settle(Outcome::Failed(error.kind()), error.status(), used_by(error, self.usage));
    }

    fn log(&self, error: &Error) {
        let About { provider, model, credential, .. } = &self.about;
        let (upstream_code, status) = (error.upstream_code(), error.status());
        if matches!(error.kind(), Kind::Unauthorized | Kind::QuotaExhausted | Kind::Misconfigured) {
            tracing::error!(llm.provider = %provider, llm.model = %model, llm.credential = %credential, llm.outcome = error.code(),
                llm.upstream_code = upstream_code, http.status = status,
                "a model provider cannot be used until its key, quota or configuration is put right");
        } else if error.owner() != Owner::Caller {
            tracing::warn!(llm.provider = %provider, llm.model = %model, llm.outcome = error.code(), llm.upstream_code = upstream_code,
                http.status = status, "an attempt at a model provider failed");
        }
    }

    fn settle(&mut self, outcome: Outcome, status: Option<u16>, used: Used) {
        self.is_settled = true;
        let About { number, alias, provider, model, credential, .. } = &self.about;
        let attempt = Attempted {
            number: *number,
            alias: Arc::clone(alias),
            provider: Arc::clone(provider),
            model: Arc::clone(model),
            credential: Arc::clone(credential),
            outcome,
            phase: self.phase,
            status,
            first_token: self.first_token,
            duration: self.started.elapsed(),
        };
        telemetry::attempt(&self.span, &self.about.labels(), &attempt, self.usage);
        if let Some(ticket) = self.ticket.take() {
            ticket.settle(Settlement { used, attempt });
        }
    }
}

impl About {
    fn labels(&self) -> Labels<'_> {
        Labels { operation: self.operation, provider: &self.provider, vendor: &self.vendor, model: &self.model }
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        if !self.is_settled {
            let is_outrun = self.outrun.as_ref().is_some_and(|outrun| outrun.load(Ordering::Acquire));
            let outcome = if is_outrun { Outcome::Outrun } else { Outcome::Abandoned };
            self.settle(outcome, None, Used::Uncertain(self.usage));
        }
    }
}
