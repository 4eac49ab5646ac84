//! Says whom a user reports to. The width `team` follows these lines, so they never form a circle.

use super::{RESOURCE, User};
use crate::{UserId, guard};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetManager {
    user: UserId,
    #[serde(default)]
    manager: Option<UserId>,
}

impl Command for SetManager {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.user.set_manager")
            .changes_rights()
            .target("user")
            .input(Field::reference("manager", RESOURCE))
            .risk(Risk::High)
            .undo("identity.user.set_manager")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        guard::lock_all_grants(work).await?;
        let user = work.lock::<User>(self.user).await?;
        let (tenant, manager) = (work.tenant(), self.manager.map(|manager| manager.0));
        if let Some(manager) = manager {
            let circular = sqlx::query_scalar!(
                r#"WITH RECURSIVE above(id) AS (
                     SELECT $2::uuid UNION SELECT u.manager_id FROM identity_user u JOIN above a ON u.id = a.id WHERE u.tenant_id = $1 AND u.manager_id IS NOT NULL)
                   SELECT EXISTS (SELECT FROM above WHERE id = $3) AS "circular!""#,
                tenant,
                manager,
                user.id
            )
            .fetch_one(work.db())
            .await
            .during("follow the lines of report upwards")?;
            if circular {
                return Err(Error::rule("identity.reporting_cycle", "nobody can report to himself or to somebody below him"));
            }
        }
        sqlx::query!("UPDATE identity_user SET manager_id = $3 WHERE tenant_id = $1 AND id = $2", tenant, user.id, manager)
            .execute(work.db())
            .await
            .during("store the line of report")?;
        Ok(Outcome::of(RESOURCE, user.id).undo("identity.user.set_manager", json!({ "user": user.id, "manager": user.manager_id })))
    }
}
