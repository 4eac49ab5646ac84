//! `ai.budget.archive` and `ai.budget.restore`: an archived budget bounds nothing.

use super::{Budget, BudgetId, RESOURCE};
use crate::error::Error;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use steward_kernel::command::Command;
use steward_kernel::error::During;
use steward_kernel::{CommandSpec, Outcome, Result, Risk, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    budget: BudgetId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.budget.archive").target("budget").risk(Risk::High).undo("ai.budget.restore")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let budget = work.lock::<Budget>(self.budget).await?;
        if budget.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        set_archived(work.db(), tenant, budget.id.0, Some(now)).await?;
        Ok(Outcome::of(RESOURCE, budget.id).undo("ai.budget.restore", json!({ "budget": budget.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    budget: BudgetId,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.budget.restore").permission("ai:budget:archive").target("budget").risk(Risk::High).undo("ai.budget.archive")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let budget = work.lock::<Budget>(self.budget).await?;
        if budget.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        set_archived(work.db(), tenant, budget.id.0, None).await.map_err(super::doubled)?;
        Ok(Outcome::of(RESOURCE, budget.id).undo("ai.budget.archive", json!({ "budget": budget.id })))
    }
}

async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: Uuid, archived_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("UPDATE ai_budget SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, id, archived_at)
        .execute(db)
        .await
        .during("archive the budget")?;
    Ok(())
}
