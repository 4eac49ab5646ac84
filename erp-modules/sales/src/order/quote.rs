//! Makes a quotation of a draft.

use super::store;
use super::{Order, OrderId, RESOURCE, Status};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::{Command, CommandSpec, Error, Outcome, Result, Work};

/// The input of `sales.order.quote`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuoteOrder {
    pub order: OrderId,
}

impl Command for QuoteOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.quote").target("order").when(&["draft"]).undo("sales.order.redraft")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Draft], "sales.not_a_draft", "quoted")?;
        if order.line_count == 0 {
            return Err(Error::rule("sales.no_lines", format!("order {} has no lines", order.number)).arg("order", &order.number));
        }
        let tenant = work.tenant();
        store::set_status(work.db(), tenant, order.id, Status::Quotation).await?;
        work.emit("sales.order.quoted", order.id, order.facts());
        Ok(Outcome::of(RESOURCE, order.id).undo("sales.order.redraft", json!({ "order": order.id })))
    }
}
