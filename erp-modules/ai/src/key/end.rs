//! `ai.key.end`: no call is made with the key any more. Nothing brings it back; a new one is made instead.

use super::{ENDED, Key, KeyId, RESOURCE, set_ended};
use crate::error::Error;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::events::Delivery;
use steward_kernel::{Code, CommandSpec, Event, Outcome, Result, Risk, Subscription, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    key: KeyId,
}

impl Command for End {
    fn spec() -> CommandSpec {
        // Declared as what it calls: two changes of the rights of users would else wait for each other.
        CommandSpec::new("ai.key.end").target("key").when(&[super::ACTIVE]).risk(Risk::HumanOnly).changes_rights_of_user().calls("identity.api_key.revoke")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let key = work.lock::<Key>(self.key).await?;
        if key.status == ENDED {
            return Err(Error::Ended.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        set_ended(work.db(), tenant, key.id.0, now).await?;
        match work.call("identity.api_key.revoke", json!({ "api_key": key.id })).await {
            // What identity does not know opens nothing.
            Err(error) if error.code == Code::NotFound => {}
            ended => drop(ended?),
        }
        Ok(Outcome::of(RESOURCE, key.id))
    }
}

/// A key that ended where its secret lives has ended here: with its user's deactivation, with a password set by somebody else.
///
/// This is what the screens show. That the key is refused does not wait for it.
pub(crate) struct Follow;

impl Subscription for Follow {
    const NAME: &'static str = "ai.end_key";
    const EVENTS: &'static [&'static str] = &["identity.api_key.ended"];
    const DELIVERY: Delivery = Delivery::Transactional;

    async fn handle(event: Event, work: &mut Work) -> Result<()> {
        let (tenant, now) = (work.tenant(), work.now());
        if let Some(key) = event.entity.filter(|_| event.payload["purpose"] != "erp") {
            set_ended(work.db(), tenant, key, now).await?;
        }
        Ok(())
    }
}
