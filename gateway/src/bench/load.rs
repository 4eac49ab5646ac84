//! The load: clients that send one request after the other for a while.

use super::client::{Call, Client};
use super::server::Serving;
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What a load found.
pub(super) struct Found {
    /// Milliseconds, sorted.
    pub(super) times: Vec<f64>,
    pub(super) per_second: f64,
    /// Processor time of the server for one request, in microseconds.
    pub(super) cpu: f64,
}

/// Makes the request of a number; `None` when there is nothing left to ask.
pub(super) type Make = Arc<dyn Fn(u64) -> Option<Call> + Send + Sync>;

/// Sends what `make` makes from so many clients. Numbers come from `next`, so that no two requests have the same one.
pub(super) async fn run(serving: &Serving, token: &str, clients: usize, time: Duration, next: &Arc<AtomicU64>, make: Make) -> Result<Found> {
    let mut ready = Vec::new();
    for _ in 0..clients {
        let mut client = Client::connect(serving.address, token).await?;
        // Connections and plans of statements are warm before the clock starts.
        if let Some(call) = make(next.fetch_add(1, Ordering::Relaxed)) {
            client.call(&call).await?;
        }
        ready.push(client);
    }
    let mut tasks = JoinSet::new();
    let (cpu, started) = (serving.cpu_seconds()?, Instant::now());
    for mut client in ready {
        let (next, make) = (Arc::clone(next), Arc::clone(&make));
        tasks.spawn(async move {
            let mut times = Vec::new();
            while started.elapsed() < time {
                let Some(call) = make(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let sent = Instant::now();
                client.call(&call).await?;
                times.push(milliseconds(sent.elapsed()));
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let (took, cpu) = (started.elapsed().as_secs_f64(), serving.cpu_seconds()? - cpu);
    times.sort_by(f64::total_cmp);
    let count = times.len().max(1) as f64;
    Ok(Found { per_second: times.len() as f64 / took, cpu: cpu * 1e6 / count, times })
}

/// The time below which this share of the sorted times lies.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
