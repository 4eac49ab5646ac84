//! Faults before the first word: another target answers, and where there is none the client is told the truth.

use super::asking::By;
use super::{Bench, EXACTLY, Leaves, PATIENT, Place, entry, json_of, place, split, spoken, written};
use crate::models::upstream::{Step, Upstream, delta, done, event, no_tls, nobody, status, stream};
use serde_json::json;
use std::time::Duration;
use steward_llm::Timeouts;

/// A failure, as the client and the ledger are told it.
struct Fault {
    code: &'static str,
    status: u16,
    leaves: Leaves,
    /// Whether nobody knows that the attempt was free.
    is_billed: bool,
}

fn fault(code: &'static str, status: u16, leaves: Leaves) -> Fault {
    Fault { code, status, leaves, is_billed: false }
}

fn billed(code: &'static str, status: u16, leaves: Leaves) -> Fault {
    Fault { is_billed: true, ..fault(code, status, leaves) }
}

/// As many failures as open a breaker, as clients of all sorts meet them.
const FIVE: [By; 5] =
    [By::Chat { stream: true }, By::Chat { stream: false }, By::Messages { stream: true }, By::Messages { stream: false }, By::Responses { stream: true }];

/// What is told by the only provider that there is.
const ALONE: [By; 3] = [By::Chat { stream: true }, By::Messages { stream: false }, By::Responses { stream: false }];

async fn is_passed_over(first: Place, fault: Fault) {
    let words = "from the second";
    let second = Upstream::start([spoken(words), written(words), spoken(words)]).await;
    let bench = Bench::open(&[first, place("second", second.base_url())]).await;
    let rests = matches!(fault.leaves, Leaves::Rest(_));
    let mut rows = Vec::new();
    for (round, by) in FIVE.into_iter().enumerate() {
        let attempts = if rests && round > 0 { 1 } else { 2 };
        let told = bench.ask(by, "fast").await;
        assert_eq!(by.good(&told), words, "{by:?}");
        let served = (told.header("x-steward-provider"), told.header("x-steward-model"), told.header("x-steward-attempts"));
        assert_eq!(served, ("second", "scripted", attempts.to_string().as_str()), "{by:?}");
        rows.push((entry(by, "fast", "answered", None, Some("second"), attempts), attempts == 2 && fault.is_billed));
    }
    // Now it is left alone.
    let by = By::Chat { stream: true };
    let told = bench.ask(by, "fast").await;
    assert_eq!((by.good(&told).as_str(), told.header("x-steward-attempts")), (words, "1"));
    rows.push((entry(by, "fast", "answered", None, Some("second"), 1), false));
    assert_eq!((bench.left_behind("first").await, bench.left_behind("second").await), (fault.leaves, Leaves::Nothing));
    if !rests {
        assert_eq!(bench.last_failure("first").await, fault.code);
    }
    assert_eq!(second.requests().len(), 6);
    tells_the_truth(&bench, &fault, rows).await;
    bench.close().await;
}

/// Nobody else can answer: who rests is not asked, and a breaker does not keep the last one from being tried.
async fn tells_the_truth(bench: &Bench, fault: &Fault, mut rows: Vec<(serde_json::Value, bool)>) {
    let (answered, rests) = (rows.len(), matches!(fault.leaves, Leaves::Rest(_)));
    for by in ALONE {
        let told = bench.ask(by, "first").await;
        assert_eq!(by.refused(&told, fault.status), fault.code, "{by:?}");
        assert_eq!(told.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0), rests, "{by:?}");
        rows.push((entry(by, "first", "failed", Some(fault.code), None, u32::from(!rests)), !rests && fault.is_billed));
    }
    let written = bench.doors.ledger(rows.len()).await;
    assert_eq!(written.len(), rows.len());
    for (at, (row, (expected, is_billed))) in written.iter().zip(&rows).enumerate() {
        let (row, nano) = split(row);
        assert_eq!(row, *expected, "row {at}");
        let known = if at < answered { EXACTLY } else { 0 };
        assert_eq!((nano > known, nano >= known), (*is_billed, true), "row {at} cost {nano}, and {known} of it is known");
    }
}

async fn scripted(scripts: Vec<Vec<Step>>, timeouts: Timeouts, fault: Fault) {
    let first = Upstream::start(scripts).await;
    let requests = if matches!(fault.leaves, Leaves::Rest(_)) { 1 } else { FIVE.len() + ALONE.len() };
    is_passed_over(Place { timeouts, ..place("first", first.base_url()) }, fault).await;
    assert_eq!(first.requests().len(), requests);
}

#[tokio::test]
async fn connect_refused() {
    is_passed_over(place("first", nobody().await), fault("connect", 502, Leaves::Endpoint)).await;
}

#[tokio::test]
async fn dns_failure() {
    is_passed_over(place("first", "http://nowhere.invalid/v1".into()), fault("connect", 502, Leaves::Endpoint)).await;
}

#[tokio::test]
async fn tls_failure() {
    let server = no_tls().await;
    is_passed_over(place("first", server.base_url.clone()), fault("connect", 502, Leaves::Endpoint)).await;
}

#[tokio::test]
async fn reset_before_headers() {
    scripted(vec![vec![Step::Close]], PATIENT, billed("connect", 502, Leaves::Endpoint)).await;
}

#[tokio::test]
async fn server_error() {
    scripted(vec![status(500, &[], "")], PATIENT, fault("upstream", 502, Leaves::Model)).await;
}

#[tokio::test]
async fn rate_limit() {
    let limited = status(429, &[("retry-after", "60")], "{}");
    scripted(vec![limited], PATIENT, fault("rate_limited", 429, Leaves::Rest("model and key"))).await;
}

#[tokio::test]
async fn quota_exhausted() {
    let used_up = status(429, &[], r#"{"error": {"code": "insufficient_quota"}}"#);
    scripted(vec![used_up], PATIENT, fault("quota_exhausted", 503, Leaves::Rest("key"))).await;
}

#[tokio::test]
async fn header_timeout() {
    // A whole answer has its headers when it is complete, so that only the time for all of it tells that none will come.
    let timeouts = Timeouts { headers_ms: 100, total_ms: 400, ..PATIENT };
    scripted(vec![vec![Step::Hang]], timeouts, billed("header_timeout", 504, Leaves::Model)).await;
}

#[tokio::test]
async fn first_token_timeout() {
    let role = delta(&json!({ "role": "assistant", "content": "" }));
    let timeouts = Timeouts { first_token_ms: 100, total_ms: 400, ..PATIENT };
    scripted(vec![vec![stream(), role, Step::Hang]], timeouts, billed("first_token_timeout", 504, Leaves::Model)).await;
}

#[tokio::test]
async fn stream_cut_before_the_first_word() {
    let role = delta(&json!({ "role": "assistant", "content": "" }));
    let half = vec![Step::Head(200, vec![("content-type", "application/json".into())]), Step::Send(b"{\"id\": \"c\", \"choi".to_vec()), Step::Close];
    let cut = vec![stream(), role, Step::Close];
    scripted(vec![cut.clone(), half, cut], PATIENT, billed("cut", 502, Leaves::Model)).await;
}

#[tokio::test]
async fn garbage_with_status_200() {
    let garbage = status(200, &[("content-type", "text/html")], "<html>Welcome</html>");
    scripted(vec![garbage], PATIENT, billed("malformed", 502, Leaves::Model)).await;
}

#[tokio::test]
async fn error_object_with_status_200() {
    let error = json!({ "error": { "message": "overloaded", "type": "overloaded_error" } });
    let told = vec![stream(), event(&error), done(), Step::End];
    scripted(vec![told.clone(), json_of(&error), told], PATIENT, billed("upstream", 502, Leaves::Model)).await;
}

#[tokio::test]
async fn a_whole_answer_that_only_trickles() {
    let trickle = Step::Every(Duration::from_millis(20), 100_000, b" ".to_vec());
    let first = Upstream::start([vec![Step::Head(200, vec![("content-type", "application/json".into())]), trickle]]).await;
    let second = Upstream::start([written("fine")]).await;
    let timeouts = Timeouts { total_ms: 400, ..PATIENT };
    let bench = Bench::open(&[Place { timeouts, ..place("first", first.base_url()) }, place("second", second.base_url())]).await;
    let by = By::Chat { stream: false };
    let told = bench.ask(by, "fast").await;
    assert_eq!((by.good(&told).as_str(), told.header("x-steward-provider")), ("fine", "second"));
    let (row, nano) = split(&bench.doors.ledger(1).await[0]);
    assert_eq!((row, nano > EXACTLY), (entry(by, "fast", "answered", None, Some("second"), 2), true));
    assert_eq!(bench.last_failure("first").await, "header_timeout");
    bench.close().await;
}

#[tokio::test]
async fn texts_for_vectors_go_to_another_when_one_does_not_answer() {
    let vectors = json!({ "object": "list", "model": "scripted", "usage": { "prompt_tokens": 4, "total_tokens": 4 },
        "data": [{ "object": "embedding", "index": 0, "embedding": [0.5, -1.0] }] });
    let (first, second) = (Upstream::start([vec![Step::Hang]]).await, Upstream::start([json_of(&vectors)]).await);
    let timeouts = Timeouts { total_ms: 100, ..PATIENT };
    let bench = Bench::open(&[Place { timeouts, ..place("first", first.base_url()) }, place("second", second.base_url())]).await;
    let told = bench.doors.app.send(bench.doors.asks("embeddings", &json!({ "model": "fast", "input": "Hi" }))).await;
    assert_eq!(told.ok()["data"][0]["embedding"], json!([0.5, -1.0]));
    assert_eq!((told.header("x-steward-provider"), told.header("x-steward-attempts")), ("second", "2"));
    let row = &bench.doors.ledger(1).await[0];
    assert_eq!((&row["door"], &row["outcome"], &row["provider"], &row["attempts"]), (&json!("embeddings"), &json!("answered"), &json!("second"), &json!(2)));
    assert!(row["nano"].as_i64().unwrap() > 4 * 2_000, "what the first one may have used counts: {row}");
    assert_eq!((bench.left_behind("first").await, bench.last_failure("first").await.as_str()), (Leaves::Nothing, "header_timeout"));
    bench.close().await;
}
