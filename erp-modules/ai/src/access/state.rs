//! What is kept in memory of a tenant, read in one snapshot.

use super::Bound;
use crate::alias_rule::Said;
use crate::settings::{self, Settings};
use crate::{budget, rule};
use chrono_tz::Tz;
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::HashMap;
use std::sync::Arc;
use steward_kernel::bus::Kernel;
use steward_kernel::error::During;
use steward_kernel::{Code, Door, Error, Principal, Result};
use steward_llm::guard::Guard;
use steward_llm::limit::Limit;
use uuid::Uuid;

/// A tenant's own prompt.
#[derive(Clone)]
pub struct Prompt {
    /// The record.
    pub id: Uuid,
    /// The version that holds.
    pub number: i64,
    /// Its text.
    pub body: Arc<str>,
}

pub(super) struct Key {
    pub(super) user: Uuid,
    pub(super) aliases: Arc<[String]>,
    pub(super) doors: Arc<[String]>,
    pub(super) acts: bool,
}

/// All that the doors need of a tenant.
pub struct State {
    /// Its name in the database when it was read.
    pub(super) name: String,
    /// Whether the tenant's plan has models, and they are not switched off.
    pub(super) is_entitled: bool,
    /// What the tenant wants.
    pub settings: Settings,
    /// Masking, filtering and the tenant's own rules, compiled.
    pub guard: Arc<Guard>,
    /// The current budgets.
    pub budgets: Vec<Bound>,
    /// The tenant's days and months.
    pub zone: Tz,
    pub(super) alias_rules: Vec<Said>,
    /// Living keys by their ids.
    pub(super) keys: HashMap<Uuid, Key>,
    pub(super) prompts: HashMap<String, Prompt>,
}

/// The name of the tenant's state; `None` where the tenant is not.
pub(super) async fn name(kernel: &Kernel, tenant: Uuid) -> Result<Option<String>> {
    let placement = match kernel.placement(tenant).await {
        Err(error) if error.code == Code::NotFound => return Ok(None),
        found => found?,
    };
    let sql = format!("SELECT {}.ai_state_name($1)", placement.schema);
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(tenant).fetch_one(&kernel.database.app).await.during("ask whether something has changed")
}

impl State {
    pub(super) async fn load(kernel: &Arc<Kernel>, tenant: Uuid) -> Result<Self> {
        let mut read = kernel.read(&Principal::system(tenant, Door::Job, "ai.state")).await?;
        let zone = read.calendar().time_zone;
        let is_entitled = read.rights().entitled(crate::NAME, None);
        let db = read.db();
        let name: Option<String> = sqlx::query_scalar("SELECT ai_state_name($1)").bind(tenant).fetch_one(&mut *db).await.during("name the state")?;
        let settings = settings::read(db, tenant).await?.ok_or_else(|| Error::internal("the tenant has no settings of models"))?;
        let rules = rule::current(db, tenant).await?;
        // Rules were compiled before they were stored; a version of the guard that takes fewer lets nothing through instead.
        let guard =
            Guard::new(&settings.guard(rules)).map_err(|error| Error::internal("the tenant's rules for models cannot take effect").with_source(error))?;
        let state = Self {
            name: name.unwrap_or_default(),
            is_entitled,
            guard: Arc::new(guard),
            budgets: budgets(db, tenant, zone).await?,
            alias_rules: alias_rules(db, tenant).await?,
            keys: keys(db, tenant).await?,
            prompts: prompts(db, tenant).await?,
            settings,
            zone,
        };
        read.finish().await?;
        Ok(state)
    }
}

async fn budgets(db: &mut PgConnection, tenant: Uuid, zone: Tz) -> Result<Vec<Bound>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, name, scope, user_id, key_id, metric, period, cap, thresholds FROM ai_budget WHERE tenant_id = $1 AND archived_at IS NULL ORDER BY id",
        tenant
    )
    .fetch_all(db)
    .await
    .during("read the budgets")?;
    // A row that cannot be read is no reason to let calls pass without a bound.
    rows.into_iter().map(|row| row.bound(zone).ok_or_else(|| Error::internal("a budget cannot be read"))).collect()
}

struct Row {
    id: Uuid,
    name: String,
    scope: String,
    user_id: Option<Uuid>,
    key_id: Option<Uuid>,
    metric: String,
    period: String,
    cap: rust_decimal::Decimal,
    thresholds: Vec<String>,
}

impl Row {
    fn bound(self, zone: Tz) -> Option<Bound> {
        let metric = budget::metric(&self.metric)?;
        let scope = budget::scope(&self.scope, self.user_id, self.key_id)?;
        let limit = Limit { scope, metric, window: budget::window(&self.period)?, cap: budget::units(metric, self.cap)?, zone };
        let thresholds = self.thresholds.iter().filter_map(|part| part.parse().ok()).collect();
        Some(Bound { id: self.id, name: self.name, limit, thresholds })
    }
}

async fn alias_rules(db: &mut PgConnection, tenant: Uuid) -> Result<Vec<Said>> {
    let rows = sqlx::query!("SELECT alias, user_id, effect FROM ai_alias_rule WHERE tenant_id = $1 AND archived_at IS NULL", tenant)
        .fetch_all(db)
        .await
        .during("read the rules of aliases")?;
    Ok(rows.into_iter().map(|row| Said { alias: row.alias, user: row.user_id, allows: row.effect == "allow" }).collect())
}

async fn keys(db: &mut PgConnection, tenant: Uuid) -> Result<HashMap<Uuid, Key>> {
    let rows = sqlx::query!("SELECT id, user_id, aliases, doors, acts FROM ai_key WHERE tenant_id = $1 AND status = 'active'", tenant)
        .fetch_all(db)
        .await
        .during("read the keys")?;
    Ok(rows.into_iter().map(|row| (row.id, Key { user: row.user_id, aliases: row.aliases.into(), doors: row.doors.into(), acts: row.acts })).collect())
}

async fn prompts(db: &mut PgConnection, tenant: Uuid) -> Result<HashMap<String, Prompt>> {
    let rows = sqlx::query!(
        "SELECT p.id, p.name, v.number, v.body FROM ai_prompt p JOIN ai_prompt_version v ON v.tenant_id = p.tenant_id AND v.prompt_id = p.id AND v.number = p.active_number
          WHERE p.tenant_id = $1 AND p.archived_at IS NULL",
        tenant
    )
    .fetch_all(db)
    .await
    .during("read the prompts")?;
    Ok(rows.into_iter().map(|row| (row.name, Prompt { id: row.id, number: row.number, body: row.body.into() })).collect())
}
