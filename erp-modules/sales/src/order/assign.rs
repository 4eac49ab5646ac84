//! Hands an order over to another owner: whoever may assign it may give it away, also out of his own sight.

use super::store;
use super::{Order, OrderId, RESOURCE};
use crate::neighbours;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::{Command, CommandSpec, Error, Field, Outcome, Result, Work};
use uuid::Uuid;

/// The input of `sales.order.assign`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignOrder {
    pub order: OrderId,
    pub owner: Uuid,
}

impl Command for AssignOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.assign")
            .target("order")
            .input(Field::reference("owner", "identity.user").column("owner").required())
            .undo("sales.order.assign")
            .asks(neighbours::PLACE)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        let place = neighbours::place(work, self.owner).await?;
        if !place.active {
            return Err(Error::field("owner", format!("{} is not active", place.name)));
        }
        let tenant = work.tenant();
        store::assign(work.db(), tenant, order.id, self.owner, place.department).await?;
        let mut facts = order.facts();
        facts["owner"] = json!(self.owner);
        work.emit("sales.order.assigned", order.id, facts);
        Ok(Outcome::of(RESOURCE, order.id).undo("sales.order.assign", json!({ "order": order.id, "owner": order.owner })))
    }
}
