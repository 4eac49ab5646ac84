//! The extension `vector`, where the server has it. Without it everything but pgvector runs; the engine's own error says
//! what to do when it is configured.

use crate::Owner;
use steward_kernel::error::{During, Result};

/// Makes the extension if the server has its files and the owner may: it is not a trusted one, so that on many servers
/// only a superuser may. Runs with every migration, since the files may come later.
pub(crate) async fn prepare(owner: &Owner) -> Result<()> {
    let missing: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector' AND installed_version IS NULL)")
        .fetch_one(&owner.pool)
        .await
        .during("look for the extension vector")?;
    if missing && let Err(error) = sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS vector SCHEMA rag").execute(&owner.pool).await {
        tracing::info!(%error, "the extension vector is not made: vectors need it, or Qdrant");
    }
    Ok(())
}
