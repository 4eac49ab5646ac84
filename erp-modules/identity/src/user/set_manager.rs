//! Says whom a user reports to. The width `team` follows these lines, so they never form a circle.

use super::{RESOURCE, User};
use crate::{UserId, guard};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk};
use uuid::Uuid;

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
            let place = super::place(work, manager).await?;
            guard::manages(work, place)?;
            let above = super::superiors(work, manager).await?;
            if above.contains(&user.id) {
                return Err(Error::rule("identity.reporting_cycle", "nobody can report to himself or to somebody below him"));
            }
            may_lead(work, user.id, &above).await?;
        }
        own_line(work, user.id).await?;
        sqlx::query!("UPDATE identity_user SET manager_id = $3 WHERE tenant_id = $1 AND id = $2", tenant, user.id, manager)
            .execute(work.db())
            .await
            .during("store the line of report")?;
        Ok(Outcome::of(RESOURCE, user.id).undo("identity.user.set_manager", json!({ "user": user.id, "manager": user.manager_id })))
    }
}

/// Nobody brings people under himself who were not there, whether he is to lead them himself or somebody below him.
/// `above` are those who would lead the user from now on.
async fn may_lead(work: &mut Work, user: Uuid, above: &[Uuid]) -> Result<()> {
    let actor = work.user();
    if guard::manages_tenant(work) || !above.contains(&actor) || super::superiors(work, user).await?.contains(&actor) {
        return Ok(());
    }
    Err(guard::widens_own_reach())
}

/// Whom one reports to oneself is for others to say, and so are the lines of those above.
async fn own_line(work: &mut Work, user: Uuid) -> Result<()> {
    let actor = work.user();
    if guard::manages_tenant(work) || !super::superiors(work, actor).await?.contains(&user) {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "you cannot change whom you or your superiors report to").because("identity.escalation").variant("superiors"))
}
