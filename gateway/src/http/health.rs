//! What a load balancer and a monitor ask: is the process alive, can it serve, and how does it fare.

use crate::state::AppState;
use crate::telemetry;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use std::time::Duration;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

/// The process answers; nothing else is asked.
async fn alive() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// The database is reachable, its migrations are current, events are delivered, and no stop is under way.
async fn ready(State(state): State<AppState>) -> Response {
    let ask = sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(&state.kernel.database.app);
    let database = matches!(tokio::time::timeout(Duration::from_secs(5), ask).await, Ok(Ok(_)));
    // Migrations are checked or applied before the server listens, so that only a refusal at start has to be told apart.
    let relay = state.relay_is_healthy();
    let stopping = state.stopping.is_cancelled();
    let told = |good: bool| if good { "ok" } else { "failing" };
    let good = database && relay && !stopping;
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Without vectors search works by words alone: worse, but no reason to send requests elsewhere. The cause is in the log,
    // not here, where anybody may ask.
    let embedder = state.embedder.health().state;
    let body = json!({
        "status": told(good), "database": told(database), "migrations": "ok", "relay": told(relay), "embedder": embedder, "stopping": stopping
    });
    (status, Json(body)).into_response()
}

async fn metrics(State(state): State<AppState>) -> Response {
    telemetry::refresh_gauges(&state).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render()).into_response()
}
