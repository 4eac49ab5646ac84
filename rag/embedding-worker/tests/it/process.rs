use std::process::{Command, Stdio};
use std::time::Duration;

use steward_embedder::{Embedder, Purpose, State};

use crate::contract::{cosine, one};
use crate::{LONG, PROGRAM, arguments, worker, worker_with};

async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("{what} did not come about"));
}

fn kill(process: u32) {
    let status = Command::new("sh").args(["-c", "kill -KILL \"$0\"", &process.to_string()]).status().unwrap();
    assert!(status.success());
}

/// As long as a text may be: some tenths of a second of work for a batch of them.
fn long_texts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("delivery {n} of the goods that were ordered ").repeat(40)).collect()
}

#[tokio::test]
async fn a_killed_worker_is_started_again_and_the_call_that_was_pending_is_answered() {
    let worker = worker();
    let asking = worker.embed(long_texts(24), Purpose::Passage);
    let killing = async {
        // Some of it is done, the rest is not.
        until("a first batch", || worker.health().embedded > 0).await;
        let process = worker.health().process.unwrap();
        kill(process);
        process
    };
    let (vectors, killed) = tokio::join!(asking, killing);
    assert_eq!(vectors.unwrap().len(), 24);
    let health = worker.health();
    assert_eq!((health.state, health.restarts, health.queued), (State::Up, 1, 0));
    assert_ne!(health.process, Some(killed));
    assert!(health.last_error.unwrap().contains("signal: 9"));
}

#[tokio::test]
async fn a_question_overtakes_a_backlog_of_passages() {
    let worker = worker();
    let backlog = worker.embed(long_texts(64), Purpose::Passage);
    tokio::pin!(backlog);
    let question = async {
        until("a first batch", || worker.health().embedded > 0).await;
        one(&worker, "Which goods were delivered?").await
    };
    tokio::select! {
        biased;
        _ = &mut backlog => panic!("the question waited for all passages"),
        vector = question => assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-3),
    }
    assert!(worker.health().queued > 1, "the backlog is still there");
}

#[tokio::test]
async fn the_longest_texts_do_not_take_more_memory_than_the_process_may_have() {
    let worker = worker();
    worker.embed(long_texts(16), Purpose::Passage).await.unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.health().process.unwrap())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_mib = peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024;
    assert!(peak_mib <= 350, "{peak_mib} MiB");
}

#[tokio::test]
async fn files_that_are_missing_are_named_and_nothing_panics() {
    for break_one in [
        |arguments: &mut steward_embedding_worker::Arguments| arguments.library = "/nonexistent/libonnxruntime.so".into(),
        |arguments: &mut steward_embedding_worker::Arguments| arguments.model = "/nonexistent/model.onnx".into(),
        |arguments: &mut steward_embedding_worker::Arguments| arguments.tokenizer = "/nonexistent/tokenizer.json".into(),
    ] {
        let mut arguments = arguments();
        break_one(&mut arguments);
        let worker = worker_with(&arguments);
        assert_eq!(worker.embed(vec!["a text".into()], Purpose::Query).await.unwrap_err().code(), "embedder.down");
        let told = worker.health().last_error.unwrap();
        assert!(told.contains("could not load the model") && told.contains("/nonexistent/"), "{told}");
    }
}

#[test]
fn the_worker_ends_when_its_input_does_as_it_does_when_its_parent_is_killed() {
    let mut worker = Command::new(PROGRAM).args(arguments().to_command_line()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = worker.stdout.take().unwrap();
    let hello: Option<steward_embedder::protocol::Reply> = steward_embedder::frame::read(&mut output).unwrap();
    assert!(hello.is_some());
    drop(worker.stdin.take());
    assert!(worker.wait().unwrap().success());
}
