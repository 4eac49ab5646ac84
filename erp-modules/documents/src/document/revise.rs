//! `documents.document.revise`: another text, as a version of its own. Taken back by one more version with the text before.

use super::{Document, DocumentId, RESOURCE, UPDATE, body, store};
use crate::error::Error;
use crate::version;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::filled;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Entity, Field, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revise {
    document: DocumentId,
    body: String,
    /// What was changed, in a line.
    #[serde(default)]
    note: Option<String>,
}

impl Command for Revise {
    fn spec() -> CommandSpec {
        CommandSpec::new("documents.document.revise")
            .permission(UPDATE)
            .target("document")
            .input(body())
            .input(Field::text("note"))
            .undo("documents.document.revise")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let document = work.lock::<Document>(self.document).await?;
        if document.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        if document.body == self.body {
            return Err(Error::SameBody.into());
        }
        let number = document.number + 1;
        let before = document.body;
        let document = Document { number, body: self.body, ..document };
        let (tenant, author) = (work.tenant(), work.user());
        store::set_body(work.db(), tenant, &document).await?;
        version::insert(work.db(), tenant, author, &document, filled(self.note)).await?;
        work.emit("documents.document.revised", document.id(), json!({ "number": number }));
        Ok(Outcome::of(RESOURCE, document.id).undo("documents.document.revise", json!({ "document": document.id, "body": before })))
    }
}
