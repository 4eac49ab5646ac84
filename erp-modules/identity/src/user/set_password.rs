//! Sets a password. All log-ins of the user end, but not the one that asks.

use super::{RESOURCE, User};
use crate::{UserId, guard, password};
use serde::Deserialize;
use steward_kernel::catalogue::Sensitivity;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Result};
use steward_kernel::work::{Mode, Work};
use steward_kernel::{CommandSpec, Field, Risk};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    user: UserId,
    password: String,
}

impl Command for SetPassword {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.user.set_password")
            .target("user")
            .input(Field { sensitivity: Sensitivity::Secret, ..Field::text("password").required() })
            .risk(Risk::HumanOnly)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        password::check(&self.password, "password")?;
        let user = work.lock::<User>(self.user).await?;
        guard::may_act_as(work, user.id).await?;
        store(work, user.id, &self.password).await?;
        let (tenant, now, session) = (work.tenant(), work.now(), work.principal().session);
        sqlx::query!(
            "UPDATE identity_session SET revoked_at = $3 WHERE tenant_id = $1 AND user_id = $2 AND id <> $4 AND revoked_at IS NULL",
            tenant,
            user.id,
            now,
            session
        )
        .execute(work.db())
        .await
        .during("end the user's sessions")?;
        Ok(Outcome::of(RESOURCE, user.id))
    }
}

/// Stores the hash; a preview does not take the work of hashing. The statement cannot say `excluded.password_hash`: the
/// application has no right to read that column.
pub(super) async fn store(work: &mut Work, user: Uuid, password: &str) -> Result<()> {
    if work.mode() == Mode::Preview {
        return Ok(());
    }
    let (tenant, now, hash) = (work.tenant(), work.now(), password::hash(password).await?);
    sqlx::query!(
        "INSERT INTO identity_credential (tenant_id, user_id, password_hash, changed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET password_hash = $3, changed_at = $4, failures = 0, locked_until = NULL",
        tenant,
        user,
        hash,
        now
    )
    .execute(work.db())
    .await
    .during("store the password's hash")?;
    Ok(())
}
