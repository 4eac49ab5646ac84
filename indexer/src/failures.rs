//! Records that could not be indexed: kept beside the failed deliveries of events, tried again at growing intervals, and
//! dead after the last attempt, until a person gives them new attempts (`platform.delivery.retry`).
//!
//! There is one for each record and consumer, however often the record was told of, and it goes when the record is indexed,
//! for whatever reason. What is kept is a hint like any other: the next attempt reads the record as it is then.

use crate::fault::{Fault, Result};
use crate::outbox::Told;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use sqlx::types::Json;
use steward_kernel::Event;
use steward_kernel::error::During;

/// Failures that are tried again at once.
const DUE_MAX: i64 = 100;

#[derive(sqlx::FromRow)]
struct Row {
    attempts: i32,
    event: Json<serde_json::Value>,
}

/// A failure whose next attempt is due.
pub(crate) struct Due {
    pub(crate) told: Told,
    attempts: i32,
}

/// The pause after the attempt with this number: 1 s, 2 s, 4 s … 5 minutes.
fn pause(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default().min(9);
    TimeDelta::seconds((1_i64 << doublings).min(300))
}

/// The place in the table that belongs to a record. Rows of the outbox never have a negative ordinal.
fn place(told: &Told) -> (i64, i32) {
    let mut hasher = blake3::Hasher::new();
    hasher.update(told.tenant.as_bytes()).update(told.resource.as_bytes()).update(told.id.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
    let xid = i64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
    (xid, -i32::from(i16::from_le_bytes([g, h]).unsigned_abs()) - 1)
}

pub(crate) async fn store(db: &PgPool, consumer: &str, now: DateTime<Utc>, told: &Told, fault: &Fault) -> Result<()> {
    tracing::warn!(consumer, resource = %told.resource, tenant.id = %told.tenant, record.id = %told.id, error = fault as &dyn std::error::Error, code = fault.code(), "a record could not be indexed and will be tried again");
    let (xid, ordinal) = place(told);
    let event = Event {
        tenant: told.tenant,
        xid,
        ordinal,
        change: true,
        name: told.resource.clone(),
        entity: Some(told.id),
        version: Some(told.version),
        payload: serde_json::Value::Null,
        actor: None,
        correlation: None,
    };
    let event = serde_json::to_value(event).map_err(|error| steward_kernel::Error::internal("could not encode a failed record").with_source(error))?;
    sqlx::query(
        "INSERT INTO kernel.delivery_failure AS f (consumer, xid, ordinal, tenant_id, name, event, code, next_attempt_at)
         VALUES ($1, ($2::text)::xid8, $3, $4, $5, $6, $7, $8) ON CONFLICT (consumer, xid, ordinal) DO UPDATE SET event = excluded.event, code = excluded.code",
    )
    .bind(consumer)
    .bind(xid.to_string())
    .bind(ordinal)
    .bind(told.tenant)
    .bind(&told.resource)
    .bind(Json(event))
    .bind(fault.code())
    .bind(now + pause(1))
    .execute(db)
    .await
    .during("store a record that could not be indexed")?;
    Ok(())
}

/// These records are indexed now.
pub(crate) async fn forget(db: &PgPool, consumer: &str, told: &[Told]) -> Result<()> {
    let (xids, ordinals): (Vec<String>, Vec<i32>) = told.iter().map(place).map(|(xid, ordinal)| (xid.to_string(), ordinal)).unzip();
    sqlx::query(
        "DELETE FROM kernel.delivery_failure f USING unnest($2::text[], $3::int[]) AS n(xid, ordinal) WHERE f.consumer = $1 AND f.xid = n.xid::xid8 AND f.ordinal = n.ordinal",
    )
    .bind(consumer)
    .bind(&xids)
    .bind(&ordinals)
    .execute(db)
    .await
    .during("forget records that could not be indexed")?;
    Ok(())
}

pub(crate) async fn due(db: &PgPool, consumer: &str, now: DateTime<Utc>) -> Result<Vec<Due>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT attempts, event FROM kernel.delivery_failure
          WHERE dead_at IS NULL AND next_attempt_at <= $1 AND consumer = $2 ORDER BY next_attempt_at, xid, ordinal LIMIT $3",
    )
    .bind(now)
    .bind(consumer)
    .bind(DUE_MAX)
    .fetch_all(db)
    .await
    .during("read the records that could not be indexed")?;
    let mut due = Vec::with_capacity(rows.len());
    for row in rows {
        let Ok(event) = serde_json::from_value::<Event>(row.event.0) else { continue };
        let (Some(id), Some(version)) = (event.entity, event.version) else { continue };
        due.push(Due { told: Told { tenant: event.tenant, resource: event.name, id, version }, attempts: row.attempts });
    }
    Ok(due)
}

pub(crate) async fn postpone(db: &PgPool, consumer: &str, now: DateTime<Utc>, attempts_max: i32, due: &Due, fault: &Fault) -> Result<()> {
    let attempts = due.attempts.saturating_add(1);
    let ((xid, ordinal), dead) = (place(&due.told), attempts >= attempts_max);
    if dead {
        tracing::error!(consumer, resource = %due.told.resource, tenant.id = %due.told.tenant, record.id = %due.told.id, error = fault as &dyn std::error::Error, code = fault.code(), "a record could not be indexed for the last time and waits for a person");
    }
    sqlx::query(
        "UPDATE kernel.delivery_failure SET attempts = $4, code = $5, next_attempt_at = $6, dead_at = $7 WHERE consumer = $1 AND xid = ($2::text)::xid8 AND ordinal = $3",
    )
    .bind(consumer)
    .bind(xid.to_string())
    .bind(ordinal)
    .bind(attempts)
    .bind(fault.code())
    .bind(now + pause(attempts))
    .bind(dead.then_some(now))
    .execute(db)
    .await
    .during("store a record that could not be indexed")?;
    Ok(())
}
