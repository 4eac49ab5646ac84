//! Budgets: how many calls, tokens or dollars a tenant, a user or a key may use in a minute, a day or a month.
//!
//! Periods are those of the tenant's calendar. Money is in US dollars, as the prices of models are. Of several budgets that
//! concern a call all hold. Who counts, and how no process spends what another may, is [`crate::counting`].

pub mod archive;
pub mod create;
pub mod update;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sqlx::PgConnection;
use steward_kernel::error::During;
use steward_kernel::{Code, Entity, Error, Field, Resource, Result, RowScope};
use steward_llm::limit::{Metric, Scope, Window};
use uuid::Uuid;

steward_kernel::id! {
    /// A budget's id.
    BudgetId;
}

pub(crate) const RESOURCE: &str = "ai.budget";
const SCOPES: &[&str] = &["tenant", "user", "key"];
pub(crate) const METRICS: &[&str] = &["requests", "tokens", "cost"];
pub(crate) const PERIODS: &[&str] = &["minute", "day", "month"];
/// The only currency that prices of models are in.
const CURRENCY: &str = "USD";
/// Of a dollar: the smallest part that is counted has nine decimals.
const NANO: u32 = 9;

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "budgets", "ai_budget")
        .field(Field::text("name").required().max(120).sortable().prefix("name_fold").in_list().writable())
        .field(Field::choice("scope", SCOPES).required().default("tenant").in_list().writable())
        .field(Field::reference("user", "identity.user").in_list().writable())
        .field(Field::reference("key", "ai.key").in_list().writable())
        .field(Field::choice("metric", METRICS).required().default("cost").in_list().writable())
        .field(Field::choice("period", PERIODS).required().default("month").in_list().writable())
        .field(Field::decimal("cap").required().in_list().writable())
        .field(Field::text("currency").required().max(3).default(CURRENCY))
        .field(Field::texts("thresholds").writable())
        .sort("name")
        .create("ai.budget.create")
        .update("ai.budget.update")
        .archive("ai.budget.archive")
}

/// A locked row.
pub(crate) struct Budget {
    id: BudgetId,
    version: i64,
    archived_at: Option<DateTime<Utc>>,
    name: String,
    scope: String,
    user_id: Option<Uuid>,
    key_id: Option<Uuid>,
    metric: String,
    period: String,
    cap: Decimal,
    thresholds: Vec<String>,
}

impl Entity for Budget {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope::default()
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(
            Self,
            r#"SELECT id AS "id: BudgetId", version, archived_at, name, scope, user_id, key_id, metric, period, cap, thresholds
               FROM ai_budget WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
            tenant,
            id
        )
        .fetch_optional(db)
        .await
        .during("lock the budget")
    }
}

impl Budget {
    /// Brings scope, cap and thresholds into the one form that holds together.
    fn settle(&mut self) -> Result<()> {
        match self.scope.as_str() {
            "user" if self.user_id.is_none() => return Err(Error::field("user", "is required for a budget of a user")),
            "key" if self.key_id.is_none() => return Err(Error::field("key", "is required for a budget of a key")),
            "tenant" if self.user_id.is_some() => return Err(Error::field("user", "a budget of everybody names no user")),
            "tenant" | "user" if self.key_id.is_some() => return Err(Error::field("key", "only a budget of a key names one")),
            "key" if self.user_id.is_some() => return Err(Error::field("user", "a budget of a key names no user")),
            _ => {}
        }
        if self.cap.is_sign_negative() && !self.cap.is_zero() {
            return Err(Error::field("cap", "must not be negative"));
        }
        self.cap = self.cap.normalize();
        units(self.metric(), self.cap).ok_or_else(|| match self.metric() {
            Metric::NanoDollars => Error::field("cap", "dollars with at most nine decimals are expected, up to 9,000,000,000"),
            Metric::Requests | Metric::Tokens => Error::field("cap", "a whole number is expected"),
        })?;
        let mut parts = Vec::with_capacity(self.thresholds.len());
        for (at, part) in self.thresholds.iter().enumerate() {
            let percent = part.trim().trim_end_matches('%').trim_end().parse::<i64>().ok().filter(|percent| (1..=100).contains(percent));
            parts.push(percent.ok_or_else(|| Error::field(format!("thresholds[{at}]"), "a percentage from 1 to 100 is expected"))?);
        }
        parts.sort_unstable();
        parts.dedup();
        self.thresholds = parts.iter().map(ToString::to_string).collect();
        Ok(())
    }

    fn metric(&self) -> Metric {
        metric(&self.metric).unwrap_or(Metric::NanoDollars)
    }
}

/// What is counted of a cap: calls, tokens or nano-dollars. `None` if it is no whole number of them or too many.
pub(crate) fn units(metric: Metric, cap: Decimal) -> Option<i64> {
    let units = match metric {
        Metric::Requests | Metric::Tokens => cap,
        Metric::NanoDollars => cap.checked_mul(Decimal::from(10_i64.pow(NANO)))?,
    };
    // The bounds that the table has.
    let max = match metric {
        Metric::Requests | Metric::Tokens => Decimal::from(9_000_000_000_000_000_000_i64),
        Metric::NanoDollars => Decimal::from(9_000_000_000_i64) * Decimal::from(10_i64.pow(NANO)),
    };
    if units.fract().is_zero() && units <= max { units.to_i64() } else { None }
}

/// The other way: of so many units as people read them.
pub(crate) fn shown(metric: Metric, units: i64) -> Decimal {
    match metric {
        Metric::Requests | Metric::Tokens => Decimal::from(units),
        Metric::NanoDollars => Decimal::new(units, NANO).normalize(),
    }
}

pub(crate) fn metric(name: &str) -> Option<Metric> {
    [Metric::Requests, Metric::Tokens, Metric::NanoDollars].into_iter().find(|metric| metric.code() == name)
}

pub(crate) fn window(name: &str) -> Option<Window> {
    [Window::Minute, Window::Day, Window::Month].into_iter().find(|window| window.code() == name)
}

pub(crate) fn scope(name: &str, user: Option<Uuid>, key: Option<Uuid>) -> Option<Scope> {
    match name {
        "tenant" => Some(Scope::Tenant),
        "user" => user.map(Scope::User),
        "key" => key.map(Scope::Key),
        _ => None,
    }
}

/// Two current budgets for the same would be one too many: the index says so.
fn doubled(error: Error) -> Error {
    if error.code == Code::Duplicate { crate::error::Error::SameBudget.into() } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_counted_in_whole_units_or_not_at_all() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(units(Metric::NanoDollars, decimal("0.000000001")), Some(1));
        assert_eq!(units(Metric::NanoDollars, decimal("12.5")), Some(12_500_000_000));
        assert_eq!(units(Metric::NanoDollars, decimal("9000000000")), Some(9_000_000_000_000_000_000));
        assert_eq!(units(Metric::NanoDollars, decimal("0.0000000001")), None);
        assert_eq!(units(Metric::NanoDollars, decimal("9000000000.1")), None);
        assert_eq!(units(Metric::Tokens, decimal("1000")), Some(1_000));
        assert_eq!(units(Metric::Requests, decimal("1.5")), None);
        assert_eq!(shown(Metric::NanoDollars, 12_500_000_000), decimal("12.5"));
        assert_eq!(shown(Metric::Tokens, 7), decimal("7"));
    }
}
