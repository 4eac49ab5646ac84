//! `inventory.stock.issue`: goods go out. What is reserved for somebody stays, unless the warehouse allows negative stock.

use super::moves::{ISSUE, Move};
use super::{Bound, RESOURCE, check_quantity, day, place, place_inputs, plain};
use crate::item::ItemId;
use crate::warehouse::WarehouseId;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Field, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issue {
    item: ItemId,
    #[serde(default)]
    warehouse: Option<WarehouseId>,
    quantity: Decimal,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    date: Option<NaiveDate>,
}

impl Command for Issue {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.stock.issue")
            .inputs(place_inputs())
            .input(Field::decimal("quantity").required())
            .input(Field::text("reference"))
            .input(Field::date("date").default("today"))
            .undo("inventory.stock.receive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        check_quantity("quantity", self.quantity)?;
        let date = day(work, self.date)?;
        let place = place(work, self.item, self.warehouse).await?;
        place.post(work, Move { kind: ISSUE, quantity: -self.quantity, date, reference: self.reference.as_deref(), document: None }, Bound::Available).await?;
        work.emit("inventory.stock.issued", place.item.id, json!({ "warehouse": place.warehouse.id, "quantity": plain(self.quantity) }));
        let undo =
            json!({ "item": place.item.id, "warehouse": place.warehouse.id, "quantity": plain(self.quantity), "reference": self.reference, "date": date });
        Ok(Outcome::of(RESOURCE, place.level.id).undo("inventory.stock.receive", undo))
    }
}
