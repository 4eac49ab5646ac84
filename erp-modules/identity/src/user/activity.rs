//! Users leave and come back. A user who is not active cannot log in, and his sessions and API keys end at once and for good:
//! whoever comes back logs in anew and makes new keys. What he did stays his.

use super::{RESOURCE, User};
use crate::{UserId, api_key, guard, session};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeactivateUser {
    user: UserId,
}

impl Command for DeactivateUser {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.user.deactivate").changes_rights_of_user().target("user").risk(Risk::High).undo("identity.user.reactivate")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        if self.user.0 == work.user() {
            return Err(Error::rule("identity.self", "you cannot deactivate yourself"));
        }
        guard::lock_grants_of(work, self.user.0).await?;
        let user = work.lock::<User>(self.user).await?;
        guard::may_act_as(work, user.id).await?;
        if !user.active {
            return Err(Error::rule("identity.not_active", "the user is not active"));
        }
        guard::administrator_remains_without(work, user.id).await?;
        let tenant = work.tenant();
        sqlx::query!("UPDATE identity_user SET active = false WHERE tenant_id = $1 AND id = $2", tenant, user.id)
            .execute(work.db())
            .await
            .during("deactivate the user")?;
        session::end_all(work, user.id, None).await?;
        api_key::end_all(work, user.id).await?;
        work.emit("identity.user.deactivated", user.id, json!({ "user": user.id }));
        Ok(Outcome::of(RESOURCE, user.id).undo("identity.user.reactivate", json!({ "user": user.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReactivateUser {
    user: UserId,
}

impl Command for ReactivateUser {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.user.reactivate").changes_rights_of_user().target("user").risk(Risk::High).undo("identity.user.deactivate")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        guard::lock_grants_of(work, self.user.0).await?;
        let user = work.lock::<User>(self.user).await?;
        guard::may_act_as(work, user.id).await?;
        if user.active {
            return Err(Error::rule("identity.active", "the user is active"));
        }
        let tenant = work.tenant();
        sqlx::query!("UPDATE identity_user SET active = true WHERE tenant_id = $1 AND id = $2", tenant, user.id)
            .execute(work.db())
            .await
            .during("reactivate the user")?;
        work.emit("identity.user.reactivated", user.id, json!({ "user": user.id }));
        Ok(Outcome::of(RESOURCE, user.id).undo("identity.user.deactivate", json!({ "user": user.id })))
    }
}
