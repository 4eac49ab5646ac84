//! Where proposals are kept. Row-level security shows each person his own only.

use super::{Proposal, Provenance, State};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use std::sync::Arc;
use steward_kernel::bus::{Executed, Kernel, Preview, Step};
use steward_kernel::error::During;
use steward_kernel::{Error, Principal, Result, Work};
use uuid::Uuid;

/// A conversation that is gone takes no proposal any more: it would never be forgotten.
pub(super) async fn insert(kernel: &Arc<Kernel>, principal: &Principal, proposal: &Proposal) -> Result<()> {
    let mut work = kernel.record(principal, "assistant.propose").await?;
    if let Some(conversation) = proposal.conversation {
        let is_there: Option<Uuid> =
            sqlx::query_scalar("SELECT id FROM assistant_conversation WHERE tenant_id = $1 AND id = $2 AND owner_id = $3 FOR KEY SHARE")
                .bind(principal.tenant)
                .bind(conversation)
                .bind(principal.user)
                .fetch_optional(work.db())
                .await
                .during("look up the conversation")?;
        is_there.ok_or_else(|| Error::not_found("conversation"))?;
    }
    write(&mut work, proposal).await?;
    work.finish_record().await
}

async fn write(work: &mut Work, proposal: &Proposal) -> Result<()> {
    let (tenant, owner) = (work.tenant(), work.user());
    sqlx::query(
        "INSERT INTO assistant_proposal (tenant_id, id, owner_id, conversation_id, steps, preview, digest, risk, created_at, expires_at, provenance) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(tenant)
    .bind(proposal.id)
    .bind(owner)
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
    Ok(())
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
    let (conversation, steps, preview, state, results, created_at, expires_at, provenance) = row.ok_or_else(|| Error::not_found("proposal"))?;
    let state = serde_json::from_value(Value::String(state)).map_err(|error| Error::internal("a proposal has an unknown state").with_source(error))?;
    let (steps, preview, provenance, results) = (steps.0, preview.0, provenance.0, results.map(|results| results.0));
    let executions: Vec<Uuid> = results.iter().flatten().map(|executed| executed.execution).collect();
    let undone = match executions.is_empty() {
        true => Vec::new(),
        false => sqlx::query_scalar("SELECT id FROM kernel_execution WHERE tenant_id = $1 AND id = ANY ($2) AND undone_by IS NOT NULL")
            .bind(principal.tenant)
            .bind(executions)
            .fetch_all(read.db())
            .await
            .during("look up what was undone")?,
    };
    read.finish().await?;
    Ok(Proposal { id, conversation, steps, preview, provenance, state, results, undone, created_at, expires_at })
}

/// What was executed is a fact, whatever was decided in the meantime; only an open proposal can be rejected.
pub(super) async fn decide(kernel: &Arc<Kernel>, principal: &Principal, proposal: &Proposal, state: State, results: Option<&[Executed]>) -> Result<()> {
    let mut work = kernel.record(principal, "assistant.decide").await?;
    let is_stored = update(&mut work, proposal.id, state, results).await?;
    match (state, is_stored) {
        (_, true) => {}
        (State::Executed, false) => keep(&mut work, proposal, results).await?,
        (_, false) => return Err(Error::rule("actions.decided", "this proposal was decided already")),
    }
    work.finish_record().await
}

/// Of a proposal that was executed while its conversation was deleted, what its conversation would have left of it.
async fn keep(work: &mut Work, proposal: &Proposal, results: Option<&[Executed]>) -> Result<()> {
    let known: Option<Uuid> = sqlx::query_scalar("SELECT id FROM assistant_proposal WHERE tenant_id = $1 AND id = $2")
        .bind(work.tenant())
        .bind(proposal.id)
        .fetch_optional(work.db())
        .await
        .during("look up the proposal")?;
    let (None, Some(conversation)) = (known, proposal.conversation) else { return Ok(()) };
    write(work, proposal).await?;
    update(work, proposal.id, State::Executed, results).await?;
    strip(work, conversation).await
}

/// Whether there was anything to decide.
async fn update(work: &mut Work, id: Uuid, state: State, results: Option<&[Executed]>) -> Result<bool> {
    let (tenant, owner, now) = (work.tenant(), work.user(), work.now());
    let state = if state == State::Executed { "executed" } else { "rejected" };
    let decided = sqlx::query(
        "UPDATE assistant_proposal SET state = $4, results = $5, decided_at = $6
         WHERE tenant_id = $1 AND id = $2 AND owner_id = $3 AND (state = 'open' OR $4 = 'executed' AND state = 'rejected')",
    )
    .bind(tenant)
    .bind(id)
    .bind(owner)
    .bind(state)
    .bind(results.map(Json))
    .bind(now)
    .execute(work.db())
    .await
    .during("store the decision")?;
    Ok(decided.rows_affected() == 1)
}

/// Takes away what a conversation leaves of proposals, in the unit of work that deletes it: those that were not executed
/// entirely; of the others the preview, the arguments and the texts that they came from. What the audit needs stays: which
/// commands, when, with which results, after reading which records.
pub async fn forget(work: &mut Work, conversation: Uuid) -> Result<()> {
    let (tenant, owner) = (work.tenant(), work.user());
    // What was executed is known from its idempotency row, also when a crash came before the decision was stored.
    sqlx::query(
        "DELETE FROM assistant_proposal p WHERE p.tenant_id = $1 AND p.owner_id = $2 AND p.conversation_id = $3 AND p.state <> 'executed'
            AND NOT EXISTS (SELECT FROM kernel_idempotency i WHERE i.tenant_id = $1 AND i.actor_id = $2 AND i.key = 'proposal:' || p.id::text AND i.result IS NOT NULL)",
    )
    .bind(tenant)
    .bind(owner)
    .bind(conversation)
    .execute(work.db())
    .await
    .during("delete the proposals")?;
    strip(work, conversation).await
}

async fn strip(work: &mut Work, conversation: Uuid) -> Result<()> {
    let (tenant, owner) = (work.tenant(), work.user());
    sqlx::query(
        "UPDATE assistant_proposal p SET
            steps = (SELECT coalesce(jsonb_agg(jsonb_build_object('command', s.step -> 'command', 'input', '{}'::jsonb) ORDER BY s.at), '[]')
                       FROM jsonb_array_elements(p.steps) WITH ORDINALITY AS s (step, at)),
            preview = jsonb_build_object('changes', '[]'::jsonb, 'effects', '[]'::jsonb, 'follows', '[]'::jsonb, 'warnings', '[]'::jsonb, 'risk', p.preview -> 'risk',
                                         'targets', '[]'::jsonb, 'digest', p.preview -> 'digest', 'outcomes', '[]'::jsonb),
            provenance = jsonb_build_object('message', p.provenance -> 'message', 'notices', coalesce(p.provenance -> 'notices', '[]'), 'records', coalesce(p.provenance -> 'records', '[]'))
          WHERE p.tenant_id = $1 AND p.owner_id = $2 AND p.conversation_id = $3",
    )
    .bind(tenant)
    .bind(owner)
    .bind(conversation)
    .execute(work.db())
    .await
    .during("forget what the proposals said")?;
    Ok(())
}
