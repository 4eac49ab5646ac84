//! Takes a field out of the catalogue. Its values stay stored.

use super::{CustomField, RESOURCE, count_up};
use crate::CustomFieldId;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveCustomField {
    custom_field: CustomFieldId,
}

impl Command for ArchiveCustomField {
    fn spec() -> CommandSpec {
        CommandSpec::new("platform.custom_field.archive").target("custom_field").risk(Risk::High).undo("platform.custom_field.create")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        count_up(work).await?;
        let field = work.lock::<CustomField>(self.custom_field).await?;
        if field.archived {
            return Err(Error::rule("platform.archived", "the field is archived already"));
        }
        let (tenant, now) = (work.tenant(), work.now());
        sqlx::query!("UPDATE kernel_custom_field SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, field.id, now)
            .execute(work.db())
            .await
            .during("archive the field")?;
        let again = json!({
            "resource": field.resource, "name": field.name, "kind": field.kind, "choices": field.choices, "required": field.required,
            "label": field.label, "label_de": field.label_de, "position": field.position,
        });
        Ok(Outcome::of(RESOURCE, field.id).undo("platform.custom_field.create", again))
    }
}
