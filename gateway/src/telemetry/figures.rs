//! What the figures of this program mean, for the pages of those who watch it.
//!
//! Every figure is described here, whoever records it; those of calls to models in [`steward_llm::telemetry`].

use metrics::Unit;
use metrics_exporter_prometheus::Matcher;

/// Upper bounds of times, in seconds.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

const COUNTERS: &[(&str, &str)] = &[
    ("steward_http_requests_total", "Requests by route, method and status"),
    ("steward_models_calls_total", "Calls at the doors to models, by door and outcome"),
    ("steward_models_cost_nano_dollars_total", "What attempts at models cost, in billionths of a dollar, by provider and model"),
    ("steward_ai_ledger_lost_total", "Calls to models that could not be written down"),
    ("steward_assistant_turns_total", "Questions to the assistant, by how they ended"),
    ("steward_embedder_restarts_total", "How often the embedder's process has been started again"),
    ("steward_embedder_texts_total", "Texts that were turned into vectors"),
    ("steward_index_drift_found_total", "Records that differed from their rows and were written again"),
    ("steward_index_records_total", "Records that were written to a part of the index"),
    ("steward_index_embedded_total", "Texts that were embedded for the index"),
    ("steward_deliveries_total", "Events that were handed to a consumer, by consumer and outcome"),
    ("steward_deadlocks_total", "Transactions that PostgreSQL ended for another one and that were run again"),
];

const GAUGES: &[(&str, Unit, &str)] = &[
    ("steward_database_connections", Unit::Count, "Connections of a pool, open and idle"),
    ("steward_ai_budget_left_ratio", Unit::Count, "What is left of a tenant's budget in the period that runs, from 1 to 0, by tenant, metric and period"),
    ("steward_embedder_up", Unit::Count, "1 while texts can be turned into vectors; 0 means that search works by words alone"),
    ("steward_embedder_queued", Unit::Count, "Batches of texts that wait for the embedder or are computed by it"),
    ("steward_index_available", Unit::Count, "1 while a part of the index can be written; told by the leader of the indexer, like all figures of the index"),
    ("steward_index_lag_rows", Unit::Count, "Rows of the outbox that a part of the index has still to read, up to a bound"),
    ("steward_index_lag_seconds", Unit::Seconds, "Age of the oldest row of the outbox that a part of the index has not read"),
    ("steward_index_filling", Unit::Count, "Resources of tenants that are still to be walked into a part of the index"),
    ("steward_index_drift", Unit::Count, "Records that differed from their rows when they were last compared"),
    ("steward_index_failures", Unit::Count, "Records that could not be indexed, by whether they are tried again or wait for a person"),
    ("steward_outbox_lag_rows", Unit::Count, "Rows of the outbox that some consumer has still to read, up to a bound; told by the leader of the relay"),
    ("steward_outbox_lag_seconds", Unit::Seconds, "Age of the oldest row of the outbox that some consumer has not read; told by the leader of the relay"),
    ("steward_outbox_horizon_age_seconds", Unit::Seconds, "Age of the oldest transaction that holds the outbox back; told by the leader of the relay"),
    ("steward_delivery_failures", Unit::Count, "Deliveries that failed, by whether they are tried again or wait for a person"),
    ("process_resident_memory_bytes", Unit::Bytes, "Memory of this process"),
    ("process_cpu_seconds_total", Unit::Seconds, "Processor time of this process"),
];

const HISTOGRAMS: &[(&str, &str)] = &[
    ("steward_http_request_seconds", "Time to the head of the answer, by route and method"),
    ("steward_assistant_turn_seconds", "Time from a question to the end of its answer"),
];

/// Which figures are put into which buckets.
pub(super) fn buckets() -> impl Iterator<Item = (Matcher, &'static [f64])> {
    let of_models = steward_llm::telemetry::BUCKETS.into_iter().map(|(name, bounds)| (Matcher::Full(name.into()), bounds));
    std::iter::once((Matcher::Suffix("_seconds".into()), SECONDS)).chain(of_models)
}

/// The same for a figure of this name.
pub(super) fn bounds(name: &str) -> Option<&'static [f64]> {
    let of_models = steward_llm::telemetry::BUCKETS.into_iter().find(|(of, _)| *of == name).map(|(_, bounds)| bounds);
    of_models.or_else(|| name.ends_with("_seconds").then_some(SECONDS))
}

/// Tells the recorder what the names mean. To be called once, when it is there.
pub(super) fn describe() {
    steward_llm::telemetry::describe();
    for (name, meaning) in COUNTERS.iter().copied() {
        metrics::describe_counter!(name, meaning);
    }
    for (name, unit, meaning) in GAUGES.iter().copied() {
        metrics::describe_gauge!(name, unit, meaning);
    }
    for (name, meaning) in HISTOGRAMS.iter().copied() {
        metrics::describe_histogram!(name, Unit::Seconds, meaning);
    }
}

#[cfg(test)]
#[path = "figures/tests.rs"]
mod tests;
