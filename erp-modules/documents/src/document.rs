//! Documents: a title, a place, and the latest text.
//!
//! One that names neither owner nor department nor company is for everybody who may read documents at all; see
//! [`placed`] for what a new one gets.

pub(crate) mod archive;
pub(crate) mod attach;
pub(crate) mod create;
pub(crate) mod publish;
pub(crate) mod revise;
mod store;
pub(crate) mod update;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::sync::Arc;
use steward_kernel::{Entity, Error, Field, Resource, Result, RowScope, Scope, Work};
use uuid::Uuid;

steward_kernel::id! {
    /// A document's id.
    DocumentId;
}

pub(crate) const RESOURCE: &str = "documents.document";
/// Whoever may change a document may revise it and say where it hangs.
const UPDATE: &str = "documents:document:update";
const DRAFT: &str = "draft";
const PUBLISHED: &str = "published";
/// Characters of a text.
pub(crate) const BODY_MAX: u32 = 200_000;

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "documents", "documents_document")
        .owner("owner_id")
        .department("department_id")
        .company("company_id")
        .open_unplaced()
        .hangs_on("subject_resource", "subject_id")
        .title("title")
        .field(Field::text("title").required().sortable().prefix("title_fold").searchable().in_list().writable())
        .field(Field::choice("kind", &["policy", "contract", "note", "manual"]).required().default("note").in_list().writable())
        .field(Field::choice("language", &["en", "de"]).required().default("en").in_list().writable())
        .field(Field::choice("status", &[DRAFT, PUBLISHED]).required().in_list())
        .field(Field::timestamp("published_at"))
        .field(Field::integer("number").required())
        .field(Field::text("subject_resource").max(100))
        .field(Field::text("subject_id").column("subject_text").max(36))
        .field(body().searchable())
        .field(Field::reference("owner", "identity.user").in_list().writable())
        .field(Field::reference("department", "identity.department").writable())
        .field(Field::reference("company", "identity.company").writable())
        .named_filter("for_everybody", "t.owner_id IS NULL AND t.department_id IS NULL AND t.company_id IS NULL")
        .sort("title")
        .create("documents.document.create")
        .update("documents.document.update")
        .archive("documents.document.archive")
}

/// Markdown or plain text.
pub(crate) fn body() -> Field {
    Field::long_text("body").max(BODY_MAX).required()
}

/// A locked row.
pub(crate) struct Document {
    pub(crate) id: DocumentId,
    version: i64,
    archived_at: Option<DateTime<Utc>>,
    pub(crate) owner_id: Option<Uuid>,
    pub(crate) department_id: Option<Uuid>,
    pub(crate) company_id: Option<Uuid>,
    pub(crate) subject_resource: Option<String>,
    pub(crate) subject_id: Option<Uuid>,
    title: String,
    kind: String,
    language: String,
    status: String,
    /// Of the latest version.
    pub(crate) number: i64,
    pub(crate) body: String,
}

impl Entity for Document {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { owner: self.owner_id, department: self.department_id, company: self.company_id }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        store::lock(db, tenant, id).await
    }
}

/// Where a new document lies when nothing was said: with its author at first, so that nobody reads what is only begun,
/// or with his department or company by the width at which he may create. What the system brings in is for everybody.
fn placed(work: &Work, given: RowScope) -> RowScope {
    let RowScope { owner, department, company } = given;
    if owner.is_some() || department.is_some() || company.is_some() || work.principal().is_system() {
        return given;
    }
    let rights = work.rights();
    match rights.scope("documents:document:create") {
        Some(Scope::Department) => RowScope { department: rights.department, ..given },
        Some(Scope::Company) => RowScope { company: rights.company, ..given },
        _ => RowScope { owner: Some(work.user()), ..given },
    }
}

/// The record that two inputs name: both or neither. One out of sight reads like absent, and so does one of a resource that
/// nothing can hang on.
async fn subject(work: &mut Work, resource: Option<String>, id: Option<String>) -> Result<Option<(String, Uuid)>> {
    let (resource, id) = match (resource.filter(|name| !name.is_empty()), id.filter(|id| !id.is_empty())) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(Error::field("subject_id", "is required with subject_resource")),
        (None, Some(_)) => return Err(Error::field("subject_resource", "is required with subject_id")),
        (Some(resource), Some(id)) => (resource, id),
    };
    let id = Uuid::try_parse(&id).map_err(|_| Error::field("subject_id", "an id is expected"))?;
    let catalogue = Arc::clone(work.catalogue());
    let takes = catalogue.resources.get(&resource).is_some_and(|resource| resource.takes_attachments());
    if takes && work.visible(&resource, &[id]).await?.contains(&id) {
        return Ok(Some((resource, id)));
    }
    Err(Error::field("subject_id", "no such record"))
}

/// The inputs that name the record a document hangs on.
fn subject_inputs() -> [Field; 2] {
    [Field::text("subject_resource").max(100), Field::text("subject_id").max(36)]
}
