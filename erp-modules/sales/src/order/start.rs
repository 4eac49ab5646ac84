//! Starts work on a confirmed order.

use super::store;
use super::{Order, OrderId, RESOURCE, Status};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::{Command, CommandSpec, Outcome, Result, Work};

/// The input of `sales.order.start`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartOrder {
    pub order: OrderId,
}

impl Command for StartOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.start").target("order").when(&["confirmed"]).undo("sales.order.hold")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Confirmed], "sales.not_confirmed", "started")?;
        let tenant = work.tenant();
        store::set_status(work.db(), tenant, order.id, Status::Processing).await?;
        work.emit("sales.order.started", order.id, order.facts());
        Ok(Outcome::of(RESOURCE, order.id).undo("sales.order.hold", json!({ "order": order.id })))
    }
}
