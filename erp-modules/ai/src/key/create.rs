//! `ai.key.create`: a key for a program of a user's. Its secret is shown once; only identity keeps a hash of it.

use super::{RESOURCE, check, resource};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::inputs;
use steward_kernel::command::Command;
use steward_kernel::error::During;
use steward_kernel::{CommandSpec, Error, Field, Outcome, Result, Risk, RowScope, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    /// Whose calls they are; the acting user's unless said otherwise.
    #[serde(default)]
    user: Option<Uuid>,
    /// None or empty: all that are offered.
    #[serde(default)]
    aliases: Option<Vec<String>>,
    #[serde(default)]
    doors: Option<Vec<String>>,
    /// Whether it reaches the assistant as its user. Only for oneself.
    #[serde(default)]
    acts: Option<bool>,
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.key.create")
            .risk(Risk::HumanOnly)
            .inputs(inputs(resource()))
            .input(Field::reference("user", "identity.user"))
            .input(Field::boolean("acts"))
            .input(Field::timestamp("expires_at"))
            .calls("identity.api_key.make_for_models")
            .undo("ai.key.end")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let (aliases, doors) = (self.aliases.unwrap_or_default(), self.doors.unwrap_or_default());
        check(&aliases, &doors)?;
        let user = self.user.unwrap_or(work.user());
        let acts = self.acts.unwrap_or(false);
        work.check_new(RowScope { owner: Some(user), ..RowScope::default() })?;
        let made =
            work.call("identity.api_key.make_for_models", json!({ "name": self.name, "user": user, "acts": acts, "expires_at": self.expires_at })).await?;
        let (Some(key), Some(secret)) = (made.primary, made.secret) else {
            return Err(Error::internal("identity made no key"));
        };
        let tenant = work.tenant();
        sqlx::query!(
            "INSERT INTO ai_key (tenant_id, id, user_id, name, aliases, doors, acts, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            tenant,
            key.id,
            user,
            self.name,
            &aliases,
            &doors,
            acts,
            self.expires_at
        )
        .execute(work.db())
        .await
        .during("store the key")?;
        Ok(Outcome::of(RESOURCE, key.id).secret(secret).undo("ai.key.end", json!({ "key": key.id })))
    }
}
