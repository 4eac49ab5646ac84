//! How the index fares, for the operator's figures, the command line and the administrator's screen.

use crate::Indexer;
use crate::compare::Drift;
use crate::fault::Result;
use crate::generation;
use crate::outbox;
use crate::sink::Part;
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use steward_kernel::error::{During, Error};
use uuid::Uuid;

/// The lag is counted up to this many rows.
const LAG_ROWS_MAX: i64 = 100_000;

#[derive(Clone, Debug)]
pub struct Status {
    /// Of the live generation and of the one that is built; empty before the first.
    pub parts: Vec<PartStatus>,
}

#[derive(Clone, Debug)]
pub struct PartStatus {
    pub part: Part,
    pub generation: i64,
    pub live: bool,
    /// Everything was filled and compared once.
    pub ready: bool,
    /// Rows of the outbox that are still to be read, up to a bound, and the age of the oldest in seconds.
    pub lag_rows: i64,
    pub lag_seconds: f64,
    /// Resources of tenants that are walked, and how many of them to their end.
    pub walks: i64,
    pub walks_done: i64,
    /// Records that were walked.
    pub records: i64,
    pub drift: Drift,
    /// Resources of tenants that are to be compared at once.
    pub checks_open: i64,
    /// The resource that was compared the longest ago.
    pub compared_at: Option<DateTime<Utc>>,
    pub failures_waiting: i64,
    pub failures_dead: i64,
}

impl Indexer {
    /// Figures of the database; those that count records only of the tenant, where one is named.
    pub async fn status(&self, tenant: Option<Uuid>) -> Result<Status, Error> {
        read(&self.shared.kernel.database.relay, tenant).await.map_err(crate::lead::told)
    }
}

type Filling = (i64, i64, i64, i64, i64, i64, i64, Option<DateTime<Utc>>);

pub(crate) async fn read(db: &PgPool, tenant: Option<Uuid>) -> Result<Status> {
    let mut parts = Vec::new();
    for target in generation::targets(db).await? {
        for part in [Part::Text, Part::Vectors] {
            let consumer = part.consumer(target.generation);
            let followed: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM kernel.outbox_cursor WHERE consumer = $1)")
                .bind(&consumer)
                .fetch_one(db)
                .await
                .during("look up a cursor")?;
            if !followed {
                continue;
            }
            let (lag_rows, lag_seconds) = outbox::lag(db, &consumer, LAG_ROWS_MAX).await?;
            let (walks, walks_done, checks_open, records, missing, stale, surplus, compared_at): Filling = sqlx::query_as(
                "SELECT count(*), count(filled_at), count(*) FILTER (WHERE check_wanted), coalesce(sum(records), 0)::bigint, coalesce(sum(missing), 0)::bigint, coalesce(sum(stale), 0)::bigint, coalesce(sum(surplus), 0)::bigint, min(checked_at)
                   FROM rag.filling WHERE generation = $1 AND part = $2 AND ($3::uuid IS NULL OR tenant_id = $3)",
            )
            .bind(target.generation.0)
            .bind(part.as_str())
            .bind(tenant)
            .fetch_one(db)
            .await
            .during("count what is filled")?;
            let (failures_waiting, failures_dead): (i64, i64) = sqlx::query_as(
                "SELECT count(*) FILTER (WHERE dead_at IS NULL), count(dead_at) FROM kernel.delivery_failure WHERE consumer = $1 AND ($2::uuid IS NULL OR tenant_id = $2)",
            )
            .bind(&consumer)
            .bind(tenant)
            .fetch_one(db)
            .await
            .during("count the records that could not be indexed")?;
            parts.push(PartStatus {
                part,
                generation: target.generation.0,
                live: target.live,
                ready: target.is_ready(part),
                lag_rows,
                lag_seconds,
                walks,
                walks_done,
                records,
                drift: Drift { missing, stale, surplus },
                checks_open,
                compared_at,
                failures_waiting,
                failures_dead,
            });
        }
    }
    Ok(Status { parts })
}
