//! A tenant's own rules for what may pass to a model: words or a pattern, which are masked, flagged or refused.
//!
//! What is stored was compiled by the guard of `steward_llm` with all other rules of the tenant ([`check_all`]), so that the
//! doors never meet a set of rules that cannot take effect.

pub mod archive;
pub mod change;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use steward_kernel::error::During;
use steward_kernel::{Code, Entity, Error, Field, Resource, Result, RowScope, Work};
use steward_llm::guard::{self, Action, Guard, GuardConfig, Invalid};
use uuid::Uuid;

steward_kernel::id! {
    /// A rule's id.
    RuleId;
}

pub(crate) const RESOURCE: &str = "ai.rule";
const ACTIONS: &[&str] = &["mask", "refuse", "flag"];
/// Bytes of a pattern, as the guard takes it.
const PATTERN_MAX: u32 = 1_000;

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "rules", "ai_rule")
        .field(Field::text("name").required().max(64).sortable().prefix("name_fold").in_list().writable())
        .field(Field::choice("action", ACTIONS).required().default("mask").in_list().writable())
        .field(Field::texts("words").writable())
        .field(Field::text("pattern").max(PATTERN_MAX).writable())
        .sort("name")
        .create("ai.rule.create")
        .update("ai.rule.update")
        .archive("ai.rule.archive")
}

/// A locked row.
pub(crate) struct Rule {
    id: RuleId,
    version: i64,
    archived_at: Option<DateTime<Utc>>,
    name: String,
    action: String,
    words: Vec<String>,
    pattern: Option<String>,
}

impl Entity for Rule {
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
            r#"SELECT id AS "id: RuleId", version, archived_at, name, action, words, pattern FROM ai_rule WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
            tenant,
            id
        )
        .fetch_optional(db)
        .await
        .during("lock the rule")
    }
}

/// The rules that hold, in the order of their names.
pub(crate) async fn current(db: &mut PgConnection, tenant: Uuid) -> Result<Vec<guard::Rule>> {
    let rows = sqlx::query!("SELECT name, action, words, pattern FROM ai_rule WHERE tenant_id = $1 AND archived_at IS NULL ORDER BY name", tenant)
        .fetch_all(db)
        .await
        .during("read the rules")?;
    Ok(rows.into_iter().map(|row| guard::Rule { name: row.name, words: row.words, regex: row.pattern, action: action(&row.action) }).collect())
}

/// What cannot be told is refused.
pub(crate) fn action(name: &str) -> Action {
    match name {
        "mask" => Action::Mask,
        "flag" => Action::Flag,
        "ignore" => Action::Ignore,
        _ => Action::Refuse,
    }
}

/// Refuses a change after which the tenant's rules could not take effect together. One change at a time, or two that fit alone
/// would not fit together.
pub(crate) async fn check_all(work: &mut Work) -> Result<()> {
    let tenant = work.tenant();
    let key = format!("ai_rule:{tenant}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key).execute(work.db()).await.during("wait for other rules")?;
    let rules = current(work.db(), tenant).await?;
    Guard::new(&GuardConfig { rules, ..GuardConfig::default() }).map(drop).map_err(wrong)
}

/// What the guard says of a rule, at the input that it is about.
fn wrong(invalid: Invalid) -> Error {
    let field = match &invalid {
        Invalid::Name(_) => "name",
        Invalid::Regex(_) => "pattern",
        Invalid::Form(_) | Invalid::TooMany(_) | Invalid::Word(_) | Invalid::Words | Invalid::Unreadable => "words",
    };
    Error::field(field, invalid.to_string())
}

/// Two current rules of one name could not be told apart in what they report: the index says so.
fn doubled(error: Error) -> Error {
    if error.code == Code::Duplicate { crate::error::Error::RuleNameTaken.into() } else { error }
}
