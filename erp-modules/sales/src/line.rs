//! Lines of an order: what is given for one, how it is priced, and their catalogue entry.
//!
//! Amounts are never rounded: the database keeps `unit_price × quantity × (1 − discount)` exactly, and a sum is rounded
//! once, where it is shown.

use crate::neighbours::ItemFacts;
use crate::order::{Status, date_of_count};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use steward_kernel::error::FieldError;
use steward_kernel::{Currency, Error, Field, Measure, Money, Quantity, Resource, Result, ids};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// Decimal places that a quantity or a price may have: a product of both and a discount still fits a decimal.
const SCALE_MAX: u32 = 6;
const DISCOUNT_SCALE_MAX: u32 = 4;
const VALUE_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// A line as commands take it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LineInput {
    pub item: Uuid,
    pub quantity: Quantity,
    /// The item's sales price unless given.
    #[serde(default)]
    pub unit_price: Option<Money>,
    /// A fraction: 0.05 is five per cent.
    #[serde(default)]
    pub discount: Option<Decimal>,
    /// The item's name unless given.
    #[serde(default)]
    pub description: Option<String>,
}

/// The input `lines` of the commands that write an order.
pub(crate) fn input() -> Field {
    Field::lines(
        "lines",
        vec![
            Field::reference("item", "inventory.item").column("item").required(),
            Field::quantity("quantity").required(),
            Field::money("unit_price"),
            Field::decimal("discount"),
            Field::text("description"),
        ],
    )
}

/// A line that is ready to be stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Priced {
    pub(crate) id: Uuid,
    pub(crate) item: Uuid,
    pub(crate) description: String,
    pub(crate) quantity: Decimal,
    pub(crate) unit: String,
    pub(crate) unit_price: Decimal,
    pub(crate) discount: Decimal,
}

/// Which items may stand on the order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sellable<'a> {
    /// No discontinued or archived item but those that stand on it already.
    Current { kept: &'a [Uuid] },
    /// What was sold, was sold.
    Past,
}

/// Prices lines in the order's currency. Tells of every line that is wrong, each by its path.
pub(crate) fn price(lines: Vec<LineInput>, items: &HashMap<Uuid, ItemFacts>, currency: &Currency, sellable: Sellable<'_>) -> Result<Vec<Priced>> {
    let mut priced = Vec::with_capacity(lines.len());
    let mut errors = Vec::new();
    for (i, line) in lines.into_iter().enumerate() {
        match price_one(line, items, currency, sellable) {
            Ok(line) => priced.push(line),
            Err((field, message)) => errors.push(FieldError { field: format!("lines[{i}].{field}"), message }),
        }
    }
    if errors.is_empty() { Ok(priced) } else { Err(Error::fields(errors)) }
}

type Wrong = (&'static str, String);

fn price_one(line: LineInput, items: &HashMap<Uuid, ItemFacts>, currency: &Currency, sellable: Sellable<'_>) -> Result<Priced, Wrong> {
    let item = items.get(&line.item).ok_or_else(|| ("item", "there is no such item".to_owned()))?;
    if let Sellable::Current { kept } = sellable
        && (item.discontinued || item.archived)
        && !kept.contains(&item.id)
    {
        return Err(("item", format!("{} is {}", item.name, if item.discontinued { "discontinued" } else { "archived" })));
    }
    let quantity = line.quantity.value;
    if quantity <= Decimal::ZERO {
        return Err(("quantity", "must be above zero".into()));
    }
    bounded("quantity", quantity)?;
    if !line.quantity.unit.is_empty() && line.quantity.unit != item.unit {
        return Err(("quantity", format!("{} is sold in {}", item.name, if item.unit.is_empty() { "pieces without a unit" } else { &item.unit })));
    }
    let unit_price = match line.unit_price {
        Some(price) if price.currency != *currency => return Err(("unit_price", format!("the order is in {currency}"))),
        Some(price) => price.amount,
        None => item.price_in(currency).ok_or_else(|| ("unit_price", format!("{} has no sales price in {currency}, name one", item.name)))?,
    };
    if unit_price < Decimal::ZERO {
        return Err(("unit_price", "must not be negative".into()));
    }
    bounded("unit_price", unit_price)?;
    let discount = line.discount.unwrap_or_default().normalize();
    if !(Decimal::ZERO..=Decimal::ONE).contains(&discount) {
        return Err(("discount", "must be between 0 and 1, such as 0.05 for five per cent".into()));
    }
    if discount.scale() > DISCOUNT_SCALE_MAX {
        return Err(("discount", format!("at most {DISCOUNT_SCALE_MAX} decimal places are possible")));
    }
    let description = line.description.filter(|text| !text.is_empty()).unwrap_or_else(|| item.name.clone());
    Ok(Priced { id: ids::fresh(), item: line.item, description, quantity, unit: item.unit.clone(), unit_price, discount })
}

fn bounded(field: &'static str, value: Decimal) -> Result<(), Wrong> {
    if value.normalize().scale() > SCALE_MAX {
        return Err((field, format!("at most {SCALE_MAX} decimal places are possible")));
    }
    if value >= VALUE_MAX {
        return Err((field, format!("must be below {VALUE_MAX}")));
    }
    Ok(())
}

/// The catalogue entry.
pub fn resource() -> Resource {
    let mut resource = Resource::new("sales.line", "lines", "sales_line")
        .child_of("sales.order", "order_id")
        .title("description")
        .owner("owner_id")
        .department("department_id")
        .company("company_id")
        .sort("position")
        .field(Field::reference("order", "sales.order").required().in_list())
        .field(Field::integer("position").required().sortable().in_list())
        .field(Field::reference("item", "inventory.item").required().in_list())
        .field(Field::text("description").required().searchable())
        .field(Field::quantity("quantity").required().in_list())
        .field(Field::text("unit").required().max(20))
        .field(Field::money("unit_price").required().in_list())
        .field(Field::decimal("discount").required().in_list())
        .field(Field::money("amount").required().in_list())
        .field(Field::text("currency").required().max(3))
        .field(Field::quantity("reserved").required())
        .field(Field::quantity("backordered").required())
        .field(Field::reference("owner", "identity.user").required())
        .field(Field::reference("department", "identity.department"))
        .field(Field::reference("company", "identity.company").required())
        .measure(Measure::sum_money("revenue", "amount").only("order.status", Status::SOLD).date("order.order_date"))
        .measure(Measure::sum("units", "quantity").only("order.status", Status::SOLD).date("order.order_date"))
        .measure(Measure::average_money("average_price", "unit_price").only("order.status", Status::SOLD).date("order.order_date"))
        .measure(Measure::sum("units_backordered", "backordered").only("order.status", Status::OPEN).date("order.order_date"))
        .named_filter("short", "t.backordered > 0");
    date_of_count(&mut resource, "order.order_date");
    resource
}
