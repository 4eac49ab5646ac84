//! `crm.party.archive` and `crm.party.restore`: out of the lists and back. Nothing is deleted, because documents refer
//! to the party for as long as they exist.

use super::{Party, PartyId, RESOURCE, store};
use crate::error::Error;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    party: PartyId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.party.archive").target("party").undo("crm.party.restore")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let party = work.lock::<Party>(self.party).await?;
        if party.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        store::set_archived(work.db(), tenant, party.id, Some(now)).await?;
        work.emit("crm.party.archived", party.id, json!({}));
        Ok(Outcome::of(RESOURCE, party.id).undo("crm.party.restore", json!({ "party": party.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    party: PartyId,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.party.restore").permission("crm:party:archive").target("party").undo("crm.party.archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let party = work.lock::<Party>(self.party).await?;
        if party.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        store::set_archived(work.db(), tenant, party.id, None).await?;
        Ok(Outcome::of(RESOURCE, party.id).undo("crm.party.archive", json!({ "party": party.id })))
    }
}
