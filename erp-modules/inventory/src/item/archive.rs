//! `inventory.item.archive` and `inventory.item.restore`: out of the lists and back. An item with stock stays in sight.

use super::{Item, ItemId, RESOURCE, store};
use crate::error::Error;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    item: ItemId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.item.archive").target("item").undo("inventory.item.restore")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let item = work.lock::<Item>(self.item).await?;
        if item.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        if !item.on_hand.is_zero() || !item.reserved.is_zero() || !item.on_order.is_zero() {
            return Err(Error::ItemInUse(item.name).into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        store::set_archived(work.db(), tenant, item.id, Some(now)).await?;
        work.emit("inventory.item.archived", item.id, json!({}));
        Ok(Outcome::of(RESOURCE, item.id).undo("inventory.item.restore", json!({ "item": item.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    item: ItemId,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("inventory.item.restore").permission("inventory:item:archive").target("item").undo("inventory.item.archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let item = work.lock::<Item>(self.item).await?;
        if item.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        store::set_archived(work.db(), tenant, item.id, None).await?;
        Ok(Outcome::of(RESOURCE, item.id).undo("inventory.item.archive", json!({ "item": item.id })))
    }
}
