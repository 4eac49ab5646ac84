//! `ai.prompt.revise`: another text, as a version that does not hold yet. Its undo removes the version, as long as it never held
//! and no later one was written.

use super::{Prompt, PromptId, RESOURCE, UPDATE, body, store};
use crate::error::Error;
use crate::prompt_version;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::filled;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Field, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revise {
    prompt: PromptId,
    body: String,
    /// What was changed, in a line.
    #[serde(default)]
    note: Option<String>,
}

impl Command for Revise {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.prompt.revise").permission(UPDATE).target("prompt").input(body()).input(Field::text("note")).undo("ai.prompt.take_back")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut prompt = work.lock::<Prompt>(self.prompt).await?;
        if prompt.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let tenant = work.tenant();
        if prompt_version::body_of(work.db(), tenant, prompt.id, prompt.latest_number).await?.as_deref() == Some(self.body.as_str()) {
            return Err(Error::SameText.into());
        }
        prompt.latest_number += 1;
        prompt_version::insert(work, prompt.id, prompt.latest_number, filled(self.note), &self.body).await?;
        store(work.db(), tenant, &prompt).await?;
        let number = prompt.latest_number;
        let back = json!({ "prompt": prompt.id, "number": number });
        Ok(Outcome::of(RESOURCE, prompt.id).data(json!({ "number": number })).undo("ai.prompt.take_back", back))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeBack {
    prompt: PromptId,
    number: i64,
}

impl Command for TakeBack {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.prompt.take_back").internal().permission(UPDATE).target("prompt").input(Field::integer("number").required())
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut prompt = work.lock::<Prompt>(self.prompt).await?;
        if self.number != prompt.latest_number || self.number == prompt.active_number || self.number < 2 {
            return Err(Error::NotTakenBack.into());
        }
        let tenant = work.tenant();
        prompt_version::remove(work.db(), tenant, prompt.id, self.number).await?;
        prompt.latest_number -= 1;
        store(work.db(), tenant, &prompt).await?;
        Ok(Outcome::of(RESOURCE, prompt.id))
    }
}
