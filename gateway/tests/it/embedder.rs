//! The embedder as the program composes it: its own worker process, and what monitors see of it.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use steward_embedder::protocol::{Reply, Request};
use steward_embedder::{Embedder, Purpose, Settings, State, Worker, frame};
use steward_embedding_worker::Arguments;
use steward_postgres::default_home;
use steward_wheels::embedding::Files;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::house::House;

/// Far beyond what any step takes; a test that needs it fails.
const LONG: Duration = Duration::from_secs(120);

fn arguments() -> Vec<OsString> {
    let home = default_home(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let Files { library, model, tokenizer } = Files::locate_or_fetch_in(&home, &|line| eprintln!("{line}")).unwrap();
    let mut arguments = vec!["worker".into(), "embed".into()];
    arguments.extend(Arguments { library, model, tokenizer, threads: 1 }.to_command_line());
    arguments
}

#[tokio::test]
async fn the_program_is_its_own_worker() {
    let program = env!("CARGO_BIN_EXE_steward").into();
    let settings = Settings { program, arguments: arguments(), environment: Vec::new(), request_timeout: LONG, start_timeout: LONG };
    let worker = Worker::new(settings, TaskTracker::new(), &CancellationToken::new());
    let vectors = worker.embed(vec!["An invoice".into(), "Eine Rechnung".into()], Purpose::Passage).await.unwrap();
    assert_eq!(vectors.iter().map(Vec::len).collect::<Vec<_>>(), [384, 384]);
    assert_eq!(worker.health().state, State::Up);
}

#[test]
fn the_worker_logs_nothing_of_the_texts_at_whatever_level() {
    let mut worker = Command::new(env!("CARGO_BIN_EXE_steward"))
        .args(arguments())
        .env_clear()
        .env("STEWARD_LOGGING__FILTER", "trace")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (worker.stdin.take().unwrap(), worker.stdout.take().unwrap());
    assert!(matches!(frame::read(&mut output).unwrap(), Some(Reply::Hello { .. })));
    let request = Request { id: 1, purpose: Purpose::Query, texts: vec!["A secret".into()] };
    input.write_all(&frame::encode(&request).unwrap()).unwrap();
    assert!(matches!(frame::read(&mut output).unwrap(), Some(Reply::Vectors { id: 1, .. })));
    drop(input);
    let mut log = String::new();
    worker.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert_eq!(log, "");
    assert!(worker.wait().unwrap().success());
}

#[tokio::test]
async fn a_server_without_the_model_serves_and_says_that_search_works_by_words_alone() {
    let house = House::open().await;
    let get = async |path: &str| house.nobody().client.get(format!("{}{path}", house.base)).send().await.unwrap();
    let ready: Value = get("/readyz").await.json().await.unwrap();
    assert_eq!((&ready["status"], &ready["embedder"]), (&"ok".into(), &"off".into()));
    let metrics = get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("steward_embedder_up 0"), "{metrics}");
    house.stop().await;
}
