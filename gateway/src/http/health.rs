//! What a load balancer and a monitor ask: is the process alive, can it serve, and how does it fare.

use crate::state::AppState;
use crate::telemetry;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// One look at the database at a time, whoever asks: it goes over every placement, and anybody may ask for it. Those who
/// wait share one that began after they came, so none is told what was.
#[derive(Default)]
pub(crate) struct Looks(Mutex<Option<(Instant, Look)>>);

#[derive(Clone, Copy)]
struct Look {
    database: bool,
    /// `None` where nothing can be said.
    migrations: Option<bool>,
}

impl Looks {
    async fn look(&self, state: &AppState) -> Look {
        let came = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((_, look)) = last.as_ref().filter(|(begun, _)| *begun >= came) {
            return *look;
        }
        let begun = Instant::now();
        let app = &state.kernel.database.app;
        let ask = sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(app);
        let database = matches!(tokio::time::timeout(PATIENCE, ask).await, Ok(Ok(_)));
        // They were applied or checked before the server listened; since then a backup may have been restored.
        let migrations = match database {
            true => Some(matches!(tokio::time::timeout(PATIENCE, state.migrations.missing(app)).await, Ok(Ok(0)))),
            false => None,
        };
        let look = Look { database, migrations };
        *last = Some((begun, look));
        look
    }
}

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

/// The process answers; nothing else is asked.
async fn alive() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// The database is reachable, its migrations are current, events are delivered, and no stop is under way.
async fn ready(State(state): State<AppState>) -> Response {
    let Look { database, migrations } = state.looks.look(&state).await;
    let told = |good: bool| if good { "ok" } else { "failing" };
    let migrations = migrations.map_or("unknown", told);
    let relay = state.relay_is_healthy();
    let stopping = state.is_stopping();
    let good = database && migrations == "ok" && relay;
    let status = if good && !stopping { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Without vectors search works by words alone: worse, but no reason to send requests elsewhere. The cause is in the log,
    // not here, where anybody may ask.
    let embedder = state.embedder.health().state;
    let body = json!({
        "status": if stopping { "stopping" } else { told(good) }, "database": told(database), "migrations": migrations, "relay": told(relay), "embedder": embedder, "stopping": stopping
    });
    (status, Json(body)).into_response()
}

async fn metrics(State(state): State<AppState>) -> Response {
    telemetry::refresh_gauges(&state).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render()).into_response()
}
