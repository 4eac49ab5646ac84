//! What the leader does beside delivering: figures for the operator, sealing the audit, the months' partitions, and
//! forgetting what nobody needs any more.
//!
//! It runs beside the deliveries and never in their way; what fails is logged and comes round again.

use super::Relay;
use super::sealing::seal_audit;
use crate::error::{During, Error, Result};
use chrono::TimeDelta;
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::QueryScalar;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The lag is counted up to this many rows.
const LAG_ROWS_MAX: i64 = 100_000;
/// After an error a daily task comes again this soon.
const AGAIN: Duration = Duration::from_secs(60);
/// Rows that are forgotten in one transaction.
const PRUNE_MAX: i32 = 10_000;

/// A statement that forgets some rows and says how many.
type Next = QueryScalar<'static, Postgres, i32, PgArguments>;

impl Relay {
    pub(super) async fn upkeep_until(&self, shutdown: &CancellationToken) {
        let now = Instant::now();
        // Partitions first: rows of a new month would otherwise go to the partition for the rest.
        let (mut figures, mut sealing, mut partitions) = (now, now, now);
        while !shutdown.is_cancelled() {
            if self.leading() {
                let now = Instant::now();
                if partitions <= now {
                    let good = [
                        noted(self.partitions().await, "partitions") && noted(self.prune_deliveries(shutdown).await, "deliveries"),
                        noted(self.prune_keys(shutdown).await, "idempotency keys"),
                    ];
                    let good = good.iter().all(|good| *good);
                    partitions = now + if good { self.settings.partitions_every } else { AGAIN };
                }
                if figures <= now {
                    figures = now + self.settings.metrics_every;
                    noted(self.figures().await, "figures");
                }
                if sealing <= now {
                    sealing = now + self.settings.seal_every;
                    noted(self.seal_all(shutdown).await, "sealing");
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(self.settings.poll) => {}
            }
        }
    }

    /// Seals the audit of every tenant; returns how many rows. A tenant whose sealing fails does not stop the others.
    pub async fn seal_all(&self, shutdown: &CancellationToken) -> Result<i64> {
        let mut sealed = 0;
        for placement in self.kernel.tenants.all().await? {
            if shutdown.is_cancelled() {
                break;
            }
            match seal_audit(&self.kernel, &placement).await {
                Ok(count) => sealed += count,
                Err(error) => tracing::warn!(tenant.id = %placement.tenant, %error, code = error.code.as_str(), "the audit of a tenant could not be sealed"),
            }
        }
        Ok(sealed)
    }

    async fn partitions(&self) -> Result<()> {
        let db = &self.kernel.database.relay;
        sqlx::query("SELECT kernel.ensure_partitions()").execute(db).await.during("make the partitions")?;
        if let Some(days) = self.settings.outbox_keep_days {
            let dropped: i32 =
                sqlx::query_scalar("SELECT kernel.drop_outbox($1)").bind(days).fetch_one(db).await.during("drop old partitions of the outbox")?;
            if dropped > 0 {
                tracing::info!(dropped, "months of the outbox that everybody has read were dropped");
            }
        }
        Ok(())
    }

    /// Forgets which events were delivered, as far as none of them can come again: they are older than the outbox is kept,
    /// have left it, and every subscription has read past them. Returns how many. A tenant that fails does not stop the others.
    pub async fn prune_deliveries(&self, shutdown: &CancellationToken) -> Result<i64> {
        let Some(days) = self.settings.outbox_keep_days else { return Ok(0) };
        self.prune(shutdown, "deliveries", |schema, tenant| {
            sqlx::query_scalar(AssertSqlSafe(format!("SELECT {schema}.kernel_prune_deliveries($1, $2, $3)"))).bind(tenant).bind(days).bind(PRUNE_MAX)
        })
        .await
    }

    /// Forgets idempotency keys that are older than they are kept. Returns how many.
    pub async fn prune_keys(&self, shutdown: &CancellationToken) -> Result<i64> {
        let before = self.kernel.clock.now() - TimeDelta::days(i64::from(self.settings.idempotency_keep_days));
        self.prune(shutdown, "idempotency keys", |schema, tenant| {
            sqlx::query_scalar(AssertSqlSafe(format!("SELECT {schema}.kernel_prune_idempotency($1, $2, $3)"))).bind(tenant).bind(before).bind(PRUNE_MAX)
        })
        .await
    }

    /// Runs a function of each placement, for each tenant, until it has nothing left to forget. The schema's name was checked
    /// when the placement was read; the function carries its own search path.
    async fn prune(&self, shutdown: &CancellationToken, what: &'static str, next: impl Fn(&str, Uuid) -> Next) -> Result<i64> {
        let mut pruned = 0;
        for placement in self.kernel.tenants.all().await? {
            while !shutdown.is_cancelled() {
                match next(&placement.schema, placement.tenant).fetch_one(&self.kernel.database.app).await.during("forget what is old") {
                    Ok(count) => {
                        pruned += i64::from(count);
                        if count < PRUNE_MAX {
                            break;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(tenant.id = %placement.tenant, what, %error, code = error.code.as_str(), "what is old of a tenant could not be forgotten");
                        break;
                    }
                }
            }
        }
        Ok(pruned)
    }

    async fn figures(&self) -> Result<()> {
        let db = &self.kernel.database.relay;
        let (rows, seconds): (i64, f64) = sqlx::query_as(
            "WITH behind AS (SELECT c.xid, c.ordinal FROM kernel.outbox_cursor c WHERE c.consumer = ANY ($1) ORDER BY c.xid, c.ordinal LIMIT 1)
             SELECT (SELECT count(*) FROM (SELECT FROM behind b, kernel.outbox o WHERE (o.xid, o.ordinal) > (b.xid, b.ordinal) LIMIT $2) AS lag),
                    coalesce((SELECT extract(epoch FROM now() - o.created_at) FROM behind b, kernel.outbox o
                               WHERE (o.xid, o.ordinal) > (b.xid, b.ordinal) ORDER BY o.xid, o.ordinal LIMIT 1), 0)::double precision",
        )
        .bind(self.consumers())
        .bind(LAG_ROWS_MAX)
        .fetch_one(db)
        .await
        .during("measure the outbox")?;
        metrics::gauge!("steward_outbox_lag_rows").set(f64::from(i32::try_from(rows).unwrap_or(i32::MAX)));
        metrics::gauge!("steward_outbox_lag_seconds").set(seconds);
        let age: f64 = sqlx::query_scalar("SELECT kernel.horizon_age()").fetch_one(db).await.during("measure the horizon")?;
        metrics::gauge!("steward_outbox_horizon_age_seconds").set(age);
        let (waiting, dead): (i64, i64) = sqlx::query_as("SELECT count(*) FILTER (WHERE dead_at IS NULL), count(dead_at) FROM kernel.delivery_failure")
            .fetch_one(db)
            .await
            .during("count the failed deliveries")?;
        for (state, count) in [("waiting", waiting), ("dead", dead)] {
            metrics::gauge!("steward_delivery_failures", "state" => state).set(f64::from(i32::try_from(count).unwrap_or(i32::MAX)));
        }
        Ok(())
    }
}

/// Logs what failed; says whether it went well.
fn noted<T>(result: Result<T, Error>, task: &'static str) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(task, %error, code = error.code.as_str(), "a task of the relay failed and will be tried again");
            false
        }
    }
}
