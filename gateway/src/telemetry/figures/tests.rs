use super::describe;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Takes down the names that are described, as Prometheus shows them.
#[derive(Clone, Default)]
struct Named(Arc<Mutex<BTreeSet<String>>>);

impl Named {
    fn add(&self, key: &KeyName, endings: &[&str]) {
        let name = key.as_str().replace('.', "_");
        self.0.lock().unwrap().extend(endings.iter().map(|ending| format!("{name}{ending}")));
    }
}

impl Recorder for Named {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.add(&key, &[""]);
    }
    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.add(&key, &[""]);
    }
    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.add(&key, &["_bucket", "_sum", "_count"]);
    }
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

fn described() -> BTreeSet<String> {
    let named = Named::default();
    with_local_recorder(&named, describe);
    named.0.lock().unwrap().clone()
}

/// Every query of a dashboard.
fn queries(panel: &Value, found: &mut Vec<String>) {
    match panel {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
            Value::String(query) if name == "expr" => found.push(query.clone()),
            value => queries(value, found),
        }),
        Value::Array(values) => values.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_only_for_figures_that_there_are() {
    let dashboard: Value = serde_json::from_str(include_str!("../../../../deploy/grafana/dashboards/steward.json")).unwrap();
    let mut asked = Vec::new();
    queries(&dashboard, &mut asked);
    assert!(asked.len() >= 20, "{}", asked.len());
    let described = described();
    let is_ours = |word: &&str| ["steward_", "gen_ai_", "process_"].iter().any(|prefix| word.starts_with(prefix));
    // Labels are written like names; those of the figures of models begin like them.
    let is_label = |name: &str| ["gen_ai_provider_name", "gen_ai_request_model", "gen_ai_operation_name", "gen_ai_token_type"].contains(&name);
    for query in &asked {
        let names: Vec<&str> = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(is_ours).filter(|name| !is_label(name)).collect();
        assert!(!names.is_empty(), "{query}");
        for name in names {
            assert!(described.contains(name), "nobody records {name}, which is asked for by {query}");
        }
    }
}
