//! The HTTP status by which a caller learns of a failure.

use crate::error::Kind;

/// The status for a failure before the answer begins. What only the operator can put right is never shown as the caller's fault.
pub fn http_status(kind: Kind) -> u16 {
    match kind {
        Kind::BadRequest | Kind::ContextLength | Kind::ContentPolicy | Kind::Unsupported => 400,
        Kind::Refused => 403,
        Kind::ModelUnavailable => 404,
        Kind::RateLimited => 429,
        // The caller does not see it any more; proxies use it in their logs.
        Kind::Cancelled => 499,
        Kind::Misconfigured => 500,
        Kind::Connect | Kind::Upstream | Kind::Cut | Kind::Malformed | Kind::Unauthorized | Kind::InvalidToolCall => 502,
        Kind::QuotaExhausted | Kind::Unavailable => 503,
        Kind::HeaderTimeout | Kind::FirstTokenTimeout | Kind::IdleTimeout | Kind::Deadline => 504,
    }
}
