//! Prompts under a name, with all their versions: one of them holds, and which one is said by a command of its own.
//!
//! A revision writes a version and changes nothing yet ([`revise`]); [`activate`] makes a version hold, an earlier one as well.
//! A text that was written once is never changed.

pub mod activate;
pub mod archive;
pub mod create;
pub mod revise;
pub mod update;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use steward_kernel::error::During;
use steward_kernel::{Code, Entity, Error, Field, Resource, Result, RowScope};
use uuid::Uuid;

steward_kernel::id! {
    /// A prompt's id.
    PromptId;
}

pub(crate) const RESOURCE: &str = "ai.prompt";
/// Whoever may change a prompt may revise it.
const UPDATE: &str = "ai:prompt:update";
/// Characters of a text.
pub(crate) const BODY_MAX: u32 = 100_000;

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "prompts", "ai_prompt")
        .field(Field::text("name").required().max(120).sortable().prefix("name_fold").in_list().writable())
        .field(Field::text("description").in_list().writable())
        .field(Field::integer("active_number").required().in_list())
        .field(Field::integer("latest_number").required().in_list())
        .sort("name")
        .create("ai.prompt.create")
        .update("ai.prompt.update")
        .archive("ai.prompt.archive")
}

pub(crate) fn body() -> Field {
    Field::long_text("body").max(BODY_MAX).required()
}

/// A locked row.
pub(crate) struct Prompt {
    pub(crate) id: PromptId,
    version: i64,
    archived_at: Option<DateTime<Utc>>,
    name: String,
    description: Option<String>,
    /// The version that holds.
    active_number: i64,
    latest_number: i64,
}

impl Entity for Prompt {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope::default()
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(
            Self,
            r#"SELECT id AS "id: PromptId", version, archived_at, name, description, active_number, latest_number
               FROM ai_prompt WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
            tenant,
            id
        )
        .fetch_optional(db)
        .await
        .during("lock the prompt")
    }
}

/// Stores everything but whether it is archived.
async fn store(db: &mut PgConnection, tenant: Uuid, prompt: &Prompt) -> Result<()> {
    sqlx::query!(
        "UPDATE ai_prompt SET name = $3, description = $4, active_number = $5, latest_number = $6 WHERE tenant_id = $1 AND id = $2",
        tenant,
        prompt.id.0,
        prompt.name,
        prompt.description,
        prompt.active_number,
        prompt.latest_number
    )
    .execute(db)
    .await
    .during("store the prompt")
    .map_err(doubled)?;
    Ok(())
}

/// A program names a prompt, so two current ones of a name would be one too many: the index says so.
fn doubled(error: Error) -> Error {
    if error.code == Code::Duplicate { crate::error::Error::PromptNameTaken.into() } else { error }
}

/// Names as programs write them: letters, digits, `_`, `-`, `.` and `/`.
fn check_name(name: &str) -> Result<()> {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte)) {
        return Ok(());
    }
    Err(Error::field("name", "a name of letters, digits and _ - . / is expected"))
}
