//! An answer that is read as a whole.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use reqwest::Response;
use tokio::time::timeout_at;

use crate::chat::Dialect;
use crate::dialect::{anthropic, openai};
use crate::error::{Error, Kind};
use crate::reply::Reply;

/// The longest body that is accepted.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Reads the body.
pub(super) async fn body(mut response: Response, until: Instant, late: Kind) -> Result<Bytes, Error> {
    let mut body = BytesMut::new();
    loop {
        match timeout_at(until.into(), response.chunk()).await {
            Ok(Ok(Some(chunk))) if body.len() + chunk.len() <= BODY_BYTES_MAX => body.extend_from_slice(&chunk),
            Ok(Ok(Some(_))) => return Err(Kind::Malformed.into()),
            Ok(Ok(None)) => return Ok(body.freeze()),
            Ok(Err(error)) => return Err(Error::caused_by(Kind::Cut, error.without_url())),
            Err(_) => return Err(late.into()),
        }
    }
}

/// What the body says.
pub(super) fn reply(dialect: Dialect, body: &[u8]) -> Result<Reply, Error> {
    match dialect {
        Dialect::Anthropic => anthropic::reply::decode(body),
        Dialect::OpenAiChat | Dialect::OpenAiResponses => openai::reply::decode(body),
    }
}
