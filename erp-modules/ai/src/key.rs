//! Keys for models: a program's way to language models and to nothing else.
//!
//! A key is an API key of identity with the purpose "models", which keeps its secret and says whether it lives; here stands what
//! it may reach. The record has the id of that key. It ends here when it ends there ([`end::Follow`]).

pub mod create;
pub mod end;
pub mod update;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use steward_kernel::error::During;
use steward_kernel::{Entity, Error, Field, Resource, Result, RowScope};
use uuid::Uuid;

steward_kernel::id! {
    /// A key's id.
    KeyId;
}

pub(crate) const RESOURCE: &str = "ai.key";
pub(crate) const ACTIVE: &str = "active";
pub(crate) const ENDED: &str = "ended";

/// The doors that a key can be kept to: chat completions, responses, messages, embeddings.
pub const DOORS: [&str; 4] = ["chat", "responses", "messages", "embeddings"];

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "keys", "ai_key")
        .owner("user_id")
        .field(Field::text("name").required().max(80).sortable().prefix("name_fold").in_list().writable())
        .field(Field::reference("user", "identity.user").required().in_list())
        .field(Field::choice("status", &[ACTIVE, ENDED]).required().in_list())
        .field(Field::texts("aliases").in_list().writable())
        .field(Field::texts("doors").writable())
        .field(Field::boolean("acts").required().in_list())
        .field(Field::timestamp("expires_at").in_list())
        .field(Field::timestamp("ended_at"))
        .sort("name")
        .create("ai.key.create")
        .update("ai.key.update")
}

/// A locked row.
pub(crate) struct Key {
    id: KeyId,
    version: i64,
    user_id: Uuid,
    name: String,
    status: String,
    aliases: Vec<String>,
    doors: Vec<String>,
}

impl Entity for Key {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { owner: Some(self.user_id), ..RowScope::default() }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(
            Self,
            r#"SELECT id AS "id: KeyId", version, user_id, name, status, aliases, doors FROM ai_key WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
            tenant,
            id
        )
        .fetch_optional(db)
        .await
        .during("lock the key")
    }
}

/// Names of models as requests write them: letters, digits and `. _ - : / @`.
pub(crate) fn is_alias(name: &str) -> bool {
    !name.is_empty() && name.len() <= 200 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:/@".contains(&byte))
}

fn check(aliases: &[String], doors: &[String]) -> Result<()> {
    if let Some(at) = aliases.iter().position(|alias| !is_alias(alias)) {
        return Err(Error::field(format!("aliases[{at}]"), "the name of a model is made of letters, digits and . _ - : / @"));
    }
    match doors.iter().position(|door| !DOORS.contains(&door.as_str())) {
        Some(at) => Err(Error::field(format!("doors[{at}]"), format!("one of {} is expected", DOORS.join(", ")))),
        None => Ok(()),
    }
}

/// `ended_at` is the moment it ended; nothing brings a key back.
async fn set_ended(db: &mut PgConnection, tenant: Uuid, id: Uuid, ended_at: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!("UPDATE ai_key SET status = 'ended', ended_at = $3 WHERE tenant_id = $1 AND id = $2 AND status = 'active'", tenant, id, ended_at)
        .execute(db)
        .await
        .during("end the key")?;
    Ok(done.rows_affected() == 1)
}
