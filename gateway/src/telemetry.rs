//! Logs, spans and metrics: set up once, at the start of a command that runs for long.
//!
//! Start at [`init`]. What the figures mean stands in [`figures`]; [`export`] sends spans and figures to a collector, [`instruments`] is
//! how the figures get there.

mod export;
pub(crate) mod figures;
mod instruments;

pub use export::Export;

use crate::config::{Config, LogFormat, Logging};
use crate::state::AppState;
use anyhow::{Context, Result};
use axum::http::HeaderMap;
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_util::layers::FanoutBuilder;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use steward_embedder::State;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// How often what was recorded is summed up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Logging, and the way to a collector where one is configured; `None` where none is. To be called once, outside a runtime.
///
/// # Errors
/// If the filter of the log cannot be read, or no client can be made for the collector's address.
pub fn init(config: &Config) -> Result<Option<Export>> {
    let export = Export::new(&config.telemetry)?;
    init_logging(&config.logging, export.as_ref())?;
    // A collector that is away is told in the log by the library itself.
    install(export.as_ref())?;
    Ok(export)
}

/// Logs go to standard error, so that what a command prints stays clean.
///
/// # Errors
/// If the filter cannot be read.
pub fn init_logging(config: &Logging, export: Option<&Export>) -> Result<()> {
    let filter = EnvFilter::try_new(&config.filter).context("logging.filter")?;
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match config.format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        LogFormat::Pretty => layer.compact().with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
    };
    let registry = tracing_subscriber::registry();
    let done = match export {
        None => registry.with(layer).with(filter).try_init(),
        // A log that says less is no reason for traces that do.
        Some(export) => registry.with(layer.with_filter(filter)).with(export.layer().with_filter(LevelFilter::INFO)).try_init(),
    };
    // A test that starts two servers in one process has set it up before.
    done.or(Ok(()))
}

/// The recorder of this process; the handle renders what `/metrics` answers.
pub fn init_metrics() -> Result<PrometheusHandle> {
    install(None)
}

fn install(export: Option<&Export>) -> Result<PrometheusHandle> {
    static HANDLE: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut handle = HANDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*handle {
        return Ok(handle.clone());
    }
    let mut builder = PrometheusBuilder::new();
    for (figures, bounds) in figures::buckets() {
        builder = builder.set_buckets_for_metric(figures, bounds).context("set up the metrics")?;
    }
    let prometheus = builder.build_recorder();
    let made = prometheus.handle();
    match export {
        None => metrics::set_global_recorder(prometheus).context("set up the metrics")?,
        Some(export) => {
            let both = FanoutBuilder::default().add_recorder(prometheus).add_recorder(export.instruments()).build();
            metrics::set_global_recorder(both).ok().context("set up the metrics")?;
        }
    }
    figures::describe();
    Ok(handle.insert(made).clone())
}

/// Makes a request part of the trace that its caller names.
pub(crate) fn follow(span: &tracing::Span, headers: &HeaderMap) {
    let named = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if named.span().span_context().is_valid() {
        // Without the layer there is nothing that could follow.
        let _ = span.set_parent(named);
    }
}

/// Keeps the figures small and, where they are sent, current, until the program stops.
pub(crate) async fn upkeep(state: AppState) {
    let telemetry = &state.config.telemetry;
    let mut every = tokio::time::interval(if telemetry.is_on() { telemetry.interval().min(UPKEEP) } else { UPKEEP });
    loop {
        tokio::select! {
            () = state.stopping.cancelled() => return,
            _ = every.tick() => {}
        }
        // What was recorded waits to be summed up, by whoever asks for it or here.
        state.metrics.run_upkeep();
        if telemetry.is_on() {
            refresh_gauges(&state).await;
        }
    }
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
