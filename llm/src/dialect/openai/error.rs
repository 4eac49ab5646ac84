//! Failures in OpenAI's words: a provider's read, a caller's written.

use bytes::Bytes;
use serde_json::json;

use crate::dialect::json::Invalid;
use crate::dialect::{http_status, to_bytes};
use crate::error::{Error, Kind};

pub use crate::dialect::classify::response as decode;

/// The body that tells a caller of a failure, also in the middle of a stream.
pub(in crate::dialect) fn encode(error: &Error) -> Bytes {
    let kind = error.kind();
    // Clients know these by OpenAI's names.
    let code = match kind {
        Kind::ContextLength => "context_length_exceeded",
        Kind::ContentPolicy => "content_policy_violation",
        Kind::ModelUnavailable => "model_not_found",
        Kind::RateLimited => "rate_limit_exceeded",
        other => other.code(),
    };
    let word = match http_status(kind) {
        429 => "rate_limit_error",
        403 => "permission_error",
        400..=499 => "invalid_request_error",
        504 => "timeout_error",
        _ => "server_error",
    };
    to_bytes(&json!({"error": {"message": kind.to_string(), "type": word, "param": null, "code": code}}))
}

/// The body that tells a caller that his request cannot be understood.
pub(in crate::dialect) fn encode_invalid(invalid: &Invalid) -> Bytes {
    let message = match &invalid.param {
        Some(param) => format!("{param}: {}", invalid.reason),
        None => invalid.reason.clone(),
    };
    to_bytes(&json!({"error": {"message": message, "type": "invalid_request_error", "param": invalid.param, "code": "invalid_request"}}))
}
