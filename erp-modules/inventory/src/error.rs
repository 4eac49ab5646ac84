//! What this module refuses, with its stable reasons.

use rust_decimal::Decimal;
use steward_kernel::Code;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is not enough of {item} in {warehouse}: {wanted} {unit} wanted, {available} {unit} available")]
    InsufficientStock { item: String, warehouse: String, wanted: Decimal, available: Decimal, unit: String },
    #[error("there is no warehouse yet")]
    NoWarehouse,
    #[error("another item has this code")]
    CodeTaken,
    #[error("an item with this name exists already; set allow_duplicate to create another one")]
    SameName,
    #[error("{0} is archived")]
    ItemArchived(String),
    #[error("the record is archived already")]
    Archived,
    #[error("the record is not archived")]
    NotArchived,
    #[error("{0} still has stock or reservations")]
    ItemInUse(String),
    #[error("the category still has items")]
    CategoryInUse,
    #[error("the unit of {0} cannot change, because its stock is counted in it")]
    UnitInUse(String),
    #[error("the item is discontinued already")]
    Discontinued,
    #[error("the company of a warehouse with stock cannot change")]
    WarehouseInUse,
    #[error("{item} in {warehouse} has moves already; use an adjustment")]
    AlreadyMoved { item: String, warehouse: String },
    #[error("the stock has changed in the meantime: {0} on hand")]
    StockChanged(Decimal),
    #[error("nothing would change")]
    NothingToDo,
    #[error("the reservation is {0}")]
    NotActive(String),
}

impl From<Error> for steward_kernel::Error {
    fn from(error: Error) -> Self {
        let (code, reason) = match &error {
            Error::InsufficientStock { .. } => (Code::Conflict, "inventory.insufficient_stock"),
            Error::NoWarehouse => (Code::Conflict, "inventory.no_warehouse"),
            Error::CodeTaken => (Code::Duplicate, "inventory.code_taken"),
            Error::SameName => (Code::Duplicate, "inventory.same_name"),
            Error::ItemArchived(_) => (Code::Conflict, "inventory.item_archived"),
            Error::Archived => (Code::Conflict, "inventory.archived"),
            Error::NotArchived => (Code::Conflict, "inventory.not_archived"),
            Error::ItemInUse(_) => (Code::Conflict, "inventory.item_in_use"),
            Error::CategoryInUse => (Code::Conflict, "inventory.category_in_use"),
            Error::UnitInUse(_) => (Code::Conflict, "inventory.unit_in_use"),
            Error::Discontinued => (Code::Conflict, "inventory.discontinued"),
            Error::WarehouseInUse => (Code::Conflict, "inventory.warehouse_in_use"),
            Error::AlreadyMoved { .. } => (Code::Conflict, "inventory.already_moved"),
            Error::StockChanged(_) => (Code::Conflict, "inventory.stock_changed"),
            Error::NothingToDo => (Code::Conflict, "inventory.nothing_to_do"),
            Error::NotActive(_) => (Code::Conflict, "inventory.reservation_not_active"),
        };
        let told = Self::new(code, error.to_string()).because(reason);
        match error {
            Error::InsufficientStock { item, warehouse, wanted, available, unit } => {
                told.arg("item", item).arg("warehouse", warehouse).arg("wanted", wanted.to_string()).arg("available", available.to_string()).arg("unit", unit)
            }
            Error::ItemArchived(item) | Error::ItemInUse(item) | Error::UnitInUse(item) => told.arg("item", item),
            Error::AlreadyMoved { item, warehouse } => told.arg("item", item).arg("warehouse", warehouse),
            Error::StockChanged(on_hand) => told.arg("quantity", on_hand.to_string()),
            Error::NotActive(status) => told.arg("status", status),
            _ => told,
        }
    }
}
