//! The composition root: which modules there are, and how the parts of the program find each other.
//!
//! [`modules`] is the only list of modules. [`App::build`] takes the list as a parameter, so that a test composes the same
//! program with one module more.

pub(crate) mod embedder;
mod keys;
pub(crate) mod models;
mod search;
mod secrets;
pub mod server;

use crate::config::Config;
use crate::http;
use crate::state::{AppState, Parts};
use crate::{shutdown, telemetry};
use anyhow::{Context, Result};
use axum::Router;
use axum::serve::ListenerExt;
use secrecy::ExposeSecret;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use steward_identity::auth::{Authenticator, Settings};
use steward_identity::keys::Keys;
use steward_kernel::bus::Kernel;
use steward_kernel::database::Database;
use steward_kernel::{Clock, Module};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Every module of the product, one line each. The menu shows them the other way round: the daily work stands last here.
pub fn modules() -> Vec<Module> {
    vec![
        steward_identity::module(),
        steward_platform::module(),
        steward_actions::module(),
        steward_ai::module(),
        steward_crm::module(),
        steward_documents::module(),
        steward_hr::module(),
        steward_inventory::module(),
        steward_sales::module(),
    ]
}

/// The program, put together and not yet serving.
pub struct App {
    pub state: AppState,
}

impl App {
    /// Needs `database.url` in the configuration (see [`server::Server::open`] for the private server), with the
    /// migrations applied. Nothing runs before [`App::serve`] or [`App::work`].
    pub async fn build(config: Config, modules: Vec<Module>) -> Result<Self> {
        Self::build_at(config, modules, Clock::System).await
    }

    /// The same with another clock.
    pub async fn build_at(config: Config, modules: Vec<Module>, clock: Clock) -> Result<Self> {
        // Before anything that is measured: a gauge that is set once would else be lost.
        let metrics = telemetry::init_metrics()?;
        let url = config.database.url.as_ref().context("database.url is not set")?;
        let database = Database::new(&config.database.settings(url.expose_secret()))?;
        database.check().await.map_err(told)?;
        let home = home(&config)?;
        let folder = home.join("keys");
        let signing = Keys::open(&folder).map_err(told)?;
        let cursor_key = secrets::cursor_key(&folder)?;
        let kernel = Kernel::new(crate::screens::with_words(modules), database.clone(), clock.clone(), cursor_key).map_err(told)?;
        http::rest::check(&kernel.registry.catalogue).map_err(told)?;
        let settings = Settings { session: Duration::from_secs(config.auth.token_lifetime_seconds) };
        let models = models::dispatcher(&config, &clock)?;
        let doors = models::doors(&config, &clock)?;
        let auth = Authenticator::new(database, kernel.tenants.clone(), clock, signing, settings);
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        let embedder = embedder::build(&config, &tasks, &stopping)?;
        let engines = search::engines(&config, &kernel, &embedder)?;
        let indexer = search::indexer(&config, &kernel, engines.clone());
        let auth = Arc::new(auth);
        let ai = steward_ai::Settings { request_days: config.limits.model_requests_keep_days, ..steward_ai::Settings::default() };
        let ai = steward_ai::Gateway::new(Arc::clone(&kernel), Arc::new(keys::ModelKeys(Arc::clone(&auth))), ai);
        let parts = Parts { kernel, auth, ai, models, doors, embedder, engines, indexer, metrics, config: Arc::new(config), tasks, stopping };
        Ok(Self { state: AppState::new(parts) })
    }

    pub fn router(&self) -> Router {
        http::router(self.state.clone())
    }

    /// Serves until somebody asks for the end, by a signal or by [`crate::state::Shared::stopping`]. After a signal it goes
    /// on for the time of the drain. Requests that run are finished, the relay ends its delivery, the pools are closed.
    pub async fn serve(self, listener: TcpListener) -> Result<()> {
        let state = self.state.clone();
        let router = self.router();
        self.start_ai();
        self.start_upkeep();
        self.follow_models();
        if state.config.server.relay {
            self.start_relay();
        }
        if state.config.search.indexer {
            self.start_indexer();
        }
        let stopping = state.stopping.clone();
        let drain = Duration::from_secs(state.config.server.drain_seconds);
        let waiting = state.tasks.spawn(shutdown::requested(state.draining.clone(), stopping.clone(), drain));
        // Small answers must not wait for more to send.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
        });
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(stopping.clone().cancelled_owned());
        let grace = Duration::from_secs(state.config.server.stop_grace_seconds);
        let overdue = async {
            stopping.cancelled().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            served = server => served.context("the server failed")?,
            () = overdue => tracing::warn!("requests were still running when the time for an orderly stop was over"),
        }
        stopping.cancel();
        waiting.await.context("waiting for signals failed")?.context("signals cannot be received")?;
        self.close(grace).await;
        Ok(())
    }

    /// Delivers events until somebody asks for the end, and answers no requests.
    pub async fn work(self) -> Result<()> {
        self.start_relay();
        self.start_indexer();
        self.start_upkeep();
        // Nothing is sent to it, so there is nothing to drain.
        shutdown::requested(self.state.draining.clone(), self.state.stopping.clone(), Duration::ZERO).await.context("signals cannot be received")?;
        let grace = Duration::from_secs(self.state.config.server.stop_grace_seconds);
        self.close(grace).await;
        Ok(())
    }

    /// Delivers events in the background of this process.
    pub fn start_relay(&self) {
        let state = self.state.clone();
        self.state.tasks.spawn(async move {
            state.relay.clone().run(state.stopping.clone()).await;
            if !state.stopping.is_cancelled() {
                state.relay_has_ended();
                tracing::error!("the relay has ended; no events are delivered by this process");
            }
        });
    }

    /// Keeps the index up to date in the background of this process, as long as no other process does.
    pub fn start_indexer(&self) {
        self.state.tasks.spawn(self.state.indexer.clone().run(self.state.stopping.clone()));
    }

    /// Keeps the figures of this process in the background.
    fn start_upkeep(&self) {
        self.state.tasks.spawn(telemetry::upkeep(self.state.clone()));
    }

    /// Puts changes of the configured models into effect in the background of this process.
    pub fn follow_models(&self) {
        if let Some(file) = self.state.config.file.clone() {
            self.state.tasks.spawn(models::follow(file, Arc::clone(&self.state.models), self.state.stopping.clone()));
        }
    }

    /// Writes down what is called of models, and tidies up behind it, in the background of this process.
    pub fn start_ai(&self) {
        let state = self.state.clone();
        self.state.tasks.spawn(async move { state.ai.run(state.stopping.clone()).await });
    }

    /// Ends what runs in the background and closes the pools.
    pub async fn close(self, grace: Duration) {
        self.state.stopping.cancel();
        shutdown::drained(&self.state.tasks, grace).await;
        self.state.ai.close(grace).await;
        self.state.kernel.database.close().await;
        tracing::info!("stopped");
    }
}

/// The folder for our own files.
pub fn home(config: &Config) -> Result<PathBuf> {
    match &config.server.home {
        Some(home) => Ok(home.clone()),
        None => Ok(std::env::current_dir().context("the working directory is gone")?.join("var")),
    }
}

/// At start an operator reads the error: with its causes, which a request's answer never shows.
pub(crate) fn told(error: steward_kernel::Error) -> anyhow::Error {
    anyhow::Error::new(error)
}
