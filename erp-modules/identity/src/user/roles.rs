//! Gives a user a role or takes it away; the very next request of the user has the new rights.

use super::{RESOURCE, User};
use crate::{RoleId, UserId, guard};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk, ids};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignRole {
    user: UserId,
    role: RoleId,
}

impl Command for AssignRole {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.user.assign_role")
            .changes_rights_of_user()
            .target("user")
            .input(Field::reference("role", "identity.role").required())
            .risk(Risk::HumanOnly)
            .undo("identity.user.withdraw_role")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        guard::lock_grants_of(work, self.user.0).await?;
        let user = work.lock::<User>(self.user).await?;
        guard::may_give_role(work, self.role.0, user.id).await?;
        let tenant = work.tenant();
        let stored = sqlx::query!(
            "INSERT INTO identity_user_role (tenant_id, id, user_id, role_id) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, user_id, role_id) DO NOTHING",
            tenant,
            ids::fresh(),
            user.id,
            self.role.0
        )
        .execute(work.db())
        .await
        .during("store the role of the user")?;
        let outcome = Outcome::of(RESOURCE, user.id);
        Ok(match stored.rows_affected() {
            0 => outcome,
            _ => outcome.undo("identity.user.withdraw_role", json!({ "user": user.id, "role": self.role })),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawRole {
    user: UserId,
    role: RoleId,
}

impl Command for WithdrawRole {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.user.withdraw_role")
            .changes_rights_of_user()
            .target("user")
            .input(Field::reference("role", "identity.role").required())
            .risk(Risk::HumanOnly)
            .undo("identity.user.assign_role")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        guard::lock_grants_of(work, self.user.0).await?;
        let user = work.lock::<User>(self.user).await?;
        guard::may_give_role(work, self.role.0, user.id).await?;
        let tenant = work.tenant();
        let builtin = sqlx::query_scalar!("SELECT builtin FROM identity_role WHERE tenant_id = $1 AND id = $2", tenant, self.role.0)
            .fetch_optional(work.db())
            .await
            .during("look up the role")?;
        if builtin.unwrap_or_default() && user.active {
            guard::administrator_remains_without(work, user.id).await?;
        }
        let removed = sqlx::query!("DELETE FROM identity_user_role WHERE tenant_id = $1 AND user_id = $2 AND role_id = $3", tenant, user.id, self.role.0)
            .execute(work.db())
            .await
            .during("remove the role of the user")?;
        if removed.rows_affected() == 0 {
            return Err(Error::rule("identity.not_assigned", "the user does not have this role").variant("role"));
        }
        Ok(Outcome::of(RESOURCE, user.id).undo("identity.user.assign_role", json!({ "user": user.id, "role": self.role })))
    }
}
