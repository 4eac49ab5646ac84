//! `inventory.item.discontinue`: the item is no longer bought; what is left of it is sold. `discontinued: false` in
//! `inventory.item.update` takes it back.

use super::{Item, ItemId, RESOURCE, store};
use crate::error::Error;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Discontinue {
    item: ItemId,
}

impl Command for Discontinue {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.item.discontinue").target("item").undo("inventory.item.update")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let item = work.lock::<Item>(self.item).await?;
        if item.discontinued {
            return Err(Error::Discontinued.into());
        }
        let item = Item { discontinued: true, ..item };
        let tenant = work.tenant();
        store::update(work.db(), tenant, &item).await?;
        work.emit("inventory.item.discontinued", item.id, json!({}));
        let undo = json!({ "item": item.id, "discontinued": false });
        Ok(Outcome::of(RESOURCE, item.id).undo("inventory.item.update", undo))
    }
}
