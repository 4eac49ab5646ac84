//! What sales asks of other modules, and the shapes of their answers. These names are the whole coupling.
//!
//! Each answer is asked with the command's authority: a credit check must not be blinded by what the user may read.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use steward_kernel::{Currency, Error, Money, Outcome, Quantity, Result, Work};
use uuid::Uuid;

pub(crate) const PARTIES: &str = "crm.party.describe";
pub(crate) const ITEMS: &str = "inventory.item.describe";
pub(crate) const PLACE: &str = "identity.user.place";
pub(crate) const RESERVE: &str = "inventory.reserve_available";
pub(crate) const RELEASE: &str = "inventory.release_document";
pub(crate) const FULFIL: &str = "inventory.fulfil_document";

/// An amount as another module tells it: with its currency, or bare in the currency that stands beside it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Told {
    Money(Money),
    Quantity(Quantity),
    Bare(Decimal),
}

impl Told {
    pub(crate) fn amount(&self) -> Decimal {
        match self {
            Self::Money(money) => money.amount,
            Self::Quantity(quantity) => quantity.value,
            Self::Bare(amount) => *amount,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PartyFacts {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) currency: Option<Currency>,
    /// The most that may be open at a time; none means no limit.
    #[serde(default)]
    pub(crate) credit_limit: Option<Told>,
    #[serde(default)]
    pub(crate) archived: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ItemFacts {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) unit: String,
    #[serde(default)]
    pub(crate) sales_price: Option<Told>,
    #[serde(default)]
    pub(crate) currency: Option<Currency>,
    #[serde(default)]
    pub(crate) discontinued: bool,
    #[serde(default)]
    pub(crate) archived: bool,
}

impl ItemFacts {
    /// The sales price in a currency, if the item has one in it.
    pub(crate) fn price_in(&self, currency: &Currency) -> Option<Decimal> {
        match self.sales_price.as_ref()? {
            Told::Money(money) => (money.currency == *currency).then_some(money.amount),
            told => self.currency.as_ref().is_none_or(|own| own == currency).then(|| told.amount()),
        }
    }
}

/// Where a user stands in the organisation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Place {
    #[serde(default)]
    pub(crate) company: Option<Uuid>,
    #[serde(default)]
    pub(crate) department: Option<Uuid>,
    pub(crate) active: bool,
    #[serde(default)]
    pub(crate) name: String,
}

pub(crate) async fn customer(work: &mut Work, id: Uuid) -> Result<PartyFacts> {
    let mut parties: Vec<PartyFacts> = work.ask(PARTIES, json!({ "parties": [id] })).await?;
    parties.pop().ok_or_else(|| Error::field("customer", "there is no such customer"))
}

pub(crate) async fn items(work: &mut Work, ids: &[Uuid]) -> Result<HashMap<Uuid, ItemFacts>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let items: Vec<ItemFacts> = work.ask(ITEMS, json!({ "items": ids })).await?;
    Ok(items.into_iter().map(|item| (item.id, item)).collect())
}

pub(crate) async fn place(work: &mut Work, user: Uuid) -> Result<Place> {
    work.ask(PLACE, json!({ "user": user })).await
}

/// What is reserved for a line, and what waits for stock.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reserved {
    pub(crate) line: Uuid,
    pub(crate) reserved: Told,
    pub(crate) backordered: Told,
}

/// Reserves what there is for an order's lines in its company's warehouses.
pub(crate) async fn reserve(work: &mut Work, order: Uuid, company: Uuid, lines: &[(Uuid, Uuid, Decimal)]) -> Result<Vec<Reserved>> {
    #[derive(Deserialize)]
    struct Answer {
        lines: Vec<Reserved>,
    }
    let wanted: Vec<Value> = lines.iter().map(|(line, item, quantity)| json!({ "line": line, "item": item, "quantity": quantity.to_string() })).collect();
    let input = json!({ "document_resource": "sales.order", "document_id": order, "company": company, "lines": wanted });
    let outcome: Outcome = work.call(RESERVE, input).await?;
    let answer: Answer =
        serde_json::from_value(outcome.data).map_err(|error| Error::internal("the answer of the reservation has another shape").with_source(error))?;
    Ok(answer.lines)
}

/// Gives an order's reservations back.
pub(crate) async fn release(work: &mut Work, order: Uuid, company: Uuid) -> Result<()> {
    work.call(RELEASE, json!({ "document_resource": "sales.order", "document_id": order, "company": company })).await.map(drop)
}

/// Takes what is reserved for an order out of stock.
pub(crate) async fn fulfil(work: &mut Work, order: Uuid, company: Uuid) -> Result<()> {
    work.call(FULFIL, json!({ "document_resource": "sales.order", "document_id": order, "company": company })).await.map(drop)
}
