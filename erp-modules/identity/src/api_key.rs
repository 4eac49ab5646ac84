//! API keys: a program's way in, with the rights of its user, never interactive.

pub mod create;
pub mod revoke;

use sqlx::PgConnection;
use steward_kernel::command::{Entity, RowScope};
use steward_kernel::error::{During, Result};
use steward_kernel::work::Work;
use steward_kernel::{Field, Resource};
use uuid::Uuid;

pub const RESOURCE: &str = "identity.api_key";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "api_keys", "identity_api_key")
        .owner("user_id")
        .field(Field::text("name").required().sortable().in_list())
        .field(Field::reference("user", "identity.user").required().in_list())
        .field(Field::timestamp("expires_at").in_list())
        .field(Field::timestamp("revoked_at").in_list())
        .create("identity.api_key.create")
}

pub struct ApiKey {
    pub id: Uuid,
    pub version: i64,
    pub user_id: Uuid,
}

impl Entity for ApiKey {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { owner: Some(self.user_id), ..RowScope::default() }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(Self, "SELECT id, version, user_id FROM identity_api_key WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant, id)
            .fetch_optional(db)
            .await
            .during("read the API key")
    }
}

/// Ends the user's API keys, for good: nothing brings one back.
pub(crate) async fn end_all(work: &mut Work, user: Uuid) -> Result<()> {
    let (tenant, now) = (work.tenant(), work.now());
    sqlx::query!("UPDATE identity_api_key SET revoked_at = $3 WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL", tenant, user, now)
        .execute(work.db())
        .await
        .during("end the user's API keys")?;
    Ok(())
}
