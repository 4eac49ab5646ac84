//! `ai.rule.archive` and `ai.rule.restore`: an archived rule finds nothing.

use super::{RESOURCE, Rule, RuleId};
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
    rule: RuleId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.rule.archive").target("rule").risk(Risk::High).undo("ai.rule.restore")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let rule = work.lock::<Rule>(self.rule).await?;
        if rule.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        set_archived(work.db(), tenant, rule.id.0, Some(now)).await?;
        Ok(Outcome::of(RESOURCE, rule.id).undo("ai.rule.restore", json!({ "rule": rule.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    rule: RuleId,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.rule.restore").permission("ai:rule:archive").target("rule").risk(Risk::High).undo("ai.rule.archive")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let rule = work.lock::<Rule>(self.rule).await?;
        if rule.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        set_archived(work.db(), tenant, rule.id.0, None).await.map_err(super::doubled)?;
        super::check_all(work).await?;
        Ok(Outcome::of(RESOURCE, rule.id).undo("ai.rule.archive", json!({ "rule": rule.id })))
    }
}

async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: Uuid, archived_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("UPDATE ai_rule SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, id, archived_at)
        .execute(db)
        .await
        .during("archive the rule")?;
    Ok(())
}
