//! Makes an API key for the ERP and shows it once: only its hash is stored.

use super::{ERP, RESOURCE};
use crate::{ApiKeyId, UserId, guard};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome, RowScope};
use steward_kernel::error::Result;
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    name: String,
    #[serde(default)]
    user: Option<UserId>,
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

impl Command for CreateApiKey {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.api_key.create").risk(Risk::HumanOnly).undo("identity.api_key.revoke").inputs([
            Field::text("name").required().max(80),
            Field::reference("user", "identity.user"),
            Field::timestamp("expires_at"),
        ])
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let user = self.user.map_or(work.user(), Into::into);
        work.check_new(RowScope { owner: Some(user), ..RowScope::default() })?;
        guard::may_act_as(work, user).await?;
        let id = ApiKeyId::fresh();
        let key = super::store(work, id, user, &self.name, self.expires_at, ERP).await?;
        Ok(Outcome::of(RESOURCE, id).secret(json!({ "api_key": key })).undo("identity.api_key.revoke", json!({ "api_key": id })))
    }
}
