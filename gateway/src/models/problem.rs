//! What goes wrong, as an answer: the official clients make their own exceptions of it.
//!
//! Start at [`Refusal`]. Its names in each dialect are those of [`Told`], by which a stream that breaks off tells it as well; here is
//! what only an answer without a stream has, the headers.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use std::time::Duration;
use steward_kernel::Code;
use steward_llm::dialect::{Invalid, Told};
use steward_llm::guard;
use steward_llm::limit::{self, Window};
use steward_llm::{Dialect, Kind};

/// Both vendors' clients try again by themselves; this says whether that can help.
pub(super) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Why a call is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    told: Told,
    retry_after: Option<Duration>,
    /// Only where trying again cannot help although the status would say so.
    is_final: bool,
}

impl From<Told> for Refusal {
    fn from(told: Told) -> Self {
        Self { told, retry_after: None, is_final: false }
    }
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Told::refusal(status.as_u16(), code, message).into()
    }

    /// The stable code.
    pub(super) fn code(&self) -> &str {
        self.told.code()
    }

    /// What can be shown to the person.
    pub(super) fn message(&self) -> &str {
        self.told.message()
    }

    pub(super) fn no_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_api_key", "send a key for models as `Authorization: Bearer` or as `x-api-key`")
    }

    /// Of a name that is not offered, one that the caller may not use, and one that does not exist: they read alike.
    pub(super) fn no_model(alias: &str) -> Self {
        // A name may hold anything, and is the caller's own.
        let shown: String = alias.chars().filter(|c| !c.is_control()).take(100).collect();
        Told::refusal(404, "model_not_found", format!("the model `{shown}` does not exist, or you may not use it")).about("model").into()
    }

    pub(super) fn of_field(field: &str, message: impl Into<String>) -> Self {
        Told::refusal(400, "invalid_request", message).about(field).into()
    }

    pub(super) fn of_form(invalid: &Invalid) -> Self {
        Told::invalid(invalid).into()
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
        // The loop has tried everything that there is; a client that tries all of it again at once only makes it worse.
        let is_final = matches!(error.kind(), Kind::QuotaExhausted | Kind::Unauthorized | Kind::Refused);
        Self { told: Told::of(error), retry_after: error.retry_after(), is_final }
    }

    pub(super) fn response(&self, dialect: Dialect, request_id: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(self.told.body(dialect, Some(request_id))));
        *response.status_mut() = StatusCode::from_u16(self.told.status()).unwrap_or(StatusCode::BAD_GATEWAY);
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
    use serde_json::{Value, json};
    use steward_llm::dialect::{self, Head};
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
        assert_eq!((minute.code(), month.code()), ("rate_limit_exceeded", "insufficient_quota"));
    }

    #[tokio::test]
    async fn a_failed_call_is_told_by_the_names_that_a_stream_would_tell() {
        for kind in Kind::ALL {
            for dialect in [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::Anthropic] {
                let error = steward_llm::Error::from(kind);
                let response = Refusal::of_call(&error).response(dialect, "r");
                assert_eq!(response.status().as_u16(), Told::of(&error).status(), "{kind:?}");
                let body: Value = serde_json::from_slice(&axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap();
                let head = Head { id: "abc".into(), model: "fast".into(), created: 1, shows_usage: true };
                let event = dialect::frames(dialect, head).failure(&error);
                let last = std::str::from_utf8(&event).unwrap().lines().rfind(|line| line.starts_with("data: ")).unwrap().to_owned();
                let event: Value = serde_json::from_str(&last["data: ".len()..]).unwrap();
                let within = if dialect == Dialect::OpenAiResponses { &event["response"]["error"] } else { &event["error"] };
                assert!(body["error"]["type"].is_string(), "{body}");
                assert_eq!(body["error"], *within, "{kind:?}, {dialect:?}");
            }
        }
    }

    #[tokio::test]
    async fn each_dialect_reads_its_own_form() {
        let body = async |dialect| -> Value {
            let response = Refusal::no_model("gpt-x\u{7}").response(dialect, "r");
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
            serde_json::from_slice(&axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
        };
        let openai = body(Dialect::OpenAiChat).await;
        assert_eq!((&openai["error"]["code"], &openai["error"]["param"]), (&json!("model_not_found"), &json!("model")));
        assert!(openai["error"]["message"].as_str().unwrap().contains("`gpt-x`"));
        let anthropic = body(Dialect::Anthropic).await;
        assert_eq!((&anthropic["type"], &anthropic["error"]["type"], &anthropic["request_id"]), (&json!("error"), &json!("not_found_error"), &json!("r")));
    }
}
