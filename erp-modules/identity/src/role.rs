//! Roles: named sets of permissions, each with a width.

pub mod create;
pub mod grant;
pub mod revoke;

use sqlx::PgConnection;
use steward_kernel::catalogue::Field;
use steward_kernel::command::{Entity, RowScope};
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::{Resource, Work};
use uuid::Uuid;

pub const RESOURCE: &str = "identity.role";
/// From narrow to wide.
pub(crate) const SCOPES: &[&str] = &["own", "team", "department", "company", "tenant"];

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "roles", "identity_role")
        .field(Field::text("name").required().sortable().prefix("name_fold").searchable().in_list())
        .field(Field::boolean("builtin").required().in_list())
        .sort("name")
        .create("identity.role.create")
}

pub(crate) fn grants_resource() -> Resource {
    Resource::new("identity.role_grant", "role_grants", "identity_role_grant")
        .child_of(RESOURCE, "role_id")
        .title("permission")
        .field(Field::reference("role", RESOURCE).required().in_list())
        .field(Field::text("permission").required().sortable().in_list())
        .field(Field::choice("scope", SCOPES).required().in_list())
        .sort("permission")
}

pub struct Role {
    pub id: Uuid,
    pub version: i64,
    pub name: String,
    pub builtin: bool,
}

impl Entity for Role {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    /// A role lies in no area: its commands need the width of the tenant.
    fn scope(&self) -> RowScope {
        RowScope::default()
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(Self, "SELECT id, version, name, builtin FROM identity_role WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant, id)
            .fetch_optional(db)
            .await
            .during("read the role")
    }
}

impl Role {
    /// Locks a role whose grants the tenant may change.
    async fn lock_changeable(work: &mut Work, id: Uuid) -> Result<Self> {
        let role = work.lock::<Self>(id).await?;
        if role.builtin {
            return Err(Error::new(Code::Conflict, format!("the role {} belongs to the house and cannot be changed", role.name))
                .because("identity.builtin_role")
                .arg("role", &role.name));
        }
        Ok(role)
    }
}
