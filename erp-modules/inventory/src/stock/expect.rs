//! `inventory.stock.expect`: how much of an item is on its way to a warehouse. It says so until something else keeps the
//! figure.

use super::{RESOURCE, place, place_inputs, plain, store};
use crate::error::Error;
use crate::item::{ItemId, check_scale};
use crate::warehouse::WarehouseId;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Error as KernelError, Field, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    item: ItemId,
    #[serde(default)]
    warehouse: Option<WarehouseId>,
    on_order: Decimal,
}

impl Command for Expect {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.stock.expect").inputs(place_inputs()).input(Field::decimal("on_order").required()).undo("inventory.stock.expect")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        check_scale("on_order", self.on_order)?;
        if self.on_order < Decimal::ZERO {
            return Err(KernelError::field("on_order", "must not be negative"));
        }
        let tenant = work.tenant();
        let place = place(work, self.item, self.warehouse).await?;
        if self.on_order == place.level.on_order {
            return Err(Error::NothingToDo.into());
        }
        store::set_on_order(work.db(), tenant, place.item.id, place.level.id, self.on_order).await?;
        let undo = json!({ "item": place.item.id, "warehouse": place.warehouse.id, "on_order": plain(place.level.on_order) });
        Ok(Outcome::of(RESOURCE, place.level.id).undo("inventory.stock.expect", undo))
    }
}
