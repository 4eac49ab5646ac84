//! Ends an API key.

use super::{ApiKey, ENDED, RESOURCE};
use crate::{ApiKeyId, guard};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeApiKey {
    api_key: ApiKeyId,
}

impl Command for RevokeApiKey {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.api_key.revoke").changes_rights_of_user().target("api_key").risk(Risk::HumanOnly)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let key = work.lock::<ApiKey>(self.api_key).await?;
        guard::lock_grants_of(work, key.user_id).await?;
        let (tenant, now) = (work.tenant(), work.now());
        let ended = sqlx::query_scalar!(
            "UPDATE identity_api_key SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING purpose",
            tenant,
            key.id,
            now
        )
        .fetch_optional(work.db())
        .await
        .during("end the API key")?;
        if let Some(purpose) = ended {
            work.emit(ENDED, key.id, json!({ "purpose": purpose }));
        }
        Ok(Outcome::of(RESOURCE, key.id))
    }
}
