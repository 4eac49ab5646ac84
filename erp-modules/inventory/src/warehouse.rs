//! Warehouses: where stock lies, of which company, and whether it may fall below zero.

pub(crate) mod store;

use crate::error::Error;
use serde::Deserialize;
use sqlx::PgConnection;
use steward_kernel::changes::{Changes, filled, given, inputs, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Entity, Error as KernelError, Field, Outcome, Resource, Result, RowScope, Work};
use uuid::Uuid;

steward_kernel::id! {
    /// A warehouse's id.
    WarehouseId;
}

pub(crate) const RESOURCE: &str = "inventory.warehouse";
const DENY: &str = "deny";
const ALLOW: &str = "allow";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "warehouses", "inventory_warehouse")
        .company("company_id")
        .field(Field::text("code").max(20).required().sortable().searchable().in_list().writable())
        .field(Field::text("name").required().sortable().prefix("name_fold").searchable().in_list().writable())
        .field(Field::reference("company", "identity.company").in_list().writable())
        .field(Field::choice("negative_stock", &[DENY, ALLOW]).required().default(DENY).in_list().writable())
        .sort("code")
        .create("inventory.warehouse.create")
        .update("inventory.warehouse.update")
}

pub(crate) struct Warehouse {
    pub(crate) id: WarehouseId,
    pub(crate) version: i64,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) company_id: Option<Uuid>,
    pub(crate) negative_stock: String,
}

impl Warehouse {
    pub(crate) fn may_fall_below_zero(&self) -> bool {
        self.negative_stock == ALLOW
    }
}

impl Entity for Warehouse {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { company: self.company_id, ..RowScope::default() }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        store::lock(db, tenant, id).await
    }
}

/// The warehouse that was named, else the first of the user's company, in a nested call of the document's; within the
/// user's width. It is not locked: that would line up all work in it.
pub(crate) async fn choose(work: &mut Work, named: Option<WarehouseId>) -> Result<Warehouse> {
    let tenant = work.tenant();
    let warehouse = match named {
        Some(id) => store::find(work.db(), tenant, id).await?.ok_or_else(|| KernelError::field("warehouse", "no such record"))?,
        None => {
            let company = work.usual_company();
            store::candidates(work.db(), tenant, company).await?.into_iter().next().ok_or(Error::NoWarehouse)?
        }
    };
    work.check_new(warehouse.scope())?;
    Ok(warehouse)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    code: String,
    name: String,
    #[serde(default)]
    company: Option<Uuid>,
    #[serde(default)]
    negative_stock: Option<String>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.warehouse.create")
            .inputs(inputs(resource()).into_iter().map(|field| Field { required: field.name == "code" || field.name == "name", ..field }))
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let warehouse = Warehouse {
            id: WarehouseId::fresh(),
            version: 1,
            code: self.code,
            name: self.name,
            company_id: self.company.or(work.usual_company()),
            negative_stock: self.negative_stock.unwrap_or_else(|| DENY.into()),
        };
        work.check_new(warehouse.scope())?;
        let tenant = work.tenant();
        store::insert(work.db(), tenant, &warehouse).await?;
        Ok(Outcome::of(RESOURCE, warehouse.id))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    warehouse: WarehouseId,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    company: Option<Option<Uuid>>,
    #[serde(default)]
    negative_stock: Option<String>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.warehouse.update").target("warehouse").inputs(update_inputs(resource())).undo("inventory.warehouse.update")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut warehouse = work.lock::<Warehouse>(self.warehouse).await?;
        let mut changes = Changes::default();
        changes.set("code", &mut warehouse.code, filled(self.code))?;
        changes.set("name", &mut warehouse.name, filled(self.name))?;
        changes.set("company", &mut warehouse.company_id, self.company)?;
        changes.set("negative_stock", &mut warehouse.negative_stock, self.negative_stock)?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, warehouse.id));
        }
        let tenant = work.tenant();
        // Stock, moves and reservations carry the company; moves cannot be changed, so all of them would disagree.
        if changes.has("company") && store::has_stock(work.db(), tenant, warehouse.id).await? {
            return Err(Error::WarehouseInUse.into());
        }
        store::update(work.db(), tenant, &warehouse).await?;
        Ok(Outcome::of(RESOURCE, warehouse.id).undo("inventory.warehouse.update", changes.undo("warehouse", warehouse.id)))
    }
}
