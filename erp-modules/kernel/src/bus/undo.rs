//! Undo: a compensating command with its arguments, recorded with the execution that it takes back.
//!
//! It runs through the same bus with its own permission and checks, and it refuses when later documents depend on the
//! record: history stays, the business state is restored.

use super::{Executed, Kernel, Step};
use crate::error::{During, Error, Result};
use crate::principal::Principal;
use crate::work::{Mode, Work};
use crate::{audit, query};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Recorded {
    undo_command: String,
    undo_input: Value,
    undone_by: Option<Uuid>,
    resource: Option<String>,
    entity_id: Option<Uuid>,
}

/// Writes down what can be undone, and reads the versions that the records have now.
pub(super) async fn record(work: &mut Work, done: &mut [Executed], steps: &[Step]) -> Result<()> {
    let primaries: Vec<Uuid> = done.iter().filter_map(|executed| executed.outcome.primary.as_ref()).map(|primary| primary.id).collect();
    if primaries.is_empty() && done.iter().all(|executed| executed.outcome.undo.is_none()) {
        return Ok(());
    }
    let versions: Vec<(Uuid, i64)> =
        sqlx::query_as("SELECT entity_id, max(version) FROM kernel_change WHERE xid = pg_current_xact_id() AND tenant_id = $1 AND at = now() AND entity_id = ANY($2) GROUP BY entity_id")
            .bind(work.principal.tenant)
            .bind(&primaries)
            .fetch_all(&mut *work.tx)
            .await
            .during("read the new versions")?;
    for (executed, step) in done.iter_mut().zip(steps) {
        let primary = executed.outcome.primary.as_ref();
        executed.version = primary.and_then(|primary| versions.iter().find(|(id, _)| *id == primary.id)).map(|(_, version)| *version);
        let Some((command, input)) = &executed.outcome.undo else { continue };
        sqlx::query("INSERT INTO kernel_execution (tenant_id, id, actor_id, command, resource, entity_id, undo_command, undo_input) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(work.principal.tenant)
            .bind(executed.execution)
            .bind(work.principal.user)
            .bind(&step.command)
            .bind(primary.map(|primary| &primary.resource))
            .bind(primary.map(|primary| primary.id))
            .bind(command)
            .bind(input)
            .execute(&mut *work.tx)
            .await
            .during("record how to undo")?;
    }
    Ok(())
}

impl Kernel {
    /// Takes an execution back. Twice is refused; so is what the user may not do himself.
    pub async fn undo(self: &Arc<Self>, principal: &Principal, execution: Uuid) -> Result<Executed> {
        let placement = self.placement(principal.tenant).await?;
        let mut work = self.open(principal, &placement, Mode::Execute, &[]).await?;
        let row: Option<Recorded> =
            sqlx::query_as("SELECT undo_command, undo_input, undone_by, resource, entity_id FROM kernel_execution WHERE tenant_id = $1 AND id = $2 FOR UPDATE")
                .bind(principal.tenant)
                .bind(execution)
                .fetch_optional(&mut *work.tx)
                .await
                .during("look up the execution")?;
        let Some(Recorded { undo_command: command, undo_input: input, undone_by, resource, entity_id: entity }) = row else {
            return Err(Error::not_found("execution"));
        };
        if let (Some(resource), Some(entity)) = (&resource, entity) {
            let (catalogue, rights) = (Arc::clone(&work.catalogue), Arc::clone(&work.rights));
            // What one may not read, one may not learn the existence of.
            if !query::scope::visible_ids(&mut work.tx, &catalogue, &rights, principal, resource, &[entity]).await?.contains(&entity) {
                return Err(Error::not_found("execution"));
            }
        }
        if undone_by.is_some() {
            return Err(Error::rule("kernel.already_undone", "this was undone already"));
        }
        let steps = [Step { command, input, name: None, expected_version: None }];
        let detail = json!({ "undoes": execution });
        let result: Result<Vec<Executed>> = async {
            work.name_command(&steps[0].command).await?;
            let mut done = work.run_steps(&steps, &detail, &AtomicUsize::new(0)).await?;
            work.flush_events().await?;
            let audits = std::mem::take(&mut work.audits);
            audit::write(&mut work.tx, principal, &audits).await?;
            record(&mut work, &mut done, &steps).await?;
            let by = done.first().map(|executed| executed.execution);
            sqlx::query("UPDATE kernel_execution SET undone_by = $3 WHERE tenant_id = $1 AND id = $2")
                .bind(principal.tenant)
                .bind(execution)
                .bind(by)
                .execute(&mut *work.tx)
                .await
                .during("mark the execution as undone")?;
            work.tx.commit().await.during("commit")?;
            Ok(done)
        }
        .await;
        match result {
            Ok(mut done) => {
                self.committed.notify_one();
                done.pop().ok_or_else(|| Error::internal("an undo had no result"))
            }
            Err(error) => {
                self.audit_refusal(principal, &placement, &steps, &error, &detail).await;
                Err(error)
            }
        }
    }
}
