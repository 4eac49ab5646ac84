//! Deliveries that failed: kept with their event, tried again at growing intervals, and dead after the last attempt.
//!
//! A dead one waits for a person: [`Relay::retry`], or a command of a module that clears `dead_at` in the tenant's view
//! of the same table.

use super::Relay;
use crate::error::{Code, During, Error, Result};
use crate::events::Event;
use chrono::TimeDelta;
use sqlx::PgConnection;
use sqlx::types::Json;
use tokio_util::sync::CancellationToken;

/// Failures that are tried again in one round.
const DUE_MAX: i64 = 100;

/// The pause after the attempt with this number: 1 s, 2 s, 4 s … 5 minutes.
pub(super) fn pause(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default().min(9);
    TimeDelta::seconds((1_i64 << doublings).min(300))
}

#[derive(sqlx::FromRow)]
struct Due {
    consumer: String,
    xid: i64,
    ordinal: i32,
    attempts: i32,
    event: Json<serde_json::Value>,
}

impl Relay {
    pub(super) async fn store_failure(&self, db: &mut PgConnection, consumer: &'static str, event: &Event, error: &Error) -> Result<()> {
        let kept = serde_json::to_value(event).map_err(|error| Error::internal("could not encode an event").with_source(error))?;
        tracing::warn!(consumer, event.name = %event.name, tenant.id = %event.tenant, code = error.code.as_str(), "a delivery failed and will be tried again");
        sqlx::query(
            "INSERT INTO kernel.delivery_failure (consumer, xid, ordinal, tenant_id, name, event, code, next_attempt_at)
             VALUES ($1, ($2::text)::xid8, $3, $4, $5, $6, $7, $8) ON CONFLICT (consumer, xid, ordinal) DO NOTHING",
        )
        .bind(consumer)
        .bind(event.xid.to_string())
        .bind(event.ordinal)
        .bind(event.tenant)
        .bind(&event.name)
        .bind(Json(kept))
        .bind(error.code.as_str())
        .bind(self.kernel.clock.now() + pause(1))
        .execute(db)
        .await
        .during("store the failed delivery")
        .map(drop)
    }

    /// Tries what is due; returns how many were applied.
    pub(super) async fn retry_due(&self, db: &mut PgConnection, shutdown: &CancellationToken) -> Result<u64> {
        let due: Vec<Due> = sqlx::query_as(
            "SELECT consumer, xid::text::bigint AS xid, ordinal, attempts, event FROM kernel.delivery_failure
              WHERE dead_at IS NULL AND next_attempt_at <= $1 AND consumer = ANY ($2) ORDER BY next_attempt_at, xid, ordinal LIMIT $3",
        )
        .bind(self.kernel.clock.now())
        .bind(self.consumers())
        .bind(DUE_MAX)
        .fetch_all(&mut *db)
        .await
        .during("read the failed deliveries")?;
        let mut applied = 0;
        for due in due {
            if shutdown.is_cancelled() {
                break;
            }
            let Some(subscription) = self.subscription(&due.consumer) else { continue };
            let result = match serde_json::from_value(due.event.0.clone()) {
                Ok(event) => self.attempt(subscription, event).await,
                Err(error) => Err(Error::internal("a stored event cannot be read").with_source(error)),
            };
            match result {
                Ok(now) => {
                    applied += u64::from(now);
                    forget(db, &due).await?;
                }
                Err(error) => self.postpone(db, &due, &error).await?,
            }
        }
        Ok(applied)
    }

    async fn postpone(&self, db: &mut PgConnection, due: &Due, error: &Error) -> Result<()> {
        let attempts = due.attempts.saturating_add(1);
        let now = self.kernel.clock.now();
        let dead = attempts >= self.settings.attempts_max;
        if dead {
            tracing::error!(consumer = %due.consumer, xid = due.xid, ordinal = due.ordinal, code = error.code.as_str(), "a delivery failed for the last time and waits for a person");
        }
        sqlx::query(
            "UPDATE kernel.delivery_failure SET attempts = $4, code = $5, next_attempt_at = $6, dead_at = $7 WHERE consumer = $1 AND xid = ($2::text)::xid8 AND ordinal = $3",
        )
        .bind(&due.consumer)
        .bind(due.xid.to_string())
        .bind(due.ordinal)
        .bind(attempts)
        .bind(error.code.as_str())
        .bind(now + pause(attempts))
        .bind(dead.then_some(now))
        .execute(db)
        .await
        .during("store the failed delivery")
        .map(drop)
    }

    /// Gives a failed delivery, dead or waiting, a fresh set of attempts, beginning now.
    pub async fn retry(&self, consumer: &str, xid: i64, ordinal: i32) -> Result<()> {
        let changed = sqlx::query(
            "UPDATE kernel.delivery_failure SET attempts = 0, dead_at = NULL, next_attempt_at = $4 WHERE consumer = $1 AND xid = ($2::text)::xid8 AND ordinal = $3",
        )
        .bind(consumer)
        .bind(xid.to_string())
        .bind(ordinal)
        .bind(self.kernel.clock.now())
        .execute(&self.kernel.database.relay)
        .await
        .during("retry the delivery")?;
        if changed.rows_affected() == 0 {
            return Err(Error::new(Code::NotFound, "failed delivery not found"));
        }
        self.kernel.committed.tell();
        Ok(())
    }
}

async fn forget(db: &mut PgConnection, due: &Due) -> Result<()> {
    sqlx::query("DELETE FROM kernel.delivery_failure WHERE consumer = $1 AND xid = ($2::text)::xid8 AND ordinal = $3")
        .bind(&due.consumer)
        .bind(due.xid.to_string())
        .bind(due.ordinal)
        .execute(db)
        .await
        .during("forget the failed delivery")
        .map(drop)
}
