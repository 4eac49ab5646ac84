//! Faults after the first word of a whole answer that comes as a stream, as one does in another dialect than the provider's: the client has
//! seen nothing of it, so that another target begins anew, and where there is none he is told the truth by the status.

use super::asking::By;
use super::{Bench, EXACTLY, Leaves, PATIENT, Place, entry, place, split, spoken};
use crate::models::upstream::{Step, Upstream, done, event, stream, text};
use serde_json::json;
use std::time::Duration;
use steward_llm::Timeouts;

const MESSAGES: By = By::Messages { stream: false };
const RESPONSES: By = By::Responses { stream: false };

/// As many failures as open a breaker.
const FIVE: [By; 5] = [MESSAGES, RESPONSES, MESSAGES, RESPONSES, MESSAGES];

async fn begins_anew(script: Vec<Step>, timeouts: Timeouts, code: &'static str, status: u16) {
    let words = "from the second";
    let (first, second) = (Upstream::start([script]).await, Upstream::start([spoken(words)]).await);
    let bench = Bench::open(&[Place { timeouts, ..place("first", first.base_url()) }, place("second", second.base_url())]).await;
    for by in FIVE {
        let told = bench.ask(by, "fast").await;
        assert_eq!(by.good(&told), words, "{by:?}");
        assert_eq!((told.header("x-steward-provider"), told.header("x-steward-attempts")), ("second", "2"), "{by:?}");
    }
    assert_eq!((first.requests().len(), second.requests().len()), (5, 5));
    assert_eq!((bench.left_behind("first").await, bench.left_behind("second").await), (Leaves::Model, Leaves::Nothing));
    assert_eq!(bench.last_failure("first").await, code);
    // Now it is left alone, and where there is nobody else it is tried in spite of that.
    let told = bench.ask(RESPONSES, "fast").await;
    assert_eq!((RESPONSES.good(&told).as_str(), told.header("x-steward-attempts")), (words, "1"));
    for by in [MESSAGES, RESPONSES] {
        assert_eq!(by.refused(&bench.ask(by, "first").await, status), code, "{by:?}");
    }
    let rows = bench.doors.ledger(8).await;
    for (row, by) in rows.iter().zip(FIVE) {
        let (row, nano) = split(row);
        assert_eq!(row, entry(by, "fast", "answered", None, Some("second"), 2));
        assert!(nano > EXACTLY, "nobody knows what the first one used, so what was reserved for it counts: {nano}");
    }
    assert_eq!(split(&rows[5]), (entry(RESPONSES, "fast", "answered", None, Some("second"), 1), EXACTLY));
    for (row, by) in rows[6..].iter().zip([MESSAGES, RESPONSES]) {
        let (row, nano) = split(row);
        assert_eq!((row, nano > 0), (entry(by, "first", "failed", Some(code), None, 1), true));
    }
    bench.close().await;
}

#[tokio::test]
async fn truncated_stream() {
    begins_anew(vec![stream(), text("half "), Step::Close], PATIENT, "cut", 502).await;
}

#[tokio::test]
async fn a_stream_that_ends_without_a_reason() {
    begins_anew(vec![stream(), text("half "), done(), Step::End], PATIENT, "cut", 502).await;
}

#[tokio::test]
async fn stall_in_mid_stream() {
    begins_anew(vec![stream(), text("half "), Step::Hang], Timeouts { idle_ms: 100, ..PATIENT }, "idle_timeout", 504).await;
}

#[tokio::test]
async fn error_object_in_mid_stream() {
    let error = event(&json!({ "error": { "message": "overloaded", "type": "overloaded_error" } }));
    begins_anew(vec![stream(), text("half "), error, done(), Step::End], PATIENT, "upstream", 502).await;
}

#[tokio::test]
async fn malformed_body_in_mid_stream() {
    let endless_line = Step::Send(vec![b'x'; 2 * 1024 * 1024]);
    begins_anew(vec![stream(), text("half "), endless_line, Step::Hang], PATIENT, "malformed", 502).await;
}

#[tokio::test]
async fn slow_trickle_leaves_another_the_time_that_is_left() {
    let trickle = Step::Every(Duration::from_millis(20), 100_000, b"data: {\"choices\":[{\"delta\":{\"content\":\"x \"}}]}\n\n".to_vec());
    let (first, second) = (Upstream::start([vec![stream(), trickle]]).await, Upstream::start([spoken("fine")]).await);
    let timeouts = Timeouts { total_ms: 1_000, ..PATIENT };
    let bench = Bench::open(&[Place { timeouts, ..place("first", first.base_url()) }, place("second", second.base_url())]).await;
    let told = bench.ask(MESSAGES, "fast").await;
    assert_eq!((MESSAGES.good(&told).as_str(), told.header("x-steward-provider")), ("fine", "second"));
    assert_eq!(bench.last_failure("first").await, "header_timeout");
    bench.close().await;
}

#[tokio::test]
async fn all_targets_broken() {
    let cut = Upstream::start([vec![stream(), text("half "), Step::Close]]).await;
    let stalls = Upstream::start([vec![stream(), text("half "), Step::Hang]]).await;
    let second = Place { timeouts: Timeouts { idle_ms: 100, ..PATIENT }, ..place("second", stalls.base_url()) };
    let bench = Bench::open(&[place("first", cut.base_url()), second]).await;
    for by in [MESSAGES, RESPONSES] {
        assert_eq!(by.refused(&bench.ask(by, "fast").await, 504), "idle_timeout", "{by:?}");
    }
    assert_eq!((cut.requests().len(), stalls.requests().len()), (2, 2));
    assert_eq!((bench.last_failure("first").await, bench.last_failure("second").await), ("cut".to_owned(), "idle_timeout".to_owned()));
    for (row, by) in bench.doors.ledger(2).await.iter().zip([MESSAGES, RESPONSES]) {
        let (row, nano) = split(row);
        assert_eq!((row, nano > 0), (entry(by, "fast", "failed", Some("idle_timeout"), None, 2), true));
    }
    bench.close().await;
}
