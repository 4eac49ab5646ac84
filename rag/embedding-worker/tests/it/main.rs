//! The real model in a real process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "../../../embedder/tests/it/contract.rs"]
mod contract;
mod meaning;
mod process;

use std::path::Path;
use std::time::Duration;

use steward_embedder::{Settings, Worker};
use steward_embedding_worker::Arguments;
use steward_postgres::default_home;
use steward_wheels::embedding::Files;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const PROGRAM: &str = env!("CARGO_BIN_EXE_steward-embedding-worker");
/// Far beyond what any step takes; a test that needs it fails.
const LONG: Duration = Duration::from_secs(120);

/// The files in the home that everything in this checkout shares, so that they are fetched once.
fn arguments() -> Arguments {
    let home = default_home(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let Files { library, model, tokenizer } = Files::locate_or_fetch_in(&home, &|line| eprintln!("{line}")).unwrap();
    Arguments { library, model, tokenizer, threads: 1 }
}

fn worker_with(arguments: &Arguments) -> Worker {
    let settings =
        Settings { program: PROGRAM.into(), arguments: arguments.to_command_line(), environment: Vec::new(), request_timeout: LONG, start_timeout: LONG };
    Worker::new(settings, TaskTracker::new(), &CancellationToken::new())
}

fn worker() -> Worker {
    worker_with(&arguments())
}
