//! The account of each attempt: reserved before it, settled exactly once after it, whatever becomes of it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use serde_json::json;
use steward_llm::chat::Delivery;
use steward_llm::dispatch::Used;
use steward_llm::embed::{EmbedInput, EmbedRequest, Embeddings, Encoding};
use steward_llm::{Answer, Attempt, ChatRequest, Delta, Error, FinishReason, Kind, Part, Provider, Reply, Usage};
use tokio::sync::Notify;

use crate::board::{Board, Ledger, Plan, board, entry, house, site};
use crate::scripted::{Says, read, request};
use crate::upstream::{Step, Upstream, answer, delta, done, event, finish, status, stream, text, within};

const USAGE: Usage = Usage { input_tokens: 20, cache_read_tokens: 0, cache_write_tokens: 0, cache_write_long_tokens: 0, output_tokens: 7, reasoning_tokens: 0 };

#[tokio::test]
async fn what_the_provider_says_is_billed_exactly_and_what_it_does_not_say_in_full() {
    let usage = event(&json!({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}}));
    let told = vec![stream(), text("fine"), finish("stop"), usage, done(), Step::End];
    let upstream = Upstream::start([told, answer("fine")]).await;
    let board = board(vec![site("first", upstream.base_url())]);
    for _ in 0..2 {
        read(board.chat(&request()).await.unwrap().answer.into_stream()).await;
    }
    let settled = board.ledger.settled();
    assert_eq!(settled.iter().map(|settlement| settlement.used).collect::<Vec<_>>(), [Used::Exactly(USAGE), Used::Uncertain(None)]);
    let attempt = &settled[0].attempt;
    assert_eq!((&*attempt.alias, &*attempt.provider, &*attempt.model, attempt.number), ("asked", "first", "scripted", 1));
    assert!(attempt.first_token.is_some_and(|first| first <= attempt.duration));
}

#[tokio::test]
async fn a_short_answer_that_was_complete_when_it_was_handed_over_is_billed_exactly_though_nobody_reads_it() {
    let deltas = || vec![Ok(Delta::Usage(USAGE)), Ok(Delta::Finish(FinishReason::Stop))];
    let board = board(vec![house("first", Says::new(deltas, None))]);
    drop(board.chat(&request()).await.unwrap());
    assert_eq!(board.ledger.entries(), [entry("first", "ok", "exactly")]);
}

#[tokio::test]
async fn usage_that_came_before_a_cut_is_told_and_nothing_is_given_back() {
    let deltas = || vec![Ok(Delta::Usage(USAGE)), Ok(Delta::Text("half".to_owned()))];
    let board = board(vec![house("first", Says::new(deltas, None))]);
    let received = read(board.chat(&request()).await.unwrap().answer.into_stream()).await;
    assert_eq!(received.last().unwrap().as_ref().unwrap_err().kind(), Kind::Cut);
    assert_eq!(board.ledger.settled()[0].used, Used::Uncertain(Some(USAGE)));
}

#[tokio::test]
async fn a_refusal_ends_the_request_before_anybody_is_called() {
    let upstream = Upstream::start([answer("unused")]).await;
    let sites = vec![site("first", upstream.base_url()), site("second", upstream.base_url())];
    let ledger = Ledger { refuses_from: Some(1), ..Ledger::default() };
    let board = Plan { ledger, last_resort: Some(Says::planner()), ..Plan::of(sites) }.build();
    let error = board.chat(&request()).await.unwrap_err();
    assert_eq!((error.kind(), error.reason(), error.retry_after()), (Kind::Refused, Some("budget_exceeded"), Some(Duration::from_secs(30))));
    assert!(upstream.requests().is_empty() && board.ledger.entries().is_empty());
    assert_eq!(board.last_failure("first"), None);
}

#[tokio::test]
async fn each_attempt_is_reserved_for_and_a_refused_second_one_leaves_the_first_settled() {
    let first = Upstream::start([status(500, &[], "")]).await;
    let second = Upstream::start([answer("unused")]).await;
    let sites = vec![site("first", first.base_url()), site("second", second.base_url())];
    let board = Plan { ledger: Ledger { refuses_from: Some(2), ..Ledger::default() }, ..Plan::of(sites) }.build();
    assert_eq!(board.chat(&request()).await.unwrap_err().kind(), Kind::Refused);
    assert_eq!(board.ledger.entries(), [entry("first", "upstream", "nothing")]);
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn a_meter_that_does_not_answer_holds_nobody_beyond_the_deadline() {
    let upstream = Upstream::start([answer("unused")]).await;
    let ledger = Ledger { hangs: Some(Arc::default()), ..Ledger::default() };
    let board = Plan { ledger, ..Plan::of(vec![site("first", upstream.base_url())]) }.build();
    let request = ChatRequest { deadline: std::time::Instant::now() + Duration::from_millis(50), ..request() };
    assert_eq!(within(board.chat(&request)).await.unwrap_err().kind(), Kind::Deadline);
    assert!(upstream.requests().is_empty() && board.ledger.entries().is_empty());
}

/// Leaves when the condition came true.
async fn leaves(board: &Board, when: impl Future<Output = ()>) {
    let request = request();
    tokio::select! {
        _ = board.chat(&request) => panic!("nobody answers"),
        () = when => {}
    }
}

#[tokio::test]
async fn the_upstream_stops_and_the_account_is_closed_when_the_caller_leaves_in_any_phase() {
    let role = || delta(&json!({"role": "assistant"}));
    for (script, phase) in
        [(vec![Step::Hang], "headers"), (vec![stream(), Step::Hang], "headers or first_token"), (vec![stream(), role(), Step::Hang], "headers or first_token")]
    {
        let upstream = Upstream::start([script]).await;
        let board = board(vec![site("first", upstream.base_url())]);
        within(leaves(&board, upstream.hangs())).await;
        upstream.saw_the_client_leave().await;
        assert_eq!(board.ledger.entries(), [entry("first", "abandoned", "all")]);
        assert!(phase.contains(board.ledger.phase()), "{}", board.ledger.phase());
        assert_eq!(board.last_failure("first"), None, "the caller's leaving is nobody's fault");
    }

    let upstream = Upstream::start([vec![stream(), text("one"), Step::Hang]]).await;
    let board = board(vec![site("first", upstream.base_url())]);
    let mut stream = board.chat(&request()).await.unwrap().answer.into_stream();
    assert!(stream.next().await.unwrap().is_ok());
    assert!(board.ledger.settled().is_empty());
    drop(stream);
    upstream.saw_the_client_leave().await;
    assert_eq!((board.ledger.entries(), board.ledger.phase()), (vec![entry("first", "abandoned", "all")], "stream"));
}

#[tokio::test]
async fn leaving_while_the_meter_thinks_or_between_two_attempts_calls_nobody() {
    let asked = Arc::<Notify>::default();
    let upstream = Upstream::start([answer("unused")]).await;
    let ledger = Ledger { hangs: Some(Arc::clone(&asked)), ..Ledger::default() };
    let thinking = Plan { ledger, ..Plan::of(vec![site("first", upstream.base_url())]) }.build();
    within(leaves(&thinking, asked.notified())).await;
    assert!(upstream.requests().is_empty() && thinking.ledger.entries().is_empty());

    let upstream = Upstream::start([status(503, &[("retry-after", "9")], "")]).await;
    let waiting = board(vec![site("first", upstream.base_url())]);
    let failed = async {
        upstream.received(1).await;
        // The wait has begun when the attempt is settled.
        while waiting.ledger.settled().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    within(leaves(&waiting, failed)).await;
    assert_eq!(waiting.ledger.entries(), [entry("first", "upstream", "nothing")]);
    assert_eq!(upstream.requests().len(), 1);
}

/// Answers at once, and makes vectors after it failed so often.
struct Whole {
    fails: std::sync::atomic::AtomicU32,
    kind: Kind,
}

impl Whole {
    fn new(fails: u32, kind: Kind) -> Self {
        Self { fails: fails.into(), kind }
    }

    fn next(&self) -> Result<(), Error> {
        use std::sync::atomic::Ordering;
        let fails = self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1))).unwrap();
        if fails > 0 { Err(Error::new(self.kind).with_status(500)) } else { Ok(()) }
    }
}

impl Provider for Whole {
    fn name(&self) -> &str {
        "whole"
    }

    fn chat<'a>(&'a self, _: Attempt<'a>) -> BoxFuture<'a, Result<Answer, Error>> {
        let reply = Reply { id: None, model: None, content: vec![Part::text("whole")], usage: Some(USAGE), finish: FinishReason::Stop };
        Box::pin(async move { self.next().map(|()| Answer::Whole { reply, raw: Some("raw".into()) }) })
    }

    fn embed<'a>(&'a self, attempt: Attempt<'a, EmbedRequest>) -> BoxFuture<'a, Result<Embeddings, Error>> {
        let vectors = attempt.request.inputs.iter().map(|_| vec![1.0]).collect();
        Box::pin(async move { self.next().map(|()| Embeddings { vectors, model: None, usage: Some(USAGE), raw: None }) })
    }
}

#[tokio::test]
async fn a_whole_answer_passes_as_it_is_and_is_settled_when_it_is_there() {
    let board = board(vec![house("first", Whole::new(1, Kind::Upstream)), house("second", Whole::new(0, Kind::Upstream))]);
    let request = ChatRequest { delivery: Delivery::Whole, ..request() };
    let served = board.chat(&request).await.unwrap();
    assert_eq!((&*served.provider, served.attempts, served.reason), ("second", 2, Some(Kind::Upstream)));
    let Answer::Whole { reply, raw } = served.answer else { panic!("it came at once") };
    assert_eq!((&*reply.text(), raw.as_deref()), ("whole", Some(&b"raw"[..])));
    assert_eq!(board.ledger.entries(), [entry("first", "upstream", "nothing"), entry("second", "ok", "exactly")]);
    assert_eq!(board.ledger.settled()[1].attempt.phase.as_str(), "whole");
}

#[tokio::test]
async fn vectors_go_through_the_same_loop() {
    let request = EmbedRequest {
        inputs: vec![EmbedInput::Text("one".to_owned()), EmbedInput::Text("two".to_owned())],
        dimensions: None,
        encoding: Encoding::Float,
        model: None,
        deadline: std::time::Instant::now() + Duration::from_secs(60),
        wire: None,
        beyond: Vec::new(),
    };
    let board = board(vec![house("first", Whole::new(1, Kind::Upstream))]);
    let served = board.embed(&request).await.unwrap();
    assert_eq!((served.answer.vectors.len(), &*served.provider, served.attempts), (2, "first", 2));
    assert_eq!(board.ledger.entries(), [entry("first", "upstream", "nothing"), entry("first", "ok", "exactly")]);

    let cannot = crate::board::board(vec![house("first", Says::new(Vec::new, None)), house("second", Whole::new(0, Kind::Upstream))]);
    assert_eq!(&*cannot.embed(&request).await.unwrap().provider, "second", "who cannot do it leaves it to the next");
    assert_eq!(cannot.ledger.entries(), [entry("first", "unsupported", "nothing"), entry("second", "ok", "exactly")]);
}
