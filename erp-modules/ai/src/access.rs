//! From a key to a caller: what the doors ask before they call a model, answered from memory.
//!
//! Start at [`Access::authenticate`]. Of each tenant a state is kept ([`State`]): settings, compiled guard, budgets, rules of
//! aliases, keys and prompts. It is right as long as its name in the database stays the same, and the name is looked up by one
//! small query once a second for each tenant that calls, and at once when this process has committed something. So a change
//! holds in the process that made it with the next call, and in every other one a second later. The same goes for keys:
//! whether one lives is asked of identity again after a second.
//!
//! **Invariant:** when the database cannot be asked, nobody is let in by what was true a while ago.

mod keys;
mod state;

pub use keys::{Keys, Proven};
pub use state::{Prompt, State};

use crate::{alias_rule, budget};
use moka::future::Cache;
use std::sync::Arc;
use std::time::Duration;
use steward_kernel::bus::Kernel;
use steward_kernel::{Code, Error, Result};
use steward_llm::guard::Guard;
use steward_llm::limit::Limit;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

/// Tenants and keys whose state is kept.
const KEPT_MAX: u64 = 10_000;
/// What is not asked for so long is forgotten.
const IDLE: Duration = Duration::from_secs(600);

/// Who calls, and what he may.
#[derive(Clone)]
pub struct Caller {
    /// Whose tenant.
    pub tenant: Uuid,
    /// Whose calls they are.
    pub user: Uuid,
    /// The key; `None` for a person in a session.
    pub key: Option<Uuid>,
    /// The aliases that the key is kept to; empty are all that are offered.
    aliases: Arc<[String]>,
    doors: Arc<[String]>,
    acts: bool,
    state: Arc<State>,
}

/// No `Debug` of the state: it holds prompts.
impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("tenant", &self.tenant).field("user", &self.user).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Caller {
    /// Whether he may use an alias: by the key and by the tenant's rules. Whether it is offered at all the operator says.
    pub fn may_use(&self, alias: &str) -> bool {
        (self.aliases.is_empty() || self.aliases.iter().any(|allowed| allowed == alias)) && self.is_let(alias)
    }

    /// Whether the tenant's rules let him use an alias, whatever his key is kept to: for what is called on the way to his answer.
    pub fn is_let(&self, alias: &str) -> bool {
        alias_rule::allows(&self.state.alias_rules, self.user, alias)
    }

    /// Whether the key opens a door, one of [`crate::key::DOORS`].
    pub fn may_enter(&self, door: &str) -> bool {
        self.doors.is_empty() || self.doors.iter().any(|allowed| allowed == door)
    }

    /// Whether he may act as the user, through the assistant.
    pub fn may_act(&self) -> bool {
        self.acts
    }

    /// Every limit that concerns the caller, for `steward_llm::budget::Budget::reserve`.
    pub fn limits(&self) -> Vec<Limit> {
        self.state.limits(self.user, self.key)
    }

    /// What the tenant wants of the way to models.
    pub fn settings(&self) -> &crate::settings::Settings {
        &self.state.settings
    }

    /// The tenant's guard: masking, filtering of answers and its own rules, compiled.
    pub fn guard(&self) -> &Arc<Guard> {
        &self.state.guard
    }

    /// The version that holds of the tenant's prompt of this name.
    pub fn prompt(&self, name: &str) -> Option<&Prompt> {
        self.state.prompts.get(name)
    }
}

/// What the doors ask. Cheap to share.
pub struct Access {
    kernel: Arc<Kernel>,
    keys: Arc<dyn Keys>,
    fresh: Duration,
    /// Counts the commits of this process.
    commits: watch::Receiver<u64>,
    tenants: Cache<Uuid, Arc<Slot>>,
    /// Hash of a key as it was presented → what identity said of it.
    proven: Cache<[u8; 32], (Proven, Seen)>,
}

/// When something was known to be right: by the clock, and by the count of commits.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    at_ms: i64,
    commits: u64,
}

/// The state of a tenant, and one check at a time.
type Slot = Mutex<Option<(Arc<State>, Seen)>>;

fn refused() -> Error {
    Error::new(Code::Unauthenticated, "the key is not valid").because("ai.key_invalid")
}

impl Access {
    /// `fresh` is for how long something is taken for right without being asked again; a second is meant.
    pub fn new(kernel: Arc<Kernel>, keys: Arc<dyn Keys>, fresh: Duration) -> Self {
        Self {
            commits: kernel.committed.follow(),
            tenants: Cache::builder().max_capacity(KEPT_MAX).time_to_idle(IDLE).build(),
            proven: Cache::builder().max_capacity(KEPT_MAX).time_to_idle(IDLE).build(),
            kernel,
            keys,
            fresh,
        }
    }

    /// Who presents this key. An unknown, an ended and an expired one, one of the ERP, and one of a tenant without this module
    /// read alike.
    pub async fn authenticate(&self, bearer: &str) -> Result<Caller> {
        let digest = *blake3::hash(bearer.as_bytes()).as_bytes();
        let now = self.now();
        let proven = match self.proven.get(&digest).await {
            Some((proven, seen)) if self.is_fresh(seen, now) => proven,
            _ => {
                let proven = match self.keys.prove(bearer).await {
                    Ok(proven) => proven,
                    Err(error) => {
                        self.proven.invalidate(&digest).await;
                        return Err(if error.code == Code::Unauthenticated { refused() } else { error });
                    }
                };
                self.proven.insert(digest, (proven, now)).await;
                proven
            }
        };
        let state = self.state(proven.tenant).await?.ok_or_else(refused)?;
        let key = state.keys.get(&proven.key).filter(|key| key.user == proven.user).ok_or_else(refused)?;
        Ok(Caller {
            tenant: proven.tenant,
            user: proven.user,
            key: Some(proven.key),
            aliases: Arc::clone(&key.aliases),
            doors: Arc::clone(&key.doors),
            acts: key.acts,
            state: Arc::clone(&state),
        })
    }

    /// A person in a session, whose rights the unit of work has read. `None` where the tenant's plan has no models.
    pub async fn person(&self, tenant: Uuid, user: Uuid) -> Result<Option<Caller>> {
        let state = self.state(tenant).await?;
        Ok(state.map(|state| Caller { tenant, user, key: None, aliases: Arc::from([]), doors: Arc::from([]), acts: true, state }))
    }

    /// What the tenant wants of the way to models; `None` where its plan has no models.
    pub async fn settings_of(&self, tenant: Uuid) -> Result<Option<crate::settings::Settings>> {
        Ok(self.state(tenant).await?.map(|state| state.settings.clone()))
    }

    /// The tenant's guard, compiled, with the rules of its own; `None` where its plan has no models.
    pub async fn rules_of(&self, tenant: Uuid) -> Result<Option<Arc<Guard>>> {
        Ok(self.state(tenant).await?.map(|state| Arc::clone(&state.guard)))
    }

    /// Every limit that concerns the caller as it was when he came; see [`Caller::limits`].
    pub fn limits_of(&self, caller: &Caller) -> Vec<Limit> {
        caller.limits()
    }

    /// A tenant's state as it is now; `None` where its plan has no models or it is not here.
    pub async fn state(&self, tenant: Uuid) -> Result<Option<Arc<State>>> {
        Ok(self.tenant_state(tenant).await?.filter(|state| state.is_entitled))
    }

    /// The same of a tenant whose plan has no models any more: what it called is still written down.
    pub(crate) async fn tenant_state(&self, tenant: Uuid) -> Result<Option<Arc<State>>> {
        let slot = self.tenants.get_with(tenant, async { Arc::new(Slot::default()) }).await;
        let mut known = slot.lock().await;
        // What is loaded from here on is at least as new as this.
        let now = self.now();
        if let Some((state, seen)) = known.as_ref()
            && self.is_fresh(*seen, now)
        {
            return Ok(Some(Arc::clone(state)));
        }
        let name = state::name(&self.kernel, tenant).await?;
        let state = match known.take() {
            Some((state, _)) if name.as_deref() == Some(&*state.name) => state,
            _ if name.is_none() => return Ok(None),
            _ => Arc::new(State::load(&self.kernel, tenant).await?),
        };
        *known = Some((Arc::clone(&state), now));
        Ok(Some(state))
    }

    fn now(&self) -> Seen {
        Seen { at_ms: self.kernel.clock.now().timestamp_millis(), commits: *self.commits.borrow() }
    }

    fn is_fresh(&self, seen: Seen, now: Seen) -> bool {
        let age = now.at_ms - seen.at_ms;
        seen.commits == now.commits && age >= 0 && u128::try_from(age).is_ok_and(|age| age < self.fresh.as_millis())
    }
}

impl State {
    /// Every current budget that concerns a call of this user with this key, as a limit.
    pub fn limits(&self, user: Uuid, key: Option<Uuid>) -> Vec<Limit> {
        self.budgets.iter().filter(|budget| budget.concerns(user, key)).map(|budget| budget.limit).collect()
    }
}

/// A budget as the doors and the ledger read it.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The budget's id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it bounds.
    pub limit: Limit,
    /// The percentages at which somebody is told, in ascending order.
    pub thresholds: Vec<i64>,
}

impl Bound {
    /// Whether a call of this user with this key counts.
    pub(crate) fn concerns(&self, user: Uuid, key: Option<Uuid>) -> bool {
        match self.limit.scope {
            steward_llm::limit::Scope::Tenant => true,
            steward_llm::limit::Scope::User(id) => id == user,
            steward_llm::limit::Scope::Key(id) => Some(id) == key,
        }
    }

    pub(crate) fn shown(&self, units: i64) -> rust_decimal::Decimal {
        budget::shown(self.limit.metric, units)
    }
}
