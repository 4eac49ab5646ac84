//! Faults that no client sees: a second attempt, a frame that is left out, and what is told when there is nobody else.

use super::asking::By;
use super::{Bench, EXACTLY, Leaves, Place, entry, place, secret, split, spoken, usage, written};
use crate::models::upstream::{Step, Upstream, done, event, finish, nobody, status, stream, text};
use serde_json::json;

/// One call of one provider that answers in the end; what it cost is what was told.
async fn is_answered(scripts: Vec<Vec<Step>>, by: By, attempts: u32) {
    let (first, second) = (Upstream::start(scripts).await, Upstream::start([spoken("unused")]).await);
    let bench = Bench::open(&[place("first", first.base_url()), place("second", second.base_url())]).await;
    let told = bench.ask(by, "first").await;
    assert_eq!((by.good(&told).as_str(), told.header("x-steward-attempts")), ("fine", attempts.to_string().as_str()));
    assert_eq!((first.requests().len(), second.requests().len()), (attempts as usize, 0));
    let row = &bench.doors.ledger(1).await[0];
    assert_eq!((&row["input"], &row["output"]), (&json!(12), &json!(3)));
    assert_eq!(split(row), (entry(by, "first", "answered", None, Some("first"), attempts), EXACTLY));
    assert_eq!(bench.left_behind("first").await, Leaves::Nothing);
    bench.close().await;
}

#[tokio::test]
async fn a_500_and_then_good() {
    is_answered(vec![status(500, &[], ""), spoken("fine")], By::Chat { stream: true }, 2).await;
    is_answered(vec![status(500, &[], ""), written("fine")], By::Chat { stream: false }, 2).await;
    is_answered(vec![status(500, &[], ""), status(500, &[], ""), spoken("fine")], By::Messages { stream: false }, 3).await;
}

#[tokio::test]
async fn a_503_that_asks_to_wait_a_moment_is_waited_for() {
    is_answered(vec![status(503, &[("retry-after-ms", "50")], ""), spoken("fine")], By::Responses { stream: true }, 2).await;
}

#[tokio::test]
async fn a_503_that_asks_to_wait_for_long_is_told_to_the_client() {
    let upstream = Upstream::start([status(503, &[("retry-after", "60")], ""), spoken("too early")]).await;
    let bench = Bench::open(&[place("first", upstream.base_url())]).await;
    let by = By::Messages { stream: true };
    let told = bench.ask(by, "fast").await;
    assert_eq!((by.refused(&told, 502).as_str(), told.header("retry-after")), ("upstream", "60"));
    assert_eq!(upstream.requests().len(), 1, "nobody comes back before the time");
    assert_eq!(split(&bench.doors.ledger(1).await[0]), (entry(by, "fast", "failed", Some("upstream"), None, 1), 0));
    bench.close().await;
}

#[tokio::test]
async fn a_503_that_asks_to_wait_is_not_waited_for_where_another_can_answer() {
    let (first, second) = (Upstream::start([status(503, &[("retry-after", "9")], "")]).await, Upstream::start([spoken("fine")]).await);
    let bench = Bench::open(&[place("first", first.base_url()), place("second", second.base_url())]).await;
    let by = By::Messages { stream: true };
    let told = bench.ask(by, "fast").await;
    assert_eq!((by.good(&told).as_str(), told.header("x-steward-provider"), told.header("x-steward-attempts")), ("fine", "second", "2"));
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    assert_eq!(split(&bench.doors.ledger(1).await[0]), (entry(by, "fast", "answered", None, Some("second"), 2), EXACTLY));
    assert_eq!((bench.left_behind("first").await, bench.last_failure("first").await.as_str()), (Leaves::Nothing, "upstream"));
    bench.close().await;
}

#[tokio::test]
async fn a_rate_limit_of_one_key_is_served_with_its_sibling() {
    let limited = status(429, &[("retry-after", "60")], "{}");
    let (first, second) = (Upstream::start([limited, spoken("fine")]).await, Upstream::start([spoken("unused")]).await);
    let bench = Bench::open(&[Place { keys: &["one", "two"], ..place("first", first.base_url()) }, place("second", second.base_url())]).await;
    let by = By::Chat { stream: true };
    for attempts in ["2", "1", "1"] {
        let told = bench.ask(by, "fast").await;
        assert_eq!((by.good(&told).as_str(), told.header("x-steward-provider"), told.header("x-steward-attempts")), ("fine", "first", attempts));
    }
    let shown: Vec<&str> = ["one", "two"]
        .into_iter()
        .filter(|key| {
            let header = format!("authorization: bearer {}\r\n", secret(key));
            first.requests()[0].head.contains(&header)
        })
        .collect();
    let [limited] = shown[..] else { panic!("{shown:?}") };
    let header = format!("authorization: bearer {}\r\n", secret(if limited == "one" { "two" } else { "one" }));
    assert_eq!((first.requests().len(), second.requests().len()), (4, 0));
    assert!(first.requests()[1..].iter().all(|request| request.head.contains(&header)), "the other one rests");
    assert_eq!(bench.left_behind("first").await, Leaves::Rest("model and key"));
    let rows = bench.doors.ledger(3).await;
    for (row, attempts) in rows.iter().zip([2, 1, 1]) {
        assert_eq!(split(row), (entry(by, "fast", "answered", None, Some("first"), attempts), EXACTLY), "a refusal for the rate costs nothing");
    }
    bench.close().await;
}

#[tokio::test]
async fn a_malformed_frame_is_left_out_and_counted() {
    let garbled = || Step::Send(b"data: {\"choices\": [{\n\n".to_vec());
    let used = event(&json!({ "choices": [], "usage": usage() }));
    let script = vec![stream(), garbled(), text("fi"), garbled(), text("ne"), finish("stop"), used, done(), Step::End];
    let upstream = Upstream::start([script]).await;
    // The figures are those of the process, so its name is only here.
    let bench = Bench::open(&[place("garbling", upstream.base_url())]).await;
    let by = By::Chat { stream: true };
    assert_eq!(by.good(&bench.ask(by, "fast").await), "fine");
    assert_eq!(split(&bench.doors.ledger(1).await[0]), (entry(by, "fast", "answered", None, Some("garbling"), 1), EXACTLY));
    assert_eq!(bench.left_behind("garbling").await, Leaves::Nothing);
    let figures = bench.doors.app.send(bench.doors.app.client.get(format!("{}/metrics", bench.doors.app.base))).await.text;
    let counted = |name: &str| figures.lines().find(|line| line.starts_with(name) && line.contains("\"garbling\"")).unwrap_or_default().to_owned();
    assert!(counted("steward_llm_malformed_frames_total").ends_with(" 2"), "{figures}");
    let attempts = counted("steward_llm_attempts_total");
    assert!(attempts.contains("outcome=\"ok\"") && attempts.ends_with(" 1"), "{attempts}");
    bench.close().await;
}

#[tokio::test]
async fn all_targets_down() {
    let first = Upstream::start([status(500, &[], "")]).await;
    let bench = Bench::open(&[place("first", first.base_url()), place("second", nobody().await)]).await;
    // Two targets and a retry of the second, until the breakers are open one after the other. Then the one is tried that has failed least
    // recently, rather than nobody.
    let calls = [
        (By::Chat { stream: true }, "connect", 3),
        (By::Chat { stream: false }, "connect", 3),
        (By::Messages { stream: true }, "connect", 2),
        (By::Messages { stream: false }, "upstream", 2),
        (By::Responses { stream: true }, "connect", 1),
        (By::Responses { stream: false }, "upstream", 1),
    ];
    for (by, code, _) in calls {
        assert_eq!(by.refused(&bench.ask(by, "fast").await, 502), code, "{by:?}");
    }
    assert_eq!((bench.left_behind("first").await, bench.left_behind("second").await), (Leaves::Model, Leaves::Endpoint));
    assert_eq!(first.requests().len(), 6);
    for (row, (by, code, attempts)) in bench.doors.ledger(6).await.iter().zip(calls) {
        assert_eq!(split(row), (entry(by, "fast", "failed", Some(code), None, attempts), 0), "{by:?}");
    }
    bench.close().await;
}

#[tokio::test]
async fn all_targets_resting() {
    let limited = |seconds: &str| status(429, &[("retry-after", seconds)], "{}");
    let (first, second) = (Upstream::start([limited("900")]).await, Upstream::start([limited("600")]).await);
    let bench = Bench::open(&[place("first", first.base_url()), place("second", second.base_url())]).await;
    let all = [By::Chat { stream: true }, By::Messages { stream: false }, By::Responses { stream: false }];
    for by in all {
        let told = bench.ask(by, "fast").await;
        assert_eq!(by.refused(&told, 429), "rate_limited");
        let wait: u64 = told.header("retry-after").parse().unwrap();
        assert!((1..=600).contains(&wait), "the smallest wait that is left: {wait}");
    }
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1), "who rests is not asked");
    for (row, (by, attempts)) in bench.doors.ledger(3).await.iter().zip(all.into_iter().zip([2, 0, 0])) {
        assert_eq!(split(row), (entry(by, "fast", "failed", Some("rate_limited"), None, attempts), 0));
    }
    bench.close().await;
}
