//! From what an upstream said to a [`Kind`].
//!
//! The body is read for its codes and for a few telling words, and then dropped: it may quote the prompt.

use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Kind};

/// The error of an answer with a status other than success.
pub(crate) fn response(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Error {
    let said = Said::read(&serde_json::from_slice(body).unwrap_or_default());
    said.error(kind(status, &said, retry_after.is_some())).with_status(status).with_retry_after(retry_after)
}

/// The error of an error object behind a status of success.
pub(super) fn in_stream(error: &Value) -> Error {
    let said = Said::read(error);
    // Some servers put the status there that they could no longer send.
    let status = said.code.parse().ok().filter(|status| (400..600).contains(status));
    let status = status.unwrap_or(match said.kind.as_str() {
        "invalid_request_error" | "exceed_context_size_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" => 429,
        _ => 500,
    });
    said.error(kind(status, &said, false))
}

/// What an error object says.
#[derive(Default)]
struct Said {
    code: String,
    kind: String,
    message: String,
}

impl Said {
    fn read(body: &Value) -> Self {
        let body = body.get(0).unwrap_or(body);
        let error = body.get("error").unwrap_or(body);
        let field = |name: &str| match error.get(name) {
            Some(Value::String(text)) => text.to_lowercase(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let message = match error {
            Value::String(text) => text.to_lowercase(),
            _ => field("message"),
        };
        Self { code: field("code"), kind: field("type"), message }
    }

    fn error(&self, kind: Kind) -> Error {
        let code = if self.code.is_empty() { &self.kind } else { &self.code };
        Error::new(kind).with_upstream_code(code)
    }

    fn is(&self, codes: &[&str]) -> bool {
        codes.iter().any(|code| self.code == *code || self.kind == *code)
    }

    fn mentions(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.message.contains(word))
    }
}

fn kind(status: u16, said: &Said, has_retry_after: bool) -> Kind {
    match status {
        401 | 403 => Kind::Unauthorized,
        402 => Kind::QuotaExhausted,
        404 | 405 | 410 | 501 => Kind::ModelUnavailable,
        429 if said.is(&["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"]) => Kind::QuotaExhausted,
        429 if !has_retry_after && said.mentions(&["quota", "billing", "spend", "credit"]) => Kind::QuotaExhausted,
        429 => Kind::RateLimited,
        400 | 413 | 422 if is_context_length(said) => Kind::ContextLength,
        // Anthropic's way to say that the money is used up.
        400 if said.mentions(&["credit balance is too low"]) => Kind::QuotaExhausted,
        400 | 422 if said.is(&["content_policy_violation", "content_filter"]) => Kind::ContentPolicy,
        400 if said.is(&["model_not_found"]) || is_model_unavailable(said) => Kind::ModelUnavailable,
        // A server that gave up waiting or is too early is no fault of the request.
        408 | 425 => Kind::Upstream,
        400..=499 => Kind::BadRequest,
        _ => Kind::Upstream,
    }
}

fn is_context_length(said: &Said) -> bool {
    said.is(&["context_length_exceeded", "exceed_context_size_error", "string_above_max_length"])
        || said.mentions(&["context length", "context size", "context window", "context limit", "maximum context", "too many tokens", "prompt is too long"])
}

fn is_model_unavailable(said: &Said) -> bool {
    said.mentions(&["model"]) && said.mentions(&["not available", "not found", "does not exist", "not exist", "unknown model"])
}

#[cfg(test)]
mod tests;
