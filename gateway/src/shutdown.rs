//! The orderly stop: what ends the program, and how long it may take.

use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Waits for SIGTERM or SIGINT, or until somebody cancels `stopping`, which is cancelled when this returns.
///
/// Between the signal and the stop lies the drain: `draining` is cancelled, everything goes on, and whoever spreads the
/// requests has time to see it. A second signal cuts it short.
pub async fn requested(draining: CancellationToken, stopping: CancellationToken, drain: Duration) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!(signal = "SIGTERM", drain_seconds = drain.as_secs(), "stopping"),
        _ = interrupt.recv() => tracing::info!(signal = "SIGINT", drain_seconds = drain.as_secs(), "stopping"),
        () = stopping.cancelled() => return Ok(()),
    }
    draining.cancel();
    tokio::select! {
        () = tokio::time::sleep(drain) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stopping.cancelled() => {}
    }
    stopping.cancel();
    Ok(())
}

/// Waits for the tasks that still run, but not for ever.
pub async fn drained(tasks: &TaskTracker, grace: Duration) {
    tasks.close();
    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        tracing::warn!(tasks = tasks.len(), "tasks were still running when the time for an orderly stop was over");
    }
}
