//! Actions: what the assistant proposes and a person confirms.
//!
//! Start at [`propose`], which previews a plan and stores it, and at [`confirm`], which executes it through the command
//! bus as the person who confirmed. The assistant never writes by itself.
//!
//! **Invariants:** the token goes to interactive sessions only, never to a model; what is executed is what was previewed
//! (the digest of its effects is compared inside the executing transaction, and targets must have the versions seen);
//! confirming twice, retrying or resuming after a crash executes once, by the idempotency key of the proposal; the guard
//! against duplicates always runs, whatever a model asks for, and only the person who confirms can pass it.

mod guard;
mod shown;
mod store;

pub use guard::Duplicate;
pub use store::forget;

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

/// What a person says of likely duplicates when confirming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    Refused,
    Allowed,
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
    /// Steps that would make a likely duplicate: the person must say that he wants it.
    pub duplicates: Vec<Duplicate>,
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
    /// Those of its executions that were taken back.
    #[serde(default)]
    pub undone: Vec<Uuid>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// Previews the steps as the person and stores the proposal. Human-only commands cannot be proposed at all.
pub async fn propose(kernel: &Arc<Kernel>, principal: &Principal, mut context: Context, mut steps: Vec<Step>) -> Result<Proposal> {
    // A proposal is stored and shown as it is: a password has no place in one.
    let catalogue = &kernel.registry.catalogue;
    for step in &steps {
        let Some(spec) = catalogue.commands.get(step.command.as_str()) else { continue };
        let given = |field: &&Field| field.sensitivity == Sensitivity::Secret && step.input.get(field.name.as_ref()).is_some_and(|value| !value.is_null());
        if let Some(field) = spec.inputs.iter().find(given) {
            return Err(Error::field(field.name.to_string(), "is secret: fill it in on the page of the command"));
        }
    }
    let detail = told(&context);
    kernel.check_proposable(principal, &steps, &detail).await?;
    let (preview, duplicates) = guard::preview(kernel, principal, &mut steps, &detail).await?;
    context.provenance.duplicates = duplicates;
    if preview.risk == Risk::HumanOnly {
        return Err(kernel.refuse_human_only(principal, &steps, &detail).await);
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
        undone: Vec::new(),
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

/// Executes the proposal as the person who confirms it.
/// `duplicates` is the person's own word, where the guard against duplicates asked for one.
pub async fn confirm(kernel: &Arc<Kernel>, principal: &Principal, id: Uuid, token: &str, duplicates: Duplicates) -> Result<Value> {
    let proposal = sealed(kernel, principal, "assistant.proposal.confirm", id, token).await?;
    match proposal.state {
        State::Executed => {
            // A crash may have come between the execution and the decision: it is stored now.
            store::decide(kernel, principal, &proposal, State::Executed, proposal.results.as_deref()).await?;
            return Ok(proposal.outcome());
        }
        State::Rejected => return Err(Error::rule("actions.rejected", "this proposal was rejected")),
        State::Open if proposal.expires_at < kernel.clock.now() => return Err(Error::rule("actions.expired", "this proposal has expired, ask again")),
        State::Open if duplicates == Duplicates::Refused && !proposal.provenance.duplicates.is_empty() => return Err(guard::unanswered()),
        State::Open => {}
    }
    let plan = Plan {
        steps: proposal.steps.clone(),
        idempotency_key: Some(format!("proposal:{id}")),
        detail: audited(&proposal, principal),
        expected_digest: Some(proposal.preview.digest.clone()),
    };
    let results = kernel.execute_plan(principal, plan).await?;
    store::decide(kernel, principal, &proposal, State::Executed, Some(&results)).await?;
    Ok(Proposal { state: State::Executed, results: Some(results), ..proposal }.outcome())
}

/// Takes back what the proposal did, in one transaction: all that can be undone and was not yet, or nothing. Doing it
/// again changes nothing.
pub async fn undo(kernel: &Arc<Kernel>, principal: &Principal, id: Uuid) -> Result<Value> {
    let mut proposal = store::find(kernel, principal, id).await?;
    if proposal.state != State::Executed {
        return Err(Error::rule("actions.not_executed", "this proposal was not executed, there is nothing to undo"));
    }
    if proposal.undoable().next().is_none() {
        return Err(Error::rule("actions.irreversible", "nothing of what this proposal did can be undone"));
    }
    let left = proposal.left();
    if !left.is_empty() {
        kernel.undo_plan(principal, &left, &json!({ "proposal": id })).await?;
        proposal.undone = proposal.undoable().collect();
    }
    Ok(proposal.outcome())
}

/// What the audit of an execution says beside the command itself.
fn audited(proposal: &Proposal, principal: &Principal) -> Value {
    let mut detail = origin(proposal.conversation, &proposal.provenance);
    for (name, value) in [("proposal", json!(proposal.id)), ("policy", json!("confirmed")), ("approver", json!(principal.user))] {
        detail[name] = value;
    }
    if !proposal.provenance.duplicates.is_empty() {
        detail["duplicates"] = json!("allowed");
    }
    detail
}

/// What the audit says of a proposal that is refused: where it came from, as of one that is executed.
fn told(context: &Context) -> Value {
    let mut detail = origin(context.conversation, &context.provenance);
    detail["policy"] = json!("proposed");
    detail
}

fn origin(conversation: Option<Uuid>, provenance: &Provenance) -> Value {
    let Provenance { message, notices, tainted, records, .. } = provenance;
    let paths: Vec<&Value> = tainted.as_array().into_iter().flatten().filter_map(|mark| mark.get("path")).collect();
    json!({ "conversation": conversation, "message": message, "notices": notices, "tainted": paths, "records": records })
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
        State::Open => store::decide(kernel, principal, &proposal, State::Rejected, None).await?,
        State::Rejected => {}
        State::Executed => return Err(Error::rule("actions.executed", "this proposal was executed already; undo it instead")),
    }
    Ok(json!({ "results": [], "undo": null }))
}
