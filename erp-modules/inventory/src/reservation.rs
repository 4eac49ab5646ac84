//! Reservations: stock that is promised to a document and still lies in the warehouse.
//!
//! Reservations are locked before items, in the order of their ids, wherever both are.

pub(crate) mod document;
pub(crate) mod release;
pub(crate) mod reserve;
pub(crate) mod reserve_available;
mod store;

use crate::item::ItemId;
use crate::stock::{Bound, Shift, plain};
use crate::warehouse::WarehouseId;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use steward_kernel::{Entity, Field, Measure, Message, Resource, Result, RowScope, Work};
use uuid::Uuid;

steward_kernel::id! {
    /// A reservation's id.
    ReservationId;
}

pub(crate) const RESOURCE: &str = "inventory.reservation";
/// One permission to reserve and to release.
const PERMISSION: &str = "inventory:reserve";
const ACTIVE: &str = "active";
const RELEASED: &str = "released";
const FULFILLED: &str = "fulfilled";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "reservations", "inventory_reservation")
        .company("company_id")
        .title("item")
        .field(Field::reference("item", "inventory.item").required().in_list())
        .field(Field::reference("warehouse", "inventory.warehouse").required().in_list())
        .field(Field::quantity("quantity").required().in_list())
        .field(Field::text("unit").max(20).required())
        .field(Field::choice("status", &[ACTIVE, RELEASED, FULFILLED]).required().in_list())
        .field(Field::text("document_resource").max(100).in_list())
        .field(Field::text("document_id").max(100))
        .field(Field::text("line").max(100))
        .field(Field::reference("company", "identity.company"))
        .measure(Measure::sum("quantity_reserved", "quantity").only("status", &[ACTIVE]))
        .create("inventory.reserve")
}

/// A row that is locked, or that is about to be stored.
pub(crate) struct Reservation {
    pub(crate) id: ReservationId,
    pub(crate) version: i64,
    pub(crate) item_id: ItemId,
    pub(crate) warehouse_id: WarehouseId,
    pub(crate) company_id: Option<Uuid>,
    pub(crate) quantity: Decimal,
    pub(crate) unit: String,
    pub(crate) status: String,
    pub(crate) document_resource: Option<String>,
    pub(crate) document_id: Option<String>,
    pub(crate) line: Option<String>,
}

impl Entity for Reservation {
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

/// One shift for each item and warehouse: `on_hand` and `reserved` say how many times the quantity each of them moves.
fn shifts(reservations: &[Reservation], on_hand: Decimal, reserved: Decimal, bound: Bound) -> Vec<Shift> {
    let mut sums: BTreeMap<(ItemId, WarehouseId), Decimal> = BTreeMap::new();
    for reservation in reservations {
        *sums.entry((reservation.item_id, reservation.warehouse_id)).or_default() += reservation.quantity;
    }
    sums.into_iter().map(|((item, warehouse), sum)| Shift { item, warehouse, on_hand: on_hand * sum, reserved: reserved * sum, bound }).collect()
}

/// The ids of the items, each once.
fn items_of(reservations: &[Reservation]) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = reservations.iter().map(|reservation| reservation.item_id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Tells the preview about stock that the user may not be able to read.
fn tell(work: &mut Work, message: &'static str, quantity: Decimal, item: &str) {
    work.effect(Message::new(message).arg("quantity", plain(quantity)).arg("item", item.to_owned()));
}
