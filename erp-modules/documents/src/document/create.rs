//! `documents.document.create`: a draft with its first version.

use super::{DRAFT, Document, DocumentId, RESOURCE, body, placed, resource, store, subject, subject_inputs};
use crate::error::Error;
use crate::version;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::inputs;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Entity, Field, Outcome, Result, RowScope, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    title: String,
    body: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    owner: Option<Uuid>,
    #[serde(default)]
    department: Option<Uuid>,
    #[serde(default)]
    company: Option<Uuid>,
    #[serde(default)]
    subject_resource: Option<String>,
    #[serde(default)]
    subject_id: Option<String>,
    #[serde(default)]
    allow_duplicate: Option<bool>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        let fields = inputs(resource()).into_iter().map(|field| Field { required: field.name == "title", ..field });
        CommandSpec::new("documents.document.create")
            .inputs(fields)
            .input(body())
            .inputs(subject_inputs())
            .undo("documents.document.archive")
            .duplicate_guard(&["title", "language"])
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let scope = placed(work, RowScope { owner: self.owner, department: self.department, company: self.company });
        work.check_new(scope)?;
        let (subject_resource, subject_id) = subject(work, self.subject_resource, self.subject_id).await?.unzip();
        let document = Document {
            id: DocumentId::fresh(),
            version: 1,
            archived_at: None,
            owner_id: scope.owner,
            department_id: scope.department,
            company_id: scope.company,
            subject_resource,
            subject_id,
            title: self.title,
            kind: self.kind.unwrap_or_else(|| "note".into()),
            language: self.language.unwrap_or_else(|| "en".into()),
            status: DRAFT.into(),
            number: 1,
            body: self.body,
        };
        let (tenant, author) = (work.tenant(), work.user());
        if self.allow_duplicate != Some(true) && store::has_double(work.db(), tenant, &document).await? {
            return Err(Error::SameTitle.into());
        }
        store::insert(work.db(), tenant, &document).await?;
        version::insert(work.db(), tenant, author, &document, None).await?;
        work.emit("documents.document.created", document.id(), json!({}));
        Ok(Outcome::of(RESOURCE, document.id).undo("documents.document.archive", json!({ "document": document.id })))
    }
}
