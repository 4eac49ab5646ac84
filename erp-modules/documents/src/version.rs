//! The texts that a document had. Versions are added by the document's commands and have none of their own.

use crate::document::{Document, RESOURCE as DOCUMENT, body};
use sqlx::PgConnection;
use steward_kernel::error::During;
use steward_kernel::{Field, Resource, Result, ids};
use uuid::Uuid;

pub(crate) fn resource() -> Resource {
    Resource::new("documents.version", "versions", "documents_version")
        .child_of(DOCUMENT, "document_id")
        .owner("owner_id")
        .department("department_id")
        .company("company_id")
        .open_unplaced()
        .hangs_on("subject_resource", "subject_id")
        .title("number")
        .field(Field::reference("document", DOCUMENT).required().in_list())
        .field(Field::integer("number").required().sortable().in_list())
        .field(Field::reference("author", "identity.user").in_list())
        .field(Field::text("note").in_list())
        // Not searchable: what no longer holds must not answer a question.
        .field(body())
        .sort("-number")
}

/// Adds the document's text as its version `document.number`.
pub(crate) async fn insert(db: &mut PgConnection, tenant: Uuid, author: Uuid, document: &Document, note: Option<String>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO documents_version (tenant_id, id, owner_id, department_id, company_id, subject_resource, subject_id, document_id, number, author_id, note, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant,
        ids::fresh(),
        document.owner_id,
        document.department_id,
        document.company_id,
        document.subject_resource,
        document.subject_id,
        document.id.0,
        document.number,
        Some(author).filter(|author| !author.is_nil()),
        note,
        document.body
    )
    .execute(db)
    .await
    .during("store the version")?;
    Ok(())
}

/// The versions lie where their document lies now.
pub(crate) async fn follow(db: &mut PgConnection, tenant: Uuid, document: &Document) -> Result<()> {
    sqlx::query!(
        "UPDATE documents_version SET owner_id = $3, department_id = $4, company_id = $5, subject_resource = $6, subject_id = $7 WHERE tenant_id = $1 AND document_id = $2",
        tenant,
        document.id.0,
        document.owner_id,
        document.department_id,
        document.company_id,
        document.subject_resource,
        document.subject_id
    )
    .execute(db)
    .await
    .during("place the versions")?;
    Ok(())
}
