//! The HTTP doors, put together: REST, screens, the assistant, health, and the layers around all of them.
//!
//! Start at [`router`]. Each door is a module with a `router()` of its own; what holds for every request stands in
//! [`middleware`], who asks in [`auth`], and how a request is taken apart in [`extract`].

pub(crate) mod assets;
pub(crate) mod auth;
mod cors;
pub(crate) mod extract;
pub(crate) mod health;
mod middleware;
pub(crate) mod openapi;
pub(crate) mod position;
pub(crate) mod rest;

use crate::error::Problem;
use crate::state::AppState;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::limit::RequestBodyLimitLayer;

/// Everything that the server answers.
pub fn router(state: AppState) -> Router {
    let limits = &state.config.limits;
    let compression = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(1024).and(NotForContentType::SSE).and(NotForContentType::IMAGES).and(NotForContentType::const_new("font/")));
    Router::new()
        .merge(rest::router())
        .merge(openapi::router())
        .merge(auth::router())
        .merge(health::router())
        .merge(assets::router())
        .merge(crate::import::router())
        .merge(crate::assistant::router())
        .merge(crate::screens::router())
        .fallback(async || Problem::no_route())
        .method_not_allowed_fallback(async || Problem::method_not_allowed(""))
        // The innermost layer stands first.
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        .layer(from_fn_with_state(state.clone(), middleware::in_time))
        .layer(RequestBodyLimitLayer::new(limits.bulk_body_bytes))
        .layer(compression)
        .layer(from_fn_with_state(state.clone(), position::remember))
        .layer(from_fn(middleware::only_problems))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(from_fn_with_state(state.clone(), middleware::secure))
        // Their bodies have bounds and time limits of their own, streams of models are not collected to be compressed, they write
        // nothing that a browser shows, and their errors have the vendors' forms.
        .merge(crate::models::router(limits.bulk_body_bytes).layer(CatchPanicLayer::custom(middleware::panicked)))
        .layer(tower::util::option_layer(cors::layer(&state.config.server.cors_origins)))
        .layer(from_fn_with_state(state.clone(), middleware::observe))
        .with_state(state)
}
