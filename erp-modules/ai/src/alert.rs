//! Alerts: a part of a budget was used up. One for each part and period, with the event `ai.alert.raised`.
//!
//! They follow from settled usage when it is written down, see [`crate::ledger`]; a call that was refused for want of budget
//! counts as all of it. Nobody makes or changes one by hand.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::json;
use steward_kernel::error::During;
use steward_kernel::{Field, Resource, Result, Work, ids};
use uuid::Uuid;

pub(crate) const RESOURCE: &str = "ai.alert";
/// Its payload names the budget, the threshold in percent, and what was used of the cap.
pub const RAISED: &str = "ai.alert.raised";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "alerts", "ai_alert")
        .field(Field::text("name").required().in_list())
        .field(Field::reference("budget", "ai.budget").required().in_list())
        .field(Field::integer("threshold").required().in_list())
        .field(Field::decimal("used").required().in_list())
        .field(Field::decimal("cap").required().in_list())
        .field(Field::timestamp("period_start").required().in_list())
        .field(Field::timestamp("period_end").required())
}

/// What an alert tells.
pub(crate) struct Crossed {
    pub(crate) budget: Uuid,
    pub(crate) name: String,
    pub(crate) threshold: i64,
    pub(crate) period: (DateTime<Utc>, DateTime<Utc>),
    pub(crate) used: Decimal,
    pub(crate) cap: Decimal,
}

/// Tells it, unless it was told before in this period.
pub(crate) async fn raise(work: &mut Work, crossed: &Crossed) -> Result<bool> {
    let (tenant, id) = (work.tenant(), ids::fresh());
    let told = sqlx::query!(
        "INSERT INTO ai_alert (tenant_id, id, name, budget_id, threshold, period_start, period_end, used, cap) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant_id, budget_id, period_start, threshold) DO NOTHING",
        tenant,
        id,
        crossed.name,
        crossed.budget,
        crossed.threshold,
        crossed.period.0,
        crossed.period.1,
        crossed.used,
        crossed.cap
    )
    .execute(work.db())
    .await
    .during("store the alert")?;
    let is_new = told.rows_affected() == 1;
    if is_new {
        let payload = json!({ "budget": crossed.budget, "threshold": crossed.threshold, "used": crossed.used, "cap": crossed.cap });
        work.emit(RAISED, id, payload);
    }
    Ok(is_new)
}
