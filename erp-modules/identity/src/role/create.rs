//! Adds a role without any grant.

use super::RESOURCE;
use crate::RoleId;
use serde::Deserialize;
use steward_kernel::command::{Command, Outcome, RowScope};
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRole {
    name: String,
}

impl Command for CreateRole {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.role.create").input(Field::text("name").required().max(80))
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.check_new(RowScope::default())?;
        let (tenant, id) = (work.tenant(), RoleId::fresh());
        let stored = sqlx::query!(
            "INSERT INTO identity_role (tenant_id, id, name) VALUES ($1, $2, $3) ON CONFLICT (tenant_id, name) DO NOTHING",
            tenant,
            id.0,
            self.name
        )
        .execute(work.db())
        .await
        .during("store the role")?;
        if stored.rows_affected() == 0 {
            return Err(Error::new(Code::Duplicate, "a role of this name exists already").because("identity.name_taken").variant("role"));
        }
        Ok(Outcome::of(RESOURCE, id))
    }
}
