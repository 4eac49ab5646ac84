//! Who did or tried what, through which door: one row for each command, nested ones included, and for each refusal.
//!
//! Rows are written in the transaction that they tell of; a refusal in one of its own. The chain over them is sealed
//! after the commit by the relay, so that it does not serialise a tenant.

use crate::catalogue::CommandSpec;
use crate::command::{Outcome, Reference};
use crate::error::{Code, During, Error, Result};
use crate::ids;
use crate::principal::Principal;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

/// The cause of an error about a record that a user aimed at and cannot reach. Absent and out of scope alike, so that
/// neither the answer nor the time that it takes tells them apart.
#[derive(Debug, thiserror::Error)]
#[error("the record is absent or out of the asker's scope")]
pub(crate) struct OutOfReach;

/// Whether an error refuses what somebody tried, and so is written down: a right, an entitlement or a width was lacking.
/// Other errors are about the input or the state of the records.
pub(crate) fn is_refusal(error: &Error) -> bool {
    matches!(error.code, Code::Forbidden | Code::NotEntitled | Code::ConfirmationRequired | Code::InteractiveSessionRequired)
        || error.source.as_ref().is_some_and(|source| source.is::<OutOfReach>())
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: Uuid,
    command: String,
    nested_in: Option<String>,
    target: Option<Reference>,
    outcome: &'static str,
    code: Option<&'static str>,
    risk: &'static str,
    detail: Value,
}

impl Entry {
    pub(crate) fn done(id: Uuid, spec: &CommandSpec, outcome: &Outcome, detail: Value) -> Self {
        Self {
            id,
            command: spec.name.to_string(),
            nested_in: None,
            target: outcome.primary.clone(),
            outcome: "done",
            code: None,
            risk: spec.risk.as_str(),
            detail,
        }
    }
    pub(crate) fn nested(inner: &CommandSpec, outer: &CommandSpec, outcome: &Outcome) -> Self {
        Self { nested_in: Some(outer.name.to_string()), ..Self::done(ids::fresh(), inner, outcome, json!({})) }
    }
    pub(crate) fn command(&self) -> &str {
        &self.command
    }
    /// Called by a door, not by another command.
    pub(crate) fn is_top(&self) -> bool {
        self.nested_in.is_none()
    }
    pub(crate) fn refused(command: &str, spec: Option<&CommandSpec>, code: Code, detail: Value) -> Self {
        Self {
            id: ids::fresh(),
            // The name may come from outside: bounded.
            command: command.chars().take(120).collect(),
            nested_in: None,
            target: None,
            outcome: "refused",
            code: Some(code.as_str()),
            risk: spec.map_or("", |spec| spec.risk.as_str()),
            detail,
        }
    }
}

/// Writes the entries in one statement.
pub(crate) async fn write(db: &mut PgConnection, principal: &Principal, entries: &[Entry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({ "id": entry.id, "command": entry.command, "nested_in": entry.nested_in, "outcome": entry.outcome, "code": entry.code, "risk": entry.risk, "detail": entry.detail,
                    "resource": entry.target.as_ref().map(|target| &target.resource), "entity_id": entry.target.as_ref().map(|target| target.id) })
        })
        .collect();
    sqlx::query(
        "INSERT INTO kernel_audit (tenant_id, id, actor_id, session_id, door, command, nested_in, resource, entity_id, outcome, code, risk, correlation_id, detail)
         SELECT $1, r.id, nullif($2, '00000000-0000-0000-0000-000000000000'::uuid), nullif($3, '00000000-0000-0000-0000-000000000000'::uuid), $4,
                r.command, r.nested_in, r.resource, r.entity_id, r.outcome, r.code, r.risk, $5, coalesce(r.detail, '{}')
         FROM jsonb_to_recordset($6) AS r(id uuid, command text, nested_in text, resource text, entity_id uuid, outcome text, code text, risk text, detail jsonb)",
    )
    .bind(principal.tenant)
    .bind(principal.user)
    .bind(principal.session)
    .bind(principal.door.as_str())
    .bind(&*principal.correlation)
    .bind(Value::Array(rows))
    .execute(db)
    .await
    .during("write the audit")?;
    Ok(())
}
