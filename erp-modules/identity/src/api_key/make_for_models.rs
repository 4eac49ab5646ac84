//! Makes an API key for language models, for the module that looks after them. No door offers it: that module says who may.
//!
//! Nobody can act as its user with a key for models alone, so whoever makes one for somebody else need not hold that one's rights.
//! One that reaches the assistant as well everybody makes for himself.

use super::{ASSISTANT, MODELS, RESOURCE};
use crate::{ApiKeyId, UserId};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::Result;
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Error, Field, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeForModels {
    name: String,
    user: UserId,
    /// Whether it reaches the assistant as its user.
    #[serde(default)]
    acts: bool,
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

impl Command for MakeForModels {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.api_key.make_for_models").internal().risk(Risk::HumanOnly).inputs([
            Field::text("name").required().max(80),
            Field::reference("user", "identity.user").required(),
            Field::boolean("acts"),
            Field::timestamp("expires_at"),
        ])
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        if self.acts && self.user.0 != work.user() {
            return Err(Error::field("acts", "only a key of one's own may act"));
        }
        let id = ApiKeyId::fresh();
        let purpose = if self.acts { ASSISTANT } else { MODELS };
        let key = super::store(work, id, self.user.0, &self.name, self.expires_at, purpose).await?;
        Ok(Outcome::of(RESOURCE, id).secret(json!({ "api_key": key })))
    }
}
