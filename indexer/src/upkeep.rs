//! What the leader does beside following: figures for the operator, tombstones that nothing can arrive for any more, and
//! what the engines want done now and then.

use crate::fault::Result;
use crate::{Shared, sink, status};
use chrono::TimeDelta;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const PRUNE_EVERY: Duration = Duration::from_secs(86_400);
const TEND_EVERY: Duration = Duration::from_secs(600);

pub(crate) async fn run(shared: &Shared, stop: &CancellationToken) {
    let mut prune_at = Instant::now();
    let mut tend_at = Instant::now() + TEND_EVERY;
    loop {
        if let Err(fault) = figures(shared).await {
            tracing::warn!(error = &fault as &dyn std::error::Error, code = fault.code(), "the index could not be measured");
        }
        if Instant::now() >= prune_at {
            prune_at = Instant::now() + PRUNE_EVERY;
            if let Err(fault) = prune(shared).await {
                tracing::warn!(error = &fault as &dyn std::error::Error, code = fault.code(), "old tombstones of the index could not be removed");
            }
        }
        if Instant::now() >= tend_at {
            tend_at = Instant::now() + TEND_EVERY;
            if let Err(fault) = tend(shared).await {
                tracing::warn!(error = &fault as &dyn std::error::Error, code = fault.code(), "an engine could not be tended");
            }
        }
        if stop.run_until_cancelled(tokio::time::sleep(shared.settings.metrics_every)).await.is_none() {
            return;
        }
    }
}

async fn figures(shared: &Shared) -> Result<()> {
    let status = status::read(&shared.kernel.database.relay, None).await?;
    for part in &status.parts {
        let name = part.part.as_str();
        let set = |gauge: metrics::Gauge, value: i64| gauge.set(f64::from(i32::try_from(value).unwrap_or(i32::MAX)));
        let state = if part.live { "live" } else { "building" };
        set(metrics::gauge!("steward_index_lag_rows", "part" => name, "generation" => state), part.lag_rows);
        metrics::gauge!("steward_index_lag_seconds", "part" => name, "generation" => state).set(part.lag_seconds);
        set(metrics::gauge!("steward_index_filling", "part" => name, "generation" => state), part.walks - part.walks_done);
        if part.live {
            for (kind, count) in [("missing", part.drift.missing), ("stale", part.drift.stale), ("surplus", part.drift.surplus)] {
                set(metrics::gauge!("steward_index_drift", "part" => name, "kind" => kind), count);
            }
            for (state, count) in [("waiting", part.failures_waiting), ("dead", part.failures_dead)] {
                set(metrics::gauge!("steward_index_failures", "part" => name, "state" => state), count);
            }
        }
    }
    Ok(())
}

async fn tend(shared: &Shared) -> Result<()> {
    for target in crate::generation::targets(&shared.kernel.database.relay).await? {
        for sink in sink::sinks(&shared.engines) {
            if sink.index().generations().await?.contains(&target.generation) {
                sink.index().upkeep(target.generation).await?;
            }
        }
    }
    Ok(())
}

async fn prune(shared: &Shared) -> Result<()> {
    let keep = TimeDelta::from_std(shared.settings.tombstones_keep).unwrap_or(TimeDelta::MAX);
    let older_than = shared.kernel.clock.now().checked_sub_signed(keep).unwrap_or_default();
    let kept = crate::generation::kept(&shared.kernel.database.relay).await?;
    for sink in sink::sinks(&shared.engines) {
        for generation in sink.index().generations().await? {
            if kept.contains(&generation.0) {
                sink.index().prune(generation, older_than).await?;
            }
        }
    }
    Ok(())
}
