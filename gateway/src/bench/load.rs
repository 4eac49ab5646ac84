//! The load: clients that send one request after the other for a while.

use super::client::{Call, Client};
use super::server::Serving;
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

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
    let (cpu, started) = (serving.process.cpu_seconds()?, Instant::now());
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
    let (took, cpu) = (started.elapsed().as_secs_f64(), serving.process.cpu_seconds()? - cpu);
    times.sort_by(f64::total_cmp);
    let count = times.len().max(1) as f64;
    Ok(Found { per_second: times.len() as f64 / took, cpu: cpu * 1e6 / count, times })
}

/// Sends `per_second` requests in all from so many clients, each at its time or as soon as one is free: what the machine
/// cannot give is seen in the rate.
pub(super) async fn paced(serving: &Serving, token: &str, clients: usize, per_second: f64, until: &CancellationToken, make: Make) -> Result<Found> {
    let (mut tasks, next) = (JoinSet::new(), Arc::new(AtomicU64::new(0)));
    let (cpu, started) = (serving.process.cpu_seconds()?, Instant::now());
    for _ in 0..clients {
        let mut client = Client::connect(serving.address, token).await?;
        let (next, make, until) = (Arc::clone(&next), Arc::clone(&make), until.clone());
        tasks.spawn(async move {
            let mut times = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let due = started + Duration::from_secs_f64(n as f64 / per_second);
                if until.run_until_cancelled(tokio::time::sleep_until(due.into())).await.is_none() {
                    return Ok::<_, anyhow::Error>(times);
                }
                let Some(call) = make(n) else { return Ok(times) };
                let sent = Instant::now();
                client.call(&call).await?;
                times.push(milliseconds(sent.elapsed()));
            }
        });
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let (took, cpu) = (started.elapsed().as_secs_f64(), serving.process.cpu_seconds()? - cpu);
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
