//! The dialects of callers and providers, and the ways between them.
//!
//! A caller's request is read by [`decode`], its answer written by [`Frames`] or [`whole`], and what goes wrong by [`Told`].
//! Requests to providers are written by [`openai::request::encode`] and [`anthropic::request::encode`], their streams read by
//! [`Reader`]. Where both sides speak the same dialect, bodies and events pass through but for what [`patch`] changes.
//! [`ids`] are the ids of tool calls, [`texts`] what a guard has to see of a body.
//!
//! Nothing here knows a socket, a clock or a configuration.

pub mod anthropic;
pub(crate) mod classify;
pub mod ids;
mod json;
pub mod openai;
pub mod patch;
pub mod responses;
mod sse;
mod stream;
pub mod texts;
mod told;

use std::time::Instant;

use bytes::Bytes;

use crate::chat::{ChatRequest, Chunk, Dialect};
use crate::error::Error;
use crate::reply::Reply;

pub use json::Invalid;
pub use stream::{Raw, Reader};
pub use told::Told;

/// What a caller's request does not say.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// The upper bound of the answer, in tokens, where the caller names none.
    pub max_tokens: u32,
    /// When the answer has to be complete.
    pub deadline: Instant,
}

/// What an answer is called where it is written anew.
#[derive(Clone, Debug)]
pub struct Head {
    /// A name for it, without the prefix of a dialect: letters and digits.
    pub id: String,
    /// The model, if the provider does not say which one answers.
    pub model: String,
    /// When it was asked for, in seconds since 1970.
    pub created: i64,
    /// Whether the caller wants to be told what it used, where the dialect leaves that open.
    pub shows_usage: bool,
}

/// Writes an answer as the stream of a dialect.
pub trait Frames: Send {
    /// The bytes for a chunk; empty if there is nothing to say. Behind the last chunk nothing may follow.
    fn chunk(&mut self, chunk: &Chunk) -> Bytes;

    /// The bytes that say that the answer broke off. They end the stream: no reason to finish is invented.
    fn failure(&mut self, error: &Error) -> Bytes;
}

/// Reads a caller's request.
///
/// # Errors
/// If it cannot be understood, or asks for what this gateway does not do.
pub fn decode(dialect: Dialect, body: Bytes, defaults: Defaults) -> Result<ChatRequest, Invalid> {
    match dialect {
        Dialect::OpenAiChat => openai::request::decode(body, defaults),
        Dialect::Anthropic => anthropic::request::decode(body, defaults),
        Dialect::OpenAiResponses => responses::request::decode(body, defaults),
    }
}

/// Writes an answer to a caller as a stream.
pub fn frames(dialect: Dialect, head: Head) -> Box<dyn Frames> {
    match dialect {
        Dialect::OpenAiChat => Box::new(openai::stream::Encoder::new(head)),
        Dialect::Anthropic => Box::new(anthropic::stream::Encoder::new(head)),
        Dialect::OpenAiResponses => Box::new(responses::stream::Encoder::new(head)),
    }
}

/// Writes a whole answer to a caller.
pub fn whole(dialect: Dialect, reply: &Reply, head: &Head) -> Bytes {
    match dialect {
        Dialect::OpenAiChat => openai::reply::encode(reply, head),
        Dialect::Anthropic => anthropic::reply::encode(reply, head),
        Dialect::OpenAiResponses => responses::reply::encode(reply, head),
    }
}

/// JSON that cannot fail to be written: it has only textual keys.
fn to_bytes(value: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}
