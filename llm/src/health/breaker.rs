//! A circuit breaker: of the way to a provider's endpoint, or of one model there.
//!
//! Start at [`Breaker::permit`]. `failsafe` supplies the state machine and the growth of its pauses; what it lacks is here:
//! - half-open, it permits every call: a gate lets one probe through and closes the breaker after two good ones;
//! - it hears nothing of a call that was dropped: a [`Permit`] gives its probe back when it goes out of scope;
//! - its policy over a time window is silent until a whole window has passed: [`OpenWhen`] counts from the first call;
//! - an answer that comes late, from before a change of state, would change the state again: it is not counted.
//!
//! What is absent: pauses after rate limits and used-up quotas. Those stand in `rest`.
//! Time is read from `failsafe::clock`, so that a test can hold it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use failsafe::backoff::{self, Exponential};
use failsafe::{FailurePolicy, Instrument, StateMachine, WindowedAdder, clock};
use metrics::SharedString;
use serde::Serialize;

/// When a breaker opens and for how long.
#[derive(Clone, Debug)]
pub struct BreakerConfig {
    /// Failures in a row that open it.
    pub consecutive_failures: u32,
    /// The time over which the share of failures is taken; at least a second.
    pub window: Duration,
    /// Calls within the window below which the share says nothing.
    pub samples_min: u32,
    /// Its first pause, in whole seconds, at least one; doubled after each probe that fails.
    pub pause: Duration,
    /// Its longest pause, in whole seconds.
    pub pause_max: Duration,
    /// Good probes that close it again.
    pub probes: u32,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            consecutive_failures: 5,
            window: Duration::from_secs(30),
            samples_min: 10,
            pause: Duration::from_secs(5),
            pause_max: Duration::from_secs(60),
            probes: 2,
        }
    }
}

/// What a breaker protects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protected {
    /// The provider, by its configured name.
    pub provider: Arc<str>,
    /// The model; absent if it is the way to the provider's endpoint.
    pub model: Option<Arc<str>>,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// One call at a time passes, to try.
    HalfOpen,
    /// No call passes. Once the pause is over, the next call finds it half-open.
    Open,
}

impl BreakerState {
    /// The name used in metrics and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// A breaker; clones share their state.
#[derive(Clone)]
pub struct Breaker {
    inner: Arc<Inner>,
}

struct Inner {
    machine: StateMachine<OpenWhen, Watch>,
    watch: Watch,
    probes_needed: u32,
    gate: Mutex<Gate>,
}

/// All calls into the machine happen under the lock of the gate, so that state and gate agree.
#[derive(Default)]
struct Gate {
    /// Rises with every change of state.
    epoch: u64,
    probe_is_out: bool,
    good_probes: u32,
    failed_at: Option<Instant>,
}

/// Leave for one call. Its outcome is reported by [`Permit::success`] or [`Permit::failure`]; a permit that is only dropped, because
/// the caller went away or the failure was not the provider's, counts as neither and gives its probe back.
#[must_use]
pub struct Permit {
    inner: Arc<Inner>,
    epoch: u64,
    is_probe: bool,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(protected: Protected, config: &BreakerConfig) -> Self {
        let watch = Watch::new(protected);
        Self {
            inner: Arc::new(Inner {
                machine: StateMachine::new(OpenWhen::new(config), watch.clone()),
                watch,
                probes_needed: config.probes,
                gate: Mutex::default(),
            }),
        }
    }

    /// Asks for leave to call; `None` while the breaker is open or its probe is out.
    pub fn permit(&self) -> Option<Permit> {
        let mut gate = self.inner.lock();
        if !self.inner.change(&mut gate, StateMachine::is_call_permitted) {
            return None;
        }
        let is_probe = self.state() == BreakerState::HalfOpen;
        if is_probe && std::mem::replace(&mut gate.probe_is_out, true) {
            return None;
        }
        Some(Permit { inner: self.inner.clone(), epoch: gate.epoch, is_probe })
    }

    /// Leave in spite of the breaker, for when there is no other provider to try.
    pub(crate) fn force(&self) -> Permit {
        Permit { inner: self.inner.clone(), epoch: self.inner.lock().epoch, is_probe: false }
    }

    /// Where it stands now.
    pub fn state(&self) -> BreakerState {
        self.inner.watch.state()
    }

    /// When a failure was last counted.
    pub fn failed_at(&self) -> Option<Instant> {
        self.inner.lock().failed_at
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Gate> {
        // Nothing under the lock can leave the gate half-changed.
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls into the machine and begins a new epoch if that changed its state.
    fn change<T>(&self, gate: &mut Gate, call: impl FnOnce(&StateMachine<OpenWhen, Watch>) -> T) -> T {
        let before = self.watch.state();
        let result = call(&self.machine);
        if self.watch.state() != before {
            gate.epoch += 1;
            gate.probe_is_out = false;
            gate.good_probes = 0;
        }
        result
    }
}

impl Permit {
    /// The provider answered.
    pub fn success(self) {
        let mut gate = self.inner.lock();
        if gate.epoch != self.epoch {
            return;
        }
        if self.inner.watch.state() == BreakerState::HalfOpen {
            gate.good_probes += 1;
            if gate.good_probes < self.inner.probes_needed {
                return;
            }
        }
        self.inner.change(&mut gate, StateMachine::on_success);
    }

    /// The provider failed.
    pub fn failure(self) {
        let mut gate = self.inner.lock();
        gate.failed_at = Some(clock::now());
        if gate.epoch == self.epoch {
            self.inner.change(&mut gate, StateMachine::on_error);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_probe {
            let mut gate = self.inner.lock();
            if gate.epoch == self.epoch {
                gate.probe_is_out = false;
            }
        }
    }
}

/// The policy: so many failures in a row, or half of the calls within the window.
#[derive(Debug)]
struct OpenWhen {
    consecutive_max: u32,
    samples_min: i64,
    consecutive: u32,
    calls: WindowedAdder,
    failures: WindowedAdder,
    pauses: Exponential,
    fresh_pauses: Exponential,
    is_open: bool,
}

impl OpenWhen {
    fn new(config: &BreakerConfig) -> Self {
        const SLICES: u8 = 6;
        let second = Duration::from_secs(1);
        let window = config.window.max(second);
        let pause = config.pause.max(second);
        let pauses = backoff::exponential(pause, config.pause_max.max(pause));
        Self {
            consecutive_max: config.consecutive_failures.max(1),
            samples_min: i64::from(config.samples_min.max(1)),
            consecutive: 0,
            calls: WindowedAdder::new(window, SLICES),
            failures: WindowedAdder::new(window, SLICES),
            pauses: pauses.clone(),
            fresh_pauses: pauses,
            is_open: false,
        }
    }
}

impl FailurePolicy for OpenWhen {
    fn record_success(&mut self) {
        self.consecutive = 0;
        self.calls.add(1);
    }

    fn mark_dead_on_failure(&mut self) -> Option<Duration> {
        self.consecutive = self.consecutive.saturating_add(1);
        self.calls.add(1);
        self.failures.add(1);
        let calls = self.calls.sum();
        self.is_open |= self.consecutive >= self.consecutive_max || (calls >= self.samples_min && self.failures.sum() * 2 >= calls);
        if !self.is_open {
            return None;
        }
        self.pauses.next().map(|pause| pause.mul_f64(rand::random_range(0.9..1.1)))
    }

    fn revived(&mut self) {
        self.consecutive = 0;
        self.calls.reset();
        self.failures.reset();
        self.pauses = self.fresh_pauses.clone();
        self.is_open = false;
    }
}

/// Follows the state machine, for reading and for metrics.
#[derive(Clone)]
struct Watch(Arc<Watched>);

struct Watched {
    protected: Protected,
    state: AtomicU8,
}

impl Watch {
    fn new(protected: Protected) -> Self {
        Self(Arc::new(Watched { protected, state: AtomicU8::new(0) }))
    }

    fn state(&self) -> BreakerState {
        match self.0.state.load(Ordering::Acquire) {
            0 => BreakerState::Closed,
            1 => BreakerState::HalfOpen,
            _ => BreakerState::Open,
        }
    }

    fn set(&self, state: BreakerState) {
        let value = match state {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        };
        self.0.state.store(value, Ordering::Release);
        let Protected { provider, model } = &self.0.protected;
        let scope = if model.is_some() { "model" } else { "endpoint" };
        let model = model.clone().map_or(SharedString::const_str(""), SharedString::from_shared);
        metrics::gauge!("steward_llm_breaker_state", "provider" => provider.clone(), "scope" => scope, "model" => model).set(f64::from(value));
    }
}

impl Instrument for Watch {
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        self.set(BreakerState::Open);
        let Protected { provider, model } = &self.0.protected;
        tracing::warn!(llm.provider = %provider, llm.model = model.as_deref(), "the breaker of a model provider opened");
    }

    fn on_half_open(&self) {
        self.set(BreakerState::HalfOpen);
    }

    fn on_closed(&self) {
        self.set(BreakerState::Closed);
    }
}
