//! SQL of documents.

use super::{Document, DocumentId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use steward_kernel::Result;
use steward_kernel::error::During;
use uuid::Uuid;

pub(super) async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Document>> {
    sqlx::query_as!(
        Document,
        r#"SELECT id AS "id: DocumentId", version, archived_at, owner_id, department_id, company_id, subject_resource, subject_id, title, kind, language, status, number, body
           FROM documents_document WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
        tenant,
        id
    )
    .fetch_optional(db)
    .await
    .during("lock the document")
}

/// Whether another current document of this title and language lies in the same place and hangs on the same record. Two that
/// look at one moment wait for each other here, so that the second one finds the first.
pub(super) async fn has_double(db: &mut PgConnection, tenant: Uuid, document: &Document) -> Result<bool> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('documents_document:' || $1::text, 0))", format!("{tenant}:{}", document.title))
        .execute(&mut *db)
        .await
        .during("look for the same document")?;
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM documents_document WHERE tenant_id = $1 AND title_fold = app.fold($2) AND language = $3 AND archived_at IS NULL
                             AND owner_id IS NOT DISTINCT FROM $4 AND department_id IS NOT DISTINCT FROM $5 AND company_id IS NOT DISTINCT FROM $6
                             AND subject_id IS NOT DISTINCT FROM $7) AS "found!""#,
        tenant,
        document.title,
        document.language,
        document.owner_id,
        document.department_id,
        document.company_id,
        document.subject_id
    )
    .fetch_one(db)
    .await
    .during("look for the same document")
}

pub(super) async fn insert(db: &mut PgConnection, tenant: Uuid, document: &Document) -> Result<()> {
    sqlx::query!(
        "INSERT INTO documents_document (tenant_id, id, owner_id, department_id, company_id, subject_resource, subject_id, title, kind, language, number, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant,
        document.id.0,
        document.owner_id,
        document.department_id,
        document.company_id,
        document.subject_resource,
        document.subject_id,
        document.title,
        document.kind,
        document.language,
        document.number,
        document.body
    )
    .execute(db)
    .await
    .during("store the document")?;
    Ok(())
}

/// Stores what is known of the document but its text and its state.
pub(super) async fn update(db: &mut PgConnection, tenant: Uuid, document: &Document) -> Result<()> {
    sqlx::query!(
        "UPDATE documents_document SET owner_id = $3, department_id = $4, company_id = $5, subject_resource = $6, subject_id = $7, title = $8, kind = $9, language = $10
         WHERE tenant_id = $1 AND id = $2",
        tenant,
        document.id.0,
        document.owner_id,
        document.department_id,
        document.company_id,
        document.subject_resource,
        document.subject_id,
        document.title,
        document.kind,
        document.language
    )
    .execute(db)
    .await
    .during("store the document")?;
    Ok(())
}

pub(super) async fn set_body(db: &mut PgConnection, tenant: Uuid, document: &Document) -> Result<()> {
    sqlx::query!(
        "UPDATE documents_document SET number = $3, body = $4 WHERE tenant_id = $1 AND id = $2",
        tenant,
        document.id.0,
        document.number,
        document.body
    )
    .execute(db)
    .await
    .during("store the text of the document")?;
    Ok(())
}

/// `published_at` is the moment it was published; without it the document is a draft.
pub(super) async fn set_published(db: &mut PgConnection, tenant: Uuid, id: DocumentId, published_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!(
        "UPDATE documents_document SET published_at = $3, status = CASE WHEN $3::timestamptz IS NULL THEN 'draft' ELSE 'published' END WHERE tenant_id = $1 AND id = $2",
        tenant,
        id.0,
        published_at
    )
    .execute(db)
    .await
    .during("change the state of the document")?;
    Ok(())
}

pub(super) async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: DocumentId, archived_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("UPDATE documents_document SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, id.0, archived_at)
        .execute(db)
        .await
        .during("archive the document")?;
    Ok(())
}
