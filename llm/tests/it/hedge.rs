//! A second target asked beside a slow first one.

use steward_llm::config::{self, Routing};
use steward_llm::{BreakerState, Kind};

use crate::board::{Board, Plan, Site, entry, site, words};
use crate::scripted::request;
use crate::upstream::{Step, Upstream, answer, status, stream, within};

/// Long enough that nothing is ever slow.
const NEVER: u64 = 60_000;

fn hedged(after_ms: u64, sites: Vec<Site>) -> Plan {
    Plan { alias: config::Alias { hedge_after_ms: Some(after_ms), ..config::Alias::default() }, ..Plan::of(sites) }
}

async fn two(after_ms: u64, first: Vec<Step>, second: Vec<Step>) -> (Board, Upstream, Upstream) {
    let (first, second) = (Upstream::start([first]).await, Upstream::start([second]).await);
    let board = hedged(after_ms, vec![site("first", first.base_url()), site("second", second.base_url())]).build();
    (board, first, second)
}

#[tokio::test]
async fn whoever_begins_first_answers_and_the_other_is_dropped_at_once_and_paid_for() {
    let (board, first, _second) = two(20, vec![stream(), Step::Hang], answer("from the second")).await;
    let served = within(board.chat(&request())).await.unwrap();
    first.saw_the_client_leave().await;
    assert_eq!((served.attempts, &*served.provider), (2, "second"));
    assert_eq!(words(served).await.0, "from the second");
    assert_eq!(board.ledger.entries(), [entry("first", "outrun", "all"), entry("second", "ok", "all")]);
    assert_eq!((board.breakers("first"), board.last_failure("first")), ([BreakerState::Closed; 2], None));
}

#[tokio::test]
async fn a_first_that_is_quick_or_fails_quickly_is_not_hedged() {
    let (board, _first, second) = two(NEVER, answer("from the first"), answer("unused")).await;
    assert_eq!(words(within(board.chat(&request())).await.unwrap()).await.0, "from the first");
    assert!(second.requests().is_empty());

    let (board, _first, _second) = two(NEVER, status(500, &[], ""), answer("from the second")).await;
    assert_eq!(words(within(board.chat(&request())).await.unwrap()).await.0, "from the second");
    assert_eq!(board.ledger.entries(), [entry("first", "upstream", "nothing"), entry("second", "ok", "all")]);
}

#[tokio::test]
async fn a_hedge_that_fails_leaves_the_first_its_time() {
    let go = std::sync::Arc::new(tokio::sync::Notify::new());
    let mut slow = vec![Step::Wait(go.clone())];
    slow.extend(answer("from the first"));
    let (board, _first, second) = two(20, slow, status(500, &[], "")).await;
    let question = request();
    let (served, ()) = within(async {
        tokio::join!(board.chat(&question), async {
            second.received(1).await;
            while board.ledger.settled().is_empty() {
                tokio::task::yield_now().await;
            }
            go.notify_one();
        })
    })
    .await;
    assert_eq!(words(served.unwrap()).await, ("from the first".to_owned(), "first".to_owned(), false));
    assert_eq!(board.ledger.entries(), [entry("second", "upstream", "nothing"), entry("first", "ok", "all")]);
}

#[tokio::test]
async fn hedges_share_the_bound_of_retries() {
    let (first, second) = (Upstream::start([vec![stream(), Step::Hang]]).await, Upstream::start([answer("from the second")]).await);
    let sites = vec![
        Site { timeouts: steward_llm::Timeouts { first_token_ms: 400, ..crate::scripted::PATIENT }, ..site("first", first.base_url()) },
        site("second", second.base_url()),
    ];
    let plan = hedged(20, sites);
    // The breaker would end them sooner.
    let breaker = steward_llm::BreakerConfig { consecutive_failures: 1_000, samples_min: 1_000, ..steward_llm::BreakerConfig::default() };
    let board = Plan { routing: Routing { retries_percent: 0, ..plan.routing.clone() }, breaker, ..plan }.build();
    for _ in 0..12 {
        assert_eq!(words(within(board.chat(&request())).await.unwrap()).await.0, "from the second");
    }
    let outcomes: Vec<_> = board.ledger.entries().into_iter().filter(|(provider, ..)| provider == "first").map(|(_, outcome, _)| outcome).collect();
    assert!(outcomes.contains(&"outrun") && outcomes.contains(&Kind::FirstTokenTimeout.code()), "ten in ten seconds are always allowed: {outcomes:?}");
}
