//! Where proposals are kept. Row-level security shows each person his own only.

use super::{Proposal, Provenance, State};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use std::sync::Arc;
use steward_kernel::bus::{Executed, Kernel, Preview, Step};
use steward_kernel::error::During;
use steward_kernel::{Error, Principal, Result};
use uuid::Uuid;

pub(super) async fn insert(kernel: &Arc<Kernel>, principal: &Principal, proposal: &Proposal) -> Result<()> {
    let mut work = kernel.record(principal, "assistant.propose").await?;
    sqlx::query(
        "INSERT INTO assistant_proposal (tenant_id, id, owner_id, conversation_id, steps, preview, digest, risk, created_at, expires_at, provenance) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(principal.tenant)
    .bind(proposal.id)
    .bind(principal.user)
    .bind(proposal.conversation)
    .bind(Json(&proposal.steps))
    .bind(Json(&proposal.preview))
    .bind(&proposal.preview.digest)
    .bind(proposal.preview.risk.as_str())
    .bind(proposal.created_at)
    .bind(proposal.expires_at)
    .bind(Json(&proposal.provenance))
    .execute(work.db())
    .await
    .during("store the proposal")?;
    work.finish_record().await
}

type Row = (Option<Uuid>, Json<Vec<Step>>, Json<Preview>, String, Option<Json<Vec<Executed>>>, DateTime<Utc>, DateTime<Utc>, Json<Provenance>);

pub(super) async fn find(kernel: &Arc<Kernel>, principal: &Principal, id: Uuid) -> Result<Proposal> {
    let mut read = kernel.read(principal).await?;
    // What was executed is known from its idempotency row, also when a crash came before the decision was stored.
    let row: Option<Row> = sqlx::query_as(
        "SELECT p.conversation_id, p.steps, p.preview, CASE WHEN p.state = 'open' AND i.result IS NOT NULL THEN 'executed' ELSE p.state END, coalesce(p.results, i.result), p.created_at, p.expires_at, p.provenance
         FROM assistant_proposal p LEFT JOIN kernel_idempotency i ON i.tenant_id = p.tenant_id AND i.actor_id = p.owner_id AND i.key = 'proposal:' || p.id::text
         WHERE p.tenant_id = $1 AND p.id = $2 AND p.owner_id = $3",
    )
    .bind(principal.tenant)
            .bind(id)
            .bind(principal.user)
            .fetch_optional(read.db())
            .await
            .during("look up the proposal")?;
    read.finish().await?;
    let (conversation, steps, preview, state, results, created_at, expires_at, provenance) = row.ok_or_else(|| Error::not_found("proposal"))?;
    let state = serde_json::from_value(Value::String(state)).map_err(|error| Error::internal("a proposal has an unknown state").with_source(error))?;
    let (steps, preview, provenance, results) = (steps.0, preview.0, provenance.0, results.map(|results| results.0));
    Ok(Proposal { id, conversation, steps, preview, provenance, state, results, created_at, expires_at })
}

pub(super) async fn decide(kernel: &Arc<Kernel>, principal: &Principal, id: Uuid, state: State, results: Option<&[Executed]>) -> Result<()> {
    let mut work = kernel.record(principal, "assistant.decide").await?;
    let now = work.now();
    let state = if state == State::Executed { "executed" } else { "rejected" };
    // What was executed is a fact, whatever was decided in the meantime; only an open proposal can be rejected.
    let decided = sqlx::query(
        "UPDATE assistant_proposal SET state = $4, results = $5, decided_at = $6
         WHERE tenant_id = $1 AND id = $2 AND owner_id = $3 AND (state = 'open' OR $4 = 'executed' AND state = 'rejected')",
    )
    .bind(principal.tenant)
    .bind(id)
    .bind(principal.user)
    .bind(state)
    .bind(results.map(Json))
    .bind(now)
    .execute(work.db())
    .await
    .during("store the decision")?;
    if decided.rows_affected() == 0 && state == "rejected" {
        return Err(Error::rule("actions.decided", "this proposal was decided already"));
    }
    work.finish_record().await
}
