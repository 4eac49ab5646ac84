//! `inventory.item.create`: a new item. Its stock comes afterwards, by moves.

use super::{Item, ItemId, RESOURCE, UNIT, check_not_negative, resource, store};
use crate::error::Error;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use steward_kernel::changes::{filled, inputs};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Entity, Field, Money, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    #[serde(default)]
    code: Option<String>,
    name: String,
    #[serde(default)]
    category: Option<Uuid>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    package: Option<String>,
    #[serde(default)]
    supplier: Option<Uuid>,
    sales_price: Money,
    #[serde(default)]
    reorder_level: Option<Decimal>,
    #[serde(default)]
    discontinued: Option<bool>,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    allow_duplicate: Option<bool>,
    #[serde(default)]
    custom: Map<String, Value>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        let fields = inputs(resource()).into_iter().map(|field| Field { required: field.name == "name" || field.name == "sales_price", ..field });
        CommandSpec::new("inventory.item.create").inputs(fields).undo("inventory.item.archive").duplicate_guard(&["code", "name"]).customizable()
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        check_not_negative("sales_price", self.sales_price.amount)?;
        let item = Item {
            id: ItemId::fresh(),
            version: 1,
            archived_at: None,
            custom: Value::Object(self.custom),
            code: filled(self.code),
            name: self.name,
            category_id: self.category,
            unit: filled(self.unit).unwrap_or_else(|| UNIT.into()),
            package: filled(self.package),
            supplier_id: self.supplier,
            sales_price: self.sales_price.amount,
            currency: self.sales_price.currency.into(),
            reorder_level: self.reorder_level.unwrap_or_default(),
            discontinued: self.discontinued.unwrap_or_default(),
            note: filled(self.note),
            on_hand: Decimal::ZERO,
            reserved: Decimal::ZERO,
            on_order: Decimal::ZERO,
        };
        check_not_negative("reorder_level", item.reorder_level)?;
        work.check_new(item.scope())?;
        let tenant = work.tenant();
        if store::code_taken(work.db(), tenant, &item).await? {
            return Err(Error::CodeTaken.into());
        }
        if self.allow_duplicate != Some(true) && store::name_taken(work.db(), tenant, &item.name).await? {
            return Err(Error::SameName.into());
        }
        store::insert(work.db(), tenant, &item).await?;
        work.emit("inventory.item.created", item.id, json!({}));
        Ok(Outcome::of(RESOURCE, item.id).undo("inventory.item.archive", json!({ "item": item.id })))
    }
}
