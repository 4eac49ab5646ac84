//! `ai.budget_status`: what was used of each budget in the period that runs now, and what is left of it.
//!
//! Used is what calls have settled; left is what may still be reserved, so calls that run and slices that processes hold are
//! taken off already.

use crate::usage::reference;
use crate::{access::Bound, budget};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use steward_kernel::error::During;
use steward_kernel::query::{LIMIT_MAX, ListQuery};
use steward_kernel::{Field, Read, Report, ReportSpec, Result, Table};
use steward_llm::limit::{Limit, Scope};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetStatus {}

impl Report for BudgetStatus {
    fn spec() -> ReportSpec {
        ReportSpec::new("ai.budget_status")
            .permission("ai:budget:read")
            .column(Field::reference("budget", budget::RESOURCE))
            .column(Field::choice("metric", budget::METRICS))
            .column(Field::choice("period", budget::PERIODS))
            .column(Field::decimal("cap"))
            .column(Field::decimal("used"))
            .column(Field::decimal("left"))
            .column(Field::decimal("percent"))
            .column(Field::timestamp("period_end"))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        // Through the list, so that the reader's width holds.
        let mut query = ListQuery::new(budget::RESOURCE);
        query.limit = LIMIT_MAX;
        let mut rows = Vec::new();
        loop {
            let page = read.list(&query).await?;
            for item in &page.items {
                rows.extend(row(read, item).await?);
            }
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return Ok(Table { rows, totals: Vec::new() }),
            }
        }
    }
}

async fn row(read: &mut Read, item: &Value) -> Result<Option<Vec<Value>>> {
    let Some(bound) = bound(item, read.calendar().time_zone) else { return Ok(None) };
    let (tenant, now) = (read.tenant(), read.now().timestamp_millis());
    let counter = bound.limit.counter(tenant, now);
    let at = |ms: i64| DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
    let scope = match counter.scope {
        Scope::Tenant => Uuid::nil(),
        Scope::User(id) | Scope::Key(id) => id,
    };
    let found = sqlx::query!(
        r#"SELECT coalesce((SELECT used FROM ai_budget_use WHERE tenant_id = $1 AND budget_id = $2 AND starts_at = $3), 0) AS "used!",
                  coalesce((SELECT leased FROM ai_counter WHERE tenant_id = $1 AND scope = $4 AND scope_id = $5 AND metric = $6 AND period = $7 AND starts_at = $3), 0) AS "leased!""#,
        tenant,
        bound.id,
        at(counter.starts_at),
        counter.scope.code(),
        scope,
        counter.metric.code(),
        counter.window.code()
    )
    .fetch_one(read.db())
    .await
    .during("count what was used of a budget")?;
    let cap = bound.limit.cap;
    let percent = (Decimal::from(found.used) * Decimal::ONE_HUNDRED).checked_div(Decimal::from(cap)).map(|percent| percent.round_dp(1).normalize());
    let titles = HashMap::from([(bound.id, bound.name.clone())]);
    Ok(Some(vec![
        reference(Some(bound.id), &titles),
        item["metric"].clone(),
        item["period"].clone(),
        json!(bound.shown(cap)),
        json!(bound.shown(found.used)),
        json!(bound.shown(cap.saturating_sub(found.leased).max(0))),
        json!(percent),
        json!(at(counter.ends_at)),
    ]))
}

/// A budget from its wire form.
fn bound(item: &Value, zone: chrono_tz::Tz) -> Option<Bound> {
    let text = |name: &str| item[name].as_str();
    let id = |value: &Value| value.as_str().and_then(|id| Uuid::try_parse(id).ok());
    let metric = budget::metric(text("metric")?)?;
    let limit = Limit {
        scope: budget::scope(text("scope")?, id(&item["user"]["id"]), id(&item["key"]["id"]))?,
        metric,
        window: budget::window(text("period")?)?,
        cap: budget::units(metric, text("cap")?.parse().ok()?)?,
        zone,
    };
    Some(Bound { id: id(&item["id"])?, name: text("name")?.to_owned(), limit, thresholds: Vec::new() })
}
