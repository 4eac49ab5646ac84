//! A new order, as a draft.

use super::header::{self, Details, Owners, order_input};
use super::store::{self, Amounts, NewOrder};
use super::{OrderId, RESOURCE, Status, duplicates};
use crate::line::{self, LineInput, Sellable};
use crate::neighbours;
use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use steward_kernel::{Command, CommandSpec, Currency, Error, Field, Outcome, Result, Work};
use uuid::Uuid;

order_input! {
    /// The input of `sales.order.create`.
    pub struct CreateOrder {
        pub customer: Uuid,
        pub lines: Vec<LineInput>,
        #[serde(default)]
        pub order_date: Option<NaiveDate>,
        /// The customer's, or else EUR, unless given.
        #[serde(default)]
        pub currency: Option<String>,
        #[serde(default)]
        pub owner: Option<Uuid>,
        #[serde(default)]
        pub company: Option<Uuid>,
        #[serde(default)]
        pub custom: Map<String, Value>,
        #[serde(default)]
        pub allow_duplicate: Option<bool>,
    }
}

impl Command for CreateOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.create")
            .input(Field::reference("customer", "crm.party").column("customer").required())
            .input(line::input().required())
            .input(Field::date("order_date").default("today"))
            .inputs(header::inputs())
            .input(Field::text("currency").max(3))
            .input(Field::reference("owner", "identity.user").column("owner"))
            .input(Field::reference("company", "identity.company").column("company"))
            .customizable()
            .duplicate_guard(&["customer", "reference"])
            .undo("sales.order.cancel")
            .asks(neighbours::PARTIES)
            .asks(neighbours::ITEMS)
            .asks(neighbours::PLACE)
    }

    async fn handle(mut self, work: &mut Work) -> Result<Outcome> {
        let changes = self.take_changes();
        let (company, scope) = header::place(work, self.owner, self.company, Owners::Active).await?;
        work.check_new(scope)?;
        let customer = neighbours::customer(work, self.customer).await?;
        if customer.archived {
            return Err(Error::field("customer", format!("{} is archived", customer.name)));
        }
        let currency = match (self.currency, customer.currency) {
            (Some(named), _) => Currency::new(named)?,
            (None, Some(usual)) => usual,
            (None, None) => Currency::new("EUR")?,
        };
        let mut details = Details::default();
        changes.apply(&mut details, &currency)?;
        let order_date = self.order_date.unwrap_or_else(|| work.today());
        header::check_dates(order_date, details.required_date)?;

        let ids: Vec<Uuid> = self.lines.iter().map(|line| line.item).collect();
        let items = neighbours::items(work, &ids).await?;
        let lines = line::price(self.lines, &items, &currency, Sellable::Current { kept: &[] })?;
        if !self.allow_duplicate.unwrap_or_default() {
            let amounts = Amounts::of(&lines);
            let candidate =
                duplicates::Candidate { customer: self.customer, reference: details.reference(), order_date, lines: lines.len(), amounts: &amounts };
            duplicates::check(work, candidate).await?;
        }

        let id = OrderId::fresh();
        let mut order = NewOrder {
            id,
            number: String::new(),
            status: Status::Draft,
            customer: self.customer,
            scope,
            company,
            order_date,
            shipped_date: None,
            completed_date: None,
            confirmed_at: None,
            cancelled_from: None,
            currency,
            details,
            custom: header::stored_custom(Map::new(), self.custom),
        };
        // The series is held until the commit, so everything that may refuse stands before.
        order.number = work.number("sales.order", "SO", company, order_date).await?;
        let tenant = work.tenant();
        store::insert(work.db(), tenant, &order, &lines).await?;
        work.emit("sales.order.created", id, json!({ "number": order.number, "customer": order.customer, "currency": order.currency }));
        Ok(Outcome::of(RESOURCE, id).data(json!({ "number": order.number })).undo("sales.order.cancel", json!({ "order": id })))
    }
}
