//! Ends a session, whatever its token still claims.

use super::{RESOURCE, Session};
use crate::{SessionId, guard};
use serde::Deserialize;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeSession {
    session: SessionId,
}

impl Command for RevokeSession {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.session.revoke").changes_rights_of_user().target("session").risk(Risk::HumanOnly)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let session = work.lock::<Session>(self.session).await?;
        guard::lock_grants_of(work, session.user_id).await?;
        let (tenant, now) = (work.tenant(), work.now());
        sqlx::query!("UPDATE identity_session SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL", tenant, session.id, now)
            .execute(work.db())
            .await
            .during("end the session")?;
        Ok(Outcome::of(RESOURCE, session.id))
    }
}
