//! What every handler shares. Cheap to clone.

use crate::assistant::Assistant;
use crate::config::Config;
use crate::http::auth::LoginLimiter;
use crate::http::health::Looks;
use crate::import::Places;
use crate::models::Doors;
use metrics_exporter_prometheus::PrometheusHandle;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use steward_embedder::Embedder;
use steward_identity::auth::Authenticator;
use steward_indexer::{Engines, Indexer};
use steward_kernel::bus::Kernel;
use steward_kernel::labels::Labels;
use steward_kernel::relay::{self, Relay};
use steward_llm::{Dispatcher, Provider};
use steward_migrations::{Contents, Expected};
use steward_rag::retrieve::{Retriever, Settings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[derive(Clone)]
pub struct AppState(Arc<Shared>);

pub struct Shared {
    pub kernel: Arc<Kernel>,
    pub auth: Arc<Authenticator>,
    /// Keys, money and rules of calls to models.
    pub ai: steward_ai::Gateway,
    pub config: Arc<Config>,
    pub labels: Arc<Labels>,
    /// Finds the model that answers, for everything that asks one.
    pub models: Arc<Dispatcher>,
    /// Answers the assistant's questions when no model does.
    pub planner: Arc<dyn Provider>,
    /// What the doors to models keep between requests.
    pub(crate) doors: Doors,
    /// Turns texts into vectors; whoever asks goes on without when it cannot.
    pub embedder: Arc<dyn Embedder>,
    /// What holds the index; only the indexer writes it.
    pub engines: Engines,
    pub indexer: Indexer,
    /// Answers from the index what the asker may read.
    pub retriever: Retriever,
    /// Tasks that a graceful stop waits for.
    pub tasks: TaskTracker,
    /// Cancelled when the program was told to stop: it still serves, and says that nothing more should be sent to it.
    pub draining: CancellationToken,
    /// Cancelled when the program stops: streams end, nothing new begins.
    pub stopping: CancellationToken,
    /// What the database must have seen for this program to serve from it.
    pub(crate) migrations: Expected,
    pub metrics: PrometheusHandle,
    pub relay: Relay,
    pub(crate) logins: LoginLimiter,
    pub(crate) assistant: Assistant,
    pub(crate) imports: Places,
    pub(crate) looks: Looks,
    /// Set when the relay of this process has ended although the program has not.
    relay_ended: AtomicBool,
}

impl AppState {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { kernel, auth, ai, config, models, doors, embedder, engines, indexer, metrics, tasks, stopping } = parts;
        let migrations = Expected::of(&Contents::of_registry(&kernel.registry));
        let relay = relay::Settings { idempotency_keep_days: config.limits.idempotency_keep_days, ..relay::Settings::default() };
        Self(Arc::new(Shared {
            labels: Arc::clone(&kernel.labels),
            logins: LoginLimiter::new(config.auth.failures_max),
            assistant: Assistant::new(),
            imports: Places::new(config.limits.imports_at_once),
            looks: Looks::default(),
            relay: Relay::with(Arc::clone(&kernel), relay),
            kernel,
            auth,
            ai,
            config,
            models: Arc::new(models),
            planner: Arc::new(steward_planner::Planner),
            doors,
            embedder,
            retriever: retriever(&engines),
            migrations,
            engines,
            indexer,
            tasks,
            draining: CancellationToken::new(),
            stopping,
            metrics,
            relay_ended: AtomicBool::new(false),
        }))
    }
}

/// Searches what the indexer fills.
fn retriever(engines: &Engines) -> Retriever {
    let vectors = engines.vectors.as_ref();
    let (index, embedder) = (vectors.map(|vectors| Arc::clone(&vectors.index)), vectors.map(|vectors| Arc::clone(&vectors.embedder)));
    Retriever::new(Arc::clone(&engines.text), index, embedder, Settings::default())
}

pub(crate) struct Parts {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) auth: Arc<Authenticator>,
    pub(crate) ai: steward_ai::Gateway,
    pub(crate) config: Arc<Config>,
    pub(crate) models: Dispatcher,
    pub(crate) doors: Doors,
    pub(crate) embedder: Arc<dyn Embedder>,
    pub(crate) engines: Engines,
    pub(crate) indexer: Indexer,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) tasks: TaskTracker,
    pub(crate) stopping: CancellationToken,
}

impl Shared {
    /// Whether the relay of this process runs, or is not wanted in it.
    pub fn relay_is_healthy(&self) -> bool {
        !self.relay_ended.load(Ordering::Relaxed)
    }
    /// Whether the program was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.draining.is_cancelled() || self.stopping.is_cancelled()
    }
    pub(crate) fn relay_has_ended(&self) {
        self.relay_ended.store(true, Ordering::Relaxed);
    }
}

impl Deref for AppState {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}
