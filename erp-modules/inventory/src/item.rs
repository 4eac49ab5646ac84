//! Items: what is bought, stored and sold. Their stock figures are sums over the warehouses, kept by [`crate::stock`].

pub(crate) mod archive;
pub(crate) mod create;
pub(crate) mod describe;
pub(crate) mod discontinue;
pub(crate) mod reorder;
mod store;
pub(crate) mod update;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;
use steward_kernel::{Entity, Error, Field, Measure, Resource, Result, RowScope};
use uuid::Uuid;

steward_kernel::id! {
    /// An item's id.
    ItemId;
}

pub(crate) const RESOURCE: &str = "inventory.item";
/// What an item is counted in unless said otherwise.
const UNIT: &str = "pcs";
/// The decimal places that quantities and prices are stored with.
pub(crate) const SCALE_MAX: u32 = 4;

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "items", "inventory_item")
        .field(Field::text("code").max(60).prefix("code_fold").searchable().in_list().writable())
        .field(Field::text("name").required().sortable().prefix("name_fold").searchable().in_list().writable())
        .field(Field::reference("category", "inventory.category").in_list().writable())
        .field(Field::text("unit").max(20).required().default(UNIT).writable())
        .field(Field::text("package").searchable().writable())
        .field(Field::reference("supplier", "crm.party").in_list().writable())
        .field(Field::money("sales_price").required().sort_by("sales_price_sort").in_list().writable())
        .field(Field::decimal("reorder_level").required().writable())
        .field(Field::boolean("discontinued").required().in_list().writable())
        .field(Field::long_text("note").searchable().writable())
        .field(Field::quantity("on_hand").required().sort_by("on_hand_sort").in_list())
        .field(Field::quantity("reserved").required())
        .field(Field::quantity("available").required().in_list())
        .field(Field::quantity("on_order").required())
        .measure(Measure::sum("units_on_hand", "on_hand"))
        .measure(Measure::sum("units_reserved", "reserved"))
        .measure(Measure::sum("units_available", "available"))
        .measure(Measure::sum("units_on_order", "on_order"))
        .measure(Measure::average_money("average_sales_price", "sales_price"))
        .named_filter("below_reorder", "t.on_hand < t.reorder_level AND NOT t.discontinued")
        .named_filter("in_stock", "t.on_hand > 0")
        .named_filter("out_of_stock", "t.on_hand <= 0")
        .sort("name")
        .create("inventory.item.create")
        .update("inventory.item.update")
        .archive("inventory.item.archive")
        .customizable()
}

/// A locked row.
pub(crate) struct Item {
    pub(crate) id: ItemId,
    pub(crate) version: i64,
    pub(crate) archived_at: Option<DateTime<Utc>>,
    pub(crate) custom: Value,
    pub(crate) code: Option<String>,
    pub(crate) name: String,
    pub(crate) category_id: Option<Uuid>,
    pub(crate) unit: String,
    pub(crate) package: Option<String>,
    pub(crate) supplier_id: Option<Uuid>,
    pub(crate) sales_price: Decimal,
    pub(crate) currency: String,
    pub(crate) reorder_level: Decimal,
    pub(crate) discontinued: bool,
    pub(crate) note: Option<String>,
    pub(crate) on_hand: Decimal,
    pub(crate) reserved: Decimal,
    pub(crate) on_order: Decimal,
}

impl Entity for Item {
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

/// A number that the column keeps whole.
pub(crate) fn check_scale(field: &str, number: Decimal) -> Result<()> {
    if number.normalize().scale() > SCALE_MAX { Err(Error::field(field, format!("at most {SCALE_MAX} decimal places are possible"))) } else { Ok(()) }
}

fn check_not_negative(field: &str, number: Decimal) -> Result<()> {
    if number < Decimal::ZERO { Err(Error::field(field, "must not be negative")) } else { check_scale(field, number) }
}
