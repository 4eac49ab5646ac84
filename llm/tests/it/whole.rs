//! Whole answers that come as streams: the caller has seen nothing before the end, so that what breaks off goes to the next target.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use steward_llm::chat::Delivery;
use steward_llm::config::{self, Routing};
use steward_llm::dispatch::{Served, Used};
use steward_llm::{Answer, Attempt, BreakerState, ChatRequest, Delta, Error, FinishReason, Kind, Provider, Timeouts, Usage};

use crate::board::{Board, Plan, Site, board, entry, house, site};
use crate::faults::{Leaves, left_behind};
use crate::scripted::{PATIENT, Says, request};
use crate::upstream::{Step, Upstream, answer, delta, done, event, finish, stream, text, within};

fn asking() -> ChatRequest {
    ChatRequest { delivery: Delivery::Whole, ..request() }
}

fn overloaded() -> Value {
    json!({"error": {"message": "overloaded", "type": "overloaded_error"}})
}

/// The words of a whole answer, and who gave it.
#[track_caller]
fn words(served: &Served<Answer>) -> (String, &str) {
    let Answer::Whole { reply, raw: None } = &served.answer else { panic!("{served:?}") };
    assert_eq!(reply.finish, FinishReason::Stop);
    (reply.text().into_owned(), &served.provider)
}

fn two(first: &Upstream, timeouts: Timeouts, second: &Upstream) -> Vec<Site> {
    vec![Site { timeouts, ..site("first", first.base_url()) }, site("second", second.base_url())]
}

/// The first of two breaks so after its first word: the second answers alone, and the first is paid for and known as what it is.
async fn goes_on(script: Vec<Step>, timeouts: Timeouts, kind: Kind, leaves: Leaves) {
    let (first, second) = (Upstream::start([script]).await, Upstream::start([answer("from the second")]).await);
    let board = board(two(&first, timeouts, &second));
    let rests = matches!(leaves, Leaves::Rest(_));
    for round in 0..5 {
        let served = within(board.chat(&asking())).await.unwrap();
        assert_eq!(words(&served), ("from the second".to_owned(), "second"), "{kind:?}, round {round}");
        assert_eq!((served.attempts, served.reason, served.degraded), (if rests && round > 0 { 1 } else { 2 }, Some(kind), true), "round {round}");
    }
    let settled = board.ledger.settled();
    let broken: Vec<_> = settled.iter().filter(|settlement| &*settlement.attempt.provider == "first").collect();
    assert_eq!(broken.len(), if rests { 1 } else { 5 });
    for settlement in broken {
        assert_eq!((settlement.used, settlement.attempt.outcome.code()), (Used::Uncertain(None), kind.code()), "what is uncertain is not given back");
        assert!(settlement.attempt.phase.as_str() == "stream" && settlement.attempt.first_token.is_some(), "{settlement:?}");
    }
    assert_eq!((left_behind(&board), board.last_failure("first")), (leaves, Some(kind.code())));
    assert_eq!((board.breakers("second"), second.requests().len()), ([BreakerState::Closed; 2], 5));
    assert_eq!(within(board.chat(&asking())).await.unwrap().attempts, if leaves == Leaves::Nothing { 2 } else { 1 }, "{kind:?}");
}

#[tokio::test]
async fn truncated_stream() {
    for end in [vec![Step::Close], vec![Step::End], vec![done(), Step::End]] {
        let script = [stream(), text("half")].into_iter().chain(end).collect();
        goes_on(script, PATIENT, Kind::Cut, Leaves::Model).await;
    }
}

#[tokio::test]
async fn stall_in_mid_stream() {
    goes_on(vec![stream(), text("half"), Step::Hang], Timeouts { idle_ms: 50, ..PATIENT }, Kind::IdleTimeout, Leaves::Model).await;
}

#[tokio::test]
async fn error_object_in_mid_stream() {
    goes_on(vec![stream(), text("half"), event(&overloaded()), done(), Step::End], PATIENT, Kind::Upstream, Leaves::Model).await;
    let limited = event(&json!({"error": {"message": "slow down", "type": "rate_limit_error"}}));
    goes_on(vec![stream(), text("half"), limited, done(), Step::End], PATIENT, Kind::RateLimited, Leaves::Rest("model and key")).await;
}

#[tokio::test]
async fn malformed_body_in_mid_stream() {
    let endless_line = Step::Send(vec![b'x'; 2 * 1024 * 1024]);
    goes_on(vec![stream(), text("half"), endless_line, Step::Hang], PATIENT, Kind::Malformed, Leaves::Model).await;
    // Frames that cannot be read are left out, and an end behind nothing else is a cut.
    let garbled = Step::Send(b"data: {\"choices\": [{\n\n".to_vec());
    goes_on(vec![stream(), text("half"), garbled, Step::End], PATIENT, Kind::Cut, Leaves::Model).await;
}

#[tokio::test]
async fn slow_trickle_leaves_another_target_the_rest_of_the_time() {
    let trickle = Step::Every(Duration::from_millis(20), 100_000, b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n".to_vec());
    let (first, second) = (Upstream::start([vec![stream(), trickle]]).await, Upstream::start([answer("from the second")]).await);
    let board = board(two(&first, Timeouts { total_ms: 1_000, ..PATIENT }, &second));
    let served = within(board.chat(&asking())).await.unwrap();
    assert_eq!((words(&served), served.reason), (("from the second".to_owned(), "second"), Some(Kind::HeaderTimeout)));
    assert_eq!(board.ledger.entries(), [entry("first", "header_timeout", "all"), entry("second", "ok", "all")]);
}

#[tokio::test]
async fn half_a_tool_call_is_not_mixed_with_that_of_another_target() {
    let half = json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "query", "arguments": "{\"of\": \"the fir"}}]});
    let other = json!({"tool_calls": [{"index": 0, "id": "b", "function": {"name": "report", "arguments": "{}"}}]});
    let first = Upstream::start([vec![stream(), delta(&half), Step::Close]]).await;
    let second = Upstream::start([vec![stream(), delta(&other), finish("tool_calls"), done(), Step::End]]).await;
    let board = board(two(&first, PATIENT, &second));
    let reply = within(board.chat(&asking())).await.unwrap().answer.into_reply().await.unwrap();
    let calls: Vec<_> = reply.tool_calls().map(|call| (call.id.as_str(), call.name.as_str(), call.arguments.as_str())).collect();
    assert_eq!((calls, &*reply.text()), (vec![("b", "report", "{}")], ""));
}

#[tokio::test]
async fn what_was_told_before_the_break_is_noted_and_nothing_is_given_back() {
    const TOLD: Usage =
        Usage { input_tokens: 20, cache_read_tokens: 0, cache_write_tokens: 0, cache_write_long_tokens: 0, output_tokens: 7, reasoning_tokens: 0 };
    let half = || vec![Ok(Delta::Usage(TOLD)), Ok(Delta::Text("half".to_owned()))];
    let all = || vec![Ok(Delta::Text("all".to_owned())), Ok(Delta::Usage(TOLD)), Ok(Delta::Finish(FinishReason::Stop))];
    let board = board(vec![house("first", Says::new(half, None)), house("second", Says::new(all, None))]);
    let served = board.chat(&asking()).await.unwrap();
    assert_eq!(words(&served).0, "all");
    let used: Vec<Used> = board.ledger.settled().iter().map(|settlement| settlement.used).collect();
    assert_eq!(used, [Used::Uncertain(Some(TOLD)), Used::Exactly(TOLD)]);
}

#[tokio::test]
async fn all_targets_broken_tell_the_truth() {
    let cut = Upstream::start([vec![stream(), text("half"), Step::Close]]).await;
    let stalls = Upstream::start([vec![stream(), text("half"), Step::Hang]]).await;
    let sites = || vec![site("first", cut.base_url()), Site { timeouts: Timeouts { idle_ms: 50, ..PATIENT }, ..site("second", stalls.base_url()) }];
    let board = board(sites());
    let error = within(board.chat(&asking())).await.unwrap_err();
    assert_eq!((error.kind(), error.phase().map(steward_llm::Phase::as_str)), (Kind::IdleTimeout, Some("stream")));
    assert_eq!(board.ledger.entries(), [entry("first", "cut", "all"), entry("second", "idle_timeout", "all")]);

    // Where there is a last resort, it answers.
    let assisted = Plan { last_resort: Some(Says::planner()), ..Plan::of(sites()) }.build();
    let served = within(assisted.chat(&asking())).await.unwrap();
    assert_eq!((words(&served), served.is_last_resort, served.attempts), (("from the planner".to_owned(), "planner"), true, 3));
}

#[tokio::test]
async fn one_budget_of_attempts_and_one_reservation_for_each() {
    let upstream = Upstream::start([vec![stream(), text("half"), Step::Close]]).await;
    let sites = || ["a", "b", "c", "d", "e"].map(|name| site(name, upstream.base_url())).to_vec();
    let three = board(sites());
    assert_eq!(within(three.chat(&asking())).await.unwrap_err().kind(), Kind::Cut);
    assert_eq!((upstream.requests().len(), three.ledger.entries().len()), (3, 3));

    let ledger = crate::board::Ledger { refuses_from: Some(2), ..crate::board::Ledger::default() };
    let poor = Plan { ledger, ..Plan::of(sites()) }.build();
    assert_eq!(within(poor.chat(&asking())).await.unwrap_err().reason(), Some("budget_exceeded"));
    assert_eq!(poor.ledger.entries(), [entry("a", "cut", "all")]);
}

#[tokio::test]
async fn an_error_that_passes_is_tried_again_at_the_only_target() {
    let upstream = Upstream::start([vec![stream(), text("half"), event(&overloaded()), Step::End], answer("fine")]).await;
    let board = board(vec![site("first", upstream.base_url())]);
    let served = within(board.chat(&asking())).await.unwrap();
    assert_eq!((words(&served), served.attempts, served.reason, served.degraded), (("fine".to_owned(), "first"), 2, None, false));
    assert_eq!(board.ledger.entries(), [entry("first", "upstream", "all"), entry("first", "ok", "all")]);
    // Without any retries left, the truth is told.
    let upstream = Upstream::start([vec![stream(), text("half"), event(&overloaded()), Step::End]]).await;
    let plan = Plan::of(vec![site("first", upstream.base_url())]);
    let once = Plan { routing: Routing { attempts_max: 1, ..plan.routing.clone() }, ..plan }.build();
    assert_eq!(within(once.chat(&asking())).await.unwrap_err().kind(), Kind::Upstream);
}

#[tokio::test]
async fn the_callers_deadline_ends_it_and_is_nobodys_fault() {
    let (first, second) = (Upstream::start([vec![stream(), text("half"), Step::Hang]]).await, Upstream::start([answer("unused")]).await);
    let board = board(two(&first, PATIENT, &second));
    let question = ChatRequest { deadline: Instant::now() + Duration::from_millis(1_500), ..asking() };
    assert_eq!(within(board.chat(&question)).await.unwrap_err().kind(), Kind::Deadline);
    assert_eq!((board.ledger.entries(), left_behind(&board)), (vec![entry("first", "deadline", "all")], Leaves::Nothing));
    first.saw_the_client_leave().await;
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn a_caller_who_leaves_in_between_ends_the_work() {
    let first = Upstream::start([vec![stream(), text("half"), Step::Hang]]).await;
    let board: Board = board(vec![site("first", first.base_url())]);
    let question = asking();
    tokio::select! {
        _ = board.chat(&question) => panic!("nobody answers"),
        () = within(first.hangs()) => {}
    }
    first.saw_the_client_leave().await;
    assert_eq!((board.ledger.entries(), board.last_failure("first")), (vec![entry("first", "abandoned", "all")], None));
}

/// Begins at once, and takes its time for the rest.
struct Dawdles;

impl Provider for Dawdles {
    fn name(&self) -> &str {
        "dawdles"
    }

    fn chat<'a>(&'a self, _: Attempt<'a>) -> BoxFuture<'a, Result<Answer, Error>> {
        let begun = futures::stream::iter([Ok(Delta::Text("in time".to_owned()).into())]);
        let rest = futures::stream::once(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(Delta::Finish(FinishReason::Stop).into())
        });
        Box::pin(async { Ok(Answer::Stream(begun.chain(rest).boxed())) })
    }
}

#[tokio::test]
async fn a_whole_answer_that_has_begun_is_not_slow() {
    let second = Upstream::start([answer("unused")]).await;
    let alias = config::Alias { hedge_after_ms: Some(1), ..config::Alias::default() };
    let board = Plan { alias, ..Plan::of(vec![house("first", Dawdles), site("second", second.base_url())]) }.build();
    let served = within(board.chat(&asking())).await.unwrap();
    assert_eq!((words(&served), served.attempts), (("in time".to_owned(), "first"), 1));
    assert!(second.requests().is_empty());
}
