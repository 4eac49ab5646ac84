//! Taking a whole plan back: its executions in one transaction, the last one first, all or none.

use super::record;
use crate::audit;
use crate::bus::refusals::refused;
use crate::bus::{Kernel, Step, Way};
use crate::error::{During, Error, Result};
use crate::principal::Principal;
use crate::work::{Mode, Work};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

impl Kernel {
    /// Takes executions back that belong together, given in the order in which they ran. What was undone already is left
    /// as it is, so that repeating the call is harmless; if one of the others cannot be undone, none is. Returns the
    /// executions that this call has undone.
    pub async fn undo_plan(self: &Arc<Self>, principal: &Principal, executions: &[Uuid], detail: &Value) -> Result<Vec<Uuid>> {
        let placement = self.placement(principal.tenant).await?;
        let (executions, steps) = self.undoing_plan(principal, executions).await?;
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let mut detail = detail.clone();
        if let Some(detail) = detail.as_object_mut() {
            detail.insert("undoes".into(), json!(executions));
        }
        let reached = AtomicUsize::new(0);
        let mut work = self.open(principal, &placement, Mode::Execute, &steps).await?;
        work.way = Way::Back;
        let language = work.rights.language.clone();
        let result: Result<Vec<Uuid>> = async {
            let undone = work.undo_each(&executions, &steps, &detail, &reached).await?;
            work.flush_events().await?;
            let audits = std::mem::take(&mut work.audits);
            audit::write(&mut work.tx, principal, &audits).await?;
            work.tx.commit().await.during("commit")?;
            Ok(undone)
        }
        .await;
        let result = result.map_err(|error| error.told_in(&self.labels, &language));
        match &result {
            Ok(_) => self.committed.tell(),
            Err(error) => self.audit_refusal(principal, &placement, refused(&steps, &reached), error, &detail).await,
        }
        result
    }

    /// The executions with the commands that undo them, the last one first.
    async fn undoing_plan(self: &Arc<Self>, principal: &Principal, executions: &[Uuid]) -> Result<(Vec<Uuid>, Vec<Step>)> {
        let mut read = self.read(principal).await?;
        let found: Vec<(Uuid, String, Value)> =
            sqlx::query_as("SELECT id, undo_command, undo_input FROM kernel_execution WHERE tenant_id = $1 AND id = ANY ($2)")
                .bind(principal.tenant)
                .bind(executions)
                .fetch_all(read.db())
                .await
                .during("look up how to undo")?;
        read.finish().await?;
        let mut by_id: HashMap<Uuid, (String, Value)> = found.into_iter().map(|(id, command, input)| (id, (command, input))).collect();
        let mut steps = Vec::with_capacity(executions.len());
        for execution in executions.iter().rev() {
            let (command, input) = by_id.remove(execution).ok_or_else(|| Error::not_found("execution"))?;
            steps.push(Step { command, input, name: None, expected_version: None });
        }
        Ok((executions.iter().rev().copied().collect(), steps))
    }
}

impl Work {
    async fn is_undone(&mut self, execution: Uuid) -> Result<bool> {
        let undone: Option<bool> = sqlx::query_scalar("SELECT undone_by IS NOT NULL FROM kernel_execution WHERE tenant_id = $1 AND id = $2 FOR UPDATE")
            .bind(self.principal.tenant)
            .bind(execution)
            .fetch_optional(&mut *self.tx)
            .await
            .during("lock the execution")?;
        undone.ok_or_else(|| Error::not_found("execution"))
    }

    async fn undo_each(&mut self, executions: &[Uuid], steps: &[Step], detail: &Value, reached: &AtomicUsize) -> Result<Vec<Uuid>> {
        let (mut undone, mut done, mut run) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (execution, step)) in executions.iter().zip(steps).enumerate() {
            reached.store(at, Ordering::Relaxed);
            // Locked first: whoever undoes the same waits here and then finds it done, even where the record itself is gone.
            if self.is_undone(*execution).await? {
                continue;
            }
            // Read only now: undoing what came later has moved the versions of what came before.
            let recorded = self.recorded(*execution).await?;
            self.admit(&step.command)?;
            self.check_undoable(*execution, &recorded).await?;
            self.name_command(&step.command).await?;
            let executed = self.run_steps(slice::from_ref(step), detail, &AtomicUsize::new(0)).await?;
            // Once more, now that the command has locked the record: until then somebody else could write to it.
            self.check_undoable(*execution, &recorded).await?;
            self.mark_undone(*execution, &recorded, &executed).await?;
            undone.push(*execution);
            done.extend(executed);
            run.push(step.clone());
        }
        record(self, &mut done, &run).await?;
        Ok(undone)
    }
}
