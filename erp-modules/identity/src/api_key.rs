//! API keys: a program's way in, with the rights of its user, never interactive.

pub mod create;
pub mod revoke;

use sqlx::PgConnection;
use steward_kernel::command::{Entity, RowScope};
use steward_kernel::error::{During, Result};
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
