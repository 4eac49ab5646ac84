//! `ai.prompt.archive` and `ai.prompt.restore`: an archived prompt is not found by its name.

use super::{Prompt, PromptId, RESOURCE};
use crate::error::Error;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use steward_kernel::command::Command;
use steward_kernel::error::During;
use steward_kernel::{CommandSpec, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    prompt: PromptId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.prompt.archive").target("prompt").undo("ai.prompt.restore")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let prompt = work.lock::<Prompt>(self.prompt).await?;
        if prompt.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        set_archived(work.db(), tenant, prompt.id.0, Some(now)).await?;
        Ok(Outcome::of(RESOURCE, prompt.id).undo("ai.prompt.restore", json!({ "prompt": prompt.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    prompt: PromptId,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.prompt.restore").permission("ai:prompt:archive").target("prompt").undo("ai.prompt.archive")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let prompt = work.lock::<Prompt>(self.prompt).await?;
        if prompt.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        set_archived(work.db(), tenant, prompt.id.0, None).await.map_err(super::doubled)?;
        Ok(Outcome::of(RESOURCE, prompt.id).undo("ai.prompt.archive", json!({ "prompt": prompt.id })))
    }
}

async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: Uuid, archived_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("UPDATE ai_prompt SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, id, archived_at)
        .execute(db)
        .await
        .during("archive the prompt")?;
    Ok(())
}
