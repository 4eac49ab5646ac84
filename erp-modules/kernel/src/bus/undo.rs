//! Undo: a compensating command with its arguments, recorded with the execution that it takes back.
//!
//! It runs through the same bus with its own permission and checks, and it refuses when later documents depend on the
//! record: history stays, the business state is restored.
//!
//! Two kinds. A state machine is taken back by a named command whose rules say when; it may be an internal one that only
//! undo runs, where no command of a door leads back to just the state before. An undo
//! that *restores* puts old values back and would overwrite what others wrote meanwhile, so it runs only while the record
//! is as the execution left it, by its version ([`restores`]). Undoing the newest of several changes brings the record
//! back to what the one before left, so that changes can be undone one after the other, from the end.

mod plan;

use super::{Executed, Kernel, Preview, Step, Way, idempotency};
use crate::catalogue::Catalogue;
use crate::error::{During, Error, Result};
use crate::principal::Principal;
use crate::work::{Mode, Work};
use crate::{audit, query};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use uuid::Uuid;

/// An execution to take back.
#[derive(Clone, Debug)]
pub struct Undo {
    pub execution: Uuid,
    pub idempotency_key: Option<String>,
    /// The version of the record that the caller saw (`If-Match`).
    pub expected_version: Option<i64>,
}

impl Undo {
    pub fn of(execution: Uuid) -> Self {
        Self { execution, idempotency_key: None, expected_version: None }
    }

    /// What belongs to an idempotency key.
    fn body(&self) -> [Step; 1] {
        [Step { command: "kernel.undo".into(), input: json!({ "execution": self.execution }), name: None, expected_version: self.expected_version }]
    }
}

#[derive(sqlx::FromRow)]
struct Recorded {
    at: DateTime<Utc>,
    undone_by: Option<Uuid>,
    resource: Option<String>,
    entity_id: Option<Uuid>,
    restores: bool,
    changed_id: Option<Uuid>,
    version_before: Option<i64>,
    version_after: Option<i64>,
}

/// The row that an execution changed, from which version to which.
#[derive(Clone, Copy)]
struct Changed {
    id: Uuid,
    before: i64,
    after: i64,
    transaction: i64,
}

/// Whether taking `command` back by `undo` puts old values back: what takes itself back can do so with old values only, and
/// so does the update of a resource.
fn restores(catalogue: &Catalogue, command: &str, undo: &str) -> bool {
    command == undo || catalogue.resources.values().any(|resource| resource.update.as_deref() == Some(undo))
}

/// Writes down what can be undone, and reads the versions that the records have now.
pub(super) async fn record(work: &mut Work, done: &mut [Executed], steps: &[Step]) -> Result<()> {
    let primaries: Vec<Uuid> = done.iter().filter_map(|executed| executed.outcome.primary.as_ref()).map(|primary| primary.id).collect();
    if primaries.is_empty() && done.iter().all(|executed| executed.outcome.undo.is_none()) {
        return Ok(());
    }
    let changed: HashMap<Uuid, Changed> = changed(work, &primaries).await?;
    for (executed, step) in done.iter_mut().zip(steps) {
        let primary = executed.outcome.primary.as_ref();
        let own = primary.and_then(|primary| changed.get(&primary.id)).copied();
        executed.version = own.map(|own| own.after);
        executed.transaction = own.map(|own| own.transaction);
        let Some((command, input)) = &executed.outcome.undo else { continue };
        let restores = restores(&work.catalogue, &step.command, command);
        let left = match (own, primary) {
            (None, Some(primary)) if restores => changed_part(work, primary.id).await?,
            _ => own,
        };
        sqlx::query(
            "INSERT INTO kernel_execution (tenant_id, id, actor_id, command, resource, entity_id, undo_command, undo_input, restores, changed_id, version_before, version_after)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(work.principal.tenant)
        .bind(executed.execution)
        .bind(work.principal.user)
        .bind(&step.command)
        .bind(primary.map(|primary| &primary.resource))
        .bind(primary.map(|primary| primary.id))
        .bind(command)
        .bind(input)
        .bind(restores)
        .bind(left.map(|left| left.id))
        .bind(left.map(|left| left.before))
        .bind(left.map(|left| left.after))
        .execute(&mut *work.tx)
        .await
        .during("record how to undo")?;
    }
    Ok(())
}

/// What this transaction made of these records.
async fn changed(work: &mut Work, ids: &[Uuid]) -> Result<HashMap<Uuid, Changed>> {
    let rows: Vec<(Uuid, i64, i64, i64)> = sqlx::query_as(
        "SELECT entity_id, min(version - 1), max(version), pg_current_xact_id()::text::bigint FROM kernel_change
          WHERE xid = pg_current_xact_id() AND tenant_id = $1 AND at = now() AND entity_id = ANY($2) GROUP BY entity_id",
    )
    .bind(work.principal.tenant)
    .bind(ids)
    .fetch_all(&mut *work.tx)
    .await
    .during("read the new versions")?;
    Ok(rows.into_iter().map(|(id, before, after, transaction)| (id, Changed { id, before, after, transaction })).collect())
}

/// What this transaction made of a record beyond a version.
async fn changed_beyond(work: &mut Work, id: Uuid, version: i64) -> Result<Option<Changed>> {
    let (before, after, transaction): (Option<i64>, Option<i64>, i64) = sqlx::query_as(
        "SELECT min(version - 1), max(version), pg_current_xact_id()::text::bigint FROM kernel_change
          WHERE xid = pg_current_xact_id() AND tenant_id = $1 AND at = now() AND entity_id = $2 AND version > $3",
    )
    .bind(work.principal.tenant)
    .bind(id)
    .bind(version)
    .fetch_one(&mut *work.tx)
    .await
    .during("read the new versions")?;
    Ok(before.zip(after).map(|(before, after)| Changed { id, before, after, transaction }))
}

/// The one part of a record that this transaction changed, where it left the record's own row alone: a grant of a role.
async fn changed_part(work: &mut Work, parent: Uuid) -> Result<Option<Changed>> {
    let rows: Vec<(Uuid, i64, i64, i64)> = sqlx::query_as(
        "SELECT entity_id, min(version - 1), max(version), pg_current_xact_id()::text::bigint FROM kernel_change
          WHERE xid = pg_current_xact_id() AND tenant_id = $1 AND at = now() AND parent_id = $2 GROUP BY entity_id LIMIT 2",
    )
    .bind(work.principal.tenant)
    .bind(parent)
    .fetch_all(&mut *work.tx)
    .await
    .during("read the new versions")?;
    Ok(match rows.as_slice() {
        [(id, before, after, transaction)] => Some(Changed { id: *id, before: *before, after: *after, transaction: *transaction }),
        _ => None,
    })
}

impl Kernel {
    /// Takes an execution back. Twice is refused; so is what the user may not do himself.
    pub async fn undo(self: &Arc<Self>, principal: &Principal, execution: Uuid) -> Result<Executed> {
        self.undo_with(principal, Undo::of(execution)).await
    }

    /// The same, with what a door was told of it.
    pub async fn undo_with(self: &Arc<Self>, principal: &Principal, undo: Undo) -> Result<Executed> {
        let placement = self.placement(principal.tenant).await?;
        let steps = [self.undoing(principal, &undo).await?];
        let detail = json!({ "undoes": undo.execution });
        let mut work = self.open(principal, &placement, Mode::Execute, &steps).await?;
        work.way = Way::Back;
        let language = work.rights.language.clone();
        let result: Result<Vec<Executed>> = async {
            let recorded = work.recorded(undo.execution).await?;
            work.admit(&steps[0].command)?;
            // Before the state is looked at: who repeats his call learns what became of it, not that it was done already.
            if let Some(key) = &undo.idempotency_key
                && let Some(stored) = idempotency::claim(&mut work, key, &undo.body()).await?
            {
                work.tx.rollback().await.during("end the unit of work")?;
                return Ok(stored);
            }
            work.check_undoable(undo.execution, &recorded).await?;
            let mut done = work.run_steps(&steps, &detail, &AtomicUsize::new(0)).await?;
            // Once more, now that the command has locked the record: until then somebody else could write to it.
            work.check_undoable(undo.execution, &recorded).await?;
            work.flush_events().await?;
            let audits = std::mem::take(&mut work.audits);
            audit::write(&mut work.tx, principal, &audits).await?;
            record(&mut work, &mut done, &steps).await?;
            work.mark_undone(undo.execution, &recorded, &done).await?;
            if let Some(key) = &undo.idempotency_key {
                idempotency::store(&mut work, key, &done).await?;
            }
            work.tx.commit().await.during("commit")?;
            Ok(done)
        }
        .await;
        match result.map_err(|error| error.told_in(&self.labels, &language)) {
            Ok(mut done) => {
                self.committed.tell();
                done.pop().ok_or_else(|| Error::internal("an undo had no result"))
            }
            Err(error) => {
                self.audit_refusal(principal, &placement, &steps[0], &error, &detail).await;
                Err(error)
            }
        }
    }

    /// Runs an undo and takes it back.
    pub async fn preview_undo(self: &Arc<Self>, principal: &Principal, undo: Undo) -> Result<Preview> {
        let placement = self.placement(principal.tenant).await?;
        let steps = [self.undoing(principal, &undo).await?];
        let mut work = self.open(principal, &placement, Mode::Preview, &steps).await?;
        work.way = Way::Back;
        let result: Result<Preview> = async {
            let recorded = work.recorded(undo.execution).await?;
            work.admit(&steps[0].command)?;
            work.check_undoable(undo.execution, &recorded).await?;
            let preview = work.preview(&steps, &AtomicUsize::new(0)).await?;
            work.check_undoable(undo.execution, &recorded).await?;
            Ok(preview)
        }
        .await;
        let result = result.map_err(|error| error.told_in(&self.labels, &work.rights.language));
        work.abandon().await;
        if let Err(error) = &result {
            self.audit_refusal(principal, &placement, &steps[0], error, &json!({ "undoes": undo.execution, "preview": true })).await;
        }
        result
    }

    /// The command that undoes an execution. It never changes, and it is read first, because the unit of work opens under
    /// the locks of that command; whether the asker may see it is checked there.
    async fn undoing(self: &Arc<Self>, principal: &Principal, undo: &Undo) -> Result<Step> {
        let mut read = self.read(principal).await?;
        let found: Option<(String, Value)> = sqlx::query_as("SELECT undo_command, undo_input FROM kernel_execution WHERE tenant_id = $1 AND id = $2")
            .bind(principal.tenant)
            .bind(undo.execution)
            .fetch_optional(read.db())
            .await
            .during("look up how to undo")?;
        read.finish().await?;
        let (command, input) = found.ok_or_else(|| Error::not_found("execution"))?;
        Ok(Step { command, input, name: None, expected_version: undo.expected_version })
    }
}

impl Work {
    /// Locks an execution. What one may not read, one may not learn the existence of.
    async fn recorded(&mut self, execution: Uuid) -> Result<Recorded> {
        let recorded: Option<Recorded> = sqlx::query_as(
            "SELECT at, undone_by, resource, entity_id, restores, changed_id, version_before, version_after
               FROM kernel_execution WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
        )
        .bind(self.principal.tenant)
        .bind(execution)
        .fetch_optional(&mut *self.tx)
        .await
        .during("look up the execution")?;
        let recorded = recorded.ok_or_else(|| Error::not_found("execution"))?;
        if let (Some(resource), Some(entity)) = (&recorded.resource, recorded.entity_id) {
            let (catalogue, rights, principal) = (Arc::clone(&self.catalogue), Arc::clone(&self.rights), self.principal.clone());
            if !query::scope::visible_ids(&mut self.tx, &catalogue, &rights, &principal, resource, &[entity]).await?.contains(&entity) {
                return Err(Error::not_found("execution"));
            }
        }
        Ok(recorded)
    }

    /// Refuses what was undone, and what would overwrite a change that others made since.
    async fn check_undoable(&mut self, execution: Uuid, recorded: &Recorded) -> Result<()> {
        if recorded.undone_by.is_some() {
            return Err(Error::rule("kernel.already_undone", "this was undone already"));
        }
        let (true, Some(changed), Some(after)) = (recorded.restores, recorded.changed_id, recorded.version_after) else { return Ok(()) };
        // Later changes, be they of transactions that began a little earlier; and later steps of the same transaction.
        let overwrites: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM kernel_change c WHERE c.tenant_id = $1 AND c.entity_id = $2 AND c.at >= $3 - interval '1 hour'
                              AND c.xid <> pg_current_xact_id() AND (c.version > $4 OR c.operation = 'd'))
                 OR EXISTS (SELECT FROM kernel_execution e WHERE e.tenant_id = $1 AND e.changed_id = $2 AND e.at = $3 AND e.undone_by IS NULL AND e.id > $5)",
        )
        .bind(self.principal.tenant)
        .bind(changed)
        .bind(recorded.at)
        .bind(after)
        .bind(execution)
        .fetch_one(&mut *self.tx)
        .await
        .during("look for later changes")?;
        if overwrites {
            return Err(Error::rule("kernel.changed_since", "the record was changed since, and undoing this would overwrite that"));
        }
        Ok(())
    }

    /// An execution is undone once. If nothing else has changed the record since, it is now as the execution before left
    /// it, and that one can be undone next.
    async fn mark_undone(&mut self, execution: Uuid, recorded: &Recorded, done: &[Executed]) -> Result<()> {
        sqlx::query("UPDATE kernel_execution SET undone_by = $3 WHERE tenant_id = $1 AND id = $2")
            .bind(self.principal.tenant)
            .bind(execution)
            .bind(done.first().map(|executed| executed.execution))
            .execute(&mut *self.tx)
            .await
            .during("mark the execution as undone")?;
        let (Some(changed_id), Some(before), Some(after)) = (recorded.changed_id, recorded.version_before, recorded.version_after) else { return Ok(()) };
        // Of several undos in one transaction only this one's change counts: it comes behind what the execution left.
        let Some(back) = changed_beyond(self, changed_id, after).await?.filter(|back| back.before == after) else { return Ok(()) };
        // Steps of one transaction share its time and its versions; the order of their ids is that in which they ran. Taking
        // an undo back brings the change in between again, so nothing before it becomes free by that.
        sqlx::query(
            "UPDATE kernel_execution e SET version_after = $6
              WHERE e.tenant_id = $1 AND e.changed_id = $3 AND e.undone_by IS NULL AND e.id < $2
                AND CASE WHEN EXISTS (SELECT FROM kernel_execution s WHERE s.tenant_id = $1 AND s.changed_id = $3 AND s.at = $5 AND s.undone_by IS NULL AND s.id < $2)
                         THEN e.at = $5 ELSE e.version_after = $4 END
                AND NOT EXISTS (SELECT FROM kernel_execution u WHERE u.tenant_id = $1 AND u.changed_id = $3 AND u.undone_by = $2)",
        )
        .bind(self.principal.tenant)
        .bind(execution)
        .bind(changed_id)
        .bind(before)
        .bind(recorded.at)
        .bind(back.after)
        .execute(&mut *self.tx)
        .await
        .during("let the execution before be undone")?;
        Ok(())
    }
}
