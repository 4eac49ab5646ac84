//! Log-in sessions. Every unit of work checks its session, so ending one takes effect with the next request.

pub mod revoke;

use sqlx::PgConnection;
use steward_kernel::command::{Entity, RowScope};
use steward_kernel::error::{During, Result};
use steward_kernel::work::Work;
use steward_kernel::{Field, Resource};
use uuid::Uuid;

pub const RESOURCE: &str = "identity.session";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "sessions", "identity_session")
        .owner("user_id")
        .title("created_at")
        .field(Field::reference("user", "identity.user").required().in_list())
        .field(Field::timestamp("expires_at").required().in_list())
        .field(Field::timestamp("revoked_at").in_list())
}

pub struct Session {
    pub id: Uuid,
    pub version: i64,
    pub user_id: Uuid,
}

impl Entity for Session {
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
        sqlx::query_as!(Self, "SELECT id, version, user_id FROM identity_session WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant, id)
            .fetch_optional(db)
            .await
            .during("read the session")
    }
}

/// Ends the user's sessions, but for the one that may go on.
pub(crate) async fn end_all(work: &mut Work, user: Uuid, but: Option<Uuid>) -> Result<()> {
    let (tenant, now) = (work.tenant(), work.now());
    sqlx::query!(
        "UPDATE identity_session SET revoked_at = $3 WHERE tenant_id = $1 AND user_id = $2 AND id IS DISTINCT FROM $4 AND revoked_at IS NULL",
        tenant,
        user,
        now,
        but
    )
    .execute(work.db())
    .await
    .during("end the user's sessions")?;
    Ok(())
}
