//! Servers of every kind: how they are addressed, and what passes through them.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use steward_llm::chat::{Delivery, Dialect, FinishReason};
use steward_llm::dialect::{self, anthropic, openai};
use steward_llm::{Answer, Api, AzurePath, ChatRequest, Delta, Endpoint, EndpointConfig, Error, Kind, Phase, Provider, Target, Timeouts};

use crate::dialects::defaults;
use crate::scripted::{PATIENT, read, request};
use crate::upstream::{Received, Step, Upstream, nobody, status, within};

fn endpoint(base_url: String, api: Api) -> Endpoint {
    Endpoint::new(&EndpointConfig { name: "first".to_owned(), base_url, api, headers: BTreeMap::new(), proxy_url: None }).unwrap()
}

fn openai_api() -> Api {
    Api::OpenAi { quirks: openai::Quirks::COMPATIBLE }
}

fn anthropic_api() -> Api {
    Api::Anthropic { quirks: anthropic::Quirks::default() }
}

fn target(timeouts: Timeouts) -> Target {
    Target { model: "gpt 5/x".into(), credential: Some(SecretString::from("sk-test")), timeouts }
}

fn sse(stream: &[u8]) -> Vec<Step> {
    vec![Step::Head(200, vec![("content-type", "text/event-stream".to_owned())]), Step::Send(stream.to_vec()), Step::End]
}

fn json_body(body: &str) -> Vec<Step> {
    status(200, &[("content-type", "application/json")], body)
}

const OPENAI_STREAM: &[u8] = include_bytes!("../fixtures/openai/text.sse");
const ANTHROPIC_STREAM: &[u8] = include_bytes!("../fixtures/anthropic/text.sse");
const OPENAI_WHOLE: &str = include_str!("../fixtures/openai/tools.json");

async fn asked(api: Api, base: impl Fn(&Upstream) -> String, stream: &[u8], request: &ChatRequest) -> Received {
    let upstream = Upstream::start([sse(stream)]).await;
    let endpoint = endpoint(base(&upstream), api);
    let reply = endpoint.chat(target(PATIENT).attempt(request)).await.unwrap().into_reply().await.unwrap();
    assert_eq!(reply.text(), "Zoë has 30 orders.");
    upstream.requests().remove(0)
}

fn root(upstream: &Upstream) -> String {
    upstream.base_url().trim_end_matches("/v1").to_owned()
}

#[tokio::test]
async fn openai_is_asked_with_a_bearer() {
    let received = asked(openai_api(), Upstream::base_url, OPENAI_STREAM, &request()).await;
    assert!(received.head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{}", received.head);
    assert!(received.head.contains("\r\nauthorization: bearer sk-test\r\n"), "{}", received.head);
    assert!(received.head.contains("\r\naccept: text/event-stream\r\n"), "{}", received.head);
    assert_eq!((&received.body["model"], &received.body["stream"]), (&json!("gpt 5/x"), &json!(true)));
}

#[tokio::test]
async fn azure_is_asked_by_its_v1_path_or_by_a_deployment() {
    let quirks = openai::Quirks::OPENAI;
    let received = asked(Api::Azure { path: AzurePath::V1, quirks }, root, OPENAI_STREAM, &request()).await;
    assert!(received.head.starts_with("post /openai/v1/chat/completions http/1.1\r\n"), "{}", received.head);
    assert!(received.head.contains("\r\napi-key: sk-test\r\n") && !received.head.contains("authorization"), "{}", received.head);
    let path = AzurePath::Deployment { api_version: "2024-10-21".to_owned() };
    let received = asked(Api::Azure { path, quirks }, root, OPENAI_STREAM, &request()).await;
    let line = "post /openai/deployments/gpt%205%2fx/chat/completions?api-version=2024-10-21 http/1.1\r\n";
    assert!(received.head.starts_with(line), "{}", received.head);
}

#[tokio::test]
async fn anthropic_is_asked_with_its_version_and_the_callers_betas() {
    let body = json!({"model": "alias", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "stream": true});
    let mut request = dialect::decode(Dialect::Anthropic, body.to_string().into(), defaults()).unwrap();
    let wire = request.wire.as_mut().and_then(std::sync::Arc::get_mut).unwrap();
    wire.betas = vec!["context-1m".to_owned(), "files".to_owned()];
    let received = asked(anthropic_api(), Upstream::base_url, ANTHROPIC_STREAM, &request).await;
    assert!(received.head.starts_with("post /v1/messages http/1.1\r\n"), "{}", received.head);
    for header in ["x-api-key: sk-test", "anthropic-version: 2023-06-01", "anthropic-beta: context-1m,files"] {
        assert!(received.head.contains(&format!("\r\n{header}\r\n")), "{}", received.head);
    }
    assert_eq!(received.body, json!({"model": "gpt 5/x", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "stream": true}));
}

#[tokio::test]
async fn a_server_may_want_headers_of_its_own() {
    let upstream = Upstream::start([sse(OPENAI_STREAM)]).await;
    let headers = BTreeMap::from([("X-Title".to_owned(), SecretString::from("Steward"))]);
    let config = EndpointConfig { name: "first".to_owned(), base_url: upstream.base_url(), api: openai_api(), headers, proxy_url: None };
    Endpoint::new(&config).unwrap().chat(target(PATIENT).attempt(&request())).await.unwrap();
    assert!(upstream.requests()[0].head.contains("\r\nx-title: steward\r\n"));
    let broken = EndpointConfig { headers: BTreeMap::from([("not a name".to_owned(), SecretString::from("x"))]), ..config };
    assert_eq!(Endpoint::new(&broken).err().unwrap().kind(), Kind::Misconfigured);
}

#[tokio::test]
async fn the_events_of_the_callers_own_dialect_go_on_as_they_came() {
    for (dialect, api, stream, fields) in [
        (Dialect::OpenAiChat, openai_api(), OPENAI_STREAM, json!({"stream_options": {"include_usage": true}})),
        (Dialect::Anthropic, anthropic_api(), ANTHROPIC_STREAM, json!({"max_tokens": 9})),
    ] {
        let mut body = json!({"model": "alias", "messages": [{"role": "user", "content": "Hi"}], "stream": true});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let request = dialect::decode(dialect, body.to_string().into(), defaults()).unwrap();
        let upstream = Upstream::start([sse(stream)]).await;
        let endpoint = endpoint(upstream.base_url(), api);
        let mut chunks = endpoint.chat(target(PATIENT).attempt(&request)).await.unwrap().into_stream();
        let head = dialect::Head { id: "x".to_owned(), model: "alias".to_owned(), created: 0, shows_usage: request.wire.as_ref().unwrap().shows_usage };
        let mut frames = dialect::frames(dialect, head);
        let mut passed = Vec::new();
        while let Some(chunk) = futures::StreamExt::next(&mut chunks).await {
            passed.extend(frames.chunk(&chunk.unwrap()));
        }
        assert_eq!(String::from_utf8(passed).unwrap(), String::from_utf8(stream.to_vec()).unwrap());
    }
}

#[tokio::test]
async fn a_whole_answer_of_the_callers_own_dialect_comes_as_it_is() {
    let body = json!({"model": "alias", "messages": [{"role": "user", "content": "Hi"}]});
    let request = dialect::decode(Dialect::OpenAiChat, body.to_string().into(), defaults()).unwrap();
    let upstream = Upstream::start([json_body(OPENAI_WHOLE)]).await;

    let answer = endpoint(upstream.base_url(), openai_api()).chat(target(PATIENT).attempt(&request)).await.unwrap();

    let Answer::Whole { reply, raw } = answer else { panic!("{answer:?}") };
    assert_eq!((raw.unwrap().as_ref(), reply.finish), (OPENAI_WHOLE.as_bytes(), FinishReason::ToolCalls));
    let received = upstream.requests().remove(0);
    assert_eq!((received.body.get("stream"), &received.body["max_tokens"]), (None, &json!(500)));
    assert!(received.head.contains("\r\naccept: application/json\r\n"), "{}", received.head);
}

#[tokio::test]
async fn a_whole_answer_of_another_dialect_is_streamed_and_collected() {
    let body = json!({"model": "alias", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]});
    let request = dialect::decode(Dialect::Anthropic, body.to_string().into(), defaults()).unwrap();
    assert_eq!(request.delivery, Delivery::Whole);
    let received = asked(openai_api(), Upstream::base_url, OPENAI_STREAM, &request).await;
    assert_eq!((&received.body["stream"], &received.body["stream_options"]), (&json!(true), &json!({"include_usage": true})));
}

#[tokio::test]
async fn a_server_that_knows_no_streams_still_answers_and_tells_its_errors() {
    let upstream = Upstream::start([json_body(OPENAI_WHOLE), json_body(r#"{"error":{"code":429,"message":"slow down"}}"#)]).await;
    let endpoint = endpoint(upstream.base_url(), openai_api());

    let deltas = read(endpoint.chat(target(PATIENT).attempt(&request())).await.unwrap().into_stream()).await;
    assert!(matches!(deltas.last(), Some(Ok(Delta::Finish(FinishReason::ToolCalls)))), "{deltas:?}");

    let error = endpoint.chat(target(PATIENT).attempt(&request())).await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (Kind::RateLimited, Some(Phase::Whole)));
}

async fn whole(script: Vec<Step>, timeouts: Timeouts) -> Error {
    let body = json!({"model": "alias", "messages": [{"role": "user", "content": "Hi"}]});
    let request = dialect::decode(Dialect::OpenAiChat, body.to_string().into(), defaults()).unwrap();
    let upstream = Upstream::start([script]).await;
    within(endpoint(upstream.base_url(), openai_api()).chat(target(timeouts).attempt(&request))).await.unwrap_err()
}

#[tokio::test]
async fn a_whole_answer_that_fails_is_classified() {
    let cut = r#"{"choices":[{"index":0,"message":{"content":"half"},"finish_reason":null}]}"#;
    let cases = [
        (json_body("<html>"), Kind::Malformed),
        (json_body("{}"), Kind::Malformed),
        (json_body(r#"{"error":{"message":"boom","type":"server_error"}}"#), Kind::Upstream),
        (json_body(cut), Kind::Cut),
        (json_body(&cut.replace("null", "\"error\"")), Kind::Upstream),
        (vec![Step::Head(200, Vec::new()), Step::Send(b"{\"choices\":".to_vec()), Step::Close], Kind::Cut),
        (status(400, &[], include_str!("../fixtures/llama_cpp/context.json")), Kind::ContextLength),
        (status(401, &[], include_str!("../fixtures/openai/error.json")), Kind::Unauthorized),
        (status(429, &[("retry-after", "3")], include_str!("../fixtures/anthropic/error.json")), Kind::RateLimited),
    ];
    for (script, kind) in cases {
        let error = whole(script, PATIENT).await;
        assert_eq!((error.kind(), error.phase()), (kind, Some(Phase::Whole)));
    }
}

#[tokio::test]
async fn a_whole_answer_waits_for_its_headers_as_long_as_the_attempt_may_take() {
    let slow = Timeouts { headers_ms: 1, first_token_ms: 1, idle_ms: 1, ..PATIENT };
    let delayed = [vec![Step::Every(Duration::from_millis(1), 0, Vec::new())], json_body("{}")].concat();
    assert_eq!(whole(delayed, slow).await.kind(), Kind::Malformed, "the answer came");
    let error = whole(vec![Step::Hang], Timeouts { total_ms: 100, ..PATIENT }).await;
    assert_eq!((error.kind(), error.phase()), (Kind::HeaderTimeout, Some(Phase::Whole)));
}

#[tokio::test]
async fn pings_that_go_on_are_no_progress() {
    let pings = Step::Every(Duration::from_millis(20), 100_000, b"event: ping\ndata: {\"type\":\"ping\"}\n\n".to_vec());
    let begun = Step::Send(include_bytes!("../fixtures/anthropic/cut.sse").to_vec());
    let body = json!({"model": "alias", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "stream": true});
    let request = dialect::decode(Dialect::Anthropic, body.to_string().into(), defaults()).unwrap();
    for (script, timeouts, kind) in [
        (vec![pings.clone()], Timeouts { first_token_ms: 200, ..PATIENT }, Kind::FirstTokenTimeout),
        (vec![begun, pings], Timeouts { idle_ms: 200, ..PATIENT }, Kind::IdleTimeout),
    ] {
        let script = [vec![Step::Head(200, Vec::new())], script].concat();
        let upstream = Upstream::start([script]).await;
        let stream = endpoint(upstream.base_url(), anthropic_api()).chat(target(timeouts).attempt(&request)).await.unwrap().into_stream();
        let last = within(read(stream)).await.pop().unwrap();
        assert_eq!(last.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn texts_become_vectors() {
    let vectors = include_str!("../fixtures/openai/embeddings.json");
    let body = json!({"model": "alias", "input": ["a", "b"]});
    let mut request = openai::embed::decode(body.to_string().into(), defaults()).unwrap();
    let upstream = Upstream::start([json_body(vectors)]).await;
    let endpoint = endpoint(upstream.base_url(), openai_api());

    let passed = endpoint.embed(target(PATIENT).attempt(&request)).await.unwrap();
    assert_eq!((passed.vectors.len(), passed.raw.unwrap().as_ref()), (2, vectors.as_bytes()));
    request.wire = None;
    assert!(endpoint.embed(target(PATIENT).attempt(&request)).await.unwrap().raw.is_none());

    let received = upstream.requests();
    assert!(received[0].head.starts_with("post /v1/embeddings http/1.1\r\n"), "{}", received[0].head);
    assert_eq!(received[0].body, json!({"model": "gpt 5/x", "input": ["a", "b"]}));
    let anthropic = self::endpoint(upstream.base_url(), anthropic_api());
    assert_eq!(anthropic.embed(target(PATIENT).attempt(&request)).await.unwrap_err().kind(), Kind::Unsupported);
}

#[tokio::test]
async fn what_a_server_cannot_express_is_not_sent() {
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "container": "c"});
    let request = dialect::decode(Dialect::Anthropic, body.to_string().into(), defaults()).unwrap();
    let error = endpoint(nobody().await, openai_api()).chat(target(PATIENT).attempt(&request)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
}

#[tokio::test]
async fn small_requests_do_not_wait_for_more_to_send() {
    use std::os::fd::AsFd;
    let upstream = Upstream::start([vec![Step::Hang]]).await;
    let endpoint = endpoint(upstream.base_url(), openai_api());
    let (target, request) = (target(PATIENT), request());
    let address: std::net::SocketAddr = root(&upstream).trim_start_matches("http://").parse().unwrap();
    let asking = async {
        let _ = endpoint.chat(target.attempt(&request)).await;
    };
    let looking = async {
        upstream.received(1).await;
        let own = rustix::process::pidfd_open(rustix::process::getpid(), rustix::process::PidfdFlags::empty()).unwrap();
        let mut seen = Vec::new();
        for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
            let Ok(number) = entry.unwrap().file_name().to_string_lossy().parse::<i32>() else { continue };
            let Ok(fd) = rustix::process::pidfd_getfd(own.as_fd(), number, rustix::process::PidfdGetfdFlags::empty()) else { continue };
            let peer = rustix::net::getpeername(fd.as_fd()).ok().and_then(|peer| std::net::SocketAddr::try_from(peer?).ok());
            if peer == Some(address) {
                seen.push(rustix::net::sockopt::tcp_nodelay(fd.as_fd()).unwrap());
            }
        }
        seen
    };
    let seen = tokio::select! {
        () = asking => panic!("the upstream never answers"),
        seen = looking => seen,
    };
    assert!(!seen.is_empty() && seen.iter().all(|nodelay| *nodelay), "{seen:?}");
}

#[test]
fn a_configuration_names_what_it_means() {
    let read = |text: &str| toml::from_str::<EndpointConfig>(text);
    let config = read(
        r#"
        name = "mistral"
        base_url = "https://api.mistral.ai/v1"
        api = { kind = "open_ai", quirks = { ids = "mistral", stream_options = false } }
        "#,
    )
    .unwrap();
    assert_eq!(config.api, Api::OpenAi { quirks: openai::Quirks::MISTRAL });
    let azure =
        read("name = 'a'\nbase_url = 'https://a.openai.azure.com'\napi = { kind = 'azure', path = { deployment = { api_version = '2024-10-21' } } }").unwrap();
    let path = AzurePath::Deployment { api_version: "2024-10-21".to_owned() };
    assert_eq!(azure.api, Api::Azure { path, quirks: openai::Quirks::OPENAI });
    assert!(read("name = 'a'\nbase_url = 'b'\napi = { kind = 'anthropic', thinking = 1 }").is_err());
    let secret = read("name = 'a'\nbase_url = 'b'\napi = { kind = 'anthropic' }\nheaders = { authorization = 'SECRET' }").unwrap();
    assert!(!format!("{secret:?}").contains("SECRET"));
}
