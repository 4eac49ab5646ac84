//! Reserves stock for an open order anew: what has come in since goes to its waiting lines.

use super::store;
use super::{Order, OrderId, RESOURCE, Status};
use crate::neighbours;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::{Command, CommandSpec, Message, Outcome, Result, Work};
use uuid::Uuid;

/// The input of `sales.order.reserve`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReserveOrder {
    pub order: OrderId,
}

impl Command for ReserveOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.reserve").target("order").when(&["confirmed", "processing"]).calls(neighbours::RELEASE).calls(neighbours::RESERVE)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Confirmed, Status::Processing], "sales.not_confirmed", "reserved_for")?;
        let held = hold_anew(work, &order).await?;
        work.emit("sales.order.reserved", order.id, order.facts());
        Ok(Outcome::of(RESOURCE, order.id).data(json!({ "lines": held.lines, "backordered_lines": held.short })))
    }
}

/// How many lines there are, and how many of them wait for stock.
pub(super) struct Held {
    pub(super) lines: usize,
    pub(super) short: usize,
}

/// Gives back what is reserved and reserves anew, in one transaction: what the order held, nobody else gets between.
pub(super) async fn hold_anew(work: &mut Work, order: &Order) -> Result<Held> {
    neighbours::release(work, order.id.0, order.company).await?;
    let held = hold(work, order).await?;
    let tenant = work.tenant();
    store::set_backordered(work.db(), tenant, order.id, held.short > 0).await?;
    Ok(held)
}

/// Reserves what there is for every line and notes it on the lines.
pub(super) async fn hold(work: &mut Work, order: &Order) -> Result<Held> {
    let tenant = work.tenant();
    let lines = store::lines(work.db(), tenant, order.id).await?;
    let wanted: Vec<(Uuid, Uuid, Decimal)> = lines.iter().map(|line| (line.id, line.item, line.quantity)).collect();
    let answer = neighbours::reserve(work, order.id.0, order.company, &wanted).await?;
    let noted: Vec<(Uuid, Decimal, Decimal)> = answer.iter().map(|line| (line.line, line.reserved.amount(), line.backordered.amount())).collect();
    store::hold(work.db(), tenant, order.id, &noted).await?;
    let short = noted.iter().filter(|(.., backordered)| *backordered > Decimal::ZERO).count();
    if short > 0 {
        work.warn(Message::new("sales-warning-wait_for_stock").arg("short", short).arg("lines", lines.len()).arg("order", &order.number));
    }
    Ok(Held { lines: lines.len(), short })
}
