//! When a breaker opens, what it lets through, and when it closes. Its clock is held by the test.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use steward_llm::{Breaker, BreakerConfig, BreakerState, ChatRequest, Kind, Permit, Protected};
use tokio::sync::Notify;

use crate::board::{Plan, Site, assisted, board, site, words};
use crate::scripted::request;
use crate::upstream::{Step, Upstream, answer, done, finish, status, stream, text, within};

fn breaker() -> Breaker {
    Breaker::new(Protected { provider: "first".into(), model: None }, &BreakerConfig::default())
}

fn fail(breaker: &Breaker, times: usize) {
    for _ in 0..times {
        breaker.permit().unwrap().failure();
    }
}

fn succeed(breaker: &Breaker, times: usize) {
    for _ in 0..times {
        breaker.permit().unwrap().success();
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn five_failures_in_a_row_open_it() {
    let breaker = breaker();
    fail(&breaker, 4);
    succeed(&breaker, 1);
    fail(&breaker, 4);
    assert_eq!(breaker.state(), BreakerState::Closed);

    fail(&breaker, 1);

    assert_eq!(breaker.state(), BreakerState::Open);
    assert!(breaker.permit().is_none());
    assert!(breaker.failed_at().is_some());
}

#[test]
fn half_of_ten_calls_open_it_from_the_first_window_on() {
    let breaker = breaker();
    for _ in 0..4 {
        succeed(&breaker, 1);
        fail(&breaker, 1);
    }
    succeed(&breaker, 1);
    assert_eq!(breaker.state(), BreakerState::Closed, "nine calls say nothing");

    fail(&breaker, 1);

    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn old_failures_are_forgotten() {
    failsafe::clock::freeze(|time| {
        let breaker = breaker();
        for _ in 0..4 {
            fail(&breaker, 1);
            succeed(&breaker, 1);
        }
        time.advance(seconds(40.0));
        succeed(&breaker, 8);
        fail(&breaker, 4);
        assert_eq!(breaker.state(), BreakerState::Closed);
    });
}

#[test]
fn its_pause_doubles_up_to_a_minute_and_starts_anew_once_it_closed() {
    failsafe::clock::freeze(|time| {
        let breaker = breaker();
        fail(&breaker, 5);
        for pause in [5.0, 10.0, 20.0, 40.0, 60.0, 60.0] {
            time.advance(seconds(pause * 0.89));
            assert!(breaker.permit().is_none(), "a pause of {pause} s, jittered by a tenth");
            time.advance(seconds(pause * 0.22));
            fail(&breaker, 1);
            assert_eq!(breaker.state(), BreakerState::Open);
        }
        time.advance(seconds(67.0));
        succeed(&breaker, 2);
        assert_eq!(breaker.state(), BreakerState::Closed);

        fail(&breaker, 5);
        time.advance(seconds(5.6));
        assert!(breaker.permit().is_some());
    });
}

#[test]
fn half_open_lets_one_probe_through_and_closes_after_two_good_ones() {
    failsafe::clock::freeze(|time| {
        let breaker = breaker();
        fail(&breaker, 5);
        time.advance(seconds(6.0));

        let probe = breaker.permit().unwrap();
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert!(breaker.permit().is_none(), "one probe at a time");
        probe.success();
        assert_eq!(breaker.state(), BreakerState::HalfOpen);

        let probe = breaker.permit().unwrap();
        assert!(breaker.permit().is_none());
        probe.success();
        assert_eq!(breaker.state(), BreakerState::Closed);
    });
}

#[test]
fn a_dropped_probe_gives_its_place_back_and_says_nothing() {
    failsafe::clock::freeze(|time| {
        let breaker = breaker();
        fail(&breaker, 5);
        time.advance(seconds(6.0));

        drop(breaker.permit().unwrap());

        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert!(breaker.permit().is_some());
    });
}

#[test]
fn an_outcome_from_before_a_change_does_not_count() {
    failsafe::clock::freeze(|time| {
        let breaker = breaker();
        let late: Vec<Permit> = (0..3).map(|_| breaker.permit().unwrap()).collect();
        fail(&breaker, 5);
        time.advance(seconds(6.0));
        let probe = breaker.permit().unwrap();

        let [failed, succeeded, dropped] = <[Permit; 3]>::try_from(late).ok().unwrap();
        failed.failure();
        succeeded.success();
        drop(dropped);

        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert!(breaker.permit().is_none(), "the probe is still out");
        probe.success();
        assert_eq!(breaker.state(), BreakerState::HalfOpen, "the late success was no probe");
        fail(&breaker, 1);
        assert_eq!(breaker.state(), BreakerState::Open);
    });
}

#[test]
fn many_threads_get_one_probe() {
    let breaker = breaker();
    fail(&breaker, 5);
    failsafe::clock::freeze(|time| {
        time.advance(seconds(6.0));
        drop(breaker.permit().unwrap());
    });
    // Half-open by now, which no longer depends on the clock that only one thread can hold.
    let permits = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let permit = breaker.permit();
                permits.lock().unwrap().extend(permit);
            });
        }
    });
    assert_eq!(permits.into_inner().unwrap().len(), 1);
}

#[test]
fn a_breaker_that_closed_counts_anew() {
    failsafe::clock::freeze(|time| {
        let mut closed_again = || {
            let breaker = breaker();
            fail(&breaker, 5);
            time.advance(seconds(6.0));
            succeed(&breaker, 2);
            breaker
        };

        let breaker = closed_again();
        succeed(&breaker, 6);
        fail(&breaker, 4);
        assert_eq!(breaker.state(), BreakerState::Closed, "failures from before do not count");

        // With the probe that closed it, these are ten calls.
        let breaker = closed_again();
        fail(&breaker, 3);
        succeed(&breaker, 4);
        fail(&breaker, 2);
        assert_eq!(breaker.state(), BreakerState::Open, "calls from before do not count either");
    });
}

/// Runs a test on one thread, whose breakers' clock it holds.
fn with_clock<F: AsyncFnOnce(&mut failsafe::clock::MockClock)>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    failsafe::clock::freeze(|time| runtime.block_on(test(time)));
}

#[test]
fn a_failing_upstream_is_left_alone_and_then_tried_by_one_request() {
    with_clock(async |time| {
        let go = Arc::new(Notify::new());
        let held = vec![stream(), Step::Wait(go.clone()), text("back"), finish("stop"), done(), Step::End];
        let failing = std::iter::repeat_n(status(500, &[], ""), 5);
        let upstream = Upstream::start(failing.chain([held, answer("back")])).await;
        let board = assisted(vec![site("first", upstream.base_url())]);
        let planner = ("from the planner".to_owned(), "planner".to_owned(), true);
        let back = ("back".to_owned(), "first".to_owned(), false);
        let breaker = || board.breakers("first")[1];

        // Three attempts, then two until the fifth failure opens the breaker, then none.
        for _ in 0..3 {
            assert_eq!(words(board.chat(&request()).await.unwrap()).await, planner);
        }
        assert_eq!((upstream.requests().len(), breaker()), (5, BreakerState::Open));

        time.advance(seconds(6.0));
        let question = request();
        let probe = async { words(board.chat(&question).await.unwrap()).await };
        let others = async {
            upstream.received(6).await;
            for _ in 0..4 {
                let served = board.chat(&question).await.unwrap();
                assert_eq!(served.reason, Some(Kind::Unavailable));
                assert_eq!(words(served).await, planner);
            }
            assert_eq!((upstream.requests().len(), breaker()), (6, BreakerState::HalfOpen));
            go.notify_one();
        };
        let (probe, ()) = within(async { tokio::join!(probe, others) }).await;
        assert_eq!(probe, back);
        assert_eq!(breaker(), BreakerState::HalfOpen);

        assert_eq!(words(board.chat(&request()).await.unwrap()).await, back);
        assert_eq!(breaker(), BreakerState::Closed);
    });
}

#[test]
fn a_probe_whose_caller_leaves_makes_place_for_the_next() {
    with_clock(async |time| {
        let failing = std::iter::repeat_n(status(500, &[], ""), 5);
        let upstream = Upstream::start(failing.chain([vec![stream(), Step::Hang], answer("back")])).await;
        let board = assisted(vec![site("first", upstream.base_url())]);
        for _ in 0..2 {
            assert_eq!(board.chat(&request()).await.unwrap().provider.as_ref(), "planner");
        }
        time.advance(seconds(6.0));

        let question = request();
        tokio::select! {
            _ = board.chat(&question) => panic!("the upstream never answers"),
            () = upstream.received(6) => {}
        }
        upstream.saw_the_client_leave().await;

        assert_eq!(words(board.chat(&request()).await.unwrap()).await.0, "back");
    });
}

#[tokio::test]
async fn cut_answers_open_it_although_each_of_them_began() {
    let upstream = Upstream::start([vec![stream(), text("half"), Step::Close]]).await;
    let board = board(vec![site("first", upstream.base_url())]);

    for _ in 0..5 {
        let served = board.chat(&request()).await.unwrap();
        assert!(served.answer.into_reply().await.is_err());
    }

    assert_eq!(board.breakers("first")[1], BreakerState::Open);
}

#[tokio::test]
async fn the_callers_and_the_credentials_faults_leave_it_closed() {
    for script in [status(400, &[], "{}"), status(404, &[], "{}"), status(429, &[("retry-after-ms", "0")], "{}")] {
        let upstream = Upstream::start([script]).await;
        let board = board(vec![site("first", upstream.base_url())]);
        for _ in 0..6 {
            assert!(board.chat(&request()).await.is_err());
        }
        assert_eq!(board.breakers("first")[1], BreakerState::Closed);
    }
}

#[tokio::test]
async fn a_hanging_upstream_opens_it_also_when_the_deadline_comes_first() {
    let upstream = Upstream::start([vec![Step::Hang]]).await;
    let board = assisted(vec![site("first", upstream.base_url())]);

    within(async {
        while board.breakers("first")[1] != BreakerState::Open {
            let deadline = Instant::now() + Duration::from_millis(100);
            let served = board.chat(&ChatRequest { deadline, ..request() }).await.unwrap();
            assert_eq!((&*served.provider, served.reason), ("planner", Some(Kind::Deadline)));
        }
    })
    .await;
    assert!(upstream.requests().len() <= 5);
}

#[tokio::test]
async fn when_all_are_open_and_nothing_else_is_there_the_one_that_failed_least_recently_is_tried() {
    let first = Upstream::start([status(500, &[], "")]).await;
    let second = Upstream::start(std::iter::repeat_n(status(500, &[], ""), 5).chain([answer("fine")])).await;
    let (first, second) = (site("first", first.base_url()), site("second", second.base_url()));
    let board = board(vec![second.clone()]);
    let routed = |sites: Vec<Site>| board.dispatcher.live().reload(Ok(Plan::of(sites).config()), &|_| None).unwrap();
    let until_open = async |name: &str| {
        while board.breakers(name)[1] != BreakerState::Open {
            assert!(board.chat(&request()).await.is_err());
        }
    };
    // The second fails first, on its own; what is known of it outlives the configuration.
    within(until_open("second")).await;
    routed(vec![first.clone()]);
    within(until_open("first")).await;
    routed(vec![first, second]);

    let served = board.chat(&request()).await.unwrap();

    assert_eq!(words(served).await, ("fine".to_owned(), "second".to_owned(), true));
    assert_eq!(board.breakers("first")[1], BreakerState::Open);
}
