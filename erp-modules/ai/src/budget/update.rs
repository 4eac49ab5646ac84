//! `ai.budget.update`: another name, cap or thresholds, or for somebody else. What was used in the running period stays used.

use super::{Budget, BudgetId, RESOURCE, doubled, resource};
use crate::error::Error;
use rust_decimal::Decimal;
use serde::Deserialize;
use steward_kernel::changes::{Changes, given, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::error::During;
use steward_kernel::{CommandSpec, Outcome, Result, Risk, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    budget: BudgetId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default, deserialize_with = "given")]
    user: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "given")]
    key: Option<Option<Uuid>>,
    #[serde(default)]
    metric: Option<String>,
    #[serde(default)]
    period: Option<String>,
    #[serde(default)]
    cap: Option<Decimal>,
    #[serde(default)]
    thresholds: Option<Vec<String>>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.budget.update").target("budget").inputs(update_inputs(resource())).risk(Risk::High).undo("ai.budget.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut budget = work.lock::<Budget>(self.budget).await?;
        if budget.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let mut changes = Changes::default();
        changes.set("name", &mut budget.name, self.name.filter(|name| !name.is_empty()))?;
        changes.set("scope", &mut budget.scope, self.scope)?;
        changes.set("user", &mut budget.user_id, self.user)?;
        changes.set("key", &mut budget.key_id, self.key)?;
        changes.set("metric", &mut budget.metric, self.metric)?;
        changes.set("period", &mut budget.period, self.period)?;
        changes.set("cap", &mut budget.cap, self.cap)?;
        changes.set("thresholds", &mut budget.thresholds, self.thresholds)?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, budget.id));
        }
        budget.settle()?;
        let tenant = work.tenant();
        sqlx::query!(
            "UPDATE ai_budget SET name = $3, scope = $4, user_id = $5, key_id = $6, metric = $7, period = $8, cap = $9, thresholds = $10 WHERE tenant_id = $1 AND id = $2",
            tenant,
            budget.id.0,
            budget.name,
            budget.scope,
            budget.user_id,
            budget.key_id,
            budget.metric,
            budget.period,
            budget.cap,
            &budget.thresholds
        )
        .execute(work.db())
        .await
        .during("store the budget")
        .map_err(doubled)?;
        Ok(Outcome::of(RESOURCE, budget.id).undo("ai.budget.update", changes.undo("budget", budget.id)))
    }
}
