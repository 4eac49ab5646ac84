//! Fields that a tenant adds to resources. Every change counts the tenant's catalogue up, so that the next request has it.

pub mod archive;
pub mod create;

use sqlx::PgConnection;
use steward_kernel::command::{Entity, RowScope};
use steward_kernel::custom::KINDS;
use steward_kernel::error::{During, Result};
use steward_kernel::work::Work;
use steward_kernel::{Field, Resource};
use uuid::Uuid;

pub const RESOURCE: &str = "platform.custom_field";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "custom_fields", "kernel_custom_field")
        .title("label")
        .field(Field::text("resource").required().sortable().in_list())
        .field(Field::text("name").required().max(40).sortable().in_list())
        .field(Field::choice("kind", &KINDS).required().in_list())
        .field(Field::texts("choices").required())
        .field(Field::boolean("required").required().in_list())
        .field(Field::text("label").required().in_list())
        .field(Field::text("label_de"))
        .field(Field::integer("position").required())
        .sort("resource")
        .create("platform.custom_field.create")
        .archive("platform.custom_field.archive")
}

pub struct CustomField {
    pub id: Uuid,
    pub version: i64,
    pub resource: String,
    pub name: String,
    pub kind: String,
    pub choices: Vec<String>,
    pub required: bool,
    pub label: String,
    pub label_de: Option<String>,
    pub position: i32,
    pub archived: bool,
}

impl Entity for CustomField {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope::default()
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(
            Self,
            r#"SELECT id, version, resource, name, kind, choices, required, label, label_de, position, archived_at IS NOT NULL AS "archived!"
               FROM kernel_custom_field WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
            tenant,
            id
        )
        .fetch_optional(db)
        .await
        .during("read the custom field")
    }
}

/// The catalogue has changed. The row is the lock that orders two changes at once.
async fn count_up(work: &mut Work) -> Result<()> {
    let tenant = work.tenant();
    sqlx::query!("UPDATE kernel_placement SET catalogue_version = catalogue_version + 1 WHERE tenant_id = $1", tenant)
        .execute(work.db())
        .await
        .during("count the catalogue up")?;
    Ok(())
}
