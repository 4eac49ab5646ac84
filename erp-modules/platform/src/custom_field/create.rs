//! Adds a field to a resource. A field of the same name and kind that was archived comes back with its values.

use super::{RESOURCE, count_up};
use crate::CustomFieldId;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome, RowScope};
use steward_kernel::custom::{self, KINDS};
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateCustomField {
    resource: String,
    name: String,
    kind: String,
    #[serde(default)]
    choices: Option<Vec<String>>,
    #[serde(default)]
    required: Option<bool>,
    label: String,
    #[serde(default)]
    label_de: Option<String>,
    #[serde(default)]
    position: Option<i64>,
}

impl Command for CreateCustomField {
    fn spec() -> CommandSpec {
        CommandSpec::new("platform.custom_field.create").risk(Risk::High).undo("platform.custom_field.archive").inputs([
            Field::text("resource").required(),
            Field::text("name").required().max(40),
            Field::choice("kind", &KINDS).required(),
            Field::texts("choices"),
            Field::boolean("required"),
            Field::text("label").required(),
            Field::text("label_de"),
            Field::integer("position"),
        ])
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.check_new(RowScope::default())?;
        // First, so that two at once cannot both find the name free.
        count_up(work).await?;
        let choices = self.choices.unwrap_or_default();
        custom::check(work.catalogue(), &self.resource, &self.name, &self.kind, &choices)?;
        let position = i32::try_from(self.position.unwrap_or_default()).map_err(|_| Error::field("position", "is too large"))?;
        let (label_de, required) = (self.label_de.filter(|label| !label.is_empty()), self.required.unwrap_or_default());
        let tenant = work.tenant();
        let known = sqlx::query!(
            r#"SELECT id, kind, archived_at IS NOT NULL AS "archived!" FROM kernel_custom_field WHERE tenant_id = $1 AND resource = $2 AND name = $3 FOR UPDATE"#,
            tenant,
            self.resource,
            self.name
        )
        .fetch_optional(work.db())
        .await
        .during("look for the same field")?;
        let id: Uuid = match known {
            Some(known) if !known.archived => {
                return Err(Error::new(Code::Duplicate, "the resource has this field already").because("platform.name_taken").variant("field"));
            }
            Some(known) if known.kind != self.kind => {
                return Err(Error::new(
                    Code::Duplicate,
                    format!("a field of this name and the kind {} was archived, and its values are still there", known.kind),
                )
                .because("platform.name_taken")
                .variant("archived")
                .arg("kind", known.kind));
            }
            Some(known) => {
                sqlx::query!(
                    "UPDATE kernel_custom_field SET archived_at = NULL, choices = $3, required = $4, label = $5, label_de = $6, position = $7 WHERE tenant_id = $1 AND id = $2",
                    tenant,
                    known.id,
                    &choices,
                    required,
                    self.label,
                    label_de,
                    position
                )
                .execute(work.db())
                .await
                .during("bring the field back")?;
                known.id
            }
            None => {
                let id = CustomFieldId::fresh().0;
                sqlx::query!(
                    "INSERT INTO kernel_custom_field (tenant_id, id, resource, name, kind, choices, required, label, label_de, position) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                    tenant,
                    id,
                    self.resource,
                    self.name,
                    self.kind,
                    &choices,
                    required,
                    self.label,
                    label_de,
                    position
                )
                .execute(work.db())
                .await
                .during("store the field")?;
                id
            }
        };
        Ok(Outcome::of(RESOURCE, id).undo("platform.custom_field.archive", json!({ "custom_field": id })))
    }
}
