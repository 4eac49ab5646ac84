//! Moves: what came in and went out, append-only. The database refuses to change or delete them.

use super::Held;
use crate::warehouse::Warehouse;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use steward_kernel::error::During;
use steward_kernel::{Field, Measure, Resource, Result};
use uuid::Uuid;

pub(crate) const RECEIPT: &str = "receipt";
pub(crate) const ISSUE: &str = "issue";
pub(crate) const ADJUSTMENT: &str = "adjustment";
pub(crate) const OPENING: &str = "opening";

pub(crate) fn resource() -> Resource {
    Resource::new("inventory.move", "moves", "inventory_move")
        .company("company_id")
        .title("reference")
        .field(Field::date("date").required().sortable().in_list())
        .field(Field::choice("kind", &[RECEIPT, ISSUE, ADJUSTMENT, OPENING]).required().in_list())
        .field(Field::reference("item", "inventory.item").required().in_list())
        .field(Field::reference("warehouse", "inventory.warehouse").required().in_list())
        .field(Field::quantity("quantity").required().in_list())
        .field(Field::text("unit").max(20).required())
        .field(Field::text("reference").searchable().in_list())
        .field(Field::text("document_resource").max(100))
        .field(Field::text("document_id").max(100))
        .field(Field::reference("company", "identity.company"))
        .measure(Measure::sum("quantity_moved", "quantity").date("date"))
        .measure(Measure::sum("quantity_received", "quantity").only("kind", &[RECEIPT]).date("date"))
        .measure(Measure::sum("quantity_issued", "quantity").only("kind", &[ISSUE]).date("date"))
        .sort("-date")
}

/// A move before it has a place.
pub(crate) struct Move<'a> {
    pub(crate) kind: &'static str,
    /// Above zero comes in, below goes out.
    pub(crate) quantity: Decimal,
    pub(crate) date: NaiveDate,
    pub(crate) reference: Option<&'a str>,
    /// The document that it is for: resource and id.
    pub(crate) document: Option<(&'a str, &'a str)>,
}

/// A move of an item in a warehouse.
pub(crate) struct Placed<'a> {
    moved: Move<'a>,
    item: &'a Held,
    warehouse: &'a Warehouse,
}

impl<'a> Move<'a> {
    pub(crate) fn at(self, item: &'a Held, warehouse: &'a Warehouse) -> Placed<'a> {
        Placed { moved: self, item, warehouse }
    }
}

/// Writes moves down in one statement.
pub(crate) async fn insert(db: &mut PgConnection, tenant: Uuid, moves: &[Placed<'_>]) -> Result<()> {
    let ids: Vec<Uuid> = moves.iter().map(|_| steward_kernel::ids::fresh()).collect();
    let items: Vec<Uuid> = moves.iter().map(|placed| placed.item.id.0).collect();
    let warehouses: Vec<Uuid> = moves.iter().map(|placed| placed.warehouse.id.0).collect();
    let companies: Vec<Option<Uuid>> = moves.iter().map(|placed| placed.warehouse.company_id).collect();
    let kinds: Vec<String> = moves.iter().map(|placed| placed.moved.kind.to_owned()).collect();
    let quantities: Vec<Decimal> = moves.iter().map(|placed| placed.moved.quantity).collect();
    let units: Vec<String> = moves.iter().map(|placed| placed.item.unit.clone()).collect();
    let dates: Vec<NaiveDate> = moves.iter().map(|placed| placed.moved.date).collect();
    let references: Vec<Option<String>> = moves.iter().map(|placed| placed.moved.reference.map(str::to_owned)).collect();
    let resources: Vec<Option<String>> = moves.iter().map(|placed| placed.moved.document.map(|(resource, _)| resource.to_owned())).collect();
    let documents: Vec<Option<String>> = moves.iter().map(|placed| placed.moved.document.map(|(_, id)| id.to_owned())).collect();
    sqlx::query!(
        "INSERT INTO inventory_move (tenant_id, id, item_id, warehouse_id, company_id, kind, quantity, unit, date, reference, document_resource, document_id)
         SELECT $1, d.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::numeric[], $8::text[], $9::date[], $10::text[], $11::text[], $12::text[]) AS d",
        tenant,
        &ids,
        &items,
        &warehouses,
        &companies as &[Option<Uuid>],
        &kinds,
        &quantities,
        &units,
        &dates,
        &references as &[Option<String>],
        &resources as &[Option<String>],
        &documents as &[Option<String>]
    )
    .execute(db)
    .await
    .during("store the stock moves")?;
    Ok(())
}
