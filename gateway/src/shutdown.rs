//! The orderly stop: what ends the program, and how long it may take.

use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Waits for SIGTERM or SIGINT, or until somebody cancels the token; the token is cancelled when this returns.
pub async fn requested(stopping: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "stopping"),
        _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "stopping"),
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
