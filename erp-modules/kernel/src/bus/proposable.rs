//! What an assistant may propose at all. It is known before anything is previewed: a preview takes the locks of its
//! commands, and those of a change of rights would stop the tenant's writes for something that is refused anyway.

use super::{Kernel, Step};
use crate::catalogue::{Catalogue, Risk};
use crate::error::{Code, Error, Result};
use crate::principal::Principal;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// What no assistant may propose, whoever confirms it.
pub(super) fn human_only() -> Error {
    Error::new(Code::Forbidden, "this can only be done by a person in the screens").because("actions.human_only")
}

impl Kernel {
    /// Refuses a plan with a step that only persons may do, by the classes of the tenant's own catalogue. The refusal is
    /// written down and names that step.
    pub async fn check_proposable(self: &Arc<Self>, principal: &Principal, steps: &[Step], detail: &Value) -> Result<()> {
        let read = self.read(principal).await?;
        let is_human_only = |step: &&Step| {
            let spec = read.catalogue().commands.get(&step.command).filter(|spec| !spec.internal);
            spec.is_some_and(|spec| spec.risk == Risk::HumanOnly)
        };
        let refused = steps.iter().find(is_human_only).map(|step| step.command.clone());
        read.finish().await?;
        match refused {
            Some(command) => Err(self.refuse(principal, &command, human_only(), detail.clone()).await),
            None => Ok(()),
        }
    }

    /// Refuses a plan whose preview has come upon something that only persons may do: a step may call such a command.
    pub async fn refuse_human_only(self: &Arc<Self>, principal: &Principal, steps: &[Step], detail: &Value) -> Error {
        let catalogue = match self.read(principal).await {
            Ok(read) => Arc::clone(read.catalogue()),
            Err(error) => return error,
        };
        let comes_upon = |step: &&Step| comes_upon(&catalogue, &step.command, &mut HashSet::new());
        let command = steps.iter().find(comes_upon).or(steps.first()).map_or("", |step| step.command.as_str());
        self.refuse(principal, command, human_only(), detail.clone()).await
    }
}

/// Whether a command is for persons only, or one that it calls.
fn comes_upon(catalogue: &Catalogue, command: &str, seen: &mut HashSet<String>) -> bool {
    let Some(spec) = catalogue.commands.get(command).filter(|_| seen.insert(command.to_owned())) else { return false };
    spec.risk == Risk::HumanOnly || spec.calls.iter().any(|called| comes_upon(catalogue, called, seen))
}
