//! What the doors that reach models hold of this module, put together: who calls, how much he may, and what is written down.
//!
//! A door does, in this order:
//! 1. [`Access::authenticate`] the key (or [`Access::person`] for a session), then `may_enter` and `may_use`;
//! 2. with an idempotency key: [`Idempotency::begin`];
//! 3. mask with `caller.guard()`; look into the cache if `caller.settings().cache`;
//! 4. `budget.reserve(caller.tenant, &caller.limits(), ceiling)`, which refuses without a call;
//! 5. the call; `settle` with what was used, or drop the reservation where that is not known;
//! 6. [`Ledger::record`] in every case, with `refused_by` where step 4 refused; [`Idempotency::finish`] or `abandon`.
//!
//! [`Gateway::run`] is the background of it, [`Gateway::close`] its end, after the last request and before the database is left.

use crate::access::{Access, Keys};
use crate::counting::{self, Counting};
use crate::idempotency::{self, Idempotency};
use crate::ledger::Ledger;
use crate::upkeep;
use std::sync::Arc;
use std::time::Duration;
use steward_kernel::bus::Kernel;
use steward_llm::budget::Budget;
use tokio_util::sync::CancellationToken;

/// How often unspent parts of limits go back.
const GIVE_BACK_EVERY: Duration = Duration::from_secs(1);

/// How it behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// For how long what is known of a tenant or a key is right without being asked again.
    pub fresh: Duration,
    /// How long a slice of a limit may be spent: longer than a call may take.
    pub lease: Duration,
    /// Entries that may wait to be written.
    pub ledger_capacity: u32,
    /// How long a call waits for room among them before its entry is lost.
    pub ledger_wait: Duration,
    /// Days after which single requests are forgotten; their sums by day stay.
    pub request_days: u32,
    /// How often what is old is forgotten.
    pub prune_every: Duration,
    /// Keys of clients.
    pub idempotency: idempotency::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(1),
            lease: Duration::from_secs(15 * 60),
            ledger_capacity: 20_000,
            ledger_wait: Duration::from_secs(2),
            request_days: 90,
            prune_every: Duration::from_secs(60 * 60),
            idempotency: idempotency::Settings::default(),
        }
    }
}

/// All of it.
pub struct Gateway {
    /// From a key to a caller.
    pub access: Arc<Access>,
    /// What this process may spend.
    pub budget: Budget,
    /// Writes calls down.
    pub ledger: Ledger,
    /// Answers given under keys of clients.
    pub idempotency: Idempotency,
    kernel: Arc<Kernel>,
    settings: Settings,
}

impl Gateway {
    /// Nothing runs before [`Self::run`].
    pub fn new(kernel: Arc<Kernel>, keys: Arc<dyn Keys>, settings: Settings) -> Self {
        let access = Arc::new(Access::new(Arc::clone(&kernel), keys, settings.fresh));
        let counting = Arc::new(Counting::new(Arc::clone(&kernel), settings.lease));
        Self {
            budget: Budget::new(counting, counting::clock(&kernel)),
            ledger: Ledger::new(Arc::clone(&kernel), Arc::clone(&access), settings.ledger_capacity, settings.ledger_wait),
            idempotency: Idempotency::new(Arc::clone(&kernel), settings.idempotency),
            access,
            kernel,
            settings,
        }
    }

    /// Writes the ledger, gives back what lies idle and forgets what is old, until `stopping`.
    pub async fn run(&self, stopping: CancellationToken) {
        tokio::join!(self.ledger.run(stopping.clone()), self.give_back(&stopping), self.prune(&stopping));
    }

    /// The end, when no request runs any more: writes what waits and gives back what was not spent, for as long as `grace`.
    pub async fn close(&self, grace: Duration) {
        self.ledger.close(grace).await;
        // What cannot be given back stays spent until its window ends.
        if !matches!(tokio::time::timeout(grace, self.budget.give_back_all()).await, Ok(Ok(()))) {
            tracing::warn!("unspent parts of limits could not be given back before the end and stay spent");
        }
    }

    async fn give_back(&self, stopping: &CancellationToken) {
        while pause(GIVE_BACK_EVERY, stopping).await {
            // The count says which tenant it was; the others' came back.
            let _ = self.budget.give_back_idle().await;
        }
    }

    async fn prune(&self, stopping: &CancellationToken) {
        while pause(self.settings.prune_every, stopping).await {
            if let Err(error) = upkeep::prune_all(&self.kernel, self.settings.request_days, stopping).await {
                tracing::warn!(%error, code = error.code.as_str(), "old calls to models could not be forgotten");
            }
        }
    }
}

/// Waits; false when it is time to stop.
async fn pause(duration: Duration, stopping: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(duration) => true,
        () = stopping.cancelled() => false,
    }
}
