//! Rules of aliases are made, changed, archived and restored here.

use super::{AliasRule, AliasRuleId, RESOURCE, check, resource};
use crate::error::Error;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use steward_kernel::changes::{Changes, given, inputs, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::error::During;
use steward_kernel::{Code, CommandSpec, Field, Outcome, Result, Risk, RowScope, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    alias: String,
    /// Everybody unless named.
    #[serde(default)]
    user: Option<Uuid>,
    #[serde(default)]
    effect: Option<String>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        let fields = inputs(resource()).into_iter().map(|field| Field { required: field.name == "alias", ..field });
        CommandSpec::new("ai.alias_rule.create").inputs(fields).risk(Risk::High).undo("ai.alias_rule.archive")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.check_new(RowScope::default())?;
        check(&self.alias)?;
        let (tenant, id) = (work.tenant(), AliasRuleId::fresh());
        let effect = self.effect.unwrap_or_else(|| "deny".into());
        sqlx::query!(
            "INSERT INTO ai_alias_rule (tenant_id, id, alias, user_id, effect) VALUES ($1, $2, $3, $4, $5)",
            tenant,
            id.0,
            self.alias,
            self.user,
            effect
        )
        .execute(work.db())
        .await
        .during("store the rule")
        .map_err(doubled)?;
        Ok(Outcome::of(RESOURCE, id).undo("ai.alias_rule.archive", json!({ "alias_rule": id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    alias_rule: AliasRuleId,
    #[serde(default)]
    alias: Option<String>,
    #[serde(default, deserialize_with = "given")]
    user: Option<Option<Uuid>>,
    #[serde(default)]
    effect: Option<String>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.alias_rule.update").target("alias_rule").inputs(update_inputs(resource())).risk(Risk::High).undo("ai.alias_rule.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut rule = work.lock::<AliasRule>(self.alias_rule).await?;
        if rule.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let mut changes = Changes::default();
        changes.set("alias", &mut rule.alias, self.alias)?;
        changes.set("user", &mut rule.user_id, self.user)?;
        changes.set("effect", &mut rule.effect, self.effect)?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, rule.id));
        }
        check(&rule.alias)?;
        let tenant = work.tenant();
        sqlx::query!(
            "UPDATE ai_alias_rule SET alias = $3, user_id = $4, effect = $5 WHERE tenant_id = $1 AND id = $2",
            tenant,
            rule.id.0,
            rule.alias,
            rule.user_id,
            rule.effect
        )
        .execute(work.db())
        .await
        .during("store the rule")
        .map_err(doubled)?;
        Ok(Outcome::of(RESOURCE, rule.id).undo("ai.alias_rule.update", changes.undo("alias_rule", rule.id)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    alias_rule: AliasRuleId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.alias_rule.archive").target("alias_rule").risk(Risk::High).undo("ai.alias_rule.restore")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let rule = work.lock::<AliasRule>(self.alias_rule).await?;
        if rule.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        set_archived(work.db(), tenant, rule.id.0, Some(now)).await?;
        Ok(Outcome::of(RESOURCE, rule.id).undo("ai.alias_rule.restore", json!({ "alias_rule": rule.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    alias_rule: AliasRuleId,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.alias_rule.restore").permission("ai:alias_rule:archive").target("alias_rule").risk(Risk::High).undo("ai.alias_rule.archive")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let rule = work.lock::<AliasRule>(self.alias_rule).await?;
        if rule.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        set_archived(work.db(), tenant, rule.id.0, None).await.map_err(doubled)?;
        Ok(Outcome::of(RESOURCE, rule.id).undo("ai.alias_rule.archive", json!({ "alias_rule": rule.id })))
    }
}

async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: Uuid, archived_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("UPDATE ai_alias_rule SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, id, archived_at)
        .execute(db)
        .await
        .during("archive the rule")?;
    Ok(())
}

/// Two rules for the same alias and user would contradict each other: the index says so.
fn doubled(error: steward_kernel::Error) -> steward_kernel::Error {
    if error.code == Code::Duplicate { Error::SameAliasRule.into() } else { error }
}
