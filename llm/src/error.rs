//! Why a call to a model failed, and who has to do something about it.
//!
//! Start at [`Kind`]: each kind is one row of the failure table, and what follows from it (again, the next target, the breaker, a
//! pause) is its [`Policy`]. A [`Phase`] tells how far the attempt had come. The text of an error never holds anything of a prompt or an answer; what an
//! upstream said is kept only as its short machine-readable code.

mod policy;

use std::fmt;
use std::time::Duration;

pub use policy::{Breaks, Next, Pause, Policy, Retries};

/// A failed call, classified.
#[derive(Debug, thiserror::Error)]
#[error("{kind}{}", Said(.upstream_code))]
pub struct Error {
    kind: Kind,
    phase: Option<Phase>,
    /// The upstream's own error code, made safe for logs.
    upstream_code: Option<String>,
    retry_after: Option<Duration>,
    status: Option<u16>,
    /// What exactly stood in the way, by a code of this program.
    reason: Option<&'static str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

struct Said<'a>(&'a Option<String>);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

/// Who can put a failure right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The request itself is at fault; sending it elsewhere would fail as well.
    Caller,
    /// The key, its rights, its rate or its money.
    Credential,
    /// The model: absent, or its output is unusable.
    Model,
    /// The server that was called, or the way to it.
    Provider,
    /// This program: its deadline, its limits, its configuration.
    Gateway,
}

/// How far an attempt had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No connection yet.
    Connect,
    /// The request was sent; no headers yet.
    Headers,
    /// Headers; nothing of the answer yet.
    FirstToken,
    /// A part of the answer was there.
    Stream,
    /// The whole body was waited for at once.
    Whole,
}

impl Phase {
    /// The stable name, for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Headers => "headers",
            Self::FirstToken => "first_token",
            Self::Stream => "stream",
            Self::Whole => "whole",
        }
    }
}

/// What went wrong. The closed set of codes that doors, metrics and logs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// No connection, no name, no TLS, or reset before the headers.
    Connect,
    /// The provider answered with a server error or said that it is overloaded.
    Upstream,
    /// No headers in time.
    HeaderTimeout,
    /// Headers, but no first token in time.
    FirstTokenTimeout,
    /// The answer stopped in the middle for too long.
    IdleTimeout,
    /// The answer ended without a finish reason.
    Cut,
    /// A success status with a body that is no answer.
    Malformed,
    /// Too many requests with this credential.
    RateLimited,
    /// The credential has used up its money or quota.
    QuotaExhausted,
    /// The credential is missing, wrong or not allowed.
    Unauthorized,
    /// The provider does not serve this model, or not in this way.
    ModelUnavailable,
    /// The model called a tool in a way that cannot be read.
    InvalidToolCall,
    /// The conversation is longer than the model's window.
    ContextLength,
    /// The provider refused the content.
    ContentPolicy,
    /// Any other request that the provider calls wrong.
    BadRequest,
    /// The request asks for something that the target's dialect cannot express.
    Unsupported,
    /// The caller went away.
    Cancelled,
    /// A guard or a limit of this gateway refused it.
    Refused,
    /// The request's own deadline passed.
    Deadline,
    /// No link could be tried: breakers are open or credentials are cooling down.
    Unavailable,
    /// A provider is configured in a way that cannot work.
    Misconfigured,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::Connect,
        Self::Upstream,
        Self::HeaderTimeout,
        Self::FirstTokenTimeout,
        Self::IdleTimeout,
        Self::Cut,
        Self::Malformed,
        Self::RateLimited,
        Self::QuotaExhausted,
        Self::Unauthorized,
        Self::ModelUnavailable,
        Self::InvalidToolCall,
        Self::ContextLength,
        Self::ContentPolicy,
        Self::BadRequest,
        Self::Unsupported,
        Self::Cancelled,
        Self::Refused,
        Self::Deadline,
        Self::Unavailable,
        Self::Misconfigured,
    ];

    /// The stable code, for problem documents, metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Upstream => "upstream",
            Self::HeaderTimeout => "header_timeout",
            Self::FirstTokenTimeout => "first_token_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::Cut => "cut",
            Self::Malformed => "malformed",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Unauthorized => "unauthorized",
            Self::ModelUnavailable => "model_unavailable",
            Self::InvalidToolCall => "invalid_tool_call",
            Self::ContextLength => "context_length",
            Self::ContentPolicy => "content_policy",
            Self::BadRequest => "bad_request",
            Self::Unsupported => "unsupported",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Deadline => "deadline",
            Self::Unavailable => "unavailable",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// Who can put it right.
    pub fn owner(self) -> Owner {
        match self {
            Self::Connect | Self::Upstream | Self::HeaderTimeout | Self::FirstTokenTimeout | Self::IdleTimeout | Self::Cut | Self::Malformed => Owner::Provider,
            Self::RateLimited | Self::QuotaExhausted | Self::Unauthorized => Owner::Credential,
            Self::ModelUnavailable | Self::InvalidToolCall => Owner::Model,
            Self::ContextLength | Self::ContentPolicy | Self::BadRequest | Self::Unsupported | Self::Cancelled => Owner::Caller,
            Self::Refused | Self::Deadline | Self::Unavailable | Self::Misconfigured => Owner::Gateway,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "the model provider could not be reached",
            Self::Upstream => "the model provider failed",
            Self::HeaderTimeout => "the model provider did not respond in time",
            Self::FirstTokenTimeout => "the model did not begin its answer in time",
            Self::IdleTimeout => "the model stopped in the middle of its answer",
            Self::Cut => "the model's answer was cut off",
            Self::Malformed => "the model provider sent something that is no answer",
            Self::RateLimited => "the model provider limits the rate of requests",
            Self::QuotaExhausted => "the quota at the model provider is used up",
            Self::Unauthorized => "the model provider refused the key",
            Self::ModelUnavailable => "the model is not available at this provider",
            Self::InvalidToolCall => "the model called a tool in a way that cannot be read",
            Self::ContextLength => "the conversation is too long for the model",
            Self::ContentPolicy => "the model provider refused the content",
            Self::BadRequest => "the model provider calls the request wrong",
            Self::Unsupported => "the request asks for something that this model provider cannot express",
            Self::Cancelled => "the caller went away",
            Self::Refused => "a guard or a limit of this gateway refused the request",
            Self::Deadline => "the time for this request is over",
            Self::Unavailable => "no model provider can be tried at the moment",
            Self::Misconfigured => "a model provider is not configured correctly",
        })
    }
}

impl Error {
    /// An error of this kind, with nothing more to say.
    pub fn new(kind: Kind) -> Self {
        Self { kind, phase: None, upstream_code: None, retry_after: None, status: None, reason: None, source: None }
    }

    /// An error of this kind with its cause. The cause must not hold prompts or answers.
    pub fn caused_by(kind: Kind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(kind) }
    }

    /// Adds how far the attempt had come, unless that is known already.
    #[must_use]
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.phase.get_or_insert(phase);
        self
    }

    /// Adds how long the provider asks to wait.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// Adds the HTTP status of the answer.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds the provider's own error code. Anything but a short identifier is dropped, because some providers echo the prompt.
    #[must_use]
    pub fn with_upstream_code(mut self, code: &str) -> Self {
        let identifier = !code.is_empty() && code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        self.upstream_code = identifier.then(|| code.to_owned());
        self
    }

    /// Adds what exactly stood in the way, by a stable code of this program.
    #[must_use]
    pub fn with_reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How far the attempt had come, if it had begun.
    pub fn phase(&self) -> Option<Phase> {
        self.phase
    }

    /// Who can put it right.
    pub fn owner(&self) -> Owner {
        self.kind.owner()
    }

    /// The stable code of [`Kind::code`].
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The provider's own error code, if it sent a short identifier.
    pub fn upstream_code(&self) -> Option<&str> {
        self.upstream_code.as_deref()
    }

    /// How long the provider asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// What exactly stood in the way, where this program knows it: what the targets lack, or why a meter refused.
    pub fn reason(&self) -> Option<&'static str> {
        self.reason
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self::new(kind)
    }
}
