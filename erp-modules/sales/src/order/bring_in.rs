//! The cut-over: brings in an order as it stood in the former system, in its state and with its number, without moving
//! or reserving stock and without checking credit. What comes in open is reserved by `sales.order.reserve`.
//!
//! A number of Steward's own series is not taken, since the series would allot it again; without a number one is
//! allotted.

use super::header::{self, Details, Owners, order_input};
use super::store::{self, NewOrder};
use super::{OrderId, RESOURCE, Status};
use crate::line::{self, LineInput, Sellable};
use crate::neighbours;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value, json};
use steward_kernel::{Command, CommandSpec, Currency, Error, Field, Outcome, Result, Risk, Work};
use uuid::Uuid;

order_input! {
    /// The input of `sales.order.bring_in`.
    pub struct BringInOrder {
        #[serde(default)]
        pub number: Option<String>,
        pub customer: Uuid,
        pub status: Status,
        pub order_date: NaiveDate,
        pub lines: Vec<LineInput>,
        #[serde(default)]
        pub shipped_date: Option<NaiveDate>,
        #[serde(default)]
        pub completed_date: Option<NaiveDate>,
        #[serde(default)]
        pub confirmed_at: Option<DateTime<Utc>>,
        #[serde(default)]
        pub currency: Option<String>,
        #[serde(default)]
        pub owner: Option<Uuid>,
        #[serde(default)]
        pub company: Option<Uuid>,
        #[serde(default)]
        pub custom: Map<String, Value>,
    }
}

/// Whether `SO-2026-00042` is of the series that [`super::create`] allots from.
pub(super) fn is_of_the_series(number: &str) -> bool {
    let mut parts = number.split('-');
    let digits = |part: Option<&str>, least: usize| part.is_some_and(|part| part.len() >= least && part.bytes().all(|b| b.is_ascii_digit()));
    parts.next() == Some("SO") && digits(parts.next(), 4) && digits(parts.next(), 5) && parts.next().is_none()
}

impl Command for BringInOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.bring_in")
            .input(Field::text("number").max(60))
            .input(Field::reference("customer", "crm.party").column("customer").required())
            .input(Field::choice("status", Status::ALL).required())
            .input(Field::date("order_date").required())
            .input(line::input().required())
            .input(Field::date("shipped_date"))
            .input(Field::date("completed_date"))
            .input(Field::timestamp("confirmed_at"))
            .inputs(header::inputs())
            .input(Field::text("currency").max(3))
            .input(Field::reference("owner", "identity.user").column("owner"))
            .input(Field::reference("company", "identity.company").column("company"))
            .customizable()
            .risk(Risk::High)
            .asks(neighbours::PARTIES)
            .asks(neighbours::ITEMS)
            .asks(neighbours::PLACE)
    }

    async fn handle(mut self, work: &mut Work) -> Result<Outcome> {
        let changes = self.take_changes();
        let number = self.number.filter(|number| !number.is_empty());
        if number.as_deref().is_some_and(is_of_the_series) {
            return Err(Error::field("number", "numbers of this form are allotted by the series of orders; leave it out to get one")
                .because("sales.number_of_the_series"));
        }
        let (company, scope) = header::place(work, self.owner, self.company, Owners::Past).await?;
        work.check_new(scope)?;
        let currency = match self.currency {
            Some(named) => Currency::new(named)?,
            None => match neighbours::customer(work, self.customer).await?.currency {
                Some(currency) => currency,
                None => Currency::new("EUR")?,
            },
        };
        let mut details = Details::default();
        changes.apply(&mut details, &currency)?;
        let ids: Vec<Uuid> = self.lines.iter().map(|line| line.item).collect();
        let items = neighbours::items(work, &ids).await?;
        let lines = line::price(self.lines, &items, &currency, Sellable::Past)?;
        let done = self.status == Status::Done;
        let id = OrderId::fresh();
        let order = NewOrder {
            id,
            number: match number {
                Some(number) => number,
                None => work.number("sales.order", "SO", company, self.order_date).await?,
            },
            status: self.status,
            customer: self.customer,
            scope,
            company,
            order_date: self.order_date,
            shipped_date: self.shipped_date,
            completed_date: self.completed_date.or(self.shipped_date.filter(|_| done)),
            confirmed_at: self.confirmed_at,
            // What a past order was before it was cancelled is not known: reopened, it is a quotation.
            cancelled_from: (self.status == Status::Cancelled).then_some(Status::Quotation),
            currency,
            details,
            custom: header::stored_custom(Map::new(), self.custom),
        };
        let tenant = work.tenant();
        store::insert(work.db(), tenant, &order, &lines).await?;
        work.emit(
            "sales.order.brought_in",
            id,
            json!({ "number": order.number, "customer": order.customer, "owner": order.scope.owner, "company": company, "currency": order.currency }),
        );
        Ok(Outcome::of(RESOURCE, id).data(json!({ "number": order.number })))
    }
}
