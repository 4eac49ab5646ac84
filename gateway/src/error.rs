//! `application/problem+json`: the one place where errors become answers, and the only one that logs them.
//!
//! A handler returns [`Problem`]; `?` turns a [`steward_kernel::Error`] into one. Errors of our own making are logged
//! here, once, with their chain of causes; the answer to them says nothing but that.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt::Write as _;
use steward_kernel::error::FieldError;
use steward_kernel::{Code, Error};

pub type Answer<T = Response> = std::result::Result<T, Problem>;

/// An error on its way to the client.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// Stable: a [`Code`], or one of the few that only HTTP knows.
    pub code: &'static str,
    pub reason: Option<&'static str>,
    pub detail: Cow<'static, str>,
    pub fields: Vec<FieldError>,
    /// Beside the content type. Boxed, because few problems have any.
    headers: Option<Box<HeaderMap>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The wire form, without the correlation id, which the middleware adds.
#[derive(Serialize)]
struct Wire<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fields: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
}

tokio::task_local! {
    /// The correlation id of the request that this task serves; set by the middleware around every handler.
    pub(crate) static CORRELATION: std::sync::Arc<str>;
}

/// The correlation id of the running request, if there is one.
pub(crate) fn correlation() -> Option<String> {
    CORRELATION.try_with(|id| id.to_string()).ok()
}

/// Every code that can stand in a problem, for the OpenAPI document.
pub(crate) const CODES: &[&str] = &[
    "invalid_input",
    "bad_request",
    "unauthenticated",
    "forbidden",
    "not_entitled",
    "not_found",
    "unknown_name",
    "conflict",
    "duplicate",
    "idempotency_mismatch",
    "version_mismatch",
    "precondition_required",
    "confirmation_required",
    "interactive_session_required",
    "too_large",
    "rate_limited",
    "busy",
    "moved",
    "internal",
    "method_not_allowed",
    "unsupported_media_type",
];

fn title(code: &str) -> &'static str {
    match code {
        "invalid_input" => "The input is not valid",
        "bad_request" => "The request cannot be understood",
        "unauthenticated" => "Please log in",
        "forbidden" => "This is not allowed to you",
        "not_entitled" => "This is not part of your plan",
        "not_found" => "Not found",
        "unknown_name" => "There is nothing of this name",
        "conflict" => "The state of the record does not allow this",
        "duplicate" => "This exists already",
        "idempotency_mismatch" => "The idempotency key was used before",
        "version_mismatch" => "The record has changed",
        "precondition_required" => "The version that was seen is needed",
        "confirmation_required" => "This needs a confirmation",
        "interactive_session_required" => "This is for persons who are logged in",
        "too_large" => "This is too large",
        "rate_limited" => "Too many requests",
        "busy" | "moved" => "Please try again",
        "method_not_allowed" => "This method is not available here",
        "unsupported_media_type" => "This content type is not accepted",
        _ => "Something went wrong on our side",
    }
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, reason: None, detail: detail.into(), fields: Vec::new(), headers: None, source: None }
    }
    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Error::bad_request(detail).into()
    }
    pub(crate) fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Code::Unauthenticated, detail).into()
    }
    pub(crate) fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, Code::UnknownName.as_str(), "there is nothing at this address")
    }
    /// `allowed` are the methods that there are, for the header `Allow`.
    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this method is not available at this address");
        if allowed.is_empty() { problem } else { problem.header(header::ALLOW, allowed) }
    }
    /// A change must say which version of the record it was made for.
    pub(crate) fn precondition_required() -> Self {
        let detail = "If-Match is needed: send the ETag of the record as you saw it, or * to overwrite whatever there is";
        Self::new(StatusCode::PRECONDITION_REQUIRED, "precondition_required", detail)
    }
    pub(crate) fn unsupported_media_type(wanted: &'static str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", format!("the body must be {wanted}"))
    }
    /// From the bare status of a library's answer.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::NOT_FOUND => return Self::no_route(),
            StatusCode::METHOD_NOT_ALLOWED => return Self::method_not_allowed(""),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => return Self::unsupported_media_type("of another type"),
            StatusCode::UNAUTHORIZED => Code::Unauthenticated,
            StatusCode::FORBIDDEN => Code::Forbidden,
            StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
            StatusCode::UNPROCESSABLE_ENTITY => Code::InvalidInput,
            StatusCode::TOO_MANY_REQUESTS => Code::RateLimited,
            status if status.is_server_error() => Code::Internal,
            _ => Code::BadRequest,
        };
        Self::new(status, code.as_str(), title(code.as_str()))
    }
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.get_or_insert_default().insert(name, value);
        }
        self
    }

    /// The body; also what stands for one row of a batch, and in the assistant's `error` event.
    pub(crate) fn body(&self) -> Value {
        // What broke is ours to know; the correlation id leads to it.
        let is_ours = self.status == StatusCode::INTERNAL_SERVER_ERROR;
        let wire = Wire {
            r#type: format!("urn:steward:error:{}", self.code),
            title: title(self.code),
            status: self.status.as_u16(),
            detail: if is_ours { "something went wrong on our side; the correlation id leads us to it" } else { &self.detail },
            code: self.code,
            reason: self.reason,
            fields: if is_ours { &[] } else { &self.fields },
            correlation_id: correlation(),
        };
        serde_json::to_value(wire).unwrap_or_else(|_| json!({ "status": 500 }))
    }

    /// Writes what is ours to the log, with the chain of causes.
    pub(crate) fn log(&self) {
        if self.status.is_server_error() {
            let mut chain = String::new();
            let mut next = self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static));
            while let Some(source) = next {
                // Writing to a string cannot fail.
                let _ = write!(chain, ": {source}");
                next = source.source();
            }
            if self.status == StatusCode::SERVICE_UNAVAILABLE {
                tracing::warn!(code = self.code, error = %format!("{}{chain}", self.detail), "a request could not be served in time");
            } else {
                tracing::error!(code = self.code, error = %format!("{}{chain}", self.detail), "a request failed");
            }
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut problem = Self { reason: error.reason, fields: error.fields, source: error.source, ..Self::new(status, error.code.as_str(), error.message) };
        match error.code {
            Code::Unauthenticated => problem = problem.header(header::WWW_AUTHENTICATE, "Bearer"),
            Code::Busy | Code::Moved => problem = problem.header(header::RETRY_AFTER, "1"),
            _ => {}
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        let mut response = (self.status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(more) = self.headers {
            headers.extend(*more);
        }
        response
    }
}
