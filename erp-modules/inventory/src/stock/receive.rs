//! `inventory.stock.receive`: goods come in.

use super::moves::{Move, RECEIPT};
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
pub(crate) struct Receive {
    item: ItemId,
    #[serde(default)]
    warehouse: Option<WarehouseId>,
    quantity: Decimal,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    date: Option<NaiveDate>,
}

impl Command for Receive {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.stock.receive")
            .inputs(place_inputs())
            .input(Field::decimal("quantity").required())
            .input(Field::text("reference"))
            .input(Field::date("date").default("today"))
            .undo("inventory.stock.issue")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        check_quantity("quantity", self.quantity)?;
        let date = day(work, self.date)?;
        let place = place(work, self.item, self.warehouse).await?;
        place.post(work, Move { kind: RECEIPT, quantity: self.quantity, date, reference: self.reference.as_deref(), document: None }, Bound::None).await?;
        work.emit("inventory.stock.received", place.item.id, json!({ "warehouse": place.warehouse.id, "quantity": plain(self.quantity) }));
        let undo =
            json!({ "item": place.item.id, "warehouse": place.warehouse.id, "quantity": plain(self.quantity), "reference": self.reference, "date": date });
        Ok(Outcome::of(RESOURCE, place.level.id).undo("inventory.stock.issue", undo))
    }
}
