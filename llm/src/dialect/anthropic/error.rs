//! Failures in Anthropic's words: a provider's read, a caller's written.

use bytes::Bytes;
use serde_json::json;

use crate::dialect::json::Invalid;
use crate::dialect::{http_status, to_bytes};
use crate::error::Error;

pub use crate::dialect::classify::response as decode;

/// The body that tells a caller of a failure, also in the middle of a stream.
pub(in crate::dialect) fn encode(error: &Error) -> Bytes {
    let kind = error.kind();
    let word = match http_status(kind) {
        429 => "rate_limit_error",
        403 => "permission_error",
        404 => "not_found_error",
        400..=499 => "invalid_request_error",
        503 => "overloaded_error",
        504 => "timeout_error",
        _ => "api_error",
    };
    to_bytes(&json!({"type": "error", "error": {"type": word, "message": kind.to_string()}}))
}

/// The body that tells a caller that his request cannot be understood.
pub(in crate::dialect) fn encode_invalid(invalid: &Invalid) -> Bytes {
    let message = match &invalid.param {
        Some(param) => format!("{param}: {}", invalid.reason),
        None => invalid.reason.clone(),
    };
    to_bytes(&json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}}))
}
