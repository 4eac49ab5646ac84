//! A configuration that took effect: names resolved, keys read, providers made.
//!
//! Start at [`Live`], which holds the current [`Snapshot`] and exchanges it for the next. A snapshot never changes, and a call keeps
//! the one that it began with. A configuration with a mistake anywhere takes no effect at all; what was wrong with it is remembered
//! for a screen.
//!
//! **Invariant:** everything in a snapshot was checked, so whoever routes by it finds no name that leads nowhere.

mod build;
mod factory;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Serialize;
use tower::retry::budget::TpsBudget;

pub use factory::{Factory, Http};

use crate::config::{Capability, Config, Environment, Model, Problems, Routing};
use crate::health::{Health, Line, Vitals};
use crate::limit::Clock;
use crate::provider::{Provider, Target};

/// What calls are routed by. Never changes.
pub struct Snapshot {
    version: u64,
    pub(crate) routing: Routing,
    pub(crate) retries: TpsBudget,
    aliases: BTreeMap<Arc<str>, Arc<Alias>>,
}

/// A name that callers use, with all that answers to it.
pub struct Alias {
    name: Arc<str>,
    pub(crate) tiers: Vec<Vec<Choice>>,
    pub(crate) attempts_max: u32,
    pub(crate) hedge_after: Option<Duration>,
    pub(crate) content_policy_fallback: bool,
}

/// A model at a provider, among the targets of an alias.
pub(crate) struct Choice {
    pub(crate) weight: u32,
    pub(crate) site: Arc<Site>,
    /// The keys that may ask for it; one without a name where the server needs none.
    pub(crate) keys: Vec<Keyed>,
}

/// A model at a provider.
pub(crate) struct Site {
    pub(crate) provider: Arc<dyn Provider>,
    /// The provider, by its configured name.
    pub(crate) name: Arc<str>,
    pub(crate) vendor: Arc<str>,
    pub(crate) address: Arc<str>,
    /// The model, by the provider's own name.
    pub(crate) model: Arc<str>,
    pub(crate) can: Model,
    /// Where its price stands: a provider and a name in the price table.
    pub(crate) price: (Arc<str>, Arc<str>),
}

/// A key for a model.
pub(crate) struct Keyed {
    pub(crate) weight: u32,
    pub(crate) name: Arc<str>,
    pub(crate) target: Target,
    pub(crate) vitals: Vitals,
}

impl Snapshot {
    /// How often the configuration has taken effect, this time included.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What answers to this name, if anything does.
    pub fn alias(&self, name: &str) -> Option<&Arc<Alias>> {
        self.aliases.get(name)
    }

    /// All names, in their order.
    pub fn aliases(&self) -> impl Iterator<Item = &Arc<Alias>> {
        self.aliases.values()
    }
}

impl Alias {
    /// The name that callers use.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether any target of it can do this.
    pub fn can(&self, capability: Capability) -> bool {
        self.models().any(|model| model.can(capability))
    }

    /// The largest window among its targets, in tokens.
    pub fn context_window(&self) -> u64 {
        self.models().map(|model| model.context_window).max().unwrap_or(0)
    }

    /// The longest answer among its targets, in tokens; 0 if none answers conversations.
    pub fn max_output(&self) -> u64 {
        self.models().map(|model| model.max_output).max().unwrap_or(0)
    }

    /// Its targets in the order in which they are preferred: provider and model.
    pub fn targets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tiers.iter().flatten().map(|choice| (&*choice.site.name, &*choice.site.model))
    }

    fn models(&self) -> impl Iterator<Item = &Model> {
        self.tiers.iter().flatten().map(|choice| &choice.site.can)
    }
}

/// Providers and keys are left out.
impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alias").field("name", &self.name).field("targets", &self.targets().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("version", &self.version).field("aliases", &self.aliases).finish_non_exhaustive()
    }
}

/// The snapshot that holds now, and the way to the next.
pub struct Live {
    current: ArcSwap<Snapshot>,
    factory: Box<dyn Factory>,
    health: Health,
    clock: Clock,
    /// Held while a configuration is loaded, so that they take effect in the order in which they came.
    loaded: Mutex<Loaded>,
}

/// How the last configurations fared.
#[derive(Clone, Debug, Serialize)]
pub struct Loaded {
    /// Of the snapshot that holds.
    pub version: u64,
    /// When it took effect, in milliseconds since 1970.
    pub at: i64,
    /// What was wrong with the configuration that came after it, if one did.
    pub failed: Option<FailedReload>,
}

/// A configuration that took no effect.
#[derive(Clone, Debug, Serialize)]
pub struct FailedReload {
    /// When it came, in milliseconds since 1970.
    pub at: i64,
    /// What is wrong with it.
    pub problems: Problems,
}

/// Everything that a screen shows of routing.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// Of the configuration.
    pub loaded: Loaded,
    /// Of providers, models and keys.
    pub health: Vec<Line>,
}

impl Live {
    /// Puts a first configuration into effect. The clock is for telling when something happened.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(config: &Config, environment: Environment<'_>, factory: impl Factory + 'static, health: Health, clock: Clock) -> Result<Self, Problems> {
        let factory: Box<dyn Factory> = Box::new(factory);
        let first = build::snapshot(config, 1, environment, &*factory, &health)?;
        let loaded = Mutex::new(Loaded { version: 1, at: clock(), failed: None });
        Ok(Self { current: ArcSwap::from_pointee(first), factory, health, clock, loaded })
    }

    /// Puts another configuration into effect, for calls that begin from now on. What did not even parse is handed in as it failed,
    /// so that a screen tells it.
    ///
    /// # Errors
    /// Everything that is wrong with it; then the current one goes on to hold.
    pub fn reload(&self, config: Result<Config, Problems>, environment: Environment<'_>) -> Result<u64, Problems> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let version = loaded.version + 1;
        match config.and_then(|config| build::snapshot(&config, version, environment, &*self.factory, &self.health)) {
            Ok(next) => {
                self.current.store(Arc::new(next));
                *loaded = Loaded { version, at: (self.clock)(), failed: None };
                self.health.forget_unused();
                Ok(version)
            }
            Err(problems) => {
                loaded.failed = Some(FailedReload { at: (self.clock)(), problems: problems.clone() });
                tracing::error!(llm.problems = problems.0.len(), "a configuration of models took no effect, because it has mistakes");
                Err(problems)
            }
        }
    }

    /// The snapshot that holds now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// What a screen shows.
    pub fn state(&self) -> State {
        State { loaded: self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone(), health: self.health.report() }
    }
}

#[cfg(test)]
mod tests;
