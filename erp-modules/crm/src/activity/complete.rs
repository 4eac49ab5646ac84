//! `crm.activity.complete` and `crm.activity.reopen`: each takes the other back.

use super::{Activity, ActivityId, DONE, OPEN, RESOURCE, store};
use crate::error::Error;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Outcome, Result, Work};

/// Whoever may change an activity may say that it is done.
const PERMISSION: &str = "crm:activity:update";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Complete {
    activity: ActivityId,
}

impl Command for Complete {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.activity.complete").permission(PERMISSION).target("activity").when(&[OPEN]).undo("crm.activity.reopen")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let activity = work.lock::<Activity>(self.activity).await?;
        if activity.status != OPEN {
            return Err(Error::Done.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        store::set_done(work.db(), tenant, activity.id, Some(now)).await?;
        work.emit("crm.activity.completed", activity.id, json!({ "party": activity.party_id }));
        Ok(Outcome::of(RESOURCE, activity.id).undo("crm.activity.reopen", json!({ "activity": activity.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reopen {
    activity: ActivityId,
}

impl Command for Reopen {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.activity.reopen").permission(PERMISSION).target("activity").when(&[DONE]).undo("crm.activity.complete")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let activity = work.lock::<Activity>(self.activity).await?;
        if activity.status != DONE {
            return Err(Error::Open.into());
        }
        let tenant = work.tenant();
        store::set_done(work.db(), tenant, activity.id, None).await?;
        Ok(Outcome::of(RESOURCE, activity.id).undo("crm.activity.complete", json!({ "activity": activity.id })))
    }
}
