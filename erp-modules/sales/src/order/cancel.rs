//! Cancels an order that is not done and gives its reservations back.

use super::put_back::{self, Holding};
use super::store;
use super::{Order, OrderId, RESOURCE, Status};
use crate::neighbours;
use serde::Deserialize;
use steward_kernel::{Command, CommandSpec, Field, Outcome, Result, Work};

/// The input of `sales.order.cancel`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelOrder {
    pub order: OrderId,
    #[serde(default)]
    pub reason: Option<String>,
}

impl Command for CancelOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.cancel")
            .target("order")
            .input(Field::text("reason").max(500))
            .when(&["draft", "quotation", "confirmed", "processing"])
            .undo(put_back::NAME)
            .calls(neighbours::RELEASE)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Draft, Status::Quotation, Status::Confirmed, Status::Processing], "sales.not_cancellable", "cancelled")?;
        let tenant = work.tenant();
        let mut held = Vec::new();
        if order.status.is_open() {
            let lines = store::lines(work.db(), tenant, order.id).await?;
            held.extend(lines.into_iter().map(|line| Holding { line: line.id.to_string(), reserved: line.reserved, backordered: line.backordered }));
            neighbours::release(work, order.id.0, order.company).await?;
            store::let_go(work.db(), tenant, order.id).await?;
        }
        store::cancel(work.db(), tenant, &order, self.reason.as_deref().filter(|reason| !reason.is_empty())).await?;
        work.emit("sales.order.cancelled", order.id, order.facts());
        Ok(Outcome::of(RESOURCE, order.id).undo(put_back::NAME, put_back::of_cancel(&order, &held)))
    }
}
