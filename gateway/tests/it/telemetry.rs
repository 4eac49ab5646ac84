//! Spans and figures arrive at a collector as OpenTelemetry names them, and nothing that is nobody's business there.

use crate::app::PASSWORD;
use crate::model::Model;
use crate::models::{asking, body, configuration};
use crate::site::{PATIENCE, Process, Site};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use prost::Message;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use steward_migrations::Placement;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const KEY_OF_COLLECTOR: &str = "key-of-the-collector";
const QUESTION: &str = "How is Wilhelmina Featherstonehaugh?";
const ANSWER: &str = "She sends her regards from Wolverhampton.";
/// Of whoever calls the program.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// What came, by signal.
type Came = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

/// A collector over a real socket.
struct Collector {
    address: String,
    came: Came,
    _task: JoinSet<()>,
}

impl Collector {
    async fn start() -> Self {
        let came = Came::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let take = async |State(came): State<Came>, Path(signal): Path<String>, headers: HeaderMap, body: Bytes| {
            came.lock().unwrap().push((signal, headers, body));
        };
        let router = Router::new().route("/v1/{signal}", post(take)).with_state(Arc::clone(&came));
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, came, _task: task }
    }

    fn of<M: Message + Default>(&self, signal: &str) -> Vec<M> {
        let came = self.came.lock().unwrap();
        came.iter().filter(|(of, _, _)| of == signal).map(|(_, _, body)| M::decode(body.clone()).unwrap()).collect()
    }

    fn spans(&self) -> Vec<(Resource, Span)> {
        let batches = self.of::<ExportTraceServiceRequest>("traces").into_iter().flat_map(|batch| batch.resource_spans);
        let of = |part: opentelemetry_proto::tonic::trace::v1::ResourceSpans| {
            let resource = part.resource.unwrap();
            part.scope_spans.into_iter().flat_map(|scope| scope.spans).map(move |span| (resource.clone(), span)).collect::<Vec<_>>()
        };
        batches.flat_map(of).collect()
    }

    fn figures(&self) -> BTreeMap<String, Metric> {
        let batches = self.of::<ExportMetricsServiceRequest>("metrics").into_iter().flat_map(|batch| batch.resource_metrics);
        let figures = batches.flat_map(|part| part.scope_metrics).flat_map(|scope| scope.metrics);
        figures.map(|figure| (figure.name.clone(), figure)).collect()
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<&str, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|attribute| (attribute.key.as_str(), text(&attribute.value))).collect()
}

async fn stop(mut server: Process) {
    kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
    let started = Instant::now();
    while server.0.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < PATIENCE, "it did not stop");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_a_model_arrives_at_a_collector_without_its_words() {
    let collector = Collector::start().await;
    let answer = json!({ "id": "c1", "object": "chat.completion", "created": 1, "model": "scripted-2026",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": ANSWER }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27 } });
    let model = Model::start("first", vec![body(&answer)]).await;
    let site = Site::open().await;
    let tenant = site.tenant("watched", Placement::Pooled).await;
    let telemetry = format!(
        "[telemetry]\notlp_endpoint = \"{}/\"\nservice_name = \"steward-test\"\nheaders = {{ \"x-collector\" = \"{KEY_OF_COLLECTOR}\" }}\nexport_seconds = 3600\n",
        collector.address
    );
    site.write("steward.toml", &format!("[embedder]\nengine = \"hashed\"\n{telemetry}{}", configuration("llm.", &[(model.name(), model.base_url())])));
    // The log says only what failed; the traces are not made smaller by that.
    let server = site.serve().await;
    let login = json!({ "tenant": tenant.slug, "email": format!("ada@{}.example", tenant.slug), "password": PASSWORD });
    let told: Value = site.client.post(format!("{}/api/v1/auth/login", site.base())).json(&login).send().await.unwrap().json().await.unwrap();
    let token = told["access_token"].as_str().unwrap().to_owned();
    let made = site.client.post(format!("{}/api/v1/ai/keys", site.base())).bearer_auth(&token).json(&json!({ "name": "Program" })).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let key = made["secret"]["api_key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let call = site.client.post(format!("{}/v1/chat/completions", site.base())).bearer_auth(&key).json(&asking(QUESTION));
    let told = call.header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01")).send().await.unwrap();
    assert_eq!(told.status(), 200);
    let correlation = told.headers()["x-correlation-id"].to_str().unwrap().to_owned();
    // What is left is sent at the end.
    stop(server).await;

    let spans = collector.spans();
    let named = |name: &str| spans.iter().find(|(_, span)| span.name == name).unwrap_or_else(|| panic!("{name} among {spans:?}"));
    let (resource, request) = named("POST /v1/chat/completions");
    assert_eq!(texts(&resource.attributes)["service.name"], "steward-test");
    assert_eq!((request.kind(), texts(&request.attributes)["correlation.id"].as_str()), (SpanKind::Server, correlation.as_str()));
    let (_, attempt) = named("chat scripted");
    let said = texts(&attempt.attributes);
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "scripted"),
        ("gen_ai.response.model", "scripted-2026"),
        ("gen_ai.response.finish_reasons", "stop"),
        ("gen_ai.usage.input_tokens", "20"),
        ("gen_ai.usage.output_tokens", "7"),
    ] {
        assert_eq!(said.get(name).map(String::as_str), Some(value), "{name} of {said:?}");
    }
    assert!(said.contains_key("gen_ai.provider.name") && attempt.kind() == SpanKind::Client);
    // One trace, that of the caller.
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((hex(&request.trace_id).as_str(), hex(&attempt.trace_id).as_str()), (TRACE, TRACE));
    assert_eq!((hex(&request.parent_span_id).as_str(), &attempt.parent_span_id), ("b7ad6b7169203331", &request.span_id));

    let figures = collector.figures();
    for name in [
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "steward_http_requests_total",
        "steward_http_request_seconds",
        "steward_llm_attempts_total",
        "steward_llm_tokens_total",
        "steward_models_calls_total",
        "steward_models_cost_nano_dollars_total",
        "process_resident_memory_bytes",
    ] {
        assert!(figures.contains_key(name), "{name} among {:?}", figures.keys());
    }
    assert_eq!((figures["gen_ai.client.operation.duration"].unit.as_str(), figures["process_resident_memory_bytes"].unit.as_str()), ("s", "By"));

    let came = collector.came.lock().unwrap();
    for (signal, headers, body) in came.iter() {
        assert_eq!(headers["x-collector"], KEY_OF_COLLECTOR, "{signal}");
        let body = String::from_utf8_lossy(body);
        for private in ["Featherstonehaugh", "Wolverhampton", key.as_str(), token.as_str(), PASSWORD, KEY_OF_COLLECTOR, "ada@"] {
            assert!(!body.contains(private), "{signal} tells {private}");
        }
    }
}
