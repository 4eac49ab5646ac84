//! Imports as records: how far one came and what it did, for whoever sent the file, and so that a repeated call goes on
//! with it instead of beginning anew. Row-level security shows each person his own only.
//!
//! **Invariants:** one process at a time works on an import, the one whose runner stands in the row. It renews its lease; a
//! process that was killed does not, and the next call with the same key, or with the import's id, takes over where the row
//! says that it was. Of a person's imports one runs at a time, over all processes.

use super::report::Report;
use crate::error::Problem;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use std::sync::Arc;
use std::time::Duration;
use steward_kernel::bus::Kernel;
use steward_kernel::error::During;
use steward_kernel::{Code, Error, Principal, Result, Work, ids};
use uuid::Uuid;

/// How long a process that says nothing any more still counts as working on an import.
const LEASE_SECONDS: f64 = 15.0;
/// How often it says so.
pub(super) const BEAT: Duration = Duration::from_secs(4);

/// By what an import is known to whoever sends its file again.
#[derive(Clone, Debug)]
pub(super) enum Known {
    Nothing,
    /// The `Idempotency-Key`.
    Key(String),
    /// Its own id: it must be there.
    Id(Uuid),
}

/// Where a file stands, before it is taken in.
pub(super) struct New<'a> {
    pub(super) known: &'a Known,
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

/// Where an import tells how far it is.
pub(super) fn path_of(id: Uuid) -> String {
    format!("/api/v1/imports/{id}")
}

/// What became of a call.
pub(super) enum Claim {
    /// To be worked on, from the beginning or from where it was cut off.
    Ours(Held, Option<Resumed>),
    Settled(Settled),
}

/// Why there is nothing to do for a file now.
pub(super) enum Settled {
    /// Done before.
    Done(Uuid, Report),
    /// Somebody works on it.
    Running(Uuid),
    /// Somebody works on another import of this person's.
    Taken(Uuid),
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
    /// The program stops: the next call with the same key or with its id goes on.
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
    runner: Uuid,
    lapsed: bool,
    rows_done: i32,
    report: Json<Report>,
}

fn count(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

/// How a file stands with what its sender has begun.
enum Standing {
    /// Nothing is in its way.
    Free,
    /// It was begun, and nobody works on it.
    CutOff(Found),
    Settled(Settled),
}

async fn standing(db: &mut PgConnection, asker: &Principal, known: &Known, digest: &[u8]) -> Result<Standing> {
    let (key, id) = match known {
        Known::Nothing => (None, None),
        Known::Key(key) => (Some(key.as_str()), None),
        Known::Id(id) => (None, Some(*id)),
    };
    let found: Option<Found> = sqlx::query_as(
        "SELECT id, digest, state, runner, lease_until < clock_timestamp() AS lapsed, rows_done, report FROM kernel_import
          WHERE tenant_id = $1 AND owner_id = $2 AND (key = $3 OR id = $4)",
    )
    .bind(asker.tenant)
    .bind(asker.user)
    .bind(key)
    .bind(id)
    .fetch_optional(&mut *db)
    .await
    .during("look up the import")?;
    if found.is_none() && id.is_some() {
        return Err(Error::not_found("import"));
    }
    if let Some(found) = &found {
        if found.digest != digest {
            let text = "this idempotency key, or this import, was begun with another file or in another way";
            return Err(Error::new(Code::IdempotencyMismatch, text));
        }
        match found.state.as_str() {
            "done" => return Ok(Standing::Settled(Settled::Done(found.id, found.report.0.clone()))),
            "running" if !found.lapsed => return Ok(Standing::Settled(Settled::Running(found.id))),
            _ => {}
        }
    }
    let other: Option<Uuid> = sqlx::query_scalar(
        "SELECT id FROM kernel_import WHERE tenant_id = $1 AND owner_id = $2 AND state = 'running' AND lease_until >= clock_timestamp() LIMIT 1",
    )
    .bind(asker.tenant)
    .bind(asker.user)
    .fetch_optional(&mut *db)
    .await
    .during("look up running imports")?;
    Ok(match (other, found) {
        (Some(other), _) => Standing::Settled(Settled::Taken(other)),
        (None, Some(found)) => Standing::CutOff(found),
        (None, None) => Standing::Free,
    })
}

/// What there is to say of a file that has not been looked into; `None` where it is to be worked on.
pub(super) async fn settled(kernel: &Arc<Kernel>, asker: &Principal, known: &Known, digest: &[u8]) -> Result<Option<Settled>> {
    let mut read = kernel.read(asker).await?;
    let standing = standing(read.db(), asker, known, digest).await?;
    read.finish().await?;
    Ok(match standing {
        Standing::Settled(settled) => Some(settled),
        Standing::Free | Standing::CutOff(_) => None,
    })
}

/// Takes a file in, or finds what was begun with its key or id.
pub(super) async fn claim(kernel: &Arc<Kernel>, asker: &Principal, new: &New<'_>) -> Result<Claim> {
    let mut work = kernel.record(asker, "import.begin").await?;
    // Files that one person sends together are taken in one after the other, so that each sees whether another one runs.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('import:' || $1 || ':' || $2, 0))")
        .bind(asker.tenant.to_string())
        .bind(asker.user.to_string())
        .execute(work.db())
        .await
        .during("wait for other imports to begin")?;
    match standing(work.db(), asker, new.known, new.digest).await? {
        Standing::Settled(settled) => Ok(Claim::Settled(settled)),
        Standing::Free => {
            let held = insert(&mut work, asker, new).await?;
            work.finish_record().await?;
            Ok(Claim::Ours(held, None))
        }
        Standing::CutOff(found) => {
            let Some(held) = take_over(&mut work, asker, &found).await? else {
                return Ok(Claim::Settled(Settled::Running(found.id)));
            };
            work.finish_record().await?;
            Ok(Claim::Ours(held, Some(Resumed { rows: usize::try_from(found.rows_done).unwrap_or_default(), report: found.report.0 })))
        }
    }
}

async fn insert(work: &mut Work, asker: &Principal, new: &New<'_>) -> Result<Held> {
    let (held, now) = (Held { id: ids::fresh(), runner: ids::fresh() }, work.now());
    let key = if let Known::Key(key) = new.known { Some(key) } else { None };
    sqlx::query(
        "INSERT INTO kernel_import (tenant_id, id, owner_id, key, digest, resource, source, file, dry_run, rows, report, runner, lease_until, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp() + make_interval(secs => $13), $14)",
    )
    .bind(asker.tenant)
    .bind(held.id)
    .bind(asker.user)
    .bind(key)
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
    Ok(held)
}

/// `None` where its runner has come back in the meantime.
async fn take_over(work: &mut Work, asker: &Principal, found: &Found) -> Result<Option<Held>> {
    let held = Held { id: found.id, runner: ids::fresh() };
    let taken = sqlx::query(
        "UPDATE kernel_import SET state = 'running', problem = NULL, finished_at = NULL, runner = $3, lease_until = clock_timestamp() + make_interval(secs => $4)
          WHERE tenant_id = $1 AND id = $2 AND runner = $5 AND (state <> 'running' OR lease_until < clock_timestamp())",
    )
    .bind(asker.tenant)
    .bind(held.id)
    .bind(held.runner)
    .bind(LEASE_SECONDS)
    .bind(found.runner)
    .execute(work.db())
    .await
    .during("take the import over")?;
    Ok((taken.rows_affected() == 1).then_some(held))
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

/// Notes how the import ended. Whether it was still ours.
pub(super) async fn end(kernel: &Arc<Kernel>, asker: &Principal, held: Held, at: Option<(usize, &Report)>, how: End<'_>) -> Result<bool> {
    let mut work = kernel.record(asker, "import.end").await?;
    let now = work.now();
    let (state, problem) = match how {
        End::Done => ("done", None),
        End::Failed(problem) => ("failed", Some(problem.body())),
        End::Interrupted => ("interrupted", None),
    };
    let ended = sqlx::query(
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
    work.finish_record().await?;
    Ok(ended.rows_affected() == 1)
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
