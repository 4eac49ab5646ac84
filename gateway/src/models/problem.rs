//! What goes wrong, in the words of each dialect: the official clients make their own exceptions of it.
//!
//! Start at [`Refusal`]. Its code is stable; its message holds nothing of a prompt.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;
use steward_kernel::Code;
use steward_llm::guard;
use steward_llm::limit::{self, Window};
use steward_llm::{Dialect, Kind};

/// Both vendors' clients try again by themselves; this says whether that can help.
pub(super) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Why a call is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// The stable code.
    pub(super) code: String,
    message: String,
    /// The field that it is about.
    param: Option<String>,
    retry_after: Option<Duration>,
    /// Only where trying again cannot help although the status would say so.
    is_final: bool,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), param: None, retry_after: None, is_final: false }
    }

    /// What can be shown to the person.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn no_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_api_key", "send a key for models as `Authorization: Bearer` or as `x-api-key`")
    }

    /// Of a name that is not offered, one that the caller may not use, and one that does not exist: they read alike.
    pub(super) fn no_model(alias: &str) -> Self {
        // A name may hold anything, and is the caller's own.
        let shown: String = alias.chars().filter(|c| !c.is_control()).take(100).collect();
        let refusal = Self::new(StatusCode::NOT_FOUND, "model_not_found", format!("the model `{shown}` does not exist, or you may not use it"));
        Self { param: Some("model".to_owned()), ..refusal }
    }

    pub(super) fn of_field(field: &str, message: impl Into<String>) -> Self {
        Self { param: Some(field.to_owned()), ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", message) }
    }

    pub(super) fn of_form(invalid: &steward_llm::dialect::Invalid) -> Self {
        Self { param: invalid.param.clone(), ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", invalid.to_string()) }
    }

    pub(super) fn of_guard(refused: &guard::Refused) -> Self {
        Self::new(StatusCode::BAD_REQUEST, refused.code(), refused.to_string())
    }

    /// A limit. Waiting helps where a minute has to pass; within a day or a month it does not, so clients are told not to try again.
    pub(super) fn of_limit(refused: &limit::Refused, now: i64) -> Self {
        match refused {
            limit::Refused::Exceeded { counter } => {
                let is_long = counter.window != Window::Minute;
                let code = if is_long { "insufficient_quota" } else { "rate_limit_exceeded" };
                let message = format!("{refused}, counted by the {}", counter.window.code());
                Self { retry_after: refused.retry_after(now), is_final: is_long, ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, message) }
            }
            limit::Refused::TooLarge { .. } => Self { is_final: true, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "limit_too_small", refused.to_string()) },
            limit::Refused::Unavailable => Self::new(StatusCode::SERVICE_UNAVAILABLE, "limits_unavailable", refused.to_string()),
        }
    }

    /// Of a call to models that came to nothing.
    pub(super) fn of_call(error: &steward_llm::Error) -> Self {
        let status = StatusCode::from_u16(steward_llm::dialect::http_status(error.kind())).unwrap_or(StatusCode::BAD_GATEWAY);
        let code = match (error.kind(), error.reason().or(error.upstream_code())) {
            // What our own guard or meter says is the code that the caller can do something with.
            (Kind::Refused, Some(code)) => code.to_owned(),
            // Clients know it by the name that OpenAI gave it.
            (Kind::ContextLength, _) => "context_length_exceeded".to_owned(),
            (kind, _) => kind.code().to_owned(),
        };
        let refusal = Self { retry_after: error.retry_after(), ..Self::new(status, &code, error.to_string()) };
        // The loop has tried everything that there is; a client that tries all of it again at once only makes it worse.
        Self { is_final: matches!(error.kind(), Kind::QuotaExhausted | Kind::Unauthorized | Kind::Refused), ..refusal }
    }

    pub(super) fn response(&self, dialect: Dialect, request_id: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body(dialect, request_id).to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = self.retry_after {
            // Rounded up: whoever comes a moment too early is refused again.
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(header::RETRY_AFTER, value);
            }
        }
        if self.is_final {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        response
    }

    fn body(&self, dialect: Dialect, request_id: &str) -> Value {
        match dialect {
            Dialect::Anthropic => {
                json!({ "type": "error", "error": { "type": self.anthropic(), "message": format!("{} ({})", self.message, self.code) }, "request_id": request_id })
            }
            Dialect::OpenAiChat | Dialect::OpenAiResponses => {
                json!({ "error": { "message": self.message, "type": self.openai(), "param": self.param, "code": self.code } })
            }
        }
    }

    fn openai(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            429 if self.code == "insufficient_quota" => "insufficient_quota",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "server_error",
        }
    }

    fn anthropic(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 | 529 => "overloaded_error",
            504 => "timeout_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        }
    }
}

impl From<steward_kernel::Error> for Refusal {
    fn from(error: steward_kernel::Error) -> Self {
        let status = match error.code {
            Code::Unauthenticated => return Self::new(StatusCode::UNAUTHORIZED, "invalid_api_key", "the key is not valid"),
            Code::InvalidInput | Code::BadRequest => StatusCode::BAD_REQUEST,
            Code::Forbidden | Code::NotEntitled | Code::ConfirmationRequired | Code::InteractiveSessionRequired => StatusCode::FORBIDDEN,
            Code::NotFound | Code::UnknownName => StatusCode::NOT_FOUND,
            Code::Conflict | Code::Duplicate | Code::IdempotencyMismatch | Code::VersionMismatch => StatusCode::CONFLICT,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Code::Busy | Code::Moved => StatusCode::SERVICE_UNAVAILABLE,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(%error, "a call to models failed within the gateway");
            return Self::new(status, "internal", "something went wrong in the gateway; it has been noted");
        }
        let code = error.reason.unwrap_or(error.code.as_str()).to_owned();
        Self::new(status, &code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use steward_llm::limit::{Counter, Metric, Scope};
    use uuid::Uuid;

    fn exceeded(window: Window) -> limit::Refused {
        limit::Refused::Exceeded {
            counter: Counter {
                tenant: Uuid::nil(),
                scope: Scope::Tenant,
                metric: Metric::NanoDollars,
                window,
                starts_at: 0,
                ends_at: if window == Window::Minute { 60_000 } else { 86_400_000 },
            },
        }
    }

    fn header(refusal: &Refusal, name: &str) -> Option<String> {
        refusal.response(Dialect::OpenAiChat, "r").headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_minute_is_worth_waiting_for_and_a_month_is_not() {
        let (minute, month) = (Refusal::of_limit(&exceeded(Window::Minute), 59_500), Refusal::of_limit(&exceeded(Window::Month), 0));
        assert_eq!((header(&minute, "retry-after").as_deref(), header(&minute, "x-should-retry")), (Some("1"), None));
        assert_eq!(header(&month, "x-should-retry").as_deref(), Some("false"));
        assert_eq!((minute.code.as_str(), month.code.as_str()), ("rate_limit_exceeded", "insufficient_quota"));
    }

    #[test]
    fn a_refusal_of_ours_has_its_own_code() {
        let of = |error: steward_llm::Error| Refusal::of_call(&error).code;
        assert_eq!(of(steward_llm::Error::new(Kind::Refused).with_reason("price_unknown")), "price_unknown");
        assert_eq!(of(steward_llm::Error::new(Kind::Refused).with_upstream_code("guard_forbidden")), "guard_forbidden");
        assert_eq!(of(Kind::ContextLength.into()), "context_length_exceeded");
    }

    #[test]
    fn each_dialect_reads_its_own_form() {
        let refusal = Refusal::no_model("gpt-x\u{7}");
        let openai = refusal.body(Dialect::OpenAiChat, "r");
        assert_eq!((&openai["error"]["code"], &openai["error"]["param"]), (&json!("model_not_found"), &json!("model")));
        assert!(openai["error"]["message"].as_str().unwrap().contains("`gpt-x`"));
        let anthropic = refusal.body(Dialect::Anthropic, "r");
        assert_eq!((&anthropic["type"], &anthropic["error"]["type"], &anthropic["request_id"]), (&json!("error"), &json!("not_found_error"), &json!("r")));
    }
}
