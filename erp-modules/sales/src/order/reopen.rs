//! Reopens a confirmed or cancelled order as a quotation, so that it can be changed. A draft that was cancelled becomes a
//! draft again.

use super::store;
use super::{Order, OrderId, RESOURCE, Status};
use crate::neighbours;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::{Command, CommandSpec, Outcome, Result, Work};

/// The input of `sales.order.reopen`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReopenOrder {
    pub order: OrderId,
}

/// Where an order goes that is reopened.
pub(super) fn reopened(order: &Order) -> Status {
    match order.cancelled_from {
        Some(Status::Draft) => Status::Draft,
        _ => Status::Quotation,
    }
}

impl Command for ReopenOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.reopen").target("order").when(&["confirmed", "cancelled"]).undo("sales.order.confirm").calls(neighbours::RELEASE)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Confirmed, Status::Cancelled], "sales.not_reopenable", "reopened")?;
        let tenant = work.tenant();
        if order.status.is_open() {
            neighbours::release(work, order.id.0, order.company).await?;
            store::let_go(work.db(), tenant, order.id).await?;
        }
        store::reopen(work.db(), tenant, order.id, reopened(&order)).await?;
        work.emit("sales.order.reopened", order.id, order.facts());
        let back = match order.status {
            Status::Cancelled => ("sales.order.cancel", json!({ "order": order.id, "reason": order.cancel_reason })),
            _ => ("sales.order.confirm", json!({ "order": order.id })),
        };
        Ok(Outcome::of(RESOURCE, order.id).undo(back.0, back.1))
    }
}
