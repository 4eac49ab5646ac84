//! Refusals are written down in a transaction of their own, each with the command that was refused.

use super::{Kernel, Step};
use crate::audit::{self, Entry};
use crate::error::{During, Error, Result};
use crate::principal::Principal;
use crate::tenant::Placement;
use crate::work::Mode;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The step at which a plan ended: the one after those that passed. What is refused of the plan as a whole stands with its
/// first step.
pub(super) fn refused<'s>(steps: &'s [Step], reached: &AtomicUsize) -> &'s Step {
    steps.get(reached.load(Ordering::Relaxed)).unwrap_or(&steps[0])
}

impl Kernel {
    /// Writes down a refusal. Its own failure is logged and does not hide the refusal.
    pub(super) async fn audit_refusal(self: &Arc<Self>, principal: &Principal, placement: &Arc<Placement>, step: &Step, error: &Error, detail: &Value) {
        if !audit::is_refusal(error) {
            return;
        }
        let spec = self.registry.catalogue.commands.get(&step.command);
        self.write_refusals(principal, placement, &[Entry::refused(&step.command, spec.map(Arc::as_ref), error.code, detail.clone())]).await;
    }

    /// Writes down refusals in a transaction of their own.
    pub(super) async fn write_refusals(self: &Arc<Self>, principal: &Principal, placement: &Arc<Placement>, entries: &[Entry]) {
        let written: Result<()> = async {
            let mut work = self.open(principal, placement, Mode::Execute, &[]).await?;
            audit::write(&mut work.tx, principal, entries).await?;
            work.tx.commit().await.during("commit the audit of a refusal")
        }
        .await;
        if let Err(failure) = written {
            tracing::error!(tenant.id = %principal.tenant, correlation.id = %principal.correlation, code = failure.code.as_str(), "a refusal could not be audited");
        }
    }

    /// Writes down that a door of its own refused an action (a confirmation without an interactive session).
    pub async fn refuse(self: &Arc<Self>, principal: &Principal, command: &str, error: Error, detail: Value) -> Error {
        match self.placement(principal.tenant).await {
            Ok(placement) => {
                let step = Step { command: command.to_owned(), input: Value::Null, name: None, expected_version: None };
                self.audit_refusal(principal, &placement, &step, &error, &detail).await;
                error
            }
            Err(_) => error,
        }
    }
}
