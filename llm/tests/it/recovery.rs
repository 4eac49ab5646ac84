//! Trying the same target again, and leaving it alone.

use std::time::{Duration, Instant};

use steward_llm::config::Routing;
use steward_llm::{BreakerConfig, BreakerState, Kind};

use crate::board::{Plan, Site, assisted, board, site, words};
use crate::scripted::{Says, request};
use crate::upstream::{Step, Upstream, answer, status};

#[tokio::test]
async fn a_transient_failure_is_tried_again_when_there_is_no_sibling() {
    for failure in [status(503, &[], ""), status(503, &[("retry-after", "0")], ""), vec![Step::Close]] {
        let upstream = Upstream::start([failure.clone(), failure, answer("fine")]).await;
        let board = assisted(vec![site("first", upstream.base_url())]);

        let served = board.chat(&request()).await.unwrap();

        assert_eq!(served.attempts, 3);
        assert_eq!(words(served).await, ("fine".to_owned(), "first".to_owned(), false));
    }
}

#[tokio::test]
async fn another_key_of_a_model_that_is_down_is_no_other_target() {
    let upstream = Upstream::start([status(503, &[("retry-after-ms", "50")], ""), answer("fine")]).await;
    let board = board(vec![Site { keys: vec!["one", "two"], ..site("first", upstream.base_url()) }]);
    let before = Instant::now();

    assert_eq!(words(board.chat(&request()).await.unwrap()).await.0, "fine");

    assert!(before.elapsed() >= Duration::from_millis(50), "it is waited for");
    let keys: Vec<_> = board.ledger.settled().into_iter().map(|settlement| settlement.attempt.credential).collect();
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_once_when_there_is_no_sibling() {
    let limited = status(429, &[("retry-after-ms", "50")], "{}");
    let upstream = Upstream::start([limited, answer("fine")]).await;
    let board = assisted(vec![site("first", upstream.base_url())]);
    let before = Instant::now();

    let served = board.chat(&request()).await.unwrap();

    assert!(before.elapsed() >= Duration::from_millis(50));
    assert_eq!(words(served).await, ("fine".to_owned(), "first".to_owned(), false));
}

#[tokio::test]
async fn a_long_wait_is_left_to_the_next_request() {
    let upstream = Upstream::start([status(429, &[("retry-after", "600")], "{}"), answer("unused")]).await;
    let board = board(vec![site("first", upstream.base_url())]);

    for _ in 0..2 {
        let error = board.chat(&request()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::RateLimited);
        assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(500)));
    }

    assert_eq!(upstream.requests().len(), 1, "the credential cools down");
}

#[tokio::test]
async fn when_all_cool_down_the_smallest_wait_is_told() {
    let first = Upstream::start([status(429, &[("retry-after", "900")], "{}")]).await;
    let second = Upstream::start([status(429, &[("retry-after", "600")], "{}")]).await;
    let board = board(vec![site("first", first.base_url()), site("second", second.base_url())]);
    assert!(board.chat(&request()).await.is_err());

    let error = board.chat(&request()).await.unwrap_err();

    assert_eq!(error.kind(), Kind::RateLimited);
    assert!(error.retry_after().is_some_and(|wait| wait <= Duration::from_secs(600)), "{:?}", error.retry_after());
}

#[tokio::test]
async fn a_refused_key_or_a_used_up_quota_is_not_tried_again_at_once() {
    for failure in [status(401, &[], ""), status(402, &[], "")] {
        let upstream = Upstream::start([failure]).await;
        let board = assisted(vec![site("first", upstream.base_url())]);

        for _ in 0..3 {
            assert_eq!(board.chat(&request()).await.unwrap().provider.as_ref(), "planner");
        }

        assert_eq!(upstream.requests().len(), 1);
        assert_eq!(board.breakers("first"), [BreakerState::Closed; 2], "the provider itself is well");
    }
}

#[tokio::test]
async fn retries_are_a_bounded_share_of_all_requests() {
    let upstream = Upstream::start([status(503, &[], "")]).await;
    // The breaker would end the retries sooner.
    let breaker = BreakerConfig { consecutive_failures: 1_000, samples_min: 1_000, ..BreakerConfig::default() };
    let plan = Plan::of(vec![site("first", upstream.base_url())]);
    let routing = Routing { retries_percent: 0, ..plan.routing.clone() };
    let board = Plan { routing, breaker, last_resort: Some(Says::planner()), ..plan }.build();

    for _ in 0..20 {
        assert_eq!(board.chat(&request()).await.unwrap().provider.as_ref(), "planner");
    }

    let requests = upstream.requests().len();
    assert!((30..40).contains(&requests), "20 attempts and the ten retries that are always allowed in ten seconds: {requests}");
}

#[tokio::test]
async fn a_rate_limit_does_not_shorten_the_rest_of_a_used_up_quota() {
    let quota = status(429, &[], r#"{"error": {"code": "insufficient_quota"}}"#);
    let limited = status(429, &[("retry-after", "1")], "{}");
    // Two requests at the same time, of which the second hears of the rate only.
    let upstream = Upstream::start([quota, limited]).await;
    let board = board(vec![site("first", upstream.base_url())]);
    let question = request();
    let (one, other) = tokio::join!(board.chat(&question), board.chat(&question));
    assert!(one.is_err() && other.is_err());

    let error = board.chat(&request()).await.unwrap_err();

    assert_eq!(error.kind(), Kind::QuotaExhausted);
    assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(590)), "{:?}", error.retry_after());
}

#[tokio::test]
async fn the_request_that_meets_the_last_limit_is_told_the_smallest_wait_too() {
    let first = Upstream::start([status(429, &[("retry-after", "600")], "{}")]).await;
    let second = Upstream::start([status(429, &[("retry-after", "900")], "{}")]).await;
    let board = board(vec![site("first", first.base_url()), site("second", second.base_url())]);

    let error = board.chat(&request()).await.unwrap_err();

    assert_eq!((error.kind(), error.status()), (Kind::RateLimited, Some(429)));
    assert!(error.retry_after().is_some_and(|wait| wait <= Duration::from_secs(600)), "{:?}", error.retry_after());
}
