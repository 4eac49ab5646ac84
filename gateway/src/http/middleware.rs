//! What holds for every request: a correlation id, one line in the log, figures, time-outs, headers that protect
//! browsers, and answers to errors of the libraries in the same form as ours.

use crate::error::{CORRELATION, Problem};
use crate::state::AppState;
use crate::telemetry;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};
use steward_kernel::ids;
use tracing::Instrument;

pub(crate) const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// Nothing but our own files runs or is loaded; no page of ours stands in somebody else's frame.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The correlation id of a request, in its extensions.
#[derive(Clone, Debug)]
pub(crate) struct Correlation(pub(crate) Arc<str>);

/// The caller's id if it is harmless, else a fresh one.
fn correlation(headers: &HeaderMap) -> Arc<str> {
    let harmless = |id: &&str| !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    match headers.get(&CORRELATION_HEADER).and_then(|value| value.to_str().ok()).filter(harmless) {
        Some(id) => Arc::from(id),
        None => Arc::from(ids::fresh().to_string()),
    }
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Which door a route belongs to, for the log.
fn door_of(route: &str) -> &'static str {
    match route {
        "/healthz" | "/readyz" | "/metrics" => "health",
        _ if route.starts_with("/api/v1/assistant") => "assistant",
        _ if route.starts_with("/api/") => "rest",
        _ if route.starts_with("/v1/") => "models",
        _ if route.starts_with("/assets/") => "asset",
        _ => "screen",
    }
}

/// The outermost layer: span, log line, figures, and the correlation id in and out.
pub(super) async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = correlation(request.headers());
    request.extensions_mut().insert(Correlation(Arc::clone(&id)));
    // The pattern, never the path: paths hold ids, and figures by path would have no end.
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let method = method_name(request.method());
    let door = door_of(&route);
    let span = tracing::info_span!("http.request.serve", door, method, route, correlation.id = %id, tenant.id = tracing::field::Empty);
    if state.config.telemetry.is_on() {
        telemetry::follow(&span, request.headers());
    }
    let mut response = CORRELATION.scope(Arc::clone(&id), next.run(request)).instrument(span.clone()).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(CORRELATION_HEADER, value);
    }
    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    telemetry::record_request(&route, method, status, elapsed);
    let elapsed_ms = elapsed.as_micros() as f64 / 1000.0;
    match door {
        "health" | "asset" => tracing::debug!(parent: &span, status, elapsed_ms, "answered"),
        _ => tracing::info!(parent: &span, status, elapsed_ms, "answered"),
    }
    response
}

/// How long a route may take to begin its answer. A stream of events may go on for as long as it likes after that.
fn time_limit(route: &str, usual: Duration) -> Duration {
    // Batches and imports work through many rows in short transactions, each with a time-out of its own.
    if route.ends_with("/batch") || route.ends_with("/import") { usual * 20 } else { usual }
}

pub(super) async fn in_time(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let usual = Duration::from_secs(state.config.limits.request_timeout_seconds);
    let limit = request.extensions().get::<MatchedPath>().map_or(usual, |path| time_limit(path.as_str(), usual));
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::from(steward_kernel::Error::new(steward_kernel::Code::Busy, "this took too long, try again")).into_response(),
    }
}

/// Headers that protect browsers. A handler that needs another content security policy sets its own.
pub(super) async fn secure(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut offer = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    offer(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    offer(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    offer(header::X_FRAME_OPTIONS, "DENY");
    offer(header::REFERRER_POLICY, "same-origin");
    offer(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    offer(header::CACHE_CONTROL, "private, no-cache");
    if state.config.is_https() {
        offer(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// Refusals of the libraries (a path that is no UTF-8, a body that is too large) come as plain text: they get our form.
pub(super) async fn only_problems(request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    let status = response.status();
    let bare = |response: &Response| response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !api || !(status.is_client_error() || status.is_server_error()) || !bare(&response) {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut problem = Problem::of_status(status).into_response();
    *problem.status_mut() = status;
    if let Some(allow) = allow {
        problem.headers_mut().insert(header::ALLOW, allow);
    }
    problem
}

/// A handler that panicked is a defect of ours: the message goes to the log by the panic hook, not to the client.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> axum::http::Response<Body> {
    Problem::from(steward_kernel::Error::internal("a handler panicked")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmful_correlation_id_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(CORRELATION_HEADER, HeaderValue::from_static("abc-1_2"));
        assert_eq!(&*correlation(&headers), "abc-1_2");
        for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
            headers.insert(CORRELATION_HEADER, HeaderValue::from_str(bad).unwrap());
            assert_ne!(&*correlation(&headers), bad);
        }
    }
}
