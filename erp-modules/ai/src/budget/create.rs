//! `ai.budget.create`: a new bound. Calls that run are not stopped by it, the next ones are; it counts from then on.

use super::{Budget, BudgetId, RESOURCE, doubled, resource};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::inputs;
use steward_kernel::command::Command;
use steward_kernel::error::During;
use steward_kernel::{CommandSpec, Field, Outcome, Result, Risk, RowScope, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    user: Option<Uuid>,
    #[serde(default)]
    key: Option<Uuid>,
    #[serde(default)]
    metric: Option<String>,
    #[serde(default)]
    period: Option<String>,
    cap: Decimal,
    /// Percentages at which somebody is told; 50, 80 and 100 unless said otherwise.
    #[serde(default)]
    thresholds: Option<Vec<String>>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        let fields = inputs(resource()).into_iter().map(|field| Field { required: matches!(field.name.as_ref(), "name" | "cap"), ..field });
        CommandSpec::new("ai.budget.create").inputs(fields).risk(Risk::High).undo("ai.budget.archive")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.check_new(RowScope::default())?;
        let mut budget = Budget {
            id: BudgetId::fresh(),
            version: 1,
            archived_at: None,
            name: self.name,
            scope: self.scope.unwrap_or_else(|| "tenant".into()),
            user_id: self.user,
            key_id: self.key,
            metric: self.metric.unwrap_or_else(|| "cost".into()),
            period: self.period.unwrap_or_else(|| "month".into()),
            cap: self.cap,
            thresholds: self.thresholds.unwrap_or_else(|| ["50", "80", "100"].map(String::from).to_vec()),
        };
        budget.settle()?;
        let tenant = work.tenant();
        sqlx::query!(
            "INSERT INTO ai_budget (tenant_id, id, name, scope, user_id, key_id, metric, period, cap, thresholds) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
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
        Ok(Outcome::of(RESOURCE, budget.id).undo("ai.budget.archive", json!({ "budget": budget.id })))
    }
}
