//! Which link answers, and what the caller is told about it.

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::json;
use steward_llm::{Chain, ChainConfig, ChatRequest, Delta, FinishReason, Kind, Timeouts, Usage};

use crate::scripted::{PATIENT, Says, chain, eager, link, read, request, words};
use crate::upstream::{Step, Upstream, answer, delta, nobody, status, stream, text, within};

/// A chain of two in which the first fails so: who answers, and why not the first?
async fn fallback(script: Vec<Step>, timeouts: Timeouts) -> (String, Option<Kind>) {
    let first = Upstream::start([script]).await;
    let second = Upstream::start([answer("from the second")]).await;
    let chain = chain(vec![link("first", first.base_url(), timeouts), link("second", second.base_url(), PATIENT)]);

    let served = within(chain.chat(&request())).await.unwrap();

    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    let reason = served.reason;
    let (text, served_by, degraded) = words(served).await;
    assert!(degraded);
    assert_eq!(text, "from the second");
    (served_by, reason)
}

#[tokio::test]
async fn the_first_link_answers_undegraded() {
    let first = Upstream::start([answer("fine")]).await;
    let second = Upstream::start([answer("unused")]).await;
    let chain = chain(vec![link("first", first.base_url(), PATIENT), link("second", second.base_url(), PATIENT)]);

    let served = chain.chat(&request()).await.unwrap();

    assert_eq!((served.reason, served.attempts), (None, 1));
    assert_eq!(words(served).await, ("fine".to_owned(), "first".to_owned(), false));
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn failures_before_the_first_delta_go_to_the_next_link() {
    let second = || "second".to_owned();
    let role = || delta(&json!({"role": "assistant", "content": ""}));
    let cases = [
        (status(500, &[], ""), PATIENT, Kind::Upstream),
        (status(429, &[("retry-after", "1")], "{}"), PATIENT, Kind::RateLimited),
        (status(429, &[], r#"{"error": {"code": "insufficient_quota"}}"#), PATIENT, Kind::QuotaExhausted),
        (status(401, &[], "{}"), PATIENT, Kind::Unauthorized),
        (status(404, &[], "{}"), PATIENT, Kind::ModelUnavailable),
        (status(200, &[], "<html>"), PATIENT, Kind::Malformed),
        (vec![Step::Close], PATIENT, Kind::Connect),
        (vec![Step::Hang], Timeouts { headers_ms: 100, ..PATIENT }, Kind::HeaderTimeout),
        (vec![stream(), role(), Step::Hang], Timeouts { first_token_ms: 100, ..PATIENT }, Kind::FirstTokenTimeout),
        (vec![stream(), role(), Step::Close], PATIENT, Kind::Cut),
    ];
    for (script, timeouts, kind) in cases {
        assert_eq!(fallback(script, timeouts).await, (second(), Some(kind)));
    }
}

#[tokio::test]
async fn nothing_is_let_out_before_the_first_delta_that_shows_something() {
    let shells = || vec![Ok(Delta::Usage(Usage::default())), Ok(Delta::Text(String::new()))];
    let failing = Says::link(shells, Some(Kind::Upstream));
    let ending = Says::link(shells, None);
    let second = Upstream::start([answer("from the second")]).await;
    let chain = chain(vec![failing, ending, link("second", second.base_url(), PATIENT)]);

    let served = chain.chat(&request()).await.unwrap();

    assert_eq!((served.reason, served.attempts), (Some(Kind::Upstream), 3));
    assert_eq!(words(served).await, ("from the second".to_owned(), "second".to_owned(), true));
}

#[tokio::test]
async fn what_was_held_back_is_not_lost() {
    let deltas = || vec![Ok(Delta::Usage(Usage::default())), Ok(Delta::Text("fine".to_owned())), Ok(Delta::Finish(FinishReason::Stop))];
    let chain = chain(vec![Says::link(deltas, None)]);

    let received = read(chain.chat(&request()).await.unwrap().stream).await;

    let received: Vec<_> = received.into_iter().map(Result::unwrap).collect();
    assert_eq!(received, deltas().into_iter().map(Result::unwrap).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_refused_connection_goes_to_the_next_link() {
    let second = Upstream::start([answer("from the second")]).await;
    let chain = chain(vec![link("first", nobody().await, PATIENT), link("second", second.base_url(), PATIENT)]);

    let served = chain.chat(&request()).await.unwrap();

    assert_eq!(served.reason, Some(Kind::Connect));
    assert_eq!(words(served).await, ("from the second".to_owned(), "second".to_owned(), true));
}

#[tokio::test]
async fn the_callers_own_fault_goes_nowhere() {
    let cases = [(r#"{"error": {"message": "bad"}}"#, Kind::BadRequest), (r#"{"error": {"code": "content_policy_violation"}}"#, Kind::ContentPolicy)];
    for (body, kind) in cases {
        let first = Upstream::start([status(400, &[], body)]).await;
        let second = Upstream::start([answer("unused")]).await;
        let links = vec![link("first", first.base_url(), PATIENT), link("second", second.base_url(), PATIENT)];
        let chain = chain(links).with_last_resort(Says::planner());

        let error = chain.chat(&request()).await.unwrap_err();

        assert_eq!(error.kind(), kind);
        assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
    }
}

#[tokio::test]
async fn a_conversation_too_long_for_a_model_is_left_to_the_last_resort() {
    let first = Upstream::start([status(400, &[], r#"{"error": {"code": "context_length_exceeded"}}"#)]).await;
    let second = Upstream::start([answer("unused")]).await;
    let links = vec![link("first", first.base_url(), PATIENT), link("second", second.base_url(), PATIENT)];
    let chain = chain(links).with_last_resort(Says::planner());

    let served = chain.chat(&request()).await.unwrap();

    assert_eq!((served.served_by.as_str(), served.reason), ("planner", Some(Kind::ContextLength)));
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn after_the_first_delta_a_cut_is_an_honest_error() {
    let first = Upstream::start([vec![stream(), text("half"), Step::Close]]).await;
    let second = Upstream::start([answer("unused")]).await;
    let links = vec![link("first", first.base_url(), PATIENT), link("second", second.base_url(), PATIENT)];
    let chain = chain(links).with_last_resort(Says::planner());

    let served = chain.chat(&request()).await.unwrap();
    assert_eq!((served.served_by.as_str(), served.degraded), ("first", false));
    let deltas = read(served.stream).await;

    let [Ok(Delta::Text(half)), Err(error)] = &deltas[..] else { panic!("{deltas:?}") };
    assert_eq!((half.as_str(), error.kind()), ("half", Kind::Cut));
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn the_last_resort_answers_when_every_link_fails() {
    let first = Upstream::start([status(500, &[], "")]).await;
    let chain = chain(vec![link("first", first.base_url(), PATIENT)]).with_last_resort(Says::planner());

    let served = chain.chat(&request()).await.unwrap();

    assert_eq!((served.reason, served.attempts), (Some(Kind::Upstream), 4));
    assert_eq!(words(served).await, ("from the planner".to_owned(), "planner".to_owned(), true));
}

#[tokio::test]
async fn the_last_resort_alone_is_not_degraded() {
    let chain = chain(Vec::new()).with_last_resort(Says::planner());

    assert_eq!(words(chain.chat(&request()).await.unwrap()).await, ("from the planner".to_owned(), "planner".to_owned(), false));
}

#[tokio::test]
async fn the_last_resort_answers_before_the_deadline_when_a_link_hangs() {
    let first = Upstream::start([vec![Step::Hang]]).await;
    let chain = chain(vec![link("first", first.base_url(), PATIENT)]).with_last_resort(Says::planner());
    let deadline = Instant::now() + Duration::from_secs(4);

    let served = within(chain.chat(&ChatRequest { deadline, ..request() })).await.unwrap();

    assert!(Instant::now() < deadline, "a quarter of the time was kept");
    assert_eq!((served.served_by.as_str(), served.reason), ("planner", Some(Kind::Deadline)));
    first.saw_the_client_leave().await;
}

#[tokio::test]
async fn the_last_resort_answers_even_after_the_deadline() {
    let first = Upstream::start([answer("unused")]).await;
    let chain = chain(vec![link("first", first.base_url(), PATIENT)]).with_last_resort(Says::planner());

    let served = chain.chat(&ChatRequest { deadline: Instant::now(), ..request() }).await.unwrap();

    assert_eq!((served.served_by.as_str(), served.reason), ("planner", Some(Kind::Deadline)));
    assert!(first.requests().is_empty());
}

#[tokio::test]
async fn a_chain_without_a_last_resort_says_what_went_wrong_last() {
    let first = Upstream::start([status(500, &[], "")]).await;
    let second = Upstream::start([status(401, &[], "")]).await;
    let chain = chain(vec![link("first", first.base_url(), PATIENT), link("second", second.base_url(), PATIENT)]);

    assert_eq!(chain.chat(&request()).await.unwrap_err().kind(), Kind::Unauthorized);
    assert_eq!(Chain::new(Vec::new(), eager()).chat(&request()).await.unwrap_err().kind(), Kind::Unavailable);
}

#[tokio::test]
async fn one_budget_of_attempts_serves_the_whole_chain() {
    let failing = status(500, &[], "");
    let upstreams = [Upstream::start([failing.clone()]).await, Upstream::start([failing.clone()]).await, Upstream::start([failing]).await];
    let links = upstreams.iter().map(|upstream| link("failing", upstream.base_url(), PATIENT)).collect();
    let chain = Chain::new(links, ChainConfig { attempts_max: 2, ..eager() }).with_last_resort(Says::planner());

    let served = chain.chat(&request()).await.unwrap();

    assert_eq!(served.served_by, "planner");
    assert_eq!(upstreams.map(|upstream| upstream.requests().len()), [1, 1, 0]);
}

#[tokio::test]
async fn the_upstream_stops_when_the_caller_leaves_in_any_phase() {
    let role = delta(&json!({"role": "assistant"}));
    for script in [vec![Step::Hang], vec![stream(), Step::Hang], vec![stream(), role, Step::Hang]] {
        let upstream = Upstream::start([script]).await;
        let chain = chain(vec![link("first", upstream.base_url(), PATIENT)]).with_last_resort(Says::planner());
        let request = request();
        tokio::select! {
            _ = chain.chat(&request) => panic!("the upstream never answers"),
            () = upstream.received(1) => {}
        }
        upstream.saw_the_client_leave().await;
    }

    let upstream = Upstream::start([vec![stream(), text("one"), Step::Hang]]).await;
    let chain = chain(vec![link("first", upstream.base_url(), PATIENT)]);
    let mut served = chain.chat(&request()).await.unwrap();
    assert!(served.stream.next().await.unwrap().is_ok());
    drop(served);
    upstream.saw_the_client_leave().await;
}
