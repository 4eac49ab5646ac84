//! A sales order: its states, its catalogue entry and the row that commands lock.
//!
//! draft → quotation → confirmed → processing → done; cancelled from every state before done. A confirmed order's
//! prices are frozen: it is changed by reopening it, never edited.

pub mod assign;
pub mod bring_in;
pub mod cancel;
pub mod complete;
pub mod confirm;
pub mod create;
mod duplicates;
mod header;
pub mod hold;
pub mod put_back;
pub mod quote;
pub mod redraft;
pub mod reopen;
pub mod reserve;
pub mod start;
mod store;
#[cfg(test)]
mod tests;
pub mod update;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::fmt;
use steward_kernel::{Currency, Entity, Error, Field, Measure, Resource, Result, RowScope};
use uuid::Uuid;

steward_kernel::id! {
    /// A sales order.
    OrderId;
}

pub(crate) const RESOURCE: &str = "sales.order";

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Status {
    Draft,
    Quotation,
    Confirmed,
    Processing,
    Done,
    Cancelled,
}

impl Status {
    pub const ALL: &'static [&'static str] = &["draft", "quotation", "confirmed", "processing", "done", "cancelled"];
    /// States whose value counts as revenue.
    pub const SOLD: &'static [&'static str] = &["confirmed", "processing", "done"];
    /// States that hold stock back and count against a credit limit.
    pub const OPEN: &'static [&'static str] = &["confirmed", "processing"];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Quotation => "quotation",
            Self::Confirmed => "confirmed",
            Self::Processing => "processing",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }
    /// Whether prices and lines may still change.
    pub fn is_editable(self) -> bool {
        matches!(self, Self::Draft | Self::Quotation)
    }
    /// Whether stock is reserved for the order.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Confirmed | Self::Processing)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The head of an order, as commands lock it.
#[derive(Clone, Debug)]
pub struct Order {
    pub id: OrderId,
    pub version: i64,
    pub number: String,
    pub status: Status,
    pub customer: Uuid,
    pub owner: Uuid,
    pub department: Option<Uuid>,
    pub company: Uuid,
    pub order_date: NaiveDate,
    pub currency: Currency,
    pub line_count: i32,
    pub backordered: bool,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub cancelled_from: Option<Status>,
    pub cancel_reason: Option<String>,
}

impl Entity for Order {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { owner: Some(self.owner), department: self.department, company: Some(self.company) }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        store::lock(db, tenant, id).await
    }
}

impl Order {
    /// Refuses with `reason` unless the order is in one of these states. `action` reads as "an order can be …", and names the
    /// text of the reason.
    fn require(&self, states: &[Status], reason: &'static str, action: &'static str) -> Result<()> {
        if states.contains(&self.status) {
            return Ok(());
        }
        let wanted: Vec<&str> = states.iter().map(|status| status.as_str()).collect();
        let text = format!("order {} is {}: only an order that is {} can be {}", self.number, self.status, wanted.join(" or "), action.replace('_', " "));
        Err(Error::rule(reason, text).variant(action).arg("order", &self.number).arg("status", self.status.as_str()))
    }

    /// What an event tells of the order.
    fn facts(&self) -> Value {
        json!({ "number": self.number, "customer": self.customer, "owner": self.owner, "company": self.company, "currency": self.currency })
    }
}

/// The catalogue entry.
pub fn resource() -> Resource {
    let mut resource = Resource::new(RESOURCE, "orders", "sales_order")
        .title("number")
        .owner("owner_id")
        .department("department_id")
        .company("company_id")
        .sort("-order_date")
        .create("sales.order.create")
        .update("sales.order.update")
        .customizable()
        .field(Field::text("number").required().sortable().prefix("number_fold").searchable().in_list())
        .field(Field::reference("customer", "crm.party").required().searchable().in_list())
        .field(Field::choice("status", Status::ALL).required().in_list())
        .field(Field::date("order_date").required().sortable().in_list())
        .field(Field::date("required_date").in_list())
        .field(Field::date("shipped_date"))
        .field(Field::date("completed_date"))
        .field(Field::timestamp("confirmed_at"))
        .field(Field::money("net_total").required().sort_by("total_sort").in_list())
        .field(Field::text("currency").required().max(3))
        .field(Field::money("freight").required())
        .field(Field::integer("line_count").required())
        .field(Field::boolean("backordered").required())
        .field(Field::reference("owner", "identity.user").required().in_list())
        .field(Field::reference("department", "identity.department"))
        .field(Field::reference("company", "identity.company").required())
        .field(Field::text("reference").searchable())
        .field(Field::text("ship_via"))
        .field(Field::text("ship_name").personal())
        .field(Field::text("ship_street").personal())
        .field(Field::text("ship_city"))
        .field(Field::text("ship_region"))
        .field(Field::text("ship_postal_code"))
        .field(Field::text("ship_country"))
        .field(Field::long_text("note").searchable())
        .field(Field::text("cancel_reason").max(500).not_filterable())
        .measure(Measure::sum_money("revenue", "net_total").only("status", Status::SOLD).date("order_date"))
        .measure(Measure::average_money("average_order_value", "net_total").only("status", Status::SOLD).date("order_date"))
        .measure(Measure::sum_money("freight", "freight").only("status", Status::SOLD).date("order_date"))
        .measure(Measure::count("open_orders").only("status", Status::OPEN).date("order_date"))
        .measure(Measure::sum_money("open_value", "net_total").only("status", Status::OPEN).date("order_date"))
        .measure(Measure::min("earliest_required", "required_date").only("status", Status::OPEN).date("required_date"))
        .measure(Measure::max("last_order_date", "order_date"))
        .measure(Measure::min("first_order_date", "order_date"))
        .named_filter("open", "t.status IN ('confirmed', 'processing')")
        .named_filter("overdue", "t.status IN ('confirmed', 'processing') AND t.required_date < (SELECT app.today())")
        .named_filter("late", "t.shipped_date > t.required_date")
        .named_filter("awaiting_stock", "t.backordered AND t.status IN ('confirmed', 'processing')");
    date_of_count(&mut resource, "order_date");
    resource
}

/// "Orders in 1997" means their order date, not the day on which the row was written.
pub(crate) fn date_of_count(resource: &mut Resource, path: &'static str) {
    for measure in resource.measures.iter_mut().filter(|measure| measure.name == "count") {
        measure.date = Some(path.into());
    }
}
