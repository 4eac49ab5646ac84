//! Puts an order that is being worked on back to confirmed.

use super::store;
use super::{Order, OrderId, RESOURCE, Status};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::{Command, CommandSpec, Outcome, Result, Work};

/// The input of `sales.order.hold`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldOrder {
    pub order: OrderId,
}

impl Command for HoldOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.hold").target("order").permission("sales:order:start").when(&["processing"]).undo("sales.order.start")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Processing], "sales.not_processing", "put_on_hold")?;
        let tenant = work.tenant();
        store::set_status(work.db(), tenant, order.id, Status::Confirmed).await?;
        work.emit("sales.order.held", order.id, order.facts());
        Ok(Outcome::of(RESOURCE, order.id).undo("sales.order.start", json!({ "order": order.id })))
    }
}
