//! Workers that do not start, say nothing, or say the wrong thing. Each is a shell that plays a recorded greeting.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use steward_embedder::protocol::{Reply, VERSION};
use steward_embedder::{DIMENSIONS, Embedder, Error, MODEL, Purpose, Settings, State, Worker, frame};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Far beyond what any step takes; a test that needs it fails.
const LONG: Duration = Duration::from_secs(60);

struct Fixture {
    worker: Worker,
    stopping: CancellationToken,
    tasks: TaskTracker,
    greeting: Option<PathBuf>,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some(file) = &self.greeting {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn fixture(program: &str, arguments: Vec<OsString>, request_timeout: Duration, start_timeout: Duration) -> Fixture {
    let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
    let settings = Settings { program: program.into(), arguments, environment: Vec::new(), request_timeout, start_timeout };
    Fixture { worker: Worker::new(settings, tasks.clone(), &stopping), stopping, tasks, greeting: None }
}

/// A worker that says `greeting` and then nothing for ever.
fn saying(greeting: &[u8], request_timeout: Duration) -> Fixture {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("steward-embedder-{}-{number}", std::process::id()));
    std::fs::write(&file, greeting).unwrap();
    let arguments = vec!["-c".into(), r#"/bin/cat "$0"; exec /bin/sleep 1000"#.into(), file.clone().into()];
    let mut fixture = fixture("/bin/sh", arguments, request_timeout, LONG);
    fixture.greeting = Some(file);
    fixture
}

fn hello(version: u32, model: &str) -> Vec<u8> {
    frame::encode(&Reply::Hello { version, model: model.into(), dimensions: DIMENSIONS }).unwrap()
}

async fn ask(worker: &Worker) -> Error {
    tokio::time::timeout(LONG, worker.embed(vec!["a text".into()], Purpose::Query)).await.unwrap().unwrap_err()
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("{what} did not come about"));
}

fn runs(process: u32) -> bool {
    // What was killed and not yet collected is a zombie. The state stands behind the name, which may hold anything.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

#[tokio::test]
async fn nothing_is_started_before_the_first_call() {
    let fixture = fixture("/nonexistent/worker", Vec::new(), LONG, LONG);
    assert_eq!(fixture.worker.health().state, State::Idle);
    assert!(fixture.tasks.is_empty());
}

#[tokio::test]
async fn a_worker_that_cannot_be_started_fails_calls_at_once_with_the_cause() {
    let fixture = fixture("/nonexistent/worker", Vec::new(), LONG, LONG);
    for _ in 0..2 {
        let error = ask(&fixture.worker).await;
        assert_eq!(error.code(), "embedder.down");
    }
    let health = fixture.worker.health();
    assert_eq!(health.state, State::Down);
    assert!(health.last_error.as_ref().unwrap().contains("could not be started: No such file"), "{health:?}");
    assert!(health.restarts >= 2);
    assert_eq!(health.queued, 0);
}

#[tokio::test]
async fn a_worker_that_never_gets_ready_leads_to_a_time_out() {
    let fixture = saying(&[], Duration::from_millis(200));
    assert!(matches!(ask(&fixture.worker).await, Error::TimedOut(_)));
    assert_eq!(fixture.worker.health().state, State::Starting);
}

#[tokio::test]
async fn a_worker_that_takes_too_long_to_get_ready_is_given_up() {
    let fixture = fixture("/bin/sleep", vec!["1000".into()], LONG, Duration::from_millis(50));
    assert_eq!(ask(&fixture.worker).await.code(), "embedder.down");
    assert!(fixture.worker.health().last_error.unwrap().contains("not ready within"));
}

#[tokio::test]
async fn a_worker_that_never_answers_is_started_again_and_the_call_ends_within_its_time() {
    let fixture = saying(&hello(VERSION, MODEL), Duration::from_millis(400));
    let error = ask(&fixture.worker).await;
    assert!(["embedder.timed_out", "embedder.down"].contains(&error.code()), "{error:?}");
    until("a restart", || fixture.worker.health().restarts > 0).await;
    assert!(fixture.worker.health().last_error.unwrap().contains("computed nothing"));
}

#[tokio::test]
async fn passages_that_nobody_computes_time_out_as_well() {
    let fixture = saying(&[], Duration::from_millis(200));
    let call = fixture.worker.embed(vec!["a text".into(); 20], Purpose::Passage);
    let error = tokio::time::timeout(LONG, call).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::TimedOut(_)));
}

#[tokio::test]
async fn greetings_that_do_not_fit_are_refused_with_a_sentence() {
    let unable = frame::encode(&Reply::Unable { message: "no model here".into() }).unwrap();
    let out_of_turn = frame::encode(&Reply::Vectors { id: 1, vectors: Vec::new() }).unwrap();
    for (greeting, told) in [
        (hello(VERSION + 1, MODEL), "version 2 of the protocol"),
        (hello(VERSION, "another model"), "another model"),
        (unable, "no model here"),
        (out_of_turn, "out of turn"),
        (b"Segmentation fault".to_vec(), "cannot be read"),
    ] {
        let fixture = saying(&greeting, LONG);
        assert_eq!(ask(&fixture.worker).await.code(), "embedder.down");
        let health = fixture.worker.health();
        assert!(health.last_error.as_ref().unwrap().contains(told), "{health:?}");
    }
}

#[tokio::test]
async fn the_worker_inherits_nothing_of_the_environment() {
    // It would print what it has, which is no greeting.
    let fixture = fixture("/usr/bin/env", Vec::new(), LONG, LONG);
    ask(&fixture.worker).await;
    let health = fixture.worker.health();
    assert_eq!(health.last_error.as_deref(), Some("the worker ended (exit status: 0)"));
}

#[tokio::test]
async fn too_much_at_once_is_refused_at_once_and_what_was_given_up_counts_no_longer() {
    let fixture = saying(&[], LONG);
    let much = vec!["a text".to_owned(); 4_000];
    let waiting = fixture.worker.embed(much.clone(), Purpose::Passage);
    let mut waiting = Box::pin(waiting);
    tokio::select! {
        biased;
        _ = &mut waiting => panic!("nothing computes"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(fixture.worker.embed(much.clone(), Purpose::Passage).await.unwrap_err().code(), "embedder.busy");
    drop(waiting);
    let again = tokio::time::timeout(Duration::from_millis(20), fixture.worker.embed(much, Purpose::Passage)).await;
    assert!(again.is_err(), "it waits instead of being refused");
}

#[tokio::test]
async fn a_stop_ends_the_process_and_whoever_waits_is_told() {
    let fixture = saying(&hello(VERSION, MODEL), LONG);
    let asking = async {
        until("a worker", || fixture.worker.health().state == State::Up).await;
        let process = fixture.worker.health().process.unwrap();
        assert!(runs(process));
        fixture.stopping.cancel();
        until("its end", || !runs(process)).await;
    };
    let (error, ()) = tokio::join!(ask(&fixture.worker), asking);
    assert_eq!(error.code(), "embedder.stopping");
    assert_eq!(ask(&fixture.worker).await.code(), "embedder.stopping");
    fixture.tasks.close();
    tokio::time::timeout(LONG, fixture.tasks.wait()).await.expect("the supervisor has ended");
}

#[tokio::test]
async fn dropping_the_client_ends_the_process() {
    let fixture = saying(&hello(VERSION, MODEL), LONG);
    let tasks = fixture.tasks.clone();
    fixture.worker.start();
    until("a worker", || fixture.worker.health().state == State::Up).await;
    let process = fixture.worker.health().process.unwrap();
    drop(fixture);
    until("its end", || !runs(process)).await;
    tasks.close();
    tokio::time::timeout(LONG, tasks.wait()).await.expect("the supervisor has ended");
}
