//! `inventory.item.update`: changes what was given; stock figures are not among it. Its undo restores the old values while
//! the item stays at that version.

use super::{Item, ItemId, RESOURCE, check_not_negative, resource, store};
use crate::error::Error;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value};
use steward_kernel::changes::{Changes, filled, given, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Currency, Money, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    item: ItemId,
    #[serde(default, deserialize_with = "given")]
    code: Option<Option<String>>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    category: Option<Option<Uuid>>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default, deserialize_with = "given")]
    package: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    supplier: Option<Option<Uuid>>,
    #[serde(default)]
    sales_price: Option<Money>,
    #[serde(default)]
    reorder_level: Option<Decimal>,
    #[serde(default)]
    discontinued: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    note: Option<Option<String>>,
    #[serde(default)]
    custom: Map<String, Value>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.item.update").target("item").inputs(update_inputs(resource())).undo("inventory.item.update").customizable()
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut item = work.lock::<Item>(self.item).await?;
        let mut changes = Changes::default();
        let mut price = Money::new(item.sales_price, Currency::new(item.currency.clone())?);
        changes.set("sales_price", &mut price, self.sales_price)?;
        (item.sales_price, item.currency) = (price.amount, price.currency.into());
        changes.set("code", &mut item.code, self.code.map(filled))?;
        changes.set("name", &mut item.name, filled(self.name))?;
        changes.set("category", &mut item.category_id, self.category)?;
        changes.set("unit", &mut item.unit, filled(self.unit))?;
        changes.set("package", &mut item.package, self.package.map(filled))?;
        changes.set("supplier", &mut item.supplier_id, self.supplier)?;
        changes.set("reorder_level", &mut item.reorder_level, self.reorder_level)?;
        changes.set("discontinued", &mut item.discontinued, self.discontinued)?;
        changes.set("note", &mut item.note, self.note.map(filled))?;
        changes.set_custom(&mut item.custom, self.custom);
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, item.id));
        }
        check_not_negative("sales_price", item.sales_price)?;
        check_not_negative("reorder_level", item.reorder_level)?;

        let tenant = work.tenant();
        if changes.has("unit") && store::has_stock_rows(work.db(), tenant, item.id).await? {
            return Err(Error::UnitInUse(item.name).into());
        }
        if changes.has("code") && store::code_taken(work.db(), tenant, &item).await? {
            return Err(Error::CodeTaken.into());
        }
        store::update(work.db(), tenant, &item).await?;
        Ok(Outcome::of(RESOURCE, item.id).undo("inventory.item.update", changes.undo("item", item.id)))
    }
}
