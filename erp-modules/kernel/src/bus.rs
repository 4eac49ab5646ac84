//! The one door for writes. Every write from everywhere is a command that passes through [`Kernel::execute`].
//!
//! The pipeline is fixed; read it in [`Kernel::attempt`] and [`Work::step`]:
//! 1. resolve the tenant's placement;
//! 2. open the unit of work: rights, flags and epoch are read in its transaction;
//! 3. entitlement and permission; a refusal is audited in a transaction of its own;
//! 4. the idempotency row;
//! 5. decode the input against the tenant's catalogue, check its references against what the user may read, run the handler;
//! 6. change capture (by trigger), outbox, audit, undo; commit; wake the relay.
//!
//! Deliberately absent: any way to write that skips a step. A preview ([`preview`]) is the same code, rolled back.

mod batch;
mod commits;
mod external;
mod idempotency;
mod preview;
mod proposable;
mod refusals;
mod registry;
mod subscriptions;
mod undo;

pub use batch::{CHUNK, Row};
pub use commits::Commits;
pub use external::{Brought, External};
pub use preview::{Change, Preview};
pub use registry::Registry;
pub use undo::Undo;

use crate::audit::{self, Entry};
use crate::catalogue::{Catalogue, CommandSpec, RightsChange, Risk, module_of};
use crate::command::Outcome;
use crate::database::Database;
use crate::error::{Code, During, Error, Result};
use crate::labels::Labels;
use crate::module::Module;
use crate::principal::{Door, Principal, Rights};
use crate::tenant::{Placement, Tenants};
use crate::work::{self, Companies, Mode, Work};
use crate::{Clock, custom, ids, input, query};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// Steps of one plan; more is not a thing that a person can confirm.
const STEPS_MAX: usize = 50;
/// How often a unit of work that lost a deadlock is run again.
const DEADLOCKS_MAX: u32 = 3;

/// Everything that doors share: the registry of what there is, and the database.
pub struct Kernel {
    pub database: Database,
    pub tenants: Tenants,
    pub clock: Clock,
    pub registry: Registry,
    pub labels: Arc<Labels>,
    /// Signs the cursors of lists.
    pub cursor_key: [u8; 32],
    /// Told of each commit; the relay and others follow it.
    pub committed: Commits,
    catalogues: moka::future::Cache<(Uuid, i64), Arc<Catalogue>>,
}

/// A command to execute.
#[derive(Clone, Debug)]
pub struct Request {
    pub command: String,
    pub input: Value,
    pub idempotency_key: Option<String>,
    /// The version of the target that the caller saw (`If-Match`).
    pub expected_version: Option<i64>,
    /// Goes into the audit: a proposal's id, an import's file and row.
    pub detail: Value,
}

impl Request {
    pub fn new(command: impl Into<String>, input: Value) -> Self {
        Self { command: command.into(), input, idempotency_key: None, expected_version: None, detail: json!({}) }
    }
}

/// A step of a plan. Later steps refer to the record of an earlier one by `"$name"`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    pub command: String,
    pub input: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i64>,
}

/// Steps that share one transaction.
#[derive(Clone, Debug)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub idempotency_key: Option<String>,
    pub detail: Value,
    /// The digest of the preview that a person confirmed: what would happen now must be the same, else nothing does.
    pub expected_digest: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Executed {
    /// Names the execution for undo and in the audit.
    pub execution: Uuid,
    pub outcome: Outcome,
    /// Version of the primary record after the command.
    pub version: Option<i64>,
    pub undoable: bool,
    /// The stored result of an earlier call with the same idempotency key.
    #[serde(default)]
    pub replayed: bool,
    /// The transaction that changed the primary record, where one did: whoever follows the outbox has come past it or not.
    #[serde(default)]
    pub transaction: Option<i64>,
}

impl Kernel {
    /// Puts the modules together and checks them against each other; refuses at start what would fail later.
    pub fn new(modules: Vec<Module>, database: Database, clock: Clock, cursor_key: [u8; 32]) -> Result<Arc<Self>> {
        let (registry, labels) = registry::assemble(modules)?;
        Ok(Arc::new(Self {
            tenants: Tenants::new(database.clone()),
            database,
            clock,
            registry,
            labels: Arc::new(labels),
            cursor_key,
            committed: Commits::new(),
            catalogues: moka::future::Cache::builder().max_capacity(1_000).build(),
        }))
    }

    pub async fn placement(&self, tenant: Uuid) -> Result<Arc<Placement>> {
        self.tenants.by_id(tenant).await
    }

    /// The tenant's catalogue at a version; the base one where it added no field.
    pub async fn catalogue_at(&self, version: i64, tenant: Uuid, db: &mut PgConnection) -> Result<Arc<Catalogue>> {
        if version == 0 {
            return Ok(Arc::clone(&self.registry.catalogue));
        }
        if let Some(found) = self.catalogues.get(&(tenant, version)).await {
            return Ok(found);
        }
        let catalogue = Arc::new(custom::load(db, tenant, &self.registry.catalogue, version).await?);
        self.catalogues.insert((tenant, version), Arc::clone(&catalogue)).await;
        Ok(catalogue)
    }

    /// Executes one command.
    pub async fn execute(self: &Arc<Self>, principal: &Principal, request: Request) -> Result<Executed> {
        let Request { command, input, idempotency_key, expected_version, detail } = request;
        let steps = vec![Step { command, input, name: None, expected_version }];
        let mut done = self.execute_plan(principal, Plan { steps, idempotency_key, detail, expected_digest: None }).await?;
        done.pop().ok_or_else(|| Error::internal("a plan of one step had no result"))
    }

    /// Executes steps in one transaction: all or nothing.
    pub async fn execute_plan(self: &Arc<Self>, principal: &Principal, plan: Plan) -> Result<Vec<Executed>> {
        if plan.steps.is_empty() || plan.steps.len() > STEPS_MAX {
            return Err(Error::bad_request(format!("a plan has 1 to {STEPS_MAX} steps")));
        }
        let placement = self.placement(principal.tenant).await?;
        let reached = AtomicUsize::new(0);
        let result = self.attempt(principal, &placement, &plan, &[], &reached).await;
        match &result {
            Ok(_) => self.committed.tell(),
            Err(error) => self.audit_refusal(principal, &placement, refusals::refused(&plan.steps, &reached), error, &plan.detail).await,
        }
        result
    }

    /// `reached` counts the steps that passed, so that a batch can tell which of its rows failed, and the audit which step was refused.
    /// `externals` names the steps of an import by their external ids.
    async fn attempt(
        self: &Arc<Self>,
        principal: &Principal,
        placement: &Arc<Placement>,
        plan: &Plan,
        externals: &[Option<External>],
        reached: &AtomicUsize,
    ) -> Result<Vec<Executed>> {
        let mut victims = 0;
        loop {
            match self.attempt_once(principal, placement, plan, externals, reached).await {
                // PostgreSQL ended the transaction so that another one could go on: nothing was done, and the other one is through.
                Err(error) if error.is_deadlock() && victims < DEADLOCKS_MAX => {
                    victims += 1;
                    reached.store(0, Ordering::Relaxed);
                    metrics::counter!("steward_deadlocks_total").increment(1);
                }
                ended => return ended,
            }
        }
    }

    async fn attempt_once(
        self: &Arc<Self>,
        principal: &Principal,
        placement: &Arc<Placement>,
        plan: &Plan,
        externals: &[Option<External>],
        reached: &AtomicUsize,
    ) -> Result<Vec<Executed>> {
        let prepared = self.prepare(principal, &plan.steps, reached).await?;
        let mut work = self.open(principal, placement, Mode::Execute, &plan.steps).await?;
        work.prepared = prepared;
        let language = work.rights.language.clone();
        let done = self.perform(work, plan, externals, reached).await;
        done.map_err(|error| error.told_in(&self.labels, &language))
    }

    /// Steps 3 to 6 of the pipeline.
    async fn perform(self: &Arc<Self>, mut work: Work, plan: &Plan, externals: &[Option<External>], reached: &AtomicUsize) -> Result<Vec<Executed>> {
        for (at, step) in plan.steps.iter().enumerate() {
            // A batch learns which of its rows it was; the others may go on without it.
            work.admit(&step.command).inspect_err(|_| reached.store(at, Ordering::Relaxed))?;
        }
        if let Some(key) = &plan.idempotency_key
            && let Some(stored) = idempotency::claim(&mut work, key, &plan.steps).await?
        {
            work.tx.rollback().await.during("end the unit of work")?;
            return Ok(stored);
        }
        let mut done = work.run_steps(&plan.steps, &plan.detail, reached).await?;
        if let Some(expected) = &plan.expected_digest
            && *expected != preview::digest(&mut work).await?
        {
            return Err(Error::rule("kernel.effects_changed", "what this would do has changed since it was previewed, look at it again"));
        }
        external::record(&mut work, externals, &done).await?;
        work.flush_events().await?;
        let audits = std::mem::take(&mut work.audits);
        let principal = work.principal.clone();
        audit::write(&mut work.tx, &principal, &audits).await?;
        undo::record(&mut work, &mut done, &plan.steps).await?;
        if let Some(key) = &plan.idempotency_key {
            idempotency::store(&mut work, key, &done).await?;
        }
        work.tx.commit().await.during("commit")?;
        Ok(done)
    }

    /// Slow work on the input, such as hashing a password, is done before the transaction opens, and only for who may run
    /// every step: else anybody could keep the processors busy.
    async fn prepare(self: &Arc<Self>, principal: &Principal, steps: &[Step], reached: &AtomicUsize) -> Result<VecDeque<Option<Value>>> {
        let slow: Vec<_> = steps.iter().map(|step| self.registry.command(&step.command).ok().and_then(|command| command.prepare(&step.input))).collect();
        if slow.iter().all(Option::is_none) {
            return Ok(VecDeque::new());
        }
        let read = self.read(principal).await?;
        for (at, step) in steps.iter().enumerate() {
            admit(read.catalogue(), read.rights(), principal, &step.command, Way::In).inspect_err(|_| reached.store(at, Ordering::Relaxed))?;
        }
        read.finish().await?;
        let mut prepared = VecDeque::with_capacity(slow.len());
        for slow in slow {
            prepared.push_back(match slow {
                Some(slow) => Some(slow.await?),
                None => None,
            });
        }
        Ok(prepared)
    }

    /// A unit of work for records *about* requests, which no command writes: conversations, proposals, progress of an
    /// import. Their tables are closed to everybody but their owner. Business records are never written this way.
    pub async fn record(self: &Arc<Self>, principal: &Principal, purpose: &str) -> Result<Work> {
        let placement = self.placement(principal.tenant).await?;
        let step = Step { command: purpose.to_owned(), input: Value::Null, name: None, expected_version: None };
        self.open(principal, &placement, Mode::Execute, &[step]).await
    }

    pub(crate) async fn open(self: &Arc<Self>, principal: &Principal, placement: &Arc<Placement>, mode: Mode, steps: &[Step]) -> Result<Work> {
        let command = steps.first().map_or("", |step| step.command.as_str());
        let changes = steps.iter().filter_map(|step| self.registry.catalogue.commands.get(&step.command)).map(|spec| spec.changes_rights).max();
        let locks = match changes.unwrap_or_default() {
            RightsChange::None => "write",
            RightsChange::OfUser => "user_rights",
            RightsChange::OfMany => "rights",
        };
        let now = self.clock.now();
        let (mut tx, rights) = work::open(self, principal, placement, locks, command, now).await?;
        let catalogue = self.catalogue_at(rights.catalogue_version, principal.tenant, &mut tx).await?;
        Ok(Work {
            tx,
            kernel: Arc::clone(self),
            principal: principal.clone(),
            rights: Arc::new(rights),
            catalogue,
            mode,
            way: Way::In,
            now,
            spec: Arc::clone(&self.registry.idle),
            depth: 0,
            companies: Companies::default(),
            expected: None,
            events: Vec::new(),
            audits: Vec::new(),
            effects: Vec::new(),
            warnings: Vec::new(),
            allotted: Vec::new(),
            prepared: VecDeque::new(),
        })
    }
}

/// How a command comes to the bus.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// From a door.
    In,
    /// As the recorded undo of an execution: what no door offers may be run this way, with the permission that it needs.
    Back,
}

impl Work {
    /// Step 3 of the pipeline: may this user run this command at all?
    pub(crate) fn admit(&self, command: &str) -> Result<Arc<CommandSpec>> {
        admit(&self.catalogue, &self.rights, &self.principal, command, self.way)
    }

    pub(crate) async fn run_steps(&mut self, steps: &[Step], detail: &Value, reached: &AtomicUsize) -> Result<Vec<Executed>> {
        let mut names: HashMap<String, Uuid> = HashMap::new();
        let mut done = Vec::with_capacity(steps.len());
        for (at, step) in steps.iter().enumerate() {
            // The unit of work was opened under the first step's name; each change is told with its own command.
            if at > 0 && step.command != steps[at - 1].command {
                self.name_command(&step.command).await?;
            }
            let executed = self.step(step, &names, detail).await?;
            if let (Some(name), Some(primary)) = (&step.name, &executed.outcome.primary) {
                names.insert(format!("${name}"), primary.id);
            }
            done.push(executed);
            self.prepared.pop_front();
            reached.fetch_add(1, Ordering::Relaxed);
        }
        Ok(done)
    }

    /// The command that stands with the changes from here on.
    pub(crate) async fn name_command(&mut self, command: &str) -> Result<()> {
        sqlx::query("SELECT set_config('app.command', $1, true)").bind(command).execute(&mut *self.tx).await.during("name the command").map(drop)
    }

    /// Steps 3 and 5 of the pipeline for one command: admit, decode, check references, run.
    async fn step(&mut self, step: &Step, names: &HashMap<String, Uuid>, detail: &Value) -> Result<Executed> {
        let spec = self.admit(&step.command)?;
        let kernel = Arc::clone(&self.kernel);
        let command = kernel.registry.command(&step.command)?;
        let mut given = step.input.clone();
        name_records(&mut given, names);
        let input = self.decode(&spec, given).await?;
        self.expected = match (&spec.target, step.expected_version) {
            (Some(target), Some(version)) => input.get(target.as_ref()).and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok()).map(|id| (id, version)),
            _ => None,
        };
        self.spec = Arc::clone(&spec);
        self.companies = Companies::default();
        let outcome = command.run(self, input).await?;
        self.expected = None;
        let execution = ids::fresh();
        self.audits.push(Entry::done(execution, &spec, &outcome, detail.clone()));
        let undoable = outcome.undo.is_some();
        Ok(Executed { execution, outcome, version: None, undoable, replayed: false, transaction: None })
    }

    /// Decodes the input of a command and checks that its references exist and, for a command of the user's own, that the
    /// user may read them. A record out of sight reads like one that does not exist.
    pub(crate) async fn decode(&mut self, spec: &CommandSpec, mut given: Value) -> Result<Value> {
        let customs = match spec.customizable {
            true => self.catalogue.resources.get(spec.resource.as_ref()).map(|resource| custom::custom_fields(resource)).unwrap_or_default(),
            false => Vec::new(),
        };
        let custom = match given.as_object_mut() {
            Some(given) if spec.customizable => given.remove("custom"),
            _ => None,
        };
        let mut decoded = input::decode(&self.catalogue, &spec.inputs, given)?;
        if let Some(custom) = custom {
            // Required custom fields are asked for on creation only: a change names what it changes.
            let creating = spec.target.is_none();
            let fields: Vec<_> = customs.into_iter().map(|field| crate::Field { required: field.required && creating, ..field }).collect();
            let custom = input::decode(&self.catalogue, &fields, custom).map_err(|mut error| {
                error.fields.iter_mut().for_each(|field| field.field = format!("custom.{}", field.field));
                error
            })?;
            if let Some(decoded) = decoded.as_object_mut() {
                decoded.insert("custom".into(), custom);
            }
        } else if spec.customizable
            && spec.target.is_none()
            && let Some(missing) = customs.iter().find(|field| field.required)
        {
            return Err(Error::field(format!("custom.{}", missing.name), "is required"));
        }
        self.check_references(spec, &decoded).await?;
        Ok(decoded)
    }

    async fn check_references(&mut self, spec: &CommandSpec, decoded: &Value) -> Result<()> {
        let mut by_resource: HashMap<&str, Vec<(String, Uuid)>> = HashMap::new();
        for (path, resource, id) in input::references(&spec.inputs, decoded) {
            // The target is locked and checked by the handler, in one call.
            if spec.target.as_ref().is_none_or(|target| path != *target) {
                by_resource.entry(resource).or_default().push((path, id));
            }
        }
        let catalogue = Arc::clone(&self.catalogue);
        let rights = Arc::clone(&self.rights);
        // A nested command has its caller's authority, not the user's.
        let reader = if self.depth > 0 {
            Principal::system(self.principal.tenant, self.principal.door, Arc::clone(&self.principal.correlation))
        } else {
            self.principal.clone()
        };
        let mut missing = Vec::new();
        for (resource, named) in by_resource {
            let ids: Vec<Uuid> = named.iter().map(|(_, id)| *id).collect();
            let visible = query::scope::visible_ids(&mut self.tx, &catalogue, &rights, &reader, resource, &ids).await?;
            missing.extend(named.into_iter().filter(|(_, id)| !visible.contains(id)).map(|(path, _)| path));
        }
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort();
        Err(Error::fields(missing.into_iter().map(|field| crate::error::FieldError { field, message: "no such record".into() }).collect()))
    }
}

fn admit(catalogue: &Catalogue, rights: &Rights, principal: &Principal, command: &str, way: Way) -> Result<Arc<CommandSpec>> {
    let spec = catalogue.command(command)?;
    if spec.internal && way == Way::In {
        return Err(Error::unknown("command", command));
    }
    if !rights.entitled(module_of(command), spec.flag.as_deref()) {
        return Err(Error::new(Code::NotEntitled, format!("{command} is not available to this tenant")));
    }
    if !principal.is_system() {
        if !rights.may(&spec.permission) {
            return Err(Error::forbidden(&spec.permission));
        }
        if spec.risk == Risk::HumanOnly {
            if !principal.interactive {
                return Err(Error::new(Code::InteractiveSessionRequired, format!("{command} is for persons who are logged in, not for programs")));
            }
            // Also what was proposed before the tenant tightened it.
            if principal.door == Door::Assistant {
                return Err(proposable::human_only());
            }
        }
    }
    Ok(Arc::clone(spec))
}

/// Replaces `"$name"` by the id of the record that the step of that name made.
fn name_records(value: &mut Value, names: &HashMap<String, Uuid>) {
    match value {
        Value::String(text) => {
            if let Some(id) = names.get(text.as_str()) {
                *text = id.to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| name_records(item, names)),
        Value::Object(fields) => fields.values_mut().for_each(|item| name_records(item, names)),
        _ => {}
    }
}

/// The same value with its keys in order, so that equal bodies have equal digests.
pub(crate) fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(key, _)| key.as_str());
            Value::Object(sorted.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}
