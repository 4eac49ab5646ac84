//! Which target answers, and what the caller is told about it.

use std::time::{Duration, Instant};

use futures::StreamExt;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;
use steward_llm::chat::Delivery;
use steward_llm::config::{self, Routing};
use steward_llm::{ChatRequest, Delta, FinishReason, Kind, Message, Timeouts, Usage};

use crate::board::{Plan, Site, assisted, board, house, site, words};
use crate::scripted::{PATIENT, Says, read, request};
use crate::upstream::{Step, Upstream, answer, delta, nobody, status, stream, text, within};

/// Two targets of which the first fails so: who answers, and why not the first?
async fn fallback(script: Vec<Step>, timeouts: Timeouts) -> (String, Option<Kind>) {
    let first = Upstream::start([script]).await;
    let second = Upstream::start([answer("from the second")]).await;
    let board = board(vec![Site { timeouts, ..site("first", first.base_url()) }, site("second", second.base_url())]);

    let served = within(board.chat(&request())).await.unwrap();

    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    let reason = served.reason;
    let (text, served_by, degraded) = words(served).await;
    assert!(degraded);
    assert_eq!(text, "from the second");
    (served_by, reason)
}

#[tokio::test]
async fn the_first_target_answers_undegraded() {
    let first = Upstream::start([answer("fine")]).await;
    let second = Upstream::start([answer("unused")]).await;
    let board = board(vec![site("first", first.base_url()), site("second", second.base_url())]);

    let served = board.chat(&request()).await.unwrap();

    assert_eq!((served.reason, served.attempts), (None, 1));
    assert_eq!(words(served).await, ("fine".to_owned(), "first".to_owned(), false));
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn failures_before_the_first_delta_go_to_the_next_target() {
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
    let failing = house("failing", Says::new(shells, Some(Kind::Upstream)));
    let ending = house("ending", Says::new(shells, None));
    let second = Upstream::start([answer("from the second")]).await;
    let board = board(vec![failing, ending, site("second", second.base_url())]);

    let served = board.chat(&request()).await.unwrap();

    assert_eq!((served.reason, served.attempts), (Some(Kind::Upstream), 3));
    assert_eq!(words(served).await, ("from the second".to_owned(), "second".to_owned(), true));
}

#[tokio::test]
async fn what_was_held_back_is_not_lost() {
    let deltas = || vec![Ok(Delta::Usage(Usage::default())), Ok(Delta::Text("fine".to_owned())), Ok(Delta::Finish(FinishReason::Stop))];
    let board = board(vec![house("first", Says::new(deltas, None))]);

    let received = read(board.chat(&request()).await.unwrap().answer.into_stream()).await;

    let received: Vec<_> = received.into_iter().map(Result::unwrap).collect();
    assert_eq!(received, deltas().into_iter().map(Result::unwrap).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_refused_connection_goes_to_the_next_target() {
    let second = Upstream::start([answer("from the second")]).await;
    let board = board(vec![site("first", nobody().await), site("second", second.base_url())]);

    let served = board.chat(&request()).await.unwrap();

    assert_eq!(served.reason, Some(Kind::Connect));
    assert_eq!(words(served).await, ("from the second".to_owned(), "second".to_owned(), true));
}

#[tokio::test]
async fn the_callers_own_fault_goes_nowhere() {
    let cases = [(r#"{"error": {"message": "bad"}}"#, Kind::BadRequest), (r#"{"error": {"code": "content_policy_violation"}}"#, Kind::ContentPolicy)];
    for (body, kind) in cases {
        let first = Upstream::start([status(400, &[], body)]).await;
        let second = Upstream::start([answer("unused")]).await;
        let board = assisted(vec![site("first", first.base_url()), site("second", second.base_url())]);

        let error = board.chat(&request()).await.unwrap_err();

        assert_eq!(error.kind(), kind);
        assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
    }
}

#[tokio::test]
async fn a_conversation_too_long_for_a_model_is_left_to_the_last_resort() {
    let first = Upstream::start([status(400, &[], r#"{"error": {"code": "context_length_exceeded"}}"#)]).await;
    let second = Upstream::start([answer("unused")]).await;
    let board = assisted(vec![site("first", first.base_url()), site("second", second.base_url())]);

    let served = board.chat(&request()).await.unwrap();

    assert_eq!((&*served.provider, served.reason), ("planner", Some(Kind::ContextLength)));
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn after_the_first_delta_a_cut_is_an_honest_error() {
    let first = Upstream::start([vec![stream(), text("half"), Step::Close]]).await;
    let second = Upstream::start([answer("unused")]).await;
    let board = assisted(vec![site("first", first.base_url()), site("second", second.base_url())]);

    let served = board.chat(&request()).await.unwrap();
    assert_eq!((&*served.provider, served.degraded), ("first", false));
    let deltas = read(served.answer.into_stream()).await;

    let [Ok(Delta::Start { .. }), Ok(Delta::Text(half)), Err(error)] = &deltas[..] else { panic!("{deltas:?}") };
    assert_eq!((half.as_str(), error.kind()), ("half", Kind::Cut));
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn the_last_resort_answers_when_every_target_fails() {
    let first = Upstream::start([status(500, &[], "")]).await;
    let board = assisted(vec![site("first", first.base_url())]);

    let served = board.chat(&request()).await.unwrap();

    assert_eq!((served.reason, served.attempts), (Some(Kind::Upstream), 4));
    assert_eq!(words(served).await, ("from the planner".to_owned(), "planner".to_owned(), true));
}

#[tokio::test]
async fn the_last_resort_alone_is_not_degraded() {
    let board = assisted(Vec::new());

    assert_eq!(words(board.chat(&request()).await.unwrap()).await, ("from the planner".to_owned(), "planner".to_owned(), false));
}

#[tokio::test]
async fn the_last_resort_answers_before_the_deadline_when_a_target_hangs() {
    let first = Upstream::start([vec![Step::Hang]]).await;
    let board = assisted(vec![site("first", first.base_url())]);
    let deadline = Instant::now() + Duration::from_secs(4);

    let served = within(board.chat(&ChatRequest { deadline, ..request() })).await.unwrap();

    assert!(Instant::now() < deadline, "a quarter of the time was kept");
    assert_eq!((&*served.provider, served.reason), ("planner", Some(Kind::Deadline)));
    first.saw_the_client_leave().await;
}

#[tokio::test]
async fn the_last_resort_answers_even_after_the_deadline() {
    let first = Upstream::start([answer("unused")]).await;
    let board = assisted(vec![site("first", first.base_url())]);

    let served = board.chat(&ChatRequest { deadline: Instant::now(), ..request() }).await.unwrap();

    assert_eq!((&*served.provider, served.reason), ("planner", Some(Kind::Deadline)));
    assert!(first.requests().is_empty());
}

#[tokio::test]
async fn an_alias_without_a_last_resort_says_what_went_wrong_last() {
    let first = Upstream::start([status(500, &[], "")]).await;
    let second = Upstream::start([status(401, &[], "")]).await;
    let board = board(vec![site("first", first.base_url()), site("second", second.base_url())]);

    assert_eq!(board.chat(&request()).await.unwrap_err().kind(), Kind::Unauthorized);
    let unknown = crate::board::board(Vec::new());
    let error = unknown.chat(&request()).await.unwrap_err();
    assert_eq!((error.kind(), error.reason()), (Kind::ModelUnavailable, Some("unknown_alias")));
}

#[tokio::test]
async fn one_budget_of_attempts_serves_all_targets() {
    let failing = status(500, &[], "");
    let upstreams = [Upstream::start([failing.clone()]).await, Upstream::start([failing.clone()]).await, Upstream::start([failing]).await];
    let names = ["first", "second", "third"];
    let sites = names.into_iter().zip(&upstreams).map(|(name, upstream)| site(name, upstream.base_url())).collect();
    let plan = Plan::of(sites);
    let board = Plan { routing: Routing { attempts_max: 2, ..plan.routing.clone() }, last_resort: Some(Says::planner()), ..plan }.build();

    let served = board.chat(&request()).await.unwrap();

    assert_eq!(&*served.provider, "planner");
    assert_eq!(upstreams.map(|upstream| upstream.requests().len()), [1, 1, 0]);
}

#[tokio::test]
async fn the_upstream_stops_when_the_caller_leaves_in_any_phase() {
    let role = delta(&json!({"role": "assistant"}));
    for script in [vec![Step::Hang], vec![stream(), Step::Hang], vec![stream(), role, Step::Hang]] {
        let upstream = Upstream::start([script]).await;
        let board = assisted(vec![site("first", upstream.base_url())]);
        let request = request();
        tokio::select! {
            _ = board.chat(&request) => panic!("the upstream never answers"),
            () = upstream.hangs() => {}
        }
        upstream.saw_the_client_leave().await;
    }

    let upstream = Upstream::start([vec![stream(), text("one"), Step::Hang]]).await;
    let board = board(vec![site("first", upstream.base_url())]);
    let mut stream = board.chat(&request()).await.unwrap().answer.into_stream();
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    upstream.saw_the_client_leave().await;
}

#[tokio::test]
async fn three_attempts_are_all_there_are_over_any_number_of_targets() {
    let upstream = Upstream::start([status(500, &[], "")]).await;
    let sites = ["a", "b", "c", "d", "e"].map(|name| site(name, upstream.base_url())).to_vec();
    let board = board(sites);
    assert_eq!(board.chat(&request()).await.unwrap_err().kind(), Kind::Upstream);
    assert_eq!((upstream.requests().len(), board.ledger.entries().len()), (3, 3));
}

#[tokio::test]
async fn a_conversation_too_long_for_a_model_goes_to_a_larger_one() {
    let first = Upstream::start([status(400, &[], r#"{"error": {"code": "context_length_exceeded"}}"#)]).await;
    let same = Upstream::start([answer("unused")]).await;
    let larger = Upstream::start([answer("from the larger")]).await;
    let sites = vec![site("first", first.base_url()), site("same", same.base_url()), Site { window: 200_000, ..site("larger", larger.base_url()) }];

    let served = board(sites).chat(&request()).await.unwrap();

    assert_eq!((&*served.provider, served.reason), ("larger", Some(Kind::ContextLength)));
    assert!(same.requests().is_empty());
}

#[tokio::test]
async fn refused_content_is_shown_to_another_target_only_where_the_operator_allows_it() {
    let first = Upstream::start([status(400, &[], r#"{"error": {"code": "content_policy_violation"}}"#)]).await;
    let second = Upstream::start([answer("from the second")]).await;
    let sites = vec![site("first", first.base_url()), site("second", second.base_url())];
    let allowed = config::Alias { content_policy_fallback: true, ..config::Alias::default() };

    let served = Plan { alias: allowed, ..Plan::of(sites) }.build().chat(&request()).await.unwrap();

    assert_eq!((&*served.provider, served.reason), ("second", Some(Kind::ContentPolicy)));
}

#[tokio::test]
async fn what_no_target_can_do_is_said_before_anybody_is_asked_and_left_to_the_last_resort() {
    let upstream = Upstream::start([answer("unused")]).await;
    let small = || vec![Site { window: 10_100, ..site("first", upstream.base_url()) }];
    let request = ChatRequest { messages: vec![Message::user("x".repeat(70_000))], ..request() };

    let error = board(small()).chat(&request).await.unwrap_err();
    assert_eq!((error.kind(), error.reason()), (Kind::ContextLength, Some("context_window")));
    let served = assisted(small()).chat(&request).await.unwrap();
    assert_eq!((&*served.provider, served.degraded, served.reason), ("planner", true, Some(Kind::ContextLength)));
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn time_outs_of_an_alias_replace_the_providers() {
    let first = Upstream::start([vec![stream(), Step::Hang]]).await;
    let timeouts = config::Overrides { first_token_ms: Some(50), ..config::Overrides::default() };
    let alias = config::Alias { timeouts, ..config::Alias::default() };
    let board = Plan { alias, ..Plan::of(vec![site("first", first.base_url())]) }.build();
    assert_eq!(within(board.chat(&request())).await.unwrap_err().kind(), Kind::FirstTokenTimeout);
}

#[tokio::test]
async fn a_provider_that_keeps_no_time_is_watched_by_the_loop() {
    struct Stalls(fn() -> Vec<Delta>);
    impl steward_llm::Provider for Stalls {
        fn name(&self) -> &str {
            "stalls"
        }
        fn chat<'a>(&'a self, _: steward_llm::Attempt<'a>) -> futures::future::BoxFuture<'a, Result<steward_llm::Answer, steward_llm::Error>> {
            let begun = futures::stream::iter((self.0)().into_iter().map(|delta| Ok(delta.into()))).chain(futures::stream::pending());
            Box::pin(async { Ok(steward_llm::Answer::Stream(begun.boxed())) })
        }
    }
    let timeouts = Timeouts { first_token_ms: 40, idle_ms: 40, ..PATIENT };
    let stalls = |deltas| board(vec![Site { timeouts, ..house("first", Stalls(deltas)) }]);

    assert_eq!(within(stalls(Vec::new).chat(&request())).await.unwrap_err().kind(), Kind::FirstTokenTimeout);
    let half = stalls(|| vec![Delta::Text("half".to_owned())]);
    let received = within(read(half.chat(&request()).await.unwrap().answer.into_stream())).await;
    assert_eq!(received.last().unwrap().as_ref().unwrap_err().kind(), Kind::IdleTimeout);
    let thinks = stalls(|| vec![Delta::Reasoning("hm".to_owned())]);
    assert_eq!(within(thinks.chat(&request())).await.unwrap_err().kind(), Kind::IdleTimeout);
    let finished = stalls(|| vec![Delta::Text("all".to_owned()), Delta::Finish(FinishReason::Stop)]);
    let received = within(read(finished.chat(&request()).await.unwrap().answer.into_stream())).await;
    assert!(received.iter().all(Result::is_ok), "what is complete cannot be spoilt: {received:?}");
}

const KINDS: [Kind; 12] = [
    Kind::Connect,
    Kind::Upstream,
    Kind::HeaderTimeout,
    Kind::Malformed,
    Kind::RateLimited,
    Kind::QuotaExhausted,
    Kind::Unauthorized,
    Kind::ModelUnavailable,
    Kind::ContextLength,
    Kind::ContentPolicy,
    Kind::BadRequest,
    Kind::Unsupported,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// However targets fail: at most three attempts, each settled once, and an answer only from who can give one.
    #[test]
    fn no_request_makes_more_than_three_attempts(
        fates in prop::collection::vec(prop::option::weighted(0.8, any::<Index>()), 1..7),
        is_hedged in any::<bool>(),
        is_whole in any::<bool>(),
    ) {
        const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let said = || vec![Ok(Delta::Text("fine".to_owned())), Ok(Delta::Finish(FinishReason::Stop))];
            // Of a whole answer nothing was seen, so that it may break off in its middle.
            let half = || vec![Ok(Delta::Text("half".to_owned()))];
            let (delivery, before): (_, fn() -> Vec<_>) = if is_whole { (Delivery::Whole, half) } else { (Delivery::Stream, Vec::new) };
            let site = |(name, fate): (&'static str, &Option<Index>)| match fate {
                Some(kind) => house(name, Says::new(before, Some(KINDS[kind.index(KINDS.len())]))),
                None => house(name, Says::new(said, None)),
            };
            let sites: Vec<Site> = NAMES.into_iter().zip(&fates).map(site).collect();
            let hedge_after_ms = (is_hedged && sites.len() > 1).then_some(1);
            let alias = config::Alias { hedge_after_ms, content_policy_fallback: is_hedged, ..config::Alias::default() };
            let board = Plan { alias, ..Plan::of(sites) }.build();
            for _ in 0..4 {
                let before = board.ledger.entries().len();
                let served = board.chat(&ChatRequest { delivery, ..request() }).await;
                if let Ok(served) = served {
                    let at = NAMES.iter().position(|name| *name == &*served.provider).unwrap();
                    prop_assert!(fates[at].is_none());
                    prop_assert!((1..=3).contains(&served.attempts));
                    let reply = served.answer.into_reply().await.unwrap();
                    prop_assert_eq!(reply.text(), "fine");
                }
                prop_assert!(board.ledger.entries().len() - before <= 3);
            }
            Ok(())
        })?;
    }
}
