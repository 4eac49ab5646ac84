//! The one trait behind which every model stands.
//!
//! A provider makes one [`Attempt`] at a request and gives an [`Answer`]. It never tries again by itself: whether there is another
//! attempt, and at which target, is for its caller to say.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use secrecy::SecretString;
use serde::Deserialize;

use crate::chat::{ChatRequest, ChatStream, Dialect};
use crate::embed::{EmbedRequest, Embeddings};
use crate::error::{Error, Kind};
use crate::reply::{Reply, collect};

/// A model, or something that answers like one.
pub trait Provider: Send + Sync {
    /// The configured name, used in metrics and in "answered by".
    fn name(&self) -> &str;

    /// What it speaks, so that requests and answers in the same dialect pass through it unchanged; absent if it speaks none.
    fn dialect(&self) -> Option<Dialect> {
        None
    }

    /// Starts an answer. Errors before the answer begins may come from here or as the first item of the stream.
    ///
    /// # Errors
    /// Whatever the failure is, classified; [`Kind::Unsupported`] if the request asks for what this provider cannot express.
    fn chat<'a>(&'a self, attempt: Attempt<'a>) -> BoxFuture<'a, Result<Answer, Error>>;

    /// Turns texts into vectors.
    ///
    /// # Errors
    /// As [`Provider::chat`]; [`Kind::Unsupported`] by default.
    fn embed<'a>(&'a self, attempt: Attempt<'a, EmbedRequest>) -> BoxFuture<'a, Result<Embeddings, Error>> {
        let _ = attempt;
        Box::pin(async { Err(Kind::Unsupported.into()) })
    }
}

/// One try of one request at one target.
#[derive(Debug)]
pub struct Attempt<'a, R = ChatRequest> {
    /// What is asked.
    pub request: &'a R,
    /// The model that the target is asked for, by the target's own name.
    pub model: &'a str,
    /// The key; servers at home often need none.
    pub credential: Option<&'a SecretString>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

impl<R> Clone for Attempt<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Attempt<'_, R> {}

/// A model at a provider, with the key that may ask for it.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The model, by the provider's own name.
    pub model: Arc<str>,
    /// The key; servers at home often need none.
    pub credential: Option<SecretString>,
    /// How long an attempt waits for what.
    pub timeouts: Timeouts,
}

impl Target {
    /// An attempt at this target.
    pub fn attempt<'a, R>(&'a self, request: &'a R) -> Attempt<'a, R> {
        Attempt { request, model: &self.model, credential: self.credential.as_ref(), timeouts: self.timeouts }
    }
}

/// How long an attempt waits, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// For the connection, with TLS.
    pub connect_ms: u64,
    /// For the headers, from the start of the request.
    pub headers_ms: u64,
    /// For the first sign of an answer, from the start of the request.
    pub first_token_ms: u64,
    /// Between two parts of an answer.
    pub idle_ms: u64,
    /// For the whole answer, from the start of the request.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, headers_ms: 20_000, first_token_ms: 30_000, idle_ms: 20_000, total_ms: 120_000 }
    }
}

/// What a provider gives.
pub enum Answer {
    /// As it comes.
    Stream(ChatStream),
    /// At once, because the caller asked for it so or the upstream knows no other way.
    Whole {
        /// The answer.
        reply: Reply,
        /// The body as the upstream sent it, where it may go on as it is.
        raw: Option<Bytes>,
    },
}

impl Answer {
    /// The answer as a stream; a whole one is a stream of all its parts.
    pub fn into_stream(self) -> ChatStream {
        match self {
            Self::Stream(stream) => stream,
            Self::Whole { reply, .. } => stream::iter(reply.into_deltas().map(|delta| Ok(delta.into()))).boxed(),
        }
    }

    /// The whole answer.
    ///
    /// # Errors
    /// As [`collect`].
    pub async fn into_reply(self) -> Result<Reply, Error> {
        match self {
            Self::Stream(stream) => collect(stream).await,
            Self::Whole { reply, .. } => Ok(reply),
        }
    }
}

/// Answers never reach a log.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stream(_) => "Stream",
            Self::Whole { .. } => "Whole",
        })
    }
}
