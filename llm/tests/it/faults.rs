//! Every fault that a gateway must survive: which target answers, what the caller sees, and what breakers, rests and the ledger say.

use std::time::{Duration, Instant};

use serde_json::json;
use steward_llm::{BreakerState, ChatRequest, Delta, Kind, Timeouts};

use crate::board::{Board, Site, board, entry, secret, site, words};
use crate::scripted::{PATIENT, read, request};
use crate::upstream::{Step, Upstream, answer, delta, done, event, finish, no_tls, nobody, status, stream, text, within};

/// What five failures of a kind leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// The way to the endpoint is left alone.
    Endpoint,
    /// The model there is left alone.
    Model,
    /// This rests, and nothing is left alone.
    Rest(&'static str),
    /// Nothing.
    Nothing,
}

pub(crate) fn left_behind(board: &Board) -> Leaves {
    match (board.breakers("first"), board.resting("first")) {
        ([BreakerState::Open, BreakerState::Closed], None) => Leaves::Endpoint,
        ([BreakerState::Closed, BreakerState::Open], None) => Leaves::Model,
        ([BreakerState::Closed, BreakerState::Closed], Some((scope, _))) => Leaves::Rest(scope),
        ([BreakerState::Closed, BreakerState::Closed], None) => Leaves::Nothing,
        other => panic!("{other:?}"),
    }
}

/// Two providers of which the first fails so, asked five times and once more.
async fn falls_over(first: Site, kind: Kind, billed: &'static str, leaves: Leaves) {
    let second = Upstream::start([answer("from the second")]).await;
    let board = board(vec![first, site("second", second.base_url())]);
    let from_second = ("from the second".to_owned(), "second".to_owned(), true);

    for round in 0..5 {
        let served = within(board.chat(&request())).await.unwrap();
        assert_eq!(served.reason, Some(kind), "round {round}");
        let attempts = if matches!(leaves, Leaves::Rest(_)) && round > 0 { 1 } else { 2 };
        assert_eq!(served.attempts, attempts, "{kind:?}, round {round}");
        assert_eq!(words(served).await, from_second);
    }

    let entries = board.ledger.entries();
    let (failed, answered): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(provider, ..)| provider == "first");
    let times = if matches!(leaves, Leaves::Rest(_)) { 1 } else { 5 };
    assert_eq!(failed, vec![entry("first", kind.code(), billed); times]);
    assert_eq!(answered, vec![entry("second", "ok", "all"); 5], "no usage was told, so nothing is given back");
    assert_eq!(left_behind(&board), leaves, "{kind:?}");
    assert_eq!(board.last_failure("first"), Some(kind.code()));
    assert_eq!(board.breakers("second"), [BreakerState::Closed; 2]);

    let served = within(board.chat(&request())).await.unwrap();
    let left_alone = !matches!(leaves, Leaves::Nothing);
    assert_eq!(served.attempts, if left_alone { 1 } else { 2 }, "{kind:?}");
    assert_eq!(words(served).await, from_second);
}

async fn scripted(script: Vec<Step>, timeouts: Timeouts, kind: Kind, billed: &'static str, leaves: Leaves) {
    let first = Upstream::start([script]).await;
    falls_over(Site { timeouts, ..site("first", first.base_url()) }, kind, billed, leaves).await;
}

#[tokio::test]
async fn connect_refused() {
    falls_over(site("first", nobody().await), Kind::Connect, "nothing", Leaves::Endpoint).await;
}

#[tokio::test]
async fn dns_failure() {
    falls_over(site("first", "http://nowhere.invalid/v1".to_owned()), Kind::Connect, "nothing", Leaves::Endpoint).await;
}

#[tokio::test]
async fn tls_failure() {
    let server = no_tls().await;
    falls_over(site("first", server.base_url.clone()), Kind::Connect, "nothing", Leaves::Endpoint).await;
}

#[tokio::test]
async fn reset_before_headers() {
    scripted(vec![Step::Close], PATIENT, Kind::Connect, "all", Leaves::Endpoint).await;
}

#[tokio::test]
async fn server_errors() {
    for code in [500, 502, 503, 529] {
        scripted(status(code, &[], ""), PATIENT, Kind::Upstream, "nothing", Leaves::Model).await;
    }
    scripted(status(504, &[], ""), PATIENT, Kind::Upstream, "all", Leaves::Model).await;
}

#[tokio::test]
async fn a_503_with_retry_after_goes_to_the_next_target_at_once() {
    scripted(status(503, &[("retry-after", "5")], ""), PATIENT, Kind::Upstream, "nothing", Leaves::Model).await;
}

#[tokio::test]
async fn rate_limit() {
    scripted(status(429, &[("retry-after", "60")], "{}"), PATIENT, Kind::RateLimited, "nothing", Leaves::Rest("model and key")).await;
}

#[tokio::test]
async fn quota_exhausted() {
    let bodies =
        [(429, r#"{"error": {"code": "insufficient_quota"}}"#), (402, "{}"), (429, r#"{"error": {"message": "you have reached your monthly spend limit"}}"#)];
    for (code, body) in bodies {
        scripted(status(code, &[], body), PATIENT, Kind::QuotaExhausted, "nothing", Leaves::Rest("key")).await;
    }
}

#[tokio::test]
async fn key_refused() {
    for code in [401, 403] {
        scripted(status(code, &[], "{}"), PATIENT, Kind::Unauthorized, "nothing", Leaves::Rest("key")).await;
    }
}

#[tokio::test]
async fn model_not_there() {
    scripted(status(404, &[], "{}"), PATIENT, Kind::ModelUnavailable, "nothing", Leaves::Rest("model")).await;
    let body = r#"{"error": {"message": "The model is not available in your region"}}"#;
    scripted(status(400, &[], body), PATIENT, Kind::ModelUnavailable, "nothing", Leaves::Rest("model")).await;
}

#[tokio::test]
async fn header_timeout() {
    scripted(vec![Step::Hang], Timeouts { headers_ms: 50, ..PATIENT }, Kind::HeaderTimeout, "all", Leaves::Model).await;
}

#[tokio::test]
async fn first_token_timeout() {
    let role = delta(&json!({"role": "assistant", "content": ""}));
    scripted(vec![stream(), role, Step::Hang], Timeouts { first_token_ms: 80, ..PATIENT }, Kind::FirstTokenTimeout, "all", Leaves::Model).await;
}

#[tokio::test]
async fn stream_cut_before_the_first_token() {
    let role = delta(&json!({"role": "assistant", "content": ""}));
    scripted(vec![stream(), role, Step::Close], PATIENT, Kind::Cut, "all", Leaves::Model).await;
}

#[tokio::test]
async fn garbage_with_status_200() {
    scripted(status(200, &[("content-type", "text/html")], "<html>Welcome</html>"), PATIENT, Kind::Malformed, "all", Leaves::Model).await;
}

#[tokio::test]
async fn error_object_first_in_a_stream() {
    let error = event(&json!({"error": {"message": "overloaded", "type": "overloaded_error"}}));
    scripted(vec![stream(), error, done(), Step::End], PATIENT, Kind::Upstream, "all", Leaves::Model).await;
}

/// After the first part nothing goes elsewhere: the caller sees what came, and then the truth.
async fn breaks(script: Vec<Step>, timeouts: Timeouts, kind: Kind, leaves: Leaves) {
    let first = Upstream::start([script]).await;
    let second = Upstream::start([answer("unused")]).await;
    let board = board(vec![Site { timeouts, ..site("first", first.base_url()) }, site("second", second.base_url())]);
    for _ in 0..5 {
        let served = within(board.chat(&request())).await.unwrap();
        assert_eq!((&*served.provider, served.degraded, served.reason), ("first", false, None));
        let deltas = within(read(served.answer.into_stream())).await;
        let [Ok(Delta::Start { .. }), shown @ .., Err(error)] = &deltas[..] else { panic!("{deltas:?}") };
        assert_eq!(error.kind(), kind);
        assert!(!shown.is_empty() && shown.iter().all(|delta| matches!(delta, Ok(Delta::Text(_)))), "no invented finish: {shown:?}");
    }
    assert_eq!(board.ledger.entries(), vec![entry("first", kind.code(), "all"); 5], "what is uncertain is not given back");
    assert!(board.ledger.settled().iter().all(|settlement| settlement.attempt.phase.as_str() == "stream" && settlement.attempt.first_token.is_some()));
    assert_eq!(left_behind(&board), leaves);
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn truncated_stream() {
    breaks(vec![stream(), text("half"), Step::Close], PATIENT, Kind::Cut, Leaves::Model).await;
    breaks(vec![stream(), text("half"), Step::End], PATIENT, Kind::Cut, Leaves::Model).await;
    breaks(vec![stream(), text("half"), done(), Step::End], PATIENT, Kind::Cut, Leaves::Model).await;
}

#[tokio::test]
async fn stall_in_mid_stream() {
    breaks(vec![stream(), text("half"), Step::Hang], Timeouts { idle_ms: 50, ..PATIENT }, Kind::IdleTimeout, Leaves::Model).await;
}

#[tokio::test]
async fn error_object_in_mid_stream() {
    let error = event(&json!({"error": {"message": "overloaded", "type": "overloaded_error"}}));
    breaks(vec![stream(), text("half"), error, done(), Step::End], PATIENT, Kind::Upstream, Leaves::Model).await;
}

#[tokio::test]
async fn slow_trickle_ends_with_the_time_for_the_whole_answer() {
    let trickle = Step::Every(Duration::from_millis(20), 100_000, b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n".to_vec());
    let first = Upstream::start([vec![stream(), trickle]]).await;
    let board = board(vec![Site { timeouts: Timeouts { total_ms: 1_000, ..PATIENT }, ..site("first", first.base_url()) }]);
    let deltas = within(read(board.chat(&request()).await.unwrap().answer.into_stream())).await;
    let [Ok(Delta::Start { .. }), shown @ .., Err(error)] = &deltas[..] else { panic!("{deltas:?}") };
    assert_eq!(error.kind(), Kind::Deadline);
    assert!(!shown.is_empty() && shown.iter().all(|delta| matches!(delta, Ok(Delta::Text(_)))));
    assert_eq!((board.ledger.entries(), left_behind(&board)), (vec![entry("first", "deadline", "all")], Leaves::Nothing));
}

/// What is a fault and yet a good answer.
async fn is_good(script: Vec<Step>, timeouts: Timeouts, billed: &'static str) {
    let first = Upstream::start([script]).await;
    let second = Upstream::start([answer("unused")]).await;
    let board = board(vec![Site { timeouts, ..site("first", first.base_url()) }, site("second", second.base_url())]);
    let served = within(board.chat(&request())).await.unwrap();
    assert_eq!(words(served).await, ("fine".to_owned(), "first".to_owned(), false));
    assert_eq!(board.ledger.entries(), [entry("first", "ok", billed)]);
    assert_eq!(left_behind(&board), Leaves::Nothing);
    assert!(second.requests().is_empty() && board.last_failure("first").is_none());
}

#[tokio::test]
async fn malformed_frame() {
    let garbled = Step::Send(b"data: {\"choices\": [{\n\n".to_vec());
    is_good(vec![stream(), garbled.clone(), text("fi"), garbled, text("ne"), finish("stop"), done(), Step::End], PATIENT, "all").await;
}

#[tokio::test]
async fn slow_trickle_that_goes_on() {
    let letter =
        |letter: &str| Step::Every(Duration::from_millis(20), 1, format!("data: {}\n\n", json!({"choices": [{"delta": {"content": letter}}]})).into_bytes());
    let script = vec![stream(), letter("f"), letter("i"), letter("n"), letter("e"), finish("stop"), done(), Step::End];
    is_good(script, Timeouts { idle_ms: 10_000, ..PATIENT }, "all").await;
}

#[tokio::test]
async fn an_end_without_done_after_a_finish_reason() {
    let usage = event(&json!({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}}));
    is_good(vec![stream(), text("fine"), finish("stop"), usage.clone(), Step::Close], PATIENT, "exactly").await;
    is_good(vec![stream(), text("fine"), usage, finish("stop"), Step::End], PATIENT, "exactly").await;
}

#[tokio::test]
async fn a_500_and_then_good() {
    let upstream = Upstream::start([status(500, &[], ""), answer("fine")]).await;
    let board = board(vec![site("first", upstream.base_url())]);
    let served = within(board.chat(&request())).await.unwrap();
    assert_eq!((served.attempts, served.reason), (2, None));
    assert_eq!(words(served).await, ("fine".to_owned(), "first".to_owned(), false));
    assert_eq!(board.ledger.entries(), [entry("first", "upstream", "nothing"), entry("first", "ok", "all")]);
}

#[tokio::test]
async fn a_503_with_retry_after_and_no_sibling_is_waited_for() {
    let upstream = Upstream::start([status(503, &[("retry-after-ms", "50")], ""), answer("fine")]).await;
    let board = board(vec![site("first", upstream.base_url())]);
    let before = Instant::now();
    assert_eq!(words(within(board.chat(&request())).await.unwrap()).await.0, "fine");
    assert!(before.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_rate_limit_of_one_key_is_served_by_its_sibling() {
    let limited = status(429, &[("retry-after", "60")], "{}");
    let first = Upstream::start([limited, answer("fine")]).await;
    let second = Upstream::start([answer("unused")]).await;
    let board = board(vec![Site { keys: vec!["one", "two"], ..site("first", first.base_url()) }, site("second", second.base_url())]);

    for round in 0..4 {
        let served = within(board.chat(&request())).await.unwrap();
        assert_eq!(served.attempts, if round == 0 { 2 } else { 1 }, "round {round}");
        assert_eq!((&*served.provider, served.degraded), ("first", false));
        assert_eq!(words(served).await.0, "fine");
    }

    let keys: Vec<String> = board.ledger.settled().iter().map(|settlement| settlement.attempt.credential.to_string()).collect();
    let (limited, serving) = (&keys[0], &keys[1]);
    assert_ne!(limited, serving);
    assert!(keys[1..].iter().all(|key| key == serving), "the other one rests: {keys:?}");
    assert_eq!(first.requests().len(), 5);
    let sent = |at: usize| first.requests()[at].head.contains(&format!("authorization: bearer {}\r\n", secret(&keys[at]).to_lowercase()));
    assert!((0..5).all(sent), "each attempt shows its own key");
    assert!(second.requests().is_empty());
    assert_eq!(board.resting("first"), Some(("model and key", "rate_limited")));
}

#[tokio::test]
async fn all_targets_down() {
    let first = Upstream::start([status(500, &[], "")]).await;
    let board = board(vec![site("first", first.base_url()), site("second", nobody().await)]);
    // Two targets, and one retry of the second at once.
    let error = within(board.chat(&request())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
    let entries = [entry("first", "upstream", "nothing"), entry("second", "connect", "nothing"), entry("second", "connect", "nothing")];
    assert_eq!(board.ledger.entries(), entries);

    for _ in 0..4 {
        assert!(within(board.chat(&request())).await.is_err());
    }
    assert_eq!((board.breakers("first"), board.breakers("second")), ([BreakerState::Closed, BreakerState::Open], [BreakerState::Open, BreakerState::Closed]));
}

#[tokio::test]
async fn the_callers_deadline_in_mid_stream_is_nobodys_fault() {
    let first = Upstream::start([vec![stream(), text("half"), Step::Hang]]).await;
    let board = board(vec![site("first", first.base_url())]);
    let request = ChatRequest { deadline: Instant::now() + Duration::from_millis(1_500), ..request() };
    let deltas = within(read(board.chat(&request).await.unwrap().answer.into_stream())).await;
    assert_eq!(deltas.last().unwrap().as_ref().unwrap_err().kind(), Kind::Deadline);
    assert_eq!(board.ledger.entries(), [entry("first", "deadline", "all")]);
    first.saw_the_client_leave().await;
}
