//! Categories of items.

mod store;

use crate::error::Error;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use steward_kernel::changes::{Changes, filled, given, inputs, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Entity, Field, Outcome, Resource, Result, RowScope, Work};
use uuid::Uuid;

steward_kernel::id! {
    /// A category's id.
    CategoryId;
}

const RESOURCE: &str = "inventory.category";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "categories", "inventory_category")
        .field(Field::text("name").required().sortable().prefix("name_fold").searchable().in_list().writable())
        .field(Field::text("description").max(2_000).not_filterable().searchable().in_list().writable())
        .sort("name")
        .create("inventory.category.create")
        .update("inventory.category.update")
        .archive("inventory.category.archive")
}

/// A locked row.
pub(crate) struct Category {
    id: CategoryId,
    version: i64,
    archived_at: Option<DateTime<Utc>>,
    name: String,
    description: Option<String>,
}

impl Entity for Category {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope::default()
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        store::lock(db, tenant, id).await
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    #[serde(default)]
    description: Option<String>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.category.create").inputs(inputs(resource())).undo("inventory.category.archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.check_new(RowScope::default())?;
        let category = Category { id: CategoryId::fresh(), version: 1, archived_at: None, name: self.name, description: filled(self.description) };
        let tenant = work.tenant();
        store::insert(work.db(), tenant, &category).await?;
        Ok(Outcome::of(RESOURCE, category.id).undo("inventory.category.archive", json!({ "category": category.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    category: CategoryId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    description: Option<Option<String>>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.category.update").target("category").inputs(update_inputs(resource())).undo("inventory.category.update")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut category = work.lock::<Category>(self.category).await?;
        let mut changes = Changes::default();
        changes.set("name", &mut category.name, filled(self.name))?;
        changes.set("description", &mut category.description, self.description.map(filled))?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, category.id));
        }
        let tenant = work.tenant();
        store::update(work.db(), tenant, &category).await?;
        Ok(Outcome::of(RESOURCE, category.id).undo("inventory.category.update", changes.undo("category", category.id)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    category: CategoryId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.category.archive").permission("inventory:category:update").target("category").undo("inventory.category.restore")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let category = work.lock::<Category>(self.category).await?;
        if category.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        if store::has_items(work.db(), tenant, category.id).await? {
            return Err(Error::CategoryInUse.into());
        }
        store::set_archived(work.db(), tenant, category.id, Some(now)).await?;
        Ok(Outcome::of(RESOURCE, category.id).undo("inventory.category.restore", json!({ "category": category.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    category: CategoryId,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.category.restore").permission("inventory:category:update").target("category").undo("inventory.category.archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let category = work.lock::<Category>(self.category).await?;
        if category.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        store::set_archived(work.db(), tenant, category.id, None).await?;
        Ok(Outcome::of(RESOURCE, category.id).undo("inventory.category.archive", json!({ "category": category.id })))
    }
}
