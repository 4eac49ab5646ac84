//! Takes a permission from a role. It ends with the commit: the very next request of each holder is without it.

use super::{RESOURCE, Role};
use crate::{RoleId, guard};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokePermission {
    role: RoleId,
    permission: String,
}

impl Command for RevokePermission {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.role.revoke")
            .changes_rights()
            .target("role")
            .input(Field::text("permission").required())
            .risk(Risk::HumanOnly)
            .undo("identity.role.grant")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        guard::lock_all_grants(work).await?;
        let role = Role::lock_changeable(work, self.role.0).await?;
        let tenant = work.tenant();
        let before = sqlx::query_scalar!(
            "DELETE FROM identity_role_grant WHERE tenant_id = $1 AND role_id = $2 AND permission = $3 RETURNING scope",
            tenant,
            role.id,
            self.permission
        )
        .fetch_optional(work.db())
        .await
        .during("remove the grant")?
        .ok_or_else(|| Error::rule("identity.not_granted", "the role does not have this permission"))?;
        Ok(Outcome::of(RESOURCE, role.id).undo("identity.role.grant", json!({ "role": role.id, "permission": self.permission, "scope": before })))
    }
}
