//! Trying the same link again, and leaving it alone.

use std::time::{Duration, Instant};

use steward_llm::{BreakerConfig, Chain, ChainConfig, Kind};

use crate::scripted::{PATIENT, Says, chain, eager, link, provider, request, words};
use crate::upstream::{Step, Upstream, answer, status};

#[tokio::test]
async fn a_transient_failure_is_tried_again_when_there_is_no_sibling() {
    for failure in [status(503, &[], ""), status(503, &[("retry-after", "0")], ""), vec![Step::Close]] {
        let upstream = Upstream::start([failure.clone(), failure, answer("fine")]).await;
        let chain = chain(vec![link("first", upstream.base_url(), PATIENT)]).with_last_resort(Says::planner());

        let served = chain.chat(&request()).await.unwrap();

        assert_eq!(served.attempts, 3);
        assert_eq!(words(served).await, ("fine".to_owned(), "first".to_owned(), false));
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_once_when_there_is_no_sibling() {
    let limited = status(429, &[("retry-after-ms", "50")], "{}");
    let upstream = Upstream::start([limited, answer("fine")]).await;
    let chain = chain(vec![link("first", upstream.base_url(), PATIENT)]).with_last_resort(Says::planner());
    let before = Instant::now();

    let served = chain.chat(&request()).await.unwrap();

    assert!(before.elapsed() >= Duration::from_millis(50));
    assert_eq!(words(served).await, ("fine".to_owned(), "first".to_owned(), false));
}

#[tokio::test]
async fn a_long_wait_is_left_to_the_next_request() {
    let upstream = Upstream::start([status(429, &[("retry-after", "600")], "{}"), answer("unused")]).await;
    let chain = chain(vec![link("first", upstream.base_url(), PATIENT)]);

    for _ in 0..2 {
        let error = chain.chat(&request()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::RateLimited);
        assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(500)));
    }

    assert_eq!(upstream.requests().len(), 1, "the credential cools down");
}

#[tokio::test]
async fn when_all_cool_down_the_smallest_wait_is_told() {
    let first = Upstream::start([status(429, &[("retry-after", "900")], "{}")]).await;
    let second = Upstream::start([status(429, &[("retry-after", "600")], "{}")]).await;
    let chain = chain(vec![link("first", first.base_url(), PATIENT), link("second", second.base_url(), PATIENT)]);
    assert!(chain.chat(&request()).await.is_err());

    let error = chain.chat(&request()).await.unwrap_err();

    assert_eq!(error.kind(), Kind::RateLimited);
    assert!(error.retry_after().is_some_and(|wait| wait <= Duration::from_secs(600)), "{:?}", error.retry_after());
}

#[tokio::test]
async fn a_refused_key_or_a_used_up_quota_is_not_tried_again_at_once() {
    for failure in [status(401, &[], ""), status(402, &[], "")] {
        let upstream = Upstream::start([failure]).await;
        let chain = chain(vec![link("first", upstream.base_url(), PATIENT)]).with_last_resort(Says::planner());

        for _ in 0..3 {
            assert_eq!(chain.chat(&request()).await.unwrap().served_by, "planner");
        }

        assert_eq!(upstream.requests().len(), 1);
        assert_eq!(chain.links()[0].breaker().state().as_str(), "closed", "the provider itself is well");
    }
}

#[tokio::test]
async fn retries_are_a_bounded_share_of_all_requests() {
    let upstream = Upstream::start([status(503, &[], "")]).await;
    // The breaker would end the retries sooner.
    let config = BreakerConfig { consecutive_failures: 1_000, samples_min: 1_000, ..BreakerConfig::default() };
    let link = provider(upstream.base_url(), PATIENT).link(&config);
    let chain = Chain::new(vec![link], ChainConfig { retries_percent: 0, ..eager() }).with_last_resort(Says::planner());

    for _ in 0..20 {
        assert_eq!(chain.chat(&request()).await.unwrap().served_by, "planner");
    }

    let requests = upstream.requests().len();
    assert!((30..40).contains(&requests), "20 attempts and the ten retries that are always allowed in ten seconds: {requests}");
}
