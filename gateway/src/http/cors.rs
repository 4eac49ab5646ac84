//! What pages of other origins may send to the API and read of its answers.
//!
//! Without origins in the configuration they may do nothing. The doors to models are meant for the official clients, which send
//! headers of their own from a browser too: one that is not listed here, and the browser sends nothing at all.

use crate::assistant::{CONFIRMATION_TOKEN, LAST_EVENT_ID};
use crate::http::extract::{IDEMPOTENCY_KEY, REPLAYED};
use crate::http::middleware::CORRELATION_HEADER;
use crate::http::rest::search::POSITION;
use crate::models;
use axum::http::{HeaderName, HeaderValue, Method, header};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// What the JavaScript clients of OpenAI and Anthropic say of themselves beside what the doors read.
const OF_CLIENTS: [&str; 17] = [
    "anthropic-dangerous-direct-browser-access",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "x-stainless-arch",
    "x-stainless-async",
    "x-stainless-custom-poll-interval",
    "x-stainless-helper",
    "x-stainless-helper-method",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-poll-helper",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-timeout",
];

/// The layer for these origins, if there are any.
pub(super) fn layer(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let told = [header::ETAG, header::LOCATION, header::RETRY_AFTER, header::CONTENT_DISPOSITION, REPLAYED, CORRELATION_HEADER, POSITION];
    let told: Vec<HeaderName> = told.into_iter().chain(models::TOLD).collect();
    // No credentials: pages of other origins bring a token of their own, never the cookie of a session.
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
            .allow_headers(read())
            .expose_headers(told)
            .max_age(Duration::from_secs(3600)),
    )
}

fn read() -> Vec<HeaderName> {
    let ours = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        // Some browsers let a page set it, and the clients do.
        header::USER_AGENT,
        IDEMPOTENCY_KEY,
        POSITION,
        HeaderName::from_static("x-tenant-id"),
        CORRELATION_HEADER,
        CONFIRMATION_TOKEN,
        LAST_EVENT_ID,
    ];
    ours.into_iter().chain(models::READ).chain(OF_CLIENTS.map(HeaderName::from_static)).collect()
}
