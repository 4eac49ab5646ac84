//! Gives a role a permission, or another width of it.

use super::{RESOURCE, Role, SCOPES};
use crate::{RoleId, guard};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::principal::Scope;
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk, ids};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantPermission {
    role: RoleId,
    permission: String,
    scope: Scope,
}

impl Command for GrantPermission {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.role.grant")
            .changes_rights()
            .target("role")
            .inputs([Field::text("permission").required(), Field::choice("scope", SCOPES).required()])
            .risk(Risk::HumanOnly)
            .undo("identity.role.revoke")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        if !work.catalogue().permissions().contains(&self.permission) {
            return Err(Error::field("permission", "there is no such permission"));
        }
        guard::lock_all_grants(work).await?;
        let role = Role::lock_changeable(work, self.role.0).await?;
        let (tenant, scope) = (work.tenant(), self.scope.as_str());
        // Also those who are not active: they may come back.
        let holders = sqlx::query_scalar!("SELECT user_id FROM identity_user_role WHERE tenant_id = $1 AND role_id = $2", tenant, role.id)
            .fetch_all(work.db())
            .await
            .during("look up who has the role")?;
        guard::may_give(work, &self.permission, self.scope, &holders).await?;
        let before = sqlx::query_scalar!(
            "SELECT scope FROM identity_role_grant WHERE tenant_id = $1 AND role_id = $2 AND permission = $3",
            tenant,
            role.id,
            self.permission
        )
        .fetch_optional(work.db())
        .await
        .during("look up the grant")?;
        let outcome = Outcome::of(RESOURCE, role.id);
        if before.as_deref() == Some(scope) {
            return Ok(outcome);
        }
        sqlx::query!(
            "INSERT INTO identity_role_grant (tenant_id, id, role_id, permission, scope) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant_id, role_id, permission) DO UPDATE SET scope = excluded.scope",
            tenant,
            ids::fresh(),
            role.id,
            self.permission,
            scope
        )
        .execute(work.db())
        .await
        .during("store the grant")?;
        Ok(match before {
            None => outcome.undo("identity.role.revoke", json!({ "role": role.id, "permission": self.permission })),
            Some(before) => outcome.undo("identity.role.grant", json!({ "role": role.id, "permission": self.permission, "scope": before })),
        })
    }
}
