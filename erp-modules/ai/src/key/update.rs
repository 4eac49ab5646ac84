//! `ai.key.update`: another name, other aliases or doors. User, secret and expiry stay as they are.

use super::{Key, KeyId, RESOURCE, check, resource};
use crate::error::Error;
use serde::Deserialize;
use steward_kernel::changes::{Changes, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::error::During;
use steward_kernel::{CommandSpec, Outcome, Result, Risk, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    key: KeyId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    aliases: Option<Vec<String>>,
    #[serde(default)]
    doors: Option<Vec<String>>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.key.update").target("key").inputs(update_inputs(resource())).when(&[super::ACTIVE]).risk(Risk::High).undo("ai.key.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut key = work.lock::<Key>(self.key).await?;
        if key.status != super::ACTIVE {
            return Err(Error::Ended.into());
        }
        let mut changes = Changes::default();
        changes.set("name", &mut key.name, self.name.filter(|name| !name.is_empty()))?;
        changes.set("aliases", &mut key.aliases, self.aliases)?;
        changes.set("doors", &mut key.doors, self.doors)?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, key.id));
        }
        check(&key.aliases, &key.doors)?;
        let tenant = work.tenant();
        sqlx::query!(
            "UPDATE ai_key SET name = $3, aliases = $4, doors = $5 WHERE tenant_id = $1 AND id = $2",
            tenant,
            key.id.0,
            key.name,
            &key.aliases,
            &key.doors
        )
        .execute(work.db())
        .await
        .during("store the key")?;
        Ok(Outcome::of(RESOURCE, key.id).undo("ai.key.update", changes.undo("key", key.id)))
    }
}
