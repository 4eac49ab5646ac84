//! Makes an API key and shows it once: only its hash is stored.

use super::RESOURCE;
use crate::user::User;
use crate::{ApiKeyId, UserId, guard, keys};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome, RowScope};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    name: String,
    #[serde(default)]
    user: Option<UserId>,
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

impl Command for CreateApiKey {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.api_key.create").risk(Risk::HumanOnly).undo("identity.api_key.revoke").inputs([
            Field::text("name").required().max(80),
            Field::reference("user", "identity.user"),
            Field::timestamp("expires_at"),
        ])
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let user = self.user.map_or(work.user(), Into::into);
        work.check_new(RowScope { owner: Some(user), ..RowScope::default() })?;
        guard::may_act_as(work, user).await?;
        if self.expires_at.is_some_and(|at| at <= work.now()) {
            return Err(Error::field("expires_at", "lies in the past"));
        }
        let (tenant, id) = (work.tenant(), ApiKeyId::fresh());
        if !User::is_active(work, user).await? {
            return Err(Error::field("user", "is not active"));
        }
        let slug = sqlx::query_scalar!("SELECT slug FROM kernel_placement WHERE tenant_id = $1", tenant)
            .fetch_one(work.db())
            .await
            .during("read the tenant's name")?;
        let secret = keys::secret()?;
        let hash = blake3::hash(secret.as_bytes());
        sqlx::query!(
            "INSERT INTO identity_api_key (tenant_id, id, user_id, name, expires_at) VALUES ($1, $2, $3, $4, $5)",
            tenant,
            id.0,
            user,
            self.name,
            self.expires_at
        )
        .execute(work.db())
        .await
        .during("store the API key")?;
        sqlx::query!("INSERT INTO identity_api_secret (tenant_id, api_key_id, secret_hash) VALUES ($1, $2, $3)", tenant, id.0, hash.as_bytes().as_slice())
            .execute(work.db())
            .await
            .during("store the API key's hash")?;
        let key = format!("stw_{slug}_{}_{secret}", id.0.simple());
        Ok(Outcome::of(RESOURCE, id).secret(json!({ "api_key": key })).undo("identity.api_key.revoke", json!({ "api_key": id })))
    }
}
