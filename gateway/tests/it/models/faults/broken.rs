//! Faults after the first word of a stream: nothing goes elsewhere, and the client sees what came and then the truth. A word that has not
//! ended is not shown, because nobody knows what it would have become: so words end here with a space.

use super::asking::By;
use super::{Bench, Leaves, PATIENT, Place, entry, place, split, spoken};
use crate::models::upstream::{Step, Upstream, done, event, stream, text};
use serde_json::json;
use std::time::Duration;
use steward_llm::Timeouts;

/// As many failures as open a breaker.
const FIVE: [By; 5] =
    [By::Chat { stream: true }, By::Messages { stream: true }, By::Responses { stream: true }, By::Messages { stream: true }, By::Responses { stream: true }];

async fn breaks(script: Vec<Step>, timeouts: Timeouts, code: &'static str, status: u16) {
    let (first, second) = (Upstream::start([script]).await, Upstream::start([spoken("from the second")]).await);
    let bench = Bench::open(&[Place { timeouts, ..place("first", first.base_url()) }, place("second", second.base_url())]).await;
    for by in FIVE {
        let told = bench.ask(by, "fast").await;
        assert_eq!(by.broken(&told, status, code), "half ", "{by:?}");
        assert_eq!((told.header("x-steward-provider"), told.header("x-steward-attempts")), ("first", "1"));
    }
    assert_eq!((first.requests().len(), second.requests().len()), (5, 0));
    let by = By::Chat { stream: true };
    let told = bench.ask(by, "fast").await;
    assert_eq!((by.good(&told).as_str(), told.header("x-steward-provider")), ("from the second", "second"));
    assert_eq!((bench.left_behind("first").await, bench.last_failure("first").await.as_str()), (Leaves::Model, code));
    let rows = bench.doors.ledger(6).await;
    for (row, by) in rows.iter().zip(FIVE) {
        let (row, nano) = split(row);
        assert_eq!(row, entry(by, "fast", "failed", Some(code), Some("first"), 1));
        assert!(nano > 0, "nobody knows what was used, so what was reserved counts");
    }
    bench.close().await;
}

#[tokio::test]
async fn truncated_stream() {
    breaks(vec![stream(), text("half "), Step::Close], PATIENT, "cut", 502).await;
}

#[tokio::test]
async fn a_stream_that_ends_without_a_reason() {
    breaks(vec![stream(), text("half "), done(), Step::End], PATIENT, "cut", 502).await;
}

#[tokio::test]
async fn stall_in_mid_stream() {
    breaks(vec![stream(), text("half "), Step::Hang], Timeouts { idle_ms: 100, ..PATIENT }, "idle_timeout", 504).await;
}

#[tokio::test]
async fn error_object_in_mid_stream() {
    let error = event(&json!({ "error": { "message": "overloaded", "type": "overloaded_error" } }));
    breaks(vec![stream(), text("half "), error, done(), Step::End], PATIENT, "upstream", 502).await;
}

#[tokio::test]
async fn rate_limit_in_mid_stream_has_the_names_that_it_has_before_the_first_word() {
    let limited = event(&json!({ "error": { "message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded" } }));
    let upstream = Upstream::start([vec![stream(), text("half "), limited, done(), Step::End]]).await;
    let bench = Bench::open(&[place("first", upstream.base_url()), place("second", upstream.base_url()), place("third", upstream.base_url())]).await;
    let all = [(By::Chat { stream: true }, "first"), (By::Messages { stream: true }, "second"), (By::Responses { stream: true }, "third")];
    for (by, alias) in all {
        assert_eq!(by.broken(&bench.ask(by, alias).await, 429, "rate_limited"), "half ");
        assert_eq!(bench.left_behind(alias).await, Leaves::Rest("model and key"));
        // It rests, so that nothing is asked and the answer is a status.
        assert_eq!(by.refused(&bench.ask(by, alias).await, 429), "rate_limited");
    }
    let codes: Vec<_> = bench.doors.ledger(6).await.iter().map(|row| row["code"].clone()).collect();
    assert_eq!(codes, vec!["rate_limited"; 6], "the ledger has one code for both, which is not that of our own limits");
    bench.close().await;
}

#[tokio::test]
async fn slow_trickle_ends_with_the_time_for_the_whole_answer() {
    let trickle = Step::Every(Duration::from_millis(20), 100_000, b"data: {\"choices\":[{\"delta\":{\"content\":\"x \"}}]}\n\n".to_vec());
    let (first, second) = (Upstream::start([vec![stream(), trickle]]).await, Upstream::start([spoken("unused")]).await);
    let timeouts = Timeouts { total_ms: 1_500, ..PATIENT };
    let bench = Bench::open(&[Place { timeouts, ..place("first", first.base_url()) }, place("second", second.base_url())]).await;
    for by in [By::Chat { stream: true }, By::Messages { stream: true }] {
        let told = bench.ask(by, "fast").await;
        assert!(by.broken(&told, 504, "deadline").starts_with("x x "), "{}", told.text);
    }
    assert!(second.requests().is_empty());
    assert_eq!(bench.left_behind("first").await, Leaves::Nothing, "it was slow, and it worked");
    for (row, by) in bench.doors.ledger(2).await.iter().zip([By::Chat { stream: true }, By::Messages { stream: true }]) {
        let (row, nano) = split(row);
        assert_eq!((row, nano > 0), (entry(by, "fast", "failed", Some("deadline"), Some("first"), 1), true));
    }
    bench.close().await;
}
