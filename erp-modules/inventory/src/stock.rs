//! Stock: how much of an item lies in a warehouse, what of it is reserved, and what is on its way.
//!
//! Start at [`store::shift`], the one function that writes stock, and [`store::lock_items`], which every writer calls
//! first: items are locked in the order of their ids, so that no two transactions wait for each other in a circle.

pub(crate) mod adjust;
pub(crate) mod expect;
pub(crate) mod issue;
pub(crate) mod moves;
pub(crate) mod on_hand;
pub(crate) mod open;
pub(crate) mod receive;
pub(crate) mod store;

use crate::error::Error;
use crate::item::{ItemId, check_scale};
use crate::warehouse::{self, Warehouse, WarehouseId};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use steward_kernel::{Error as KernelError, Field, Measure, Resource, Result, Work};
use uuid::Uuid;

steward_kernel::id! {
    /// The id of the stock of an item in a warehouse.
    StockId;
}

pub(crate) const RESOURCE: &str = "inventory.stock";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "stock", "inventory_stock")
        .company("company_id")
        .title("item")
        .field(Field::reference("item", "inventory.item").required().in_list())
        .field(Field::reference("warehouse", "inventory.warehouse").required().in_list())
        .field(Field::quantity("on_hand").required().in_list())
        .field(Field::quantity("reserved").required().in_list())
        .field(Field::quantity("available").required().in_list())
        .field(Field::quantity("on_order").required().in_list())
        .field(Field::text("unit").max(20).required())
        .field(Field::reference("company", "identity.company"))
        .measure(Measure::sum("units_on_hand", "on_hand"))
        .measure(Measure::sum("units_reserved", "reserved"))
        .measure(Measure::sum("units_available", "available"))
        .measure(Measure::sum("units_on_order", "on_order"))
}

/// An item whose lock this transaction holds.
pub(crate) struct Held {
    pub(crate) id: ItemId,
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) archived: bool,
}

/// The stock row as it stands.
pub(crate) struct Level {
    pub(crate) id: StockId,
    pub(crate) on_hand: Decimal,
    pub(crate) reserved: Decimal,
    pub(crate) on_order: Decimal,
}

/// How far a shift may go down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// What is reserved stays untouched.
    Available,
    /// Reserved stock may go, as long as it is there.
    OnHand,
    /// The warehouse allows it, or nothing goes down.
    None,
}

impl Bound {
    fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::OnHand => "on_hand",
            Self::None => "none",
        }
    }
    /// The bound for a warehouse: none where negative stock is allowed.
    pub(crate) fn unless_allowed(self, warehouse: &Warehouse) -> Self {
        if warehouse.may_fall_below_zero() { Self::None } else { self }
    }
}

/// A change of one stock row.
pub(crate) struct Shift {
    pub(crate) item: ItemId,
    pub(crate) warehouse: WarehouseId,
    pub(crate) on_hand: Decimal,
    pub(crate) reserved: Decimal,
    pub(crate) bound: Bound,
}

/// An item in a warehouse, locked, with its stock row.
pub(crate) struct Place {
    pub(crate) item: Held,
    pub(crate) warehouse: Warehouse,
    pub(crate) level: Level,
}

/// Locks the item, chooses the warehouse within the user's width and makes sure that there is a stock row.
pub(crate) async fn place(work: &mut Work, item: ItemId, named: Option<WarehouseId>) -> Result<Place> {
    let tenant = work.tenant();
    let warehouse = warehouse::choose(work, named).await?;
    let item = hold(work, item).await?;
    let level = store::ensure(work.db(), tenant, &item, &warehouse).await?;
    Ok(Place { item, warehouse, level })
}

/// Locks one current item.
pub(crate) async fn hold(work: &mut Work, item: ItemId) -> Result<Held> {
    let tenant = work.tenant();
    let item = store::lock_items(work.db(), tenant, &[item.0]).await?.pop().ok_or_else(|| KernelError::field("item", "no such record"))?;
    if item.archived { Err(Error::ItemArchived(item.name).into()) } else { Ok(item) }
}

impl Place {
    /// Moves `quantity` (signed) and writes the move down; refuses below the bound.
    async fn post(&self, work: &mut Work, moved: moves::Move<'_>, bound: Bound) -> Result<()> {
        let tenant = work.tenant();
        let shift = Shift {
            item: self.item.id,
            warehouse: self.warehouse.id,
            on_hand: moved.quantity,
            reserved: Decimal::ZERO,
            bound: bound.unless_allowed(&self.warehouse),
        };
        if !store::shift(work.db(), tenant, &[shift]).await? {
            let available = if bound == Bound::OnHand { self.level.on_hand } else { self.level.on_hand - self.level.reserved };
            return Err(self.insufficient(-moved.quantity, available).into());
        }
        moves::insert(work.db(), tenant, &[moved.at(&self.item, &self.warehouse)]).await
    }

    pub(crate) fn insufficient(&self, wanted: Decimal, available: Decimal) -> Error {
        insufficient(&self.item, &self.warehouse, wanted, available)
    }
}

pub(crate) fn insufficient(item: &Held, warehouse: &Warehouse, wanted: Decimal, available: Decimal) -> Error {
    Error::InsufficientStock {
        item: item.name.clone(),
        warehouse: warehouse.name.clone(),
        wanted: wanted.normalize(),
        available: available.normalize(),
        unit: item.unit.clone(),
    }
}

/// A quantity that moves must be above zero and fit the column.
pub(crate) fn check_quantity(field: &str, quantity: Decimal) -> Result<()> {
    if quantity <= Decimal::ZERO { Err(KernelError::field(field, "must be above zero")) } else { check_scale(field, quantity) }
}

/// The day of a move: today unless said otherwise, never in the future. The past is possible, and figures as of a day
/// count it from that day on.
fn day(work: &Work, given: Option<NaiveDate>) -> Result<NaiveDate> {
    let today = work.today();
    match given {
        Some(date) if date > today => Err(KernelError::field("date", "must not be in the future")),
        given => Ok(given.unwrap_or(today)),
    }
}

/// Inputs that name a place in stock.
fn place_inputs() -> [Field; 2] {
    [Field::reference("item", "inventory.item").required(), Field::reference("warehouse", "inventory.warehouse")]
}

/// A decimal without needless zeros, for inputs and answers.
pub(crate) fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

/// Warehouses by id, for those that a transaction met.
pub(crate) fn warehouse_of(warehouses: &[Warehouse], id: Uuid) -> Result<&Warehouse> {
    warehouses.iter().find(|warehouse| warehouse.id.0 == id).ok_or_else(|| KernelError::internal("a warehouse of a stock row is missing"))
}
