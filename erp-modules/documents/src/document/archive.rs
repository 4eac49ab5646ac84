//! `documents.document.archive` and `documents.document.restore`: out of the lists and back. Nothing is deleted.

use super::{Document, DocumentId, RESOURCE, store};
use crate::error::Error;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    document: DocumentId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("documents.document.archive").target("document").undo("documents.document.restore")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let document = work.lock::<Document>(self.document).await?;
        if document.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        store::set_archived(work.db(), tenant, document.id, Some(now)).await?;
        work.emit("documents.document.archived", document.id, json!({}));
        Ok(Outcome::of(RESOURCE, document.id).undo("documents.document.restore", json!({ "document": document.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    document: DocumentId,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("documents.document.restore").permission("documents:document:archive").target("document").undo("documents.document.archive")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let document = work.lock::<Document>(self.document).await?;
        if document.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        store::set_archived(work.db(), tenant, document.id, None).await?;
        work.emit("documents.document.restored", document.id, json!({}));
        Ok(Outcome::of(RESOURCE, document.id).undo("documents.document.archive", json!({ "document": document.id })))
    }
}
