//! Puts an order back into the state that it had before it was confirmed or cancelled: the way back of those two, which
//! only their undo takes. Whoever wants to go on with an order reopens it.
//!
//! **Invariant:** an order that is open again holds for each line what it held before, or stays cancelled.

use super::store;
use super::{Order, OrderId, RESOURCE, Status, confirm};
use crate::neighbours;
use chrono::{DateTime, SubsecRound, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use steward_kernel::{Command, CommandSpec, Error, Field, Outcome, Result, Work};
use uuid::Uuid;

pub(super) const NAME: &str = "sales.order.put_back";

/// The input of `sales.order.put_back`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutBackOrder {
    pub order: OrderId,
    /// The state before.
    pub status: Status,
    /// When the order was confirmed, as what is taken back left it: a confirmation since is another one.
    #[serde(default)]
    pub confirmed_at: Option<DateTime<Utc>>,
    /// What the lines held before they were given back.
    #[serde(default)]
    pub held: Vec<Holding>,
}

/// What a line held.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    pub line: String,
    pub reserved: Decimal,
    pub backordered: Decimal,
}

/// How a confirmation is taken back. `at` is the moment that was stored.
pub(super) fn of_confirm(order: &Order, at: DateTime<Utc>) -> Value {
    json!({ "order": order.id, "status": order.status, "confirmed_at": moment(Some(at)) })
}

/// How a cancellation is taken back.
pub(super) fn of_cancel(order: &Order, held: &[Holding]) -> Value {
    json!({ "order": order.id, "status": order.status, "confirmed_at": moment(order.confirmed_at), "held": held })
}

/// As the database keeps it.
fn moment(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    at.map(|at| at.trunc_subsecs(6))
}

impl Command for PutBackOrder {
    fn spec() -> CommandSpec {
        let holding = vec![Field::text("line").max(36).required(), Field::decimal("reserved").required(), Field::decimal("backordered").required()];
        CommandSpec::new(NAME)
            .target("order")
            .permission("sales:order:reopen")
            .input(Field::choice("status", &["draft", "quotation", "confirmed", "processing"]).required())
            .input(Field::timestamp("confirmed_at"))
            .input(Field::lines("held", holding))
            .when(&["confirmed", "cancelled"])
            .asks(neighbours::PARTIES)
            .calls(neighbours::RELEASE)
            .calls(neighbours::RESERVE)
            .internal()
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Confirmed, Status::Cancelled], "sales.not_reopenable", "reopened")?;
        let is_the_same = moment(order.confirmed_at) == moment(self.confirmed_at);
        let leads_back = match order.cancelled_from {
            Some(from) => from == self.status,
            None => self.status.is_editable(),
        };
        if !is_the_same || !leads_back {
            let text = format!("order {} was taken through other states since", order.number);
            return Err(Error::rule("sales.another_state", text).arg("order", &order.number));
        }
        let tenant = work.tenant();
        if order.status.is_open() {
            neighbours::release(work, order.id.0, order.company).await?;
            store::let_go(work.db(), tenant, order.id).await?;
        }
        if self.status.is_open() {
            confirm::check_credit(work, &order).await?;
            let short = hold_again(work, &order, &self.held).await?;
            store::put_back(work.db(), tenant, order.id, self.status, short).await?;
        } else {
            store::reopen(work.db(), tenant, order.id, self.status).await?;
        }
        work.emit("sales.order.reopened", order.id, order.facts());
        let back = match order.status {
            Status::Cancelled => ("sales.order.cancel", json!({ "order": order.id, "reason": order.cancel_reason })),
            _ => ("sales.order.confirm", json!({ "order": order.id })),
        };
        Ok(Outcome::of(RESOURCE, order.id).undo(back.0, back.1))
    }
}

/// Reserves for each line just what it held. Whether lines wait for stock, as they did.
async fn hold_again(work: &mut Work, order: &Order, held: &[Holding]) -> Result<bool> {
    let tenant = work.tenant();
    let lines = store::lines(work.db(), tenant, order.id).await?;
    let before: HashMap<&str, &Holding> = held.iter().map(|holding| (holding.line.as_str(), holding)).collect();
    let held: Vec<(Uuid, Uuid, &Holding)> = lines.iter().filter_map(|line| Some((line.id, line.item, *before.get(line.id.to_string().as_str())?))).collect();
    let wanted: Vec<(Uuid, Uuid, Decimal)> =
        held.iter().filter(|(.., holding)| !holding.reserved.is_zero()).map(|(line, item, holding)| (*line, *item, holding.reserved)).collect();
    if !wanted.is_empty() {
        let answer = neighbours::reserve(work, order.id.0, order.company, &wanted).await?;
        let gone = answer.iter().filter(|line| !line.backordered.amount().is_zero()).count();
        if gone > 0 {
            let message = format!("the stock that order {} held is no longer there for {gone} of its lines; reopen it instead", order.number);
            return Err(Error::rule("sales.stock_gone", message).arg("order", &order.number).arg("lines", gone));
        }
    }
    let noted: Vec<(Uuid, Decimal, Decimal)> = held.iter().map(|(line, _, holding)| (*line, holding.reserved, holding.backordered)).collect();
    store::hold(work.db(), tenant, order.id, &noted).await?;
    Ok(held.iter().any(|(.., holding)| !holding.backordered.is_zero()))
}
