//! Gives a command back the class that its module says: never a looser one.

use super::{CommandRisk, settle};
use crate::CommandRiskId;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaxCommand {
    command_risk: CommandRiskId,
}

impl Command for RelaxCommand {
    fn spec() -> CommandSpec {
        CommandSpec::new("platform.command_risk.relax").target("command_risk").risk(Risk::HumanOnly).changes_rights().undo("platform.command_risk.tighten")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let class = work.lock::<CommandRisk>(self.command_risk).await?;
        let tenant = work.tenant();
        sqlx::query!("DELETE FROM platform_command_risk WHERE tenant_id = $1 AND id = $2", tenant, class.id)
            .execute(work.db())
            .await
            .during("take the class away")?;
        settle(work).await?;
        let again = json!({ "command": class.command, "risk": class.risk });
        // The record is gone: nobody could read it any more to take this back.
        Ok(Outcome::nothing().undo("platform.command_risk.tighten", again))
    }
}
