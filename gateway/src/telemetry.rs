//! Logs, spans and metrics: set up once, at the start of a command that runs for long.

use crate::config::{LogFormat, Logging};
use crate::state::AppState;
use anyhow::{Context, Result};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::time::Duration;
use steward_embedder::State;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Upper bounds of the latency histogram, in seconds.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Logs go to standard error, so that what a command prints stays clean.
pub fn init_logging(config: &Logging) -> Result<()> {
    let filter = EnvFilter::try_new(&config.filter).context("logging.filter")?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let done = match config.format {
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        LogFormat::Pretty => registry.with(layer.compact().with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))).try_init(),
    };
    // A test that starts two servers in one process has set it up before.
    done.or(Ok(()))
}

/// The recorder of this process; the handle renders what `/metrics` answers.
pub fn init_metrics() -> Result<PrometheusHandle> {
    static HANDLE: std::sync::Mutex<Option<PrometheusHandle>> = std::sync::Mutex::new(None);
    let mut handle = HANDLE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(handle) = &*handle {
        return Ok(handle.clone());
    }
    let mut builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS).context("set up the metrics")?;
    for (name, buckets) in steward_llm::telemetry::BUCKETS {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.into()), buckets).context("set up the metrics")?;
    }
    let made = builder.install_recorder().context("set up the metrics")?;
    steward_llm::telemetry::describe();
    metrics::describe_counter!("steward_http_requests_total", "Requests by route, method and status");
    metrics::describe_histogram!("steward_http_request_seconds", metrics::Unit::Seconds, "Time to the head of the answer, by route and method");
    metrics::describe_gauge!("steward_database_connections", "Connections of a pool, open and idle");
    metrics::describe_gauge!("steward_embedder_up", "1 while texts can be turned into vectors; 0 means that search works by words alone");
    metrics::describe_gauge!("steward_embedder_queued", "Batches of texts that wait for the embedder or are computed by it");
    metrics::describe_counter!(
        "steward_llm_tokens_total",
        "Tokens that answers took, by provider and kind; cached and reasoning ones are part of input and output"
    );
    metrics::describe_counter!("steward_embedder_restarts_total", "How often the embedder's process has been started again");
    metrics::describe_counter!("steward_embedder_texts_total", "Texts that were turned into vectors");
    metrics::describe_gauge!(
        "steward_index_available",
        "1 while a part of the index can be written; told by the leader of the indexer, like all figures of the index"
    );
    metrics::describe_gauge!("steward_index_lag_rows", "Rows of the outbox that a part of the index has still to read, up to a bound");
    metrics::describe_gauge!("steward_index_lag_seconds", metrics::Unit::Seconds, "Age of the oldest row of the outbox that a part of the index has not read");
    metrics::describe_gauge!("steward_index_filling", "Resources of tenants that are still to be walked into a part of the index");
    metrics::describe_gauge!("steward_index_drift", "Records that differed from their rows when they were last compared");
    metrics::describe_gauge!("steward_index_failures", "Records that could not be indexed, by whether they are tried again or wait for a person");
    metrics::describe_counter!("steward_index_drift_found_total", "Records that differed from their rows and were written again");
    metrics::describe_counter!("steward_index_records_total", "Records that were written to a part of the index");
    metrics::describe_counter!("steward_index_embedded_total", "Texts that were embedded for the index");
    metrics::describe_gauge!("process_resident_memory_bytes", metrics::Unit::Bytes, "Memory of this process");
    metrics::describe_gauge!("process_cpu_seconds_total", metrics::Unit::Seconds, "Processor time of this process");
    metrics::describe_gauge!(
        "steward_outbox_horizon_age_seconds",
        metrics::Unit::Seconds,
        "Age of the oldest transaction that holds the outbox back; told by the leader of the relay"
    );
    Ok(handle.insert(made).clone())
}

/// One request that was answered.
pub(crate) fn record_request(route: &str, method: &'static str, status: u16, elapsed: Duration) {
    counter!("steward_http_requests_total", "route" => route.to_owned(), "method" => method, "status" => status.to_string()).increment(1);
    histogram!("steward_http_request_seconds", "route" => route.to_owned(), "method" => method).record(elapsed.as_secs_f64());
}

/// Gauges that are read when somebody asks.
pub(crate) async fn refresh_gauges(state: &AppState) {
    let database = &state.kernel.database;
    for (name, pool) in [("app", &database.app), ("relay", &database.relay), ("login", &database.login)] {
        gauge!("steward_database_connections", "pool" => name, "state" => "open").set(f64::from(pool.size()));
        gauge!("steward_database_connections", "pool" => name, "state" => "idle").set(f64::from(u32::try_from(pool.num_idle()).unwrap_or(u32::MAX)));
    }
    let embedder = state.embedder.health();
    // Idle is as good as up: its process starts when it is needed.
    gauge!("steward_embedder_up").set(f64::from(u8::from(matches!(embedder.state, State::Up | State::Idle))));
    gauge!("steward_embedder_queued").set(embedder.queued as f64);
    counter!("steward_embedder_restarts_total").absolute(embedder.restarts);
    counter!("steward_embedder_texts_total").absolute(embedder.embedded);
    if let Some((memory, cpu)) = process().await {
        gauge!("process_resident_memory_bytes").set(memory);
        gauge!("process_cpu_seconds_total").set(cpu);
    }
}

/// Resident bytes and processor seconds, from Linux.
async fn process() -> Option<(f64, f64)> {
    let stat = tokio::fs::read_to_string("/proc/self/stat").await.ok()?;
    let statm = tokio::fs::read_to_string("/proc/self/statm").await.ok()?;
    // The name of the program may hold blanks; what counts comes after its closing bracket.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let pages: f64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    // 100 ticks a second and pages of 4 KiB hold for every Linux that Steward is built for.
    Some((pages * 4096.0, ticks / 100.0))
}
