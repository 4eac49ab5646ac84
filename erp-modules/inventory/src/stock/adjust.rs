//! `inventory.stock.adjust`: stock on hand becomes what was counted. Reality may be less than what is reserved; then a
//! warning says so.

use super::moves::{ADJUSTMENT, Move};
use super::{Bound, RESOURCE, day, place, place_inputs, plain};
use crate::error::Error;
use crate::item::{ItemId, check_scale};
use crate::warehouse::WarehouseId;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Error as KernelError, Field, Message, Outcome, Result, Risk, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Adjust {
    item: ItemId,
    #[serde(default)]
    warehouse: Option<WarehouseId>,
    /// What was counted.
    on_hand: Decimal,
    reason: String,
    /// Refuses if the stock is not this by now.
    #[serde(default)]
    expected_on_hand: Option<Decimal>,
    #[serde(default)]
    date: Option<NaiveDate>,
}

impl Command for Adjust {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.stock.adjust")
            .risk(Risk::High)
            .inputs(place_inputs())
            .input(Field::decimal("on_hand").required())
            .input(Field::text("reason").required())
            .input(Field::decimal("expected_on_hand"))
            .input(Field::date("date").default("today"))
            .undo("inventory.stock.adjust")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        check_scale("on_hand", self.on_hand)?;
        let date = day(work, self.date)?;
        let place = place(work, self.item, self.warehouse).await?;
        let before = place.level.on_hand;
        if self.on_hand < Decimal::ZERO && !place.warehouse.may_fall_below_zero() {
            return Err(KernelError::field("on_hand", "must not be negative"));
        }
        if self.expected_on_hand.is_some_and(|expected| expected != before) {
            return Err(Error::StockChanged(before.normalize()).into());
        }
        if self.on_hand == before {
            return Err(Error::NothingToDo.into());
        }
        place
            .post(work, Move { kind: ADJUSTMENT, quantity: self.on_hand - before, date, reference: Some(&self.reason), document: None }, Bound::OnHand)
            .await?;
        if self.on_hand < place.level.reserved {
            let (item, reserved) = (place.item.name.clone(), plain(place.level.reserved));
            work.warn(Message::new("inventory-warning-below_reserved").arg("item", item).arg("quantity", reserved));
        }
        work.emit("inventory.stock.adjusted", place.item.id, json!({ "warehouse": place.warehouse.id, "before": plain(before), "after": plain(self.on_hand) }));
        let undo = json!({
            "item": place.item.id, "warehouse": place.warehouse.id, "on_hand": plain(before), "expected_on_hand": plain(self.on_hand), "reason": self.reason, "date": date
        });
        Ok(Outcome::of(RESOURCE, place.level.id).undo("inventory.stock.adjust", undo))
    }
}
