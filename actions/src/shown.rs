//! What of a proposal goes to a page: the card before it is confirmed, and what became of it.

use super::{Proposal, State};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

impl Proposal {
    /// What a page shows of it; the digest stays inside.
    pub fn shown(&self, now: DateTime<Utc>) -> Value {
        let step = |step: &steward_kernel::bus::Step| json!({ "command": step.command, "arguments": step.input, "name": step.name });
        let preview = &self.preview;
        json!({
            "id": self.id,
            "conversation_id": self.conversation,
            "state": self.state_at(now),
            "steps": self.steps.iter().map(step).collect::<Vec<_>>(),
            "preview": {
                "changes": preview.changes, "created": preview.created, "effects": preview.effects, "follows": preview.follows, "warnings": preview.warnings,
                "irreversible": preview.irreversible, "risk": preview.risk,
            },
            "tainted": if self.provenance.tainted.is_array() { self.provenance.tainted.clone() } else { json!([]) },
            "notices": self.provenance.notices,
            "duplicates": self.provenance.duplicates,
            "results": self.results.as_ref().map(|_| self.outcome()),
            "expires_at": self.expires_at,
        })
    }

    fn state_at(&self, now: DateTime<Utc>) -> Value {
        match self.state {
            State::Open if self.expires_at < now => json!("expired"),
            State::Executed if self.undoable().next().is_some() && self.left().is_empty() => json!("undone"),
            state => json!(state),
        }
    }

    /// The executions that can be undone or were, in the order in which they ran.
    pub(super) fn undoable(&self) -> impl Iterator<Item = Uuid> {
        self.results.iter().flatten().filter(|executed| executed.undoable).map(|executed| executed.execution)
    }

    /// Those that were not taken back yet.
    pub(super) fn left(&self) -> Vec<Uuid> {
        self.undoable().filter(|execution| !self.undone.contains(execution)).collect()
    }

    /// What a confirmation answers.
    pub(super) fn outcome(&self) -> Value {
        let results = self.results.as_deref().unwrap_or_default();
        let list: Vec<Value> = results
            .iter()
            .zip(&self.steps)
            .map(|(executed, step)| {
                let primary = executed.outcome.primary.as_ref();
                json!({ "command": step.command, "execution": executed.execution, "resource": primary.map(|primary| &primary.resource),
                        "id": primary.map(|primary| primary.id), "version": executed.version, "undoable": executed.undoable,
                        "undone": self.undone.contains(&executed.execution), "data": executed.outcome.data })
            })
            .collect();
        // Undone in reverse: what was done last is taken back first.
        let mut left = self.left();
        left.reverse();
        json!({ "results": list, "undo": if left.is_empty() { Value::Null } else { json!({ "executions": left }) } })
    }
}
