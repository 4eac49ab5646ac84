//! `ai.prompt.activate`: makes a version hold, be it a newer or an earlier one. The next call uses it.

use super::{Prompt, PromptId, RESOURCE, store};
use crate::error::Error;
use crate::prompt_version;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Field, Outcome, Result, Risk, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activate {
    prompt: PromptId,
    /// The latest one unless said otherwise.
    #[serde(default)]
    number: Option<i64>,
}

impl Command for Activate {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.prompt.activate").target("prompt").input(Field::integer("number")).risk(Risk::High).undo("ai.prompt.activate")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut prompt = work.lock::<Prompt>(self.prompt).await?;
        if prompt.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let number = self.number.unwrap_or(prompt.latest_number);
        if number == prompt.active_number {
            return Err(Error::ActiveAlready.into());
        }
        let tenant = work.tenant();
        if prompt_version::body_of(work.db(), tenant, prompt.id, number).await?.is_none() {
            return Err(Error::NoSuchVersion.into());
        }
        let before = std::mem::replace(&mut prompt.active_number, number);
        store(work.db(), tenant, &prompt).await?;
        Ok(Outcome::of(RESOURCE, prompt.id).undo("ai.prompt.activate", json!({ "prompt": prompt.id, "number": before })))
    }
}
