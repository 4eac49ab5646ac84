//! Keeps one worker process running and talks to it.
//!
//! A worker that ends after it has done its work is started again at once, and what it had is given to the next one. When
//! it ends a second time without having finished anything, the embedder is down: whoever waits is told, and it is tried
//! again after pauses that double.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{sleep, sleep_until, timeout};

use super::Settings;
use super::queue::{Queue, with_causes};
use crate::error::Refusal;
use crate::frame;
use crate::protocol::{Reply, VERSION};
use crate::{DIMENSIONS, Error, Failure, MODEL};

const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// For a process that has closed its output, to end as well.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// Never ends by itself. Dropping the future kills the process.
pub(super) async fn run(queue: Arc<Queue>, settings: Settings) {
    let mut failures = 0;
    loop {
        let before = queue.finished();
        let failure = Arc::new(one_life(&queue, &settings).await);
        if queue.finished() != before {
            failures = 0;
        }
        failures += 1;
        let down = failures > 1;
        queue.ended(&failure, down);
        let pause = pause(failures);
        tracing::warn!(error = with_causes(&failure), failures, pause_ms = pause.as_millis(), "embedder.worker.ended");
        sleep(pause).await;
    }
}

/// None after the first failure, then doubling.
fn pause(failures: u32) -> Duration {
    match failures.checked_sub(2) {
        None => Duration::ZERO,
        Some(doublings) => PAUSE_MIN.saturating_mul(2_u32.saturating_pow(doublings)).min(PAUSE_MAX),
    }
}

/// From the start of a process to its end.
async fn one_life(queue: &Queue, settings: &Settings) -> Failure {
    let (mut child, input, output) = match start(settings) {
        Ok(started) => started,
        Err(error) => return Failure::Start(error),
    };
    let mut output = BufReader::new(output);
    let failure = match timeout(settings.start_timeout, greeting(&mut output)).await {
        Err(_) => Failure::NotReady(settings.start_timeout),
        Ok(Err(failure)) => failure,
        Ok(Ok(())) => {
            queue.up(child.id());
            tracing::info!(process.id = child.id(), model = MODEL, "embedder.worker.ready");
            tokio::select! {
                failure = send(queue, input) => failure,
                failure = receive(queue, &mut output) => failure,
                failure = watch(queue, settings.request_timeout / 2) => failure,
            }
        }
    };
    end(&mut child, failure).await
}

fn start(settings: &Settings) -> std::io::Result<(Child, ChildStdin, ChildStdout)> {
    let mut child = Command::new(&settings.program)
        .args(&settings.arguments)
        .env_clear()
        .envs(settings.environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        // Ctrl-C at a terminal is for the server, which still needs its worker while it ends.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("the worker has no pipes"));
    };
    Ok((child, input, output))
}

async fn greeting(output: &mut BufReader<ChildStdout>) -> Result<(), Failure> {
    match next(output).await? {
        Reply::Hello { version, .. } if version != VERSION => Err(Failure::Version(version)),
        Reply::Hello { model, dimensions, .. } if model != MODEL || dimensions != DIMENSIONS => Err(Failure::Model(model)),
        Reply::Hello { .. } => Ok(()),
        Reply::Unable { message } => Err(Failure::Load(message)),
        Reply::Vectors { .. } | Reply::Failed { .. } => Err(Failure::OutOfTurn),
    }
}

async fn next(output: &mut BufReader<ChildStdout>) -> Result<Reply, Failure> {
    frame::receive(output).await.map_err(Failure::Receive)?.ok_or(Failure::Closed)
}

async fn send(queue: &Queue, mut input: ChildStdin) -> Failure {
    loop {
        match queue.take() {
            Err(failure) => return failure,
            Ok(None) => queue.sendable.notified().await,
            Ok(Some(frame)) => {
                if let Err(error) = input.write_all(&frame).await {
                    return Failure::Send(error.into());
                }
            }
        }
    }
}

async fn receive(queue: &Queue, output: &mut BufReader<ChildStdout>) -> Failure {
    loop {
        let taken = match next(output).await {
            Err(failure) => return failure,
            Ok(Reply::Vectors { id, vectors }) => queue.answered(id, vectors),
            Ok(Reply::Failed { id, message }) => queue.refused(id, Error::Refused(Arc::new(Refusal(message)))),
            Ok(Reply::Hello { .. } | Reply::Unable { .. }) => Err(Failure::OutOfTurn),
        };
        if let Err(failure) = taken {
            return failure;
        }
    }
}

/// Ends when the worker has something to do and finishes nothing for too long.
async fn watch(queue: &Queue, patience: Duration) -> Failure {
    loop {
        let Some(since) = queue.busy_since() else {
            queue.busy.notified().await;
            continue;
        };
        sleep_until(since + patience).await;
        if queue.busy_since() == Some(since) {
            return Failure::Stalled(patience);
        }
    }
}

/// Makes sure that the process is gone. How it ended says more than that its pipes broke.
async fn end(child: &mut Child, failure: Failure) -> Failure {
    let broken = matches!(failure, Failure::Closed | Failure::Send(_) | Failure::Receive(frame::Error::Cut | frame::Error::Stream(_)));
    // Who could not load the model ends by itself, once it has told its log as well.
    if (broken || matches!(failure, Failure::Load(_)))
        && let Ok(Ok(status)) = timeout(END_TIMEOUT, child.wait()).await
    {
        return if broken { Failure::Ended(status) } else { failure };
    }
    if let Err(error) = child.kill().await {
        tracing::warn!(%error, "embedder.worker.kill: the process may still run");
    }
    failure
}
