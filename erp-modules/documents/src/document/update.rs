//! `documents.document.update`: title, kind, language and place. The text is revised, see [`super::revise`].

use super::{Document, DocumentId, RESOURCE, resource, store};
use crate::version;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::{Changes, given, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Entity, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    document: DocumentId,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default, deserialize_with = "given")]
    owner: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "given")]
    department: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "given")]
    company: Option<Option<Uuid>>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("documents.document.update").target("document").inputs(update_inputs(resource())).undo("documents.document.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut document = work.lock::<Document>(self.document).await?;
        if self.title.as_deref() == Some("") {
            return Err(steward_kernel::Error::field("title", "is required"));
        }
        let mut changes = Changes::default();
        changes.set("title", &mut document.title, self.title)?;
        changes.set("kind", &mut document.kind, self.kind)?;
        changes.set("language", &mut document.language, self.language)?;
        changes.set("owner", &mut document.owner_id, self.owner)?;
        changes.set("department", &mut document.department_id, self.department)?;
        changes.set("company", &mut document.company_id, self.company)?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, document.id));
        }
        let tenant = work.tenant();
        store::update(work.db(), tenant, &document).await?;
        if ["owner", "department", "company"].iter().any(|name| changes.has(name)) {
            version::follow(work.db(), tenant, &document).await?;
        }
        work.emit("documents.document.changed", document.id(), json!({}));
        Ok(Outcome::of(RESOURCE, document.id).undo("documents.document.update", changes.undo("document", document.id)))
    }
}
