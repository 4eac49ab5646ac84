//! What the official clients send and read beside the body.

use super::upstream::{Upstream, status};
use super::{Doors, asking, route_to, whole};
use crate::app::TestApp;
use crate::model::Model;
use reqwest::Method;
use serde_json::json;
use steward_llm::config::{Credential, ProviderKind};

const ORIGIN: &str = "https://shop.example";

/// As the JavaScript clients of OpenAI and Anthropic send them from a browser, with their helpers for streams.
const SENT: [&str; 25] = [
    "anthropic-beta",
    "anthropic-dangerous-direct-browser-access",
    "anthropic-version",
    "authorization",
    "content-type",
    "idempotency-key",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "user-agent",
    "x-api-key",
    "x-correlation-id",
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

fn lists(told: &str, wanted: &str) -> bool {
    told.split(',').any(|one| one.trim().eq_ignore_ascii_case(wanted))
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_use_the_official_clients() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let app = TestApp::configured(Vec::new(), |config| {
        route_to(model.name(), model.base_url(), config);
        config.server.cors_origins = vec![ORIGIN.into()];
    });
    let doors = Doors::of(app.await).await;
    for path in ["chat/completions", "responses", "messages", "embeddings", "models"] {
        let request = doors.app.client.request(Method::OPTIONS, format!("{}/v1/{path}", doors.app.base)).header("origin", ORIGIN);
        let request = request.header("access-control-request-method", "POST").header("access-control-request-headers", SENT.join(","));
        let told = doors.app.send(request).await;
        assert_eq!((told.status, told.header("access-control-allow-origin")), (200, ORIGIN), "{path}");
        let allowed = told.header("access-control-allow-headers");
        assert!(SENT.iter().all(|header| lists(allowed, header)), "{path}: {allowed}");
    }
    doors.settings(json!({ "cache": true })).await;
    let told = doors.app.send(doors.asks("chat/completions", &asking("Hi")).header("origin", ORIGIN)).await;
    told.ok();
    let exposed = told.header("access-control-expose-headers");
    let ours: Vec<&str> = told.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("x-steward-") || name.ends_with("request-id")).collect();
    assert_eq!(ours.len(), 6, "{ours:?}");
    for header in ours.into_iter().chain(["retry-after", "etag", "x-should-retry", "idempotent-replayed"]) {
        assert!(lists(exposed, header), "{header}: {exposed}");
    }
    doors.app.close().await;
}

#[tokio::test]
async fn what_a_client_tries_out_of_anthropics_goes_on_to_anthropic() {
    let answer = json!({ "id": "m1", "type": "message", "role": "assistant", "model": "scripted", "content": [{ "type": "text", "text": "Hello." }],
        "stop_reason": "end_turn", "stop_sequence": null, "usage": { "input_tokens": 12, "output_tokens": 3 } });
    let upstream = Upstream::start([status(200, &[("content-type", "application/json")], &answer.to_string())]).await;
    let app = TestApp::configured(Vec::new(), |config| {
        route_to("first", &upstream.base_url(), config);
        let provider = config.llm.providers.get_mut("first").unwrap();
        provider.kind = ProviderKind::Anthropic;
        provider.credentials = vec![Credential { name: "main".into(), weight: 1, key_env: None, key_file: None, key: Some("theirs".into()) }];
    });
    let doors = Doors::of(app.await).await;
    let mut asked = json!({ "model": "fast", "max_tokens": 50, "messages": [{ "role": "user", "content": "Hi" }], "container": "c1" });
    // Masked or not: what is masked is written anew.
    for text in ["Hi", "Write to anna@example.org"] {
        asked["messages"][0]["content"] = json!(text);
        let request = doors.asks("messages", &asked).header("anthropic-version", "2023-06-01");
        let told = doors.app.send(request.header("anthropic-beta", "files-1, context-2").header("anthropic-beta", "skills-3")).await;
        assert_eq!(told.ok()["content"][0]["text"], "Hello.");
    }
    let requests = upstream.requests();
    assert_eq!(requests.len(), 2);
    for sent in &requests {
        assert!(sent.head.contains("anthropic-beta: files-1,context-2,skills-3\r\n"), "{}", sent.head);
        // The caller's key is ours and stays here.
        assert!(sent.head.contains("x-api-key: theirs\r\n") && !sent.head.contains("authorization:"), "{}", sent.head);
        assert_eq!(sent.body["container"], "c1");
    }
    assert!(!requests[1].body.to_string().contains("anna@"));
    doors.app.close().await;
}

#[tokio::test]
async fn a_bound_that_is_said_is_taken_at_its_word_and_one_that_is_not_fits_the_model() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let bounded = async |longest: u64| {
        let configure = |config: &mut steward_gateway::config::Config| {
            route_to(model.name(), model.base_url(), config);
            config.llm.providers.get_mut("first").unwrap().models.get_mut("scripted").unwrap().max_output = longest;
        };
        Doors::of(TestApp::configured(Vec::new(), configure).await).await
    };
    let (small, large) = (bounded(1_000).await, bounded(10_000).await);
    let asked = |bound: Option<u64>| {
        let mut asked = asking("Hi");
        asked["max_tokens"] = bound.map_or(json!(null), |bound| json!(bound));
        asked
    };
    for (doors, said, sent) in
        [(&small, None, 1_000), (&small, Some(500), 500), (&large, None, 4_096), (&large, Some(4_096), 4_096), (&large, Some(4_097), 4_097)]
    {
        doors.chat(&asked(said)).await.ok();
        assert_eq!(model.requests().last().unwrap()["max_tokens"], sent, "{said:?}");
    }
    let requests = model.requests().len();
    let usual = small.chat(&asked(Some(4_096))).await;
    let unusual = small.chat(&asked(Some(4_097))).await;
    assert_eq!((usual.status, usual.text.as_str()), (400, unusual.text.as_str()), "no answer is cut that was asked for longer");
    assert_eq!(model.requests().len(), requests);
    small.app.close().await;
    large.app.close().await;
}
