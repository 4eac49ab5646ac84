//! What a client is told of a failure: the one table of names, for an answer that does not begin and for a stream that breaks off.
//!
//! Start at [`Told`]. Clients act on a status, a type and a code, and know them by the names that OpenAI and Anthropic gave them. The
//! code of this program stands where a dialect has a place for any code, and behind the message elsewhere.
//!
//! **Invariant:** a failure has the same type, code and message whether it comes before the first byte or within a stream.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Value, json};

use super::json::Invalid;
use super::to_bytes;
use crate::chat::Dialect;
use crate::error::{Error, Kind, Owner};

/// A failure, for a client of any dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    what: What,
    code: Cow<'static, str>,
    message: String,
    param: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A call to models.
    Call(Kind),
    /// A request that this program refuses by itself, with this status.
    Refusal(u16),
}

/// What the vendors call a failure.
struct Names {
    status: u16,
    openai: &'static str,
    anthropic: &'static str,
    /// OpenAI's code in chat completions; absent where it has none, so that our own stands there.
    chat: Option<&'static str>,
    /// The same in responses, whose clients give up on a code that they do not know.
    responses: Option<&'static str>,
}

const SERVER_ERROR: &str = "server_error";

impl Told {
    /// Of a call that came to nothing.
    pub fn of(error: &Error) -> Self {
        let kind = error.kind();
        let code = match (kind, error.reason(), error.upstream_code()) {
            // What a meter or a guard says is what the caller can do something with.
            (Kind::Refused, Some(reason), _) => reason.into(),
            (Kind::Refused, None, Some(code)) => code.to_owned().into(),
            _ => kind.code().into(),
        };
        let is_told_anyway = |theirs: &str| theirs == kind.code() || Names::of(kind).chat == Some(theirs);
        let message = match kind.owner() {
            // The provider's own code says what to mend.
            Owner::Caller if !error.upstream_code().is_some_and(is_told_anyway) => error.to_string(),
            // Elsewhere it is the operator's business.
            _ => kind.to_string(),
        };
        Self { what: What::Call(kind), code, message, param: None }
    }

    /// Of a request that this program refuses by itself: the HTTP status, a stable code, and a message that holds nothing of a prompt.
    pub fn refusal(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { what: What::Refusal(status), code: code.to_owned().into(), message: message.into(), param: None }
    }

    /// Of a request that cannot be understood.
    pub fn invalid(invalid: &Invalid) -> Self {
        Self { param: invalid.param.clone(), ..Self::refusal(400, "invalid_request", invalid.to_string()) }
    }

    /// The same, about this field of the request.
    #[must_use]
    pub fn about(self, param: &str) -> Self {
        Self { param: Some(param.to_owned()), ..self }
    }

    /// The HTTP status, if nothing was answered yet.
    pub fn status(&self) -> u16 {
        self.names().status
    }

    fn names(&self) -> Names {
        match self.what {
            What::Call(kind) => Names::of(kind),
            What::Refusal(status) => Names::refusing(status, &self.code),
        }
    }

    /// The stable code of this program, for logs and ledgers.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What can be shown to a person.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The whole answer of a request that is not answered. Anthropic's clients look in it for the request's name.
    pub fn body(&self, dialect: Dialect, request_id: Option<&str>) -> Bytes {
        let mut body = match dialect {
            Dialect::OpenAiChat | Dialect::OpenAiResponses => json!({"error": self.error(dialect)}),
            Dialect::Anthropic => json!({"type": "error", "error": self.error(dialect)}),
        };
        if let (Dialect::Anthropic, Some(id)) = (dialect, request_id) {
            body["request_id"] = id.into();
        }
        to_bytes(&body)
    }

    /// The error as an object, the same wherever it stands.
    pub(super) fn error(&self, dialect: Dialect) -> Value {
        let Names { openai, anthropic, chat, responses, .. } = self.names();
        let named = match dialect {
            Dialect::OpenAiChat => chat,
            Dialect::OpenAiResponses => responses,
            Dialect::Anthropic => None,
        };
        let is_in_its_place = dialect != Dialect::Anthropic && named.is_none_or(|name| name == self.code);
        let message = if is_in_its_place { self.message.clone() } else { format!("{} ({})", self.message, self.code) };
        match dialect {
            Dialect::OpenAiChat | Dialect::OpenAiResponses => {
                json!({"message": message, "type": openai, "param": self.param, "code": named.unwrap_or(&self.code)})
            }
            Dialect::Anthropic => json!({"type": anthropic, "message": message}),
        }
    }
}

impl Names {
    /// The table. What only the operator can put right is never shown as the caller's fault.
    fn of(kind: Kind) -> Self {
        let (status, chat, responses) = match kind {
            Kind::BadRequest | Kind::Unsupported => (400, None, None),
            Kind::ContextLength => (400, Some("context_length_exceeded"), Some("context_length_exceeded")),
            Kind::ContentPolicy => (400, Some("content_policy_violation"), Some("invalid_prompt")),
            Kind::Refused => (403, None, None),
            Kind::ModelUnavailable => (404, Some("model_not_found"), Some("model_not_found")),
            Kind::RateLimited => (429, Some("rate_limit_exceeded"), Some("rate_limit_exceeded")),
            // The caller does not see it any more; proxies use it in their logs.
            Kind::Cancelled => (499, None, None),
            Kind::Misconfigured => (500, None, Some(SERVER_ERROR)),
            Kind::Connect | Kind::Upstream | Kind::Cut | Kind::Malformed | Kind::Unauthorized | Kind::InvalidToolCall => (502, None, Some(SERVER_ERROR)),
            Kind::QuotaExhausted | Kind::Unavailable => (503, None, Some(SERVER_ERROR)),
            Kind::HeaderTimeout | Kind::FirstTokenTimeout | Kind::IdleTimeout | Kind::Deadline => (504, None, Some(SERVER_ERROR)),
        };
        let (openai, anthropic) = types(status);
        Self { status, openai, anthropic, chat, responses }
    }

    fn refusing(status: u16, code: &str) -> Self {
        const QUOTA: &str = "insufficient_quota";
        let (openai, anthropic) = types(status);
        // The one code that OpenAI gives as a type, too.
        let openai = if code == QUOTA { QUOTA } else { openai };
        Self { status, openai, anthropic, chat: None, responses: (status >= 500).then_some(SERVER_ERROR) }
    }
}

/// What OpenAI and Anthropic call the failures of a status.
fn types(status: u16) -> (&'static str, &'static str) {
    const INVALID: &str = "invalid_request_error";
    match status {
        401 => ("authentication_error", "authentication_error"),
        403 => ("permission_error", "permission_error"),
        404 => (INVALID, "not_found_error"),
        413 => (INVALID, "request_too_large"),
        429 => ("rate_limit_error", "rate_limit_error"),
        400..=499 => (INVALID, INVALID),
        503 | 529 => (SERVER_ERROR, "overloaded_error"),
        504 => (SERVER_ERROR, "timeout_error"),
        _ => (SERVER_ERROR, "api_error"),
    }
}

#[cfg(test)]
mod tests;
