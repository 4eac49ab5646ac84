//! `inventory.stock.open`: the opening balance of a place, for the cut-over: what lies there, and what is on its way. Can be
//! repeated with other figures until something else moves there; with the same figures it changes nothing.

use super::moves::{Move, OPENING};
use super::{Bound, RESOURCE, day, place, place_inputs, plain, store};
use crate::error::Error;
use crate::item::{ItemId, check_scale};
use crate::warehouse::WarehouseId;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Error as KernelError, Field, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Open {
    item: ItemId,
    #[serde(default)]
    warehouse: Option<WarehouseId>,
    #[serde(default)]
    quantity: Option<Decimal>,
    #[serde(default)]
    on_order: Option<Decimal>,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    date: Option<NaiveDate>,
}

impl Command for Open {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.stock.open")
            .inputs(place_inputs())
            .input(Field::decimal("quantity"))
            .input(Field::decimal("on_order"))
            .input(Field::text("reference"))
            .input(Field::date("date").default("today"))
            .undo("inventory.stock.open")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        for (field, number) in [("quantity", self.quantity), ("on_order", self.on_order)] {
            let number = number.unwrap_or_default();
            check_scale(field, number)?;
            if number < Decimal::ZERO {
                return Err(KernelError::field(field, "must not be negative"));
            }
        }
        let date = day(work, self.date)?;
        let tenant = work.tenant();
        let place = place(work, self.item, self.warehouse).await?;
        let mut undo = Map::new();
        if let Some(quantity) = self.quantity.filter(|quantity| *quantity != place.level.on_hand) {
            if store::has_moved(work.db(), tenant, place.item.id, place.warehouse.id.0).await? {
                return Err(Error::AlreadyMoved { item: place.item.name, warehouse: place.warehouse.name }.into());
            }
            let moved = Move { kind: OPENING, quantity: quantity - place.level.on_hand, date, reference: self.reference.as_deref(), document: None };
            // An opening balance that undercuts what is reserved by now would promise the same goods twice.
            place.post(work, moved, Bound::Available).await?;
            undo.insert("quantity".into(), json!(plain(place.level.on_hand)));
        }
        if let Some(on_order) = self.on_order.filter(|on_order| *on_order != place.level.on_order) {
            store::set_on_order(work.db(), tenant, place.item.id, place.level.id, on_order).await?;
            undo.insert("on_order".into(), json!(plain(place.level.on_order)));
        }
        let outcome = Outcome::of(RESOURCE, place.level.id);
        if undo.is_empty() {
            return Ok(outcome);
        }
        undo.insert("item".into(), json!(place.item.id));
        undo.insert("warehouse".into(), json!(place.warehouse.id));
        undo.insert("date".into(), json!(date));
        Ok(outcome.undo("inventory.stock.open", Value::Object(undo)))
    }
}
