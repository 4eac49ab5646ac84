//! The texts that a prompt had and has. They are added by the prompt's commands and have none of their own.

use crate::prompt::{self, PromptId};
use sqlx::PgConnection;
use steward_kernel::error::During;
use steward_kernel::{Field, Resource, Result, Work, ids};
use uuid::Uuid;

pub(crate) fn resource() -> Resource {
    Resource::new("ai.prompt_version", "prompt_versions", "ai_prompt_version")
        .child_of(prompt::RESOURCE, "prompt_id")
        .title("number")
        .field(Field::reference("prompt", prompt::RESOURCE).required().in_list())
        .field(Field::integer("number").required().sortable().in_list())
        .field(Field::reference("author", "identity.user").in_list())
        .field(Field::text("note").in_list())
        .field(prompt::body())
        .sort("-number")
}

pub(crate) async fn insert(work: &mut Work, prompt: PromptId, number: i64, note: Option<String>, body: &str) -> Result<()> {
    let (tenant, author) = (work.tenant(), Some(work.user()).filter(|author| !author.is_nil()));
    sqlx::query!(
        "INSERT INTO ai_prompt_version (tenant_id, id, prompt_id, number, author_id, note, body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant,
        ids::fresh(),
        prompt.0,
        number,
        author,
        note,
        body
    )
    .execute(work.db())
    .await
    .during("store the version")?;
    Ok(())
}

pub(crate) async fn body_of(db: &mut PgConnection, tenant: Uuid, prompt: PromptId, number: i64) -> Result<Option<String>> {
    sqlx::query_scalar!("SELECT body FROM ai_prompt_version WHERE tenant_id = $1 AND prompt_id = $2 AND number = $3", tenant, prompt.0, number)
        .fetch_optional(db)
        .await
        .during("read the version")
}

pub(crate) async fn remove(db: &mut PgConnection, tenant: Uuid, prompt: PromptId, number: i64) -> Result<()> {
    sqlx::query!("DELETE FROM ai_prompt_version WHERE tenant_id = $1 AND prompt_id = $2 AND number = $3", tenant, prompt.0, number)
        .execute(db)
        .await
        .during("remove the version")?;
    Ok(())
}
