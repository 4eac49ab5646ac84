//! Takes a quotation back to draft.

use super::store;
use super::{Order, OrderId, RESOURCE, Status};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::{Command, CommandSpec, Outcome, Result, Work};

/// The input of `sales.order.redraft`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedraftOrder {
    pub order: OrderId,
}

impl Command for RedraftOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.redraft").target("order").permission("sales:order:quote").when(&["quotation"]).undo("sales.order.quote")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Quotation], "sales.not_a_quotation", "taken_back_to_draft")?;
        let tenant = work.tenant();
        store::set_status(work.db(), tenant, order.id, Status::Draft).await?;
        work.emit("sales.order.redrafted", order.id, order.facts());
        Ok(Outcome::of(RESOURCE, order.id).undo("sales.order.quote", json!({ "order": order.id })))
    }
}
