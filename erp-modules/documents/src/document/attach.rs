//! `documents.document.attach` and `documents.document.detach`: on which record a document hangs, and so who reads it.

use super::{Document, DocumentId, RESOURCE, UPDATE, store, subject, subject_inputs};
use crate::error::Error;
use crate::version;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Field, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attach {
    document: DocumentId,
    subject_resource: String,
    subject_id: String,
}

impl Command for Attach {
    fn spec() -> CommandSpec {
        CommandSpec::new("documents.document.attach")
            .permission(UPDATE)
            .target("document")
            .inputs(subject_inputs().map(Field::required))
            .undo("documents.document.detach")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let document = work.lock::<Document>(self.document).await?;
        let wanted = subject(work, Some(self.subject_resource), Some(self.subject_id)).await?;
        hang(work, document, wanted).await
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Detach {
    document: DocumentId,
}

impl Command for Detach {
    fn spec() -> CommandSpec {
        CommandSpec::new("documents.document.detach").permission(UPDATE).target("document").undo("documents.document.attach")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let document = work.lock::<Document>(self.document).await?;
        hang(work, document, None).await
    }
}

async fn hang(work: &mut Work, document: Document, wanted: Option<(String, Uuid)>) -> Result<Outcome> {
    let id = document.id;
    let before = document.subject_resource.clone().zip(document.subject_id);
    if before == wanted {
        return Err(if wanted.is_some() { Error::AttachedAlready } else { Error::NotAttached }.into());
    }
    let (subject_resource, subject_id) = wanted.unzip();
    let document = Document { subject_resource, subject_id, ..document };
    let tenant = work.tenant();
    store::update(work.db(), tenant, &document).await?;
    version::follow(work.db(), tenant, &document).await?;
    work.emit("documents.document.changed", id, json!({}));
    Ok(match before {
        Some((resource, record)) => {
            let input = json!({ "document": id, "subject_resource": resource, "subject_id": record });
            Outcome::of(RESOURCE, id).undo("documents.document.attach", input)
        }
        None => Outcome::of(RESOURCE, id).undo("documents.document.detach", json!({ "document": id })),
    })
}
