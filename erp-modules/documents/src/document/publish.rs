//! `documents.document.publish` and `documents.document.withdraw`: each takes the other back.
//!
//! The state says whether the text holds, not who reads it: that is the document's place.

use super::{DRAFT, Document, DocumentId, PUBLISHED, RESOURCE, store};
use crate::error::Error;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Outcome, Result, Work};

const PERMISSION: &str = "documents:document:publish";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publish {
    document: DocumentId,
}

impl Command for Publish {
    fn spec() -> CommandSpec {
        CommandSpec::new("documents.document.publish").target("document").when(&[DRAFT]).undo("documents.document.withdraw")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let document = work.lock::<Document>(self.document).await?;
        if document.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        if document.status != DRAFT {
            return Err(Error::Published.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        store::set_published(work.db(), tenant, document.id, Some(now)).await?;
        work.emit("documents.document.published", document.id, json!({ "number": document.number }));
        Ok(Outcome::of(RESOURCE, document.id).undo("documents.document.withdraw", json!({ "document": document.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Withdraw {
    document: DocumentId,
}

impl Command for Withdraw {
    fn spec() -> CommandSpec {
        CommandSpec::new("documents.document.withdraw").permission(PERMISSION).target("document").when(&[PUBLISHED]).undo("documents.document.publish")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let document = work.lock::<Document>(self.document).await?;
        if document.status != PUBLISHED {
            return Err(Error::NotPublished.into());
        }
        let tenant = work.tenant();
        store::set_published(work.db(), tenant, document.id, None).await?;
        work.emit("documents.document.withdrawn", document.id, json!({}));
        Ok(Outcome::of(RESOURCE, document.id).undo("documents.document.publish", json!({ "document": document.id })))
    }
}
