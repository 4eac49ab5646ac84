//! Actions: what the assistant proposes and a person confirms.
//!
//! Start at [`propose`], which previews a plan and stores it, and at [`confirm`], which executes it through the command
//! bus as the person who confirmed. The assistant never writes by itself.
//!
//! **Invariants:** the token goes to interactive sessions only, never to a model; what is executed is what was previewed
//! (the digest of its effects is compared inside the executing transaction, and targets must have the versions seen);
//! confirming twice, retrying or resuming after a crash executes once, by the idempotency key of the proposal.

mod store;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use steward_kernel::bus::{Executed, Kernel, Plan, Preview, Step};
use steward_kernel::catalogue::Sensitivity;
use steward_kernel::{Code, Error, Field, Module, Principal, Result, Risk};
use uuid::Uuid;

pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// A proposal waits this long for a person.
const LIFETIME_MINUTES: i64 = 60;

/// The module that owns conversations and proposals. It has no resources: those rows belong to one person each.
pub fn module() -> Module {
    Module::new("assistant").migrations(&MIGRATIONS).labels("en", include_str!("../labels/en.ftl")).labels("de", include_str!("../labels/de.ftl"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    Rejected,
    Executed,
}

/// In which conversation something is proposed, and what is known of where it comes from.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub conversation: Option<Uuid>,
    pub provenance: Provenance,
}

/// Where the steps of a proposal come from: stored with it, shown with it, and written into the audit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// The answer that it was proposed in.
    pub message: Option<Uuid>,
    /// What the person is warned of, by stable names: `asked_only`, `read_texts`.
    pub notices: Vec<String>,
    /// The arguments that are not the person's own, as a list for the card; null for none.
    pub tainted: Value,
    /// The records that were read before, as `resource/id`.
    pub records: Vec<String>,
    /// What one must be able to read to see the card; the conversation knows its form.
    pub sources: Value,
}

/// A plan with its preview, as it was shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proposal {
    pub id: Uuid,
    pub conversation: Option<Uuid>,
    pub steps: Vec<Step>,
    pub preview: Preview,
    #[serde(default)]
    pub provenance: Provenance,
    pub state: State,
    pub results: Option<Vec<Executed>>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl Proposal {
    /// What a page shows of it; the digest stays inside.
    pub fn shown(&self, now: DateTime<Utc>) -> Value {
        json!({
            "id": self.id,
            "conversation_id": self.conversation,
            "state": if self.state == State::Open && self.expires_at < now { json!("expired") } else { json!(self.state) },
            "steps": self.steps.iter().map(|step| json!({ "command": step.command, "arguments": step.input, "name": step.name })).collect::<Vec<_>>(),
            "preview": { "changes": self.preview.changes, "created": self.preview.created, "effects": self.preview.effects, "follows": self.preview.follows, "warnings": self.preview.warnings, "risk": self.preview.risk },
            "tainted": if self.provenance.tainted.is_array() { self.provenance.tainted.clone() } else { json!([]) },
            "notices": self.provenance.notices,
            "results": self.results.as_ref().map(|results| outcome(results, &self.steps)),
            "expires_at": self.expires_at,
        })
    }
}

/// Previews the steps as the person and stores the proposal. Human-only commands cannot be proposed at all.
pub async fn propose(kernel: &Arc<Kernel>, principal: &Principal, context: Context, mut steps: Vec<Step>) -> Result<Proposal> {
    // A proposal is stored and shown as it is: a password has no place in one.
    let catalogue = &kernel.registry.catalogue;
    for step in &steps {
        let Some(spec) = catalogue.commands.get(step.command.as_str()) else { continue };
        let given = |field: &&Field| field.sensitivity == Sensitivity::Secret && step.input.get(field.name.as_ref()).is_some_and(|value| !value.is_null());
        if let Some(field) = spec.inputs.iter().find(given) {
            return Err(Error::field(field.name.to_string(), "is secret: fill it in on the page of the command"));
        }
    }
    let preview = kernel.preview(principal, &steps).await?;
    if preview.risk == Risk::HumanOnly {
        let error = Error::new(Code::Forbidden, "this can only be done by a person in the screens").because("actions.human_only");
        let command = steps.first().map_or("", |step| step.command.as_str());
        return Err(kernel.refuse(principal, command, error, json!({ "proposal": true })).await);
    }
    bind_versions(kernel, &mut steps, &preview);
    let now = kernel.clock.now();
    let proposal = Proposal {
        id: steward_kernel::ids::fresh(),
        conversation: context.conversation,
        steps,
        preview,
        provenance: context.provenance,
        state: State::Open,
        results: None,
        created_at: now,
        expires_at: now + Duration::minutes(LIFETIME_MINUTES),
    };
    store::insert(kernel, principal, &proposal).await?;
    Ok(proposal)
}

/// Each target's version is bound to the first step that acts on it; later steps see what that one made of it.
fn bind_versions(kernel: &Kernel, steps: &mut [Step], preview: &Preview) {
    let mut bound: Vec<Uuid> = Vec::new();
    for step in steps {
        let Ok(spec) = kernel.registry.catalogue.command(&step.command) else { continue };
        let Some(id) = spec.target.as_ref().and_then(|target| step.input.get(target.as_ref())).and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok())
        else {
            continue;
        };
        if bound.contains(&id) {
            continue;
        }
        bound.push(id);
        step.expected_version = preview.targets.iter().find(|(reference, _)| reference.id == id).map(|(_, version)| *version);
    }
}

/// The person's own proposal; somebody else's reads like one that does not exist.
pub async fn find(kernel: &Arc<Kernel>, principal: &Principal, id: Uuid) -> Result<Proposal> {
    store::find(kernel, principal, id).await
}

/// The single-use token of a proposal, for an interactive session only. It binds the proposal with its steps, the
/// versions and effects seen, the person, the session and the expiry.
pub fn token(kernel: &Kernel, principal: &Principal, proposal: &Proposal) -> Option<String> {
    (principal.interactive && proposal.state == State::Open).then(|| seal(kernel, principal, proposal).to_hex().to_string())
}

fn seal(kernel: &Kernel, principal: &Principal, proposal: &Proposal) -> blake3::Hash {
    let key = blake3::derive_key("steward proposal confirmation v1", &kernel.cursor_key);
    let bound = json!([
        principal.tenant,
        principal.user,
        principal.session,
        proposal.id,
        proposal.steps,
        proposal.preview.digest,
        proposal.preview.targets,
        proposal.expires_at.timestamp_micros()
    ]);
    blake3::keyed_hash(&key, bound.to_string().as_bytes())
}

/// What a confirmation answers.
pub fn outcome(results: &[Executed], steps: &[Step]) -> Value {
    let list: Vec<Value> = results
        .iter()
        .zip(steps)
        .map(|(executed, step)| {
            json!({ "command": step.command, "execution": executed.execution, "resource": executed.outcome.primary.as_ref().map(|primary| &primary.resource),
                    "id": executed.outcome.primary.as_ref().map(|primary| primary.id), "version": executed.version, "undoable": executed.undoable, "data": executed.outcome.data })
        })
        .collect();
    // Undone in reverse: what was done last is taken back first.
    let undo: Vec<Uuid> = results.iter().rev().filter(|executed| executed.undoable).map(|executed| executed.execution).collect();
    json!({ "results": list, "undo": if undo.is_empty() { Value::Null } else { json!({ "executions": undo }) } })
}

/// Executes the proposal as the person who confirms it.
pub async fn confirm(kernel: &Arc<Kernel>, principal: &Principal, id: Uuid, token: &str) -> Result<Value> {
    let proposal = sealed(kernel, principal, "assistant.proposal.confirm", id, token).await?;
    match proposal.state {
        State::Executed => return Ok(outcome(proposal.results.as_deref().unwrap_or_default(), &proposal.steps)),
        State::Rejected => return Err(Error::rule("actions.rejected", "this proposal was rejected")),
        State::Open if proposal.expires_at < kernel.clock.now() => return Err(Error::rule("actions.expired", "this proposal has expired, ask again")),
        State::Open => {}
    }
    let plan = Plan {
        steps: proposal.steps.clone(),
        idempotency_key: Some(format!("proposal:{id}")),
        detail: audited(&proposal, principal),
        expected_digest: Some(proposal.preview.digest.clone()),
    };
    let results = kernel.execute_plan(principal, plan).await?;
    store::decide(kernel, principal, id, State::Executed, Some(&results)).await?;
    Ok(outcome(&results, &proposal.steps))
}

/// What the audit of an execution says beside the command itself.
fn audited(proposal: &Proposal, principal: &Principal) -> Value {
    let Provenance { message, notices, tainted, records, .. } = &proposal.provenance;
    let paths: Vec<&Value> = tainted.as_array().into_iter().flatten().filter_map(|mark| mark.get("path")).collect();
    json!({ "proposal": proposal.id, "conversation": proposal.conversation, "message": message, "policy": "confirmed", "approver": principal.user,
            "notices": notices, "tainted": paths, "records": records })
}

/// The person's own proposal, with the token that it handed to this session. Whoever is refused is audited.
async fn sealed(kernel: &Arc<Kernel>, principal: &Principal, command: &str, id: Uuid, token: &str) -> Result<Proposal> {
    let refused = |text: &'static str| kernel.refuse(principal, command, Error::new(Code::ConfirmationRequired, text), json!({ "proposal": id }));
    if !principal.interactive {
        return Err(refused("only a person who is logged in can decide on a proposal").await);
    }
    let proposal = store::find(kernel, principal, id).await?;
    // `blake3::Hash` compares in constant time; what is no hash at all is refused like a wrong one.
    if blake3::Hash::from_hex(token).ok() != Some(seal(kernel, principal, &proposal)) {
        return Err(refused("the confirmation does not belong to this proposal and session").await);
    }
    Ok(proposal)
}

/// Puts the proposal away for good, as the person who could have confirmed it. Answers in the form of a confirmation.
pub async fn reject(kernel: &Arc<Kernel>, principal: &Principal, id: Uuid, token: &str) -> Result<Value> {
    let proposal = sealed(kernel, principal, "assistant.proposal.reject", id, token).await?;
    match proposal.state {
        State::Open => store::decide(kernel, principal, id, State::Rejected, None).await?,
        State::Rejected => {}
        State::Executed => return Err(Error::rule("actions.executed", "this proposal was executed already; undo it instead")),
    }
    Ok(outcome(&[], &[]))
}
