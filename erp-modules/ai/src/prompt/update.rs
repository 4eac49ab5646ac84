//! `ai.prompt.update`: another name or description. The text is revised instead.

use super::{Prompt, PromptId, RESOURCE, check_name, resource, store};
use crate::error::Error;
use serde::Deserialize;
use steward_kernel::changes::{Changes, filled, given, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    prompt: PromptId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    description: Option<Option<String>>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.prompt.update").target("prompt").inputs(update_inputs(resource())).undo("ai.prompt.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut prompt = work.lock::<Prompt>(self.prompt).await?;
        if prompt.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let mut changes = Changes::default();
        changes.set("name", &mut prompt.name, self.name)?;
        changes.set("description", &mut prompt.description, self.description.map(filled))?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, prompt.id));
        }
        check_name(&prompt.name)?;
        let tenant = work.tenant();
        store(work.db(), tenant, &prompt).await?;
        Ok(Outcome::of(RESOURCE, prompt.id).undo("ai.prompt.update", changes.undo("prompt", prompt.id)))
    }
}
