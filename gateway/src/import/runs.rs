//! Imports as records: how far one came and what it did, for whoever sent the file, and so that a repeated call goes on
//! with it instead of beginning anew. Row-level security shows each person his own only.
//!
//! **Invariant:** one process at a time works on an import, the one whose runner stands in the row. It renews its lease; a
//! process that was killed does not, and the next call with the same key takes over where the row says that it was.

use super::report::Report;
use crate::error::Problem;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use std::sync::Arc;
use std::time::Duration;
use steward_kernel::bus::Kernel;
use steward_kernel::error::During;
use steward_kernel::{Code, Error, Principal, Result, ids};
use uuid::Uuid;

/// How long a process that says nothing any more still counts as working on an import.
const LEASE_SECONDS: f64 = 15.0;
/// How often it says so.
pub(super) const BEAT: Duration = Duration::from_secs(4);

/// Where a file stands, before it is taken in.
pub(super) struct New<'a> {
    pub(super) key: Option<&'a str>,
    /// Of the file and of all that says what is to be done with it.
    pub(super) digest: &'a [u8],
    pub(super) resource: &'a str,
    pub(super) source: &'a str,
    pub(super) file: &'a str,
    pub(super) dry_run: bool,
    pub(super) rows: usize,
    pub(super) report: &'a Report,
}

/// An import that this process works on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) id: Uuid,
    runner: Uuid,
}

/// What became of a call.
pub(super) enum Claim {
    /// To be worked on, from the beginning or from where it was cut off.
    Ours(Held, Option<Resumed>),
    /// Done before.
    Done(Uuid, Report),
    /// Somebody works on it.
    Running(Uuid),
}

/// How far an import came before it was cut off.
pub(super) struct Resumed {
    pub(super) rows: usize,
    pub(super) report: Report,
}

/// How an import ended.
pub(super) enum End<'a> {
    Done,
    Failed(&'a Problem),
    /// The program stops: the next call with the same key goes on.
    Interrupted,
}

/// An import as its sender reads it.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(super) struct Import {
    id: Uuid,
    /// `running`, `done`, `failed` or `interrupted`.
    state: String,
    resource: String,
    source: String,
    file: String,
    dry_run: bool,
    rows: i32,
    rows_done: i32,
    report: Json<Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Value>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
struct Found {
    id: Uuid,
    digest: Vec<u8>,
    state: String,
    lapsed: bool,
    rows_done: i32,
    report: Json<Report>,
}

fn count(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

/// Takes a file in, or finds what was begun with its key.
pub(super) async fn claim(kernel: &Arc<Kernel>, asker: &Principal, new: &New<'_>) -> Result<Claim> {
    let mut work = kernel.record(asker, "import.begin").await?;
    let (held, now) = (Held { id: ids::fresh(), runner: ids::fresh() }, work.now());
    let inserted = sqlx::query(
        "INSERT INTO kernel_import (tenant_id, id, owner_id, key, digest, resource, source, file, dry_run, rows, report, runner, lease_until, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp() + make_interval(secs => $13), $14)
         ON CONFLICT (tenant_id, owner_id, key) WHERE key IS NOT NULL DO NOTHING",
    )
    .bind(asker.tenant)
    .bind(held.id)
    .bind(asker.user)
    .bind(new.key)
    .bind(new.digest)
    .bind(new.resource)
    .bind(new.source)
    .bind(new.file)
    .bind(new.dry_run)
    .bind(count(new.rows))
    .bind(Json(new.report))
    .bind(held.runner)
    .bind(LEASE_SECONDS)
    .bind(now)
    .execute(work.db())
    .await
    .during("note the import")?;
    if inserted.rows_affected() == 1 {
        work.finish_record().await?;
        return Ok(Claim::Ours(held, None));
    }
    let found: Found = sqlx::query_as(
        "SELECT id, digest, state, lease_until < clock_timestamp() AS lapsed, rows_done, report FROM kernel_import
          WHERE tenant_id = $1 AND owner_id = $2 AND key = $3 FOR UPDATE",
    )
    .bind(asker.tenant)
    .bind(asker.user)
    .bind(new.key)
    .fetch_one(work.db())
    .await
    .during("look up the import")?;
    if found.digest != new.digest {
        return Err(Error::new(Code::IdempotencyMismatch, "this idempotency key was used with another file"));
    }
    match found.state.as_str() {
        "done" => return Ok(Claim::Done(found.id, found.report.0)),
        "running" if !found.lapsed => return Ok(Claim::Running(found.id)),
        _ => {}
    }
    let held = Held { id: found.id, ..held };
    sqlx::query(
        "UPDATE kernel_import SET state = 'running', problem = NULL, finished_at = NULL, runner = $3, lease_until = clock_timestamp() + make_interval(secs => $4)
          WHERE tenant_id = $1 AND id = $2",
    )
    .bind(asker.tenant)
    .bind(held.id)
    .bind(held.runner)
    .bind(LEASE_SECONDS)
    .execute(work.db())
    .await
    .during("take the import over")?;
    work.finish_record().await?;
    Ok(Claim::Ours(held, Some(Resumed { rows: usize::try_from(found.rows_done).unwrap_or_default(), report: found.report.0 })))
}

/// Renews the lease and notes how far the import is. Whether it is still ours.
pub(super) async fn keep(kernel: &Arc<Kernel>, asker: &Principal, held: Held, at: Option<(usize, &Report)>) -> Result<bool> {
    let mut work = kernel.record(asker, "import.keep").await?;
    let kept = sqlx::query(
        "UPDATE kernel_import SET lease_until = clock_timestamp() + make_interval(secs => $4), rows_done = coalesce($5, rows_done), report = coalesce($6, report)
          WHERE tenant_id = $1 AND id = $2 AND runner = $3 AND state = 'running'",
    )
    .bind(asker.tenant)
    .bind(held.id)
    .bind(held.runner)
    .bind(LEASE_SECONDS)
    .bind(at.map(|(rows, _)| count(rows)))
    .bind(at.map(|(_, report)| Json(report)))
    .execute(work.db())
    .await
    .during("note how far the import is")?;
    work.finish_record().await?;
    Ok(kept.rows_affected() == 1)
}

/// Notes how the import ended.
pub(super) async fn end(kernel: &Arc<Kernel>, asker: &Principal, held: Held, at: Option<(usize, &Report)>, how: End<'_>) -> Result<()> {
    let mut work = kernel.record(asker, "import.end").await?;
    let now = work.now();
    let (state, problem) = match how {
        End::Done => ("done", None),
        End::Failed(problem) => ("failed", Some(problem.body())),
        End::Interrupted => ("interrupted", None),
    };
    sqlx::query(
        "UPDATE kernel_import SET state = $4, problem = $5, finished_at = $6, rows_done = coalesce($7, rows_done), report = coalesce($8, report)
          WHERE tenant_id = $1 AND id = $2 AND runner = $3",
    )
    .bind(asker.tenant)
    .bind(held.id)
    .bind(held.runner)
    .bind(state)
    .bind(problem)
    .bind(now)
    .bind(at.map(|(rows, _)| count(rows)))
    .bind(at.map(|(_, report)| Json(report)))
    .execute(work.db())
    .await
    .during("note how the import ended")?;
    work.finish_record().await
}

/// An import of the asker's. One that nobody works on any more was interrupted, whatever its row still says.
pub(super) async fn find(kernel: &Arc<Kernel>, asker: &Principal, id: Uuid) -> Result<Import> {
    let mut read = kernel.read(asker).await?;
    let found: Option<Import> = sqlx::query_as(
        "SELECT id, CASE WHEN state = 'running' AND lease_until < clock_timestamp() THEN 'interrupted' ELSE state END AS state,
                resource, source, file, dry_run, rows, rows_done, report, problem, created_at, finished_at
           FROM kernel_import WHERE tenant_id = $1 AND id = $2",
    )
    .bind(asker.tenant)
    .bind(id)
    .fetch_optional(read.db())
    .await
    .during("look up the import")?;
    read.finish().await?;
    found.ok_or_else(|| Error::not_found("import"))
}
