//! Completes an order: what was reserved leaves the stock.

use super::store;
use super::{Order, OrderId, RESOURCE, Status, reserve};
use crate::neighbours;
use chrono::NaiveDate;
use serde::Deserialize;
use steward_kernel::{Command, CommandSpec, Error, Field, Outcome, Result, Risk, Work};

/// The input of `sales.order.complete`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompleteOrder {
    pub order: OrderId,
    #[serde(default)]
    pub shipped_date: Option<NaiveDate>,
}

impl Command for CompleteOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.complete")
            .target("order")
            .input(Field::date("shipped_date").default("today"))
            .when(&["confirmed", "processing"])
            .risk(Risk::High)
            .calls(neighbours::RELEASE)
            .calls(neighbours::RESERVE)
            .calls(neighbours::FULFIL)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Confirmed, Status::Processing], "sales.not_confirmed", "completed")?;
        let (tenant, today) = (work.tenant(), work.today());
        let shipped = self.shipped_date.unwrap_or(today);
        if shipped < order.order_date || shipped > today {
            return Err(Error::field("shipped_date", "must lie between the order date and today"));
        }
        // Orders that were brought in open hold no stock yet, and what was short may have come in.
        let lines = store::lines(work.db(), tenant, order.id).await?;
        if lines.iter().any(|line| line.reserved < line.quantity) && reserve::hold_anew(work, &order).await?.short > 0 {
            let text = format!("lines of order {} wait for stock, so it cannot be completed", order.number);
            return Err(Error::rule("sales.backordered", text).arg("order", &order.number));
        }
        neighbours::fulfil(work, order.id.0, order.company).await?;
        store::let_go(work.db(), tenant, order.id).await?;
        store::complete(work.db(), tenant, order.id, shipped, today).await?;
        work.emit("sales.order.completed", order.id, order.facts());
        Ok(Outcome::of(RESOURCE, order.id))
    }
}
