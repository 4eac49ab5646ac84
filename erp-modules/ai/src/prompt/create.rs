//! `ai.prompt.create`: a prompt with its first version, which holds at once.

use super::{Prompt, PromptId, RESOURCE, body, check_name, doubled, resource};
use crate::prompt_version;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::{filled, inputs};
use steward_kernel::command::Command;
use steward_kernel::error::During;
use steward_kernel::{CommandSpec, Outcome, Result, RowScope, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    #[serde(default)]
    description: Option<String>,
    body: String,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.prompt.create").inputs(inputs(resource())).input(body()).undo("ai.prompt.archive")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.check_new(RowScope::default())?;
        check_name(&self.name)?;
        let prompt = Prompt {
            id: PromptId::fresh(),
            version: 1,
            archived_at: None,
            name: self.name,
            description: filled(self.description),
            active_number: 1,
            latest_number: 1,
        };
        let tenant = work.tenant();
        sqlx::query!("INSERT INTO ai_prompt (tenant_id, id, name, description) VALUES ($1, $2, $3, $4)", tenant, prompt.id.0, prompt.name, prompt.description)
            .execute(work.db())
            .await
            .during("store the prompt")
            .map_err(doubled)?;
        prompt_version::insert(work, prompt.id, prompt.latest_number, None, &self.body).await?;
        Ok(Outcome::of(RESOURCE, prompt.id).undo("ai.prompt.archive", json!({ "prompt": prompt.id })))
    }
}
