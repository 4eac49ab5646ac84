//! Sets a password. All log-ins of the user end, but not the one that asks.
//!
//! Whoever changes his own password keeps his API keys: they are programs' credentials, not made from the password, and a
//! change of habit must not stop what runs. A password that somebody else sets means that the account is taken over or given
//! back, so everything that was opened with it ends, the keys too.

use super::{RESOURCE, User};
use crate::{UserId, api_key, guard, password, session};
use serde::Deserialize;
use serde_json::Value;
use steward_kernel::catalogue::Sensitivity;
use steward_kernel::command::{Boxed, Command, Outcome};
use steward_kernel::error::{During, Error, Result};
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
            .changes_rights_of_user()
            .target("user")
            .input(Field { sensitivity: Sensitivity::Secret, ..Field::text("password").required() })
            .risk(Risk::HumanOnly)
    }

    fn prepare(input: &Value) -> Option<Boxed<'_, Result<Value>>> {
        hashed(input)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        guard::lock_grants_of(work, self.user.0).await?;
        let user = work.lock::<User>(self.user).await?;
        guard::may_act_as(work, user.id).await?;
        store(work, user.id, &self.password).await?;
        let session = work.principal().session;
        session::end_all(work, user.id, Some(session)).await?;
        if user.id != work.user() {
            api_key::end_all(work, user.id).await?;
        }
        Ok(Outcome::of(RESOURCE, user.id))
    }
}

/// The hash of the input `password`, made before the unit of work opens. One that will be refused is not worth the work.
pub(super) fn hashed(input: &Value) -> Option<Boxed<'_, Result<Value>>> {
    let given = input.get("password").and_then(Value::as_str)?;
    password::check(given, "password").ok()?;
    Some(Box::pin(async move { password::hash(given).await.map(Value::String) }))
}

/// Stores the hash that [`hashed`] made; a preview has none. The statement cannot say `excluded.password_hash`: the
/// application has no right to read that column.
pub(super) async fn store(work: &mut Work, user: Uuid, password: &str) -> Result<()> {
    password::check(password, "password")?;
    if work.mode() == Mode::Preview {
        return Ok(());
    }
    let Some(Value::String(hash)) = work.take_prepared() else {
        return Err(Error::internal("a password is hashed before the unit of work opens, which no other command can do"));
    };
    let (tenant, now) = (work.tenant(), work.now());
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
