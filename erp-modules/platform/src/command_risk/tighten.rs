//! Holds a command to be more dangerous than its module says, in this tenant.

use super::{CLASSES, RESOURCE, class, settle};
use crate::CommandRiskId;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome, RowScope};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TightenCommand {
    command: String,
    risk: String,
}

impl Command for TightenCommand {
    fn spec() -> CommandSpec {
        CommandSpec::new("platform.command_risk.tighten")
            .risk(Risk::HumanOnly)
            .changes_rights()
            .undo("platform.command_risk.relax")
            .inputs([Field::text("command").required().max(120), Field::choice("risk", CLASSES).required()])
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.check_new(RowScope::default())?;
        // What the module says, not what the tenant has made of it.
        let spec = work.kernel().registry.catalogue.command(&self.command).ok().filter(|spec| !spec.internal).cloned();
        let spec = spec.ok_or_else(|| Error::field("command", "there is no such command"))?;
        let risk = class(&self.risk).ok_or_else(|| Error::field("risk", "is not known here"))?;
        if risk <= spec.risk {
            let text = format!("{} is in this class or a stricter one already: a class can be tightened, never loosened", spec.name);
            return Err(Error::rule("platform.not_tighter", text).arg("command", spec.name.to_string()));
        }
        let tenant = work.tenant();
        let known = sqlx::query!("SELECT id, risk FROM platform_command_risk WHERE tenant_id = $1 AND command = $2 FOR UPDATE", tenant, self.command)
            .fetch_optional(work.db())
            .await
            .during("look for the class of the command")?;
        let (id, undo) = match known {
            Some(known) if known.risk == self.risk => return Err(Error::rule("platform.same_class", "the command has this class already")),
            Some(known) => {
                sqlx::query!("UPDATE platform_command_risk SET risk = $3 WHERE tenant_id = $1 AND id = $2", tenant, known.id, self.risk)
                    .execute(work.db())
                    .await
                    .during("store the class of the command")?;
                (known.id, ("platform.command_risk.tighten", json!({ "command": self.command, "risk": known.risk })))
            }
            None => {
                let id = CommandRiskId::fresh().0;
                sqlx::query!("INSERT INTO platform_command_risk (tenant_id, id, command, risk) VALUES ($1, $2, $3, $4)", tenant, id, self.command, self.risk)
                    .execute(work.db())
                    .await
                    .during("store the class of the command")?;
                (id, ("platform.command_risk.relax", json!({ "command_risk": id })))
            }
        };
        settle(work).await?;
        Ok(Outcome::of(RESOURCE, id).undo(undo.0, undo.1))
    }
}
