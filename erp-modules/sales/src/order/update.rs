//! Changes a draft or a quotation: its head, and its lines as a whole.

use super::header::{self, order_input};
use super::store;
use super::{Order, OrderId, RESOURCE, Status};
use crate::line::{self, LineInput, Sellable};
use crate::neighbours;
use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use steward_kernel::{Command, CommandSpec, Currency, Error, Field, Outcome, Result, Work};
use uuid::Uuid;

order_input! {
    /// The input of `sales.order.update`: what is absent stays as it is.
    pub struct UpdateOrder {
        pub order: OrderId,
        #[serde(default)]
        pub customer: Option<Uuid>,
        #[serde(default)]
        pub order_date: Option<NaiveDate>,
        /// Changes only together with the lines, whose prices are in it.
        #[serde(default)]
        pub currency: Option<String>,
        /// All lines of the order, in their order.
        #[serde(default)]
        pub lines: Option<Vec<LineInput>>,
        #[serde(default)]
        pub custom: Map<String, Value>,
    }
}

impl Command for UpdateOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.update")
            .target("order")
            .input(Field::reference("customer", "crm.party").column("customer"))
            .input(line::input())
            .input(Field::date("order_date"))
            .inputs(header::inputs())
            .input(Field::text("currency").max(3))
            .customizable()
            .when(&["draft", "quotation"])
            .undo("sales.order.update")
            .asks(neighbours::PARTIES)
            .asks(neighbours::ITEMS)
    }

    async fn handle(mut self, work: &mut Work) -> Result<Outcome> {
        let changes = self.take_changes();
        let mut order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Draft, Status::Quotation], "sales.not_editable", "changed")?;
        let tenant = work.tenant();
        let mut undo = Map::new();

        if let Some(customer) = self.customer
            && customer != order.customer
        {
            let facts = neighbours::customer(work, customer).await?;
            if facts.archived {
                return Err(Error::field("customer", format!("{} is archived", facts.name)));
            }
            undo.insert("customer".into(), json!(std::mem::replace(&mut order.customer, customer)));
        }
        if let Some(date) = self.order_date {
            undo.insert("order_date".into(), json!(std::mem::replace(&mut order.order_date, date)));
        }
        let old_currency = order.currency.clone();
        if let Some(currency) = self.currency.map(Currency::new).transpose()?
            && currency != order.currency
        {
            if self.lines.is_none() {
                return Err(Error::field("currency", "changes only together with the lines, whose prices are in it"));
            }
            order.currency = currency;
        }

        let (mut details, custom) = store::details(work.db(), tenant, order.id).await?;
        let before = changes.apply(&mut details, &order.currency)?;
        header::check_dates(order.order_date, details.required_date)?;
        if order.currency != old_currency {
            undo.insert("currency".into(), json!(old_currency));
            if !details.freight.is_zero() && !before.contains_key("freight") {
                return Err(Error::field("freight", format!("is to be given in {} too", order.currency)));
            }
        }
        undo.extend(before.into_iter().map(|(name, value)| match name.as_str() {
            "freight" => (name, json!({ "amount": value["amount"], "currency": old_currency })),
            _ => (name, value),
        }));
        if !self.custom.is_empty() {
            let old: Map<String, Value> = self.custom.keys().map(|name| (name.clone(), custom.get(name).cloned().unwrap_or(Value::Null))).collect();
            undo.insert("custom".into(), Value::Object(old));
        }
        let custom = header::stored_custom(custom, self.custom);

        if let Some(lines) = self.lines {
            if lines.is_empty() {
                return Err(Error::field("lines", "at least one line is needed"));
            }
            let old = store::lines(work.db(), tenant, order.id).await?;
            let kept: Vec<Uuid> = old.iter().map(|line| line.item).collect();
            let ids: Vec<Uuid> = lines.iter().map(|line| line.item).collect();
            let items = neighbours::items(work, &ids).await?;
            let lines = line::price(lines, &items, &order.currency, Sellable::Current { kept: &kept })?;
            store::put_lines(work.db(), tenant, order.id, steward_kernel::Entity::scope(&order), &order.currency, &lines).await?;
            store::cut_lines(work.db(), tenant, order.id, lines.len()).await?;
            undo.insert("lines".into(), json!(old.into_iter().map(|line| line.into_input(&old_currency)).collect::<Vec<_>>()));
        }
        store::update(work.db(), tenant, &order, &details, &custom).await?;
        work.emit("sales.order.updated", order.id, order.facts());
        let mut input = Map::from_iter([("order".to_owned(), json!(order.id))]);
        input.extend(undo);
        Ok(Outcome::of(RESOURCE, order.id).undo("sales.order.update", Value::Object(input)))
    }
}
