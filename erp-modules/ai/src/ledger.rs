//! Writes every call down, in batches and beside the calls.
//!
//! Start at [`Ledger::record`]. Entries wait in a bounded queue for a task ([`Ledger::run`]) that writes them tenant by tenant,
//! each batch in one transaction with its sums by day, what it used of budgets, and the alerts that follow ([`write`]). An entry
//! that was written is not written again, whatever happened to the answer of the database. When the database is away the task
//! tries again and the queue fills; when it is full, whoever records waits for a moment, and what still does not fit is counted
//! and logged as lost. Money does not hang on it: that was settled by slices.
//!
//! **Invariant:** an entry holds no prompt and no answer. Where the tenant wants them kept they come along as an
//! [`Exchange`], and only masked texts are stored.

mod write;

use crate::access::Access;
use crate::exchange::Exchange;
use chrono::{DateTime, Utc};
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use steward_kernel::bus::Kernel;
use steward_kernel::{Code, Error, ids};
use steward_llm::limit::{Amounts, Counter};
use steward_llm::price::{Cost, Tokens};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Entries of one transaction.
const BATCH: usize = 500;
/// How long entries may wait for others.
const GATHER: Duration = Duration::from_millis(200);
/// How often an entry is tried while the database is there.
const TRIES_MAX: u32 = 20;
/// Between two attempts to write while the database is away.
const AGAIN: Duration = Duration::from_millis(500);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A model answered.
    Answered,
    /// It was answered from the cache.
    Cached,
    /// The caller went away.
    Cancelled,
    /// No model answered, or the answer broke off.
    Failed,
    /// We did not let it through: a limit, the guard, a rule.
    Refused,
}

impl Outcome {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Cached => "cached",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// A call that is over.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id: made once for each call, see [`Entry::of`].
    pub id: Uuid,
    /// Whose tenant.
    pub tenant: Uuid,
    /// Whose call.
    pub user: Uuid,
    /// The key; `None` for a person in a session.
    pub key: Option<Uuid>,
    /// Through which door: `chat`, `responses`, `messages`, `embeddings`, `assistant`.
    pub door: String,
    /// What was asked for.
    pub alias: String,
    /// Who served it at last, if anybody did.
    pub provider: Option<String>,
    /// The model that served it, by its provider's name.
    pub model: Option<String>,
    /// The tenant's prompt that was added to the instructions, and the number of its version.
    pub prompt: Option<(Uuid, i64)>,
    /// How it ended.
    pub outcome: Outcome,
    /// The stable code of what went wrong.
    pub code: Option<String>,
    /// How many attempts were made at providers.
    pub attempts: u32,
    /// What was read and written.
    pub tokens: Tokens,
    /// Of the tokens written, those of reasoning.
    pub reasoning_tokens: u64,
    /// What it cost.
    pub cost: Cost,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// From the beginning to the last byte.
    pub duration: Duration,
    /// From the beginning to the first token; `None` where none came.
    pub first_token: Option<Duration>,
    /// The bound that refused it.
    pub refused_by: Option<Counter>,
    /// Whether another call of the same request counts as the request: this one counts with its tokens and its money only.
    pub is_part: bool,
}

impl Entry {
    /// An entry of a call that begins now and that nobody has answered yet.
    pub fn of(caller: &crate::access::Caller, door: &str, alias: &str, started_at: DateTime<Utc>) -> Self {
        Self {
            id: ids::fresh(),
            tenant: caller.tenant,
            user: caller.user,
            key: caller.key,
            door: door.to_owned(),
            alias: alias.to_owned(),
            provider: None,
            model: None,
            prompt: None,
            outcome: Outcome::Failed,
            code: None,
            attempts: 0,
            tokens: Tokens::default(),
            reasoning_tokens: 0,
            cost: Cost::Priced(0),
            started_at,
            duration: Duration::ZERO,
            first_token: None,
            refused_by: None,
            is_part: false,
        }
    }

    /// What it counts under the limits: what was refused counts nothing.
    pub fn amounts(&self) -> Amounts {
        if self.outcome == Outcome::Refused {
            return Amounts::default();
        }
        let tokens = self.tokens.input.saturating_add(self.tokens.output);
        Amounts { requests: i64::from(!self.is_part), tokens: i64::try_from(tokens).unwrap_or(i64::MAX), nano_dollars: self.cost.nano_dollars() }
    }
}

struct Waiting {
    entry: Entry,
    exchange: Option<Arc<Exchange>>,
    /// How often it was not written although the database was there.
    tries: u32,
    /// Its place in the queue, given back with it.
    _place: OwnedSemaphorePermit,
}

/// Writes calls down.
pub struct Ledger {
    kernel: Arc<Kernel>,
    access: Arc<Access>,
    waiting: Mutex<VecDeque<Waiting>>,
    places: Arc<Semaphore>,
    capacity: u32,
    wait: Duration,
    added: Notify,
    /// One writer at a time, so that a flush is over only when nothing is on its way.
    writer: tokio::sync::Mutex<()>,
    lost: AtomicU64,
}

impl Ledger {
    /// `capacity` is how many entries may wait, `wait` how long a caller waits for room among them.
    pub fn new(kernel: Arc<Kernel>, access: Arc<Access>, capacity: u32, wait: Duration) -> Self {
        Self {
            kernel,
            access,
            waiting: Mutex::default(),
            places: Arc::new(Semaphore::new(capacity as usize)),
            capacity,
            wait,
            added: Notify::new(),
            writer: tokio::sync::Mutex::new(()),
            lost: AtomicU64::new(0),
        }
    }

    /// Notes a call that is over, to be written soon. `exchange` is kept only where the tenant's settings say so when it is
    /// written.
    pub async fn record(&self, entry: Entry, exchange: Option<Exchange>) {
        let room = tokio::time::timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = room else {
            self.lose(1, entry.tenant, "the ledger of calls to models is full: entries are lost");
            return;
        };
        self.lock().push_back(Waiting { entry, exchange: exchange.map(Arc::new), tries: 0, _place: place });
        self.added.notify_one();
    }

    /// How many entries wait.
    pub fn waiting(&self) -> u64 {
        u64::from(self.capacity) - self.places.available_permits() as u64
    }

    /// How many entries were lost since the process began.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes what waits until `stopping`. What is recorded from then on waits for [`Self::close`].
    pub async fn run(&self, stopping: CancellationToken) {
        while !stopping.is_cancelled() {
            tokio::select! {
                () = self.added.notified() => {}
                () = stopping.cancelled() => break,
            }
            // Others come meanwhile, and are written with it.
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = stopping.cancelled() => break,
            }
            while let Err(error) = self.flush().await {
                tracing::warn!(%error, code = error.code.as_str(), waiting = self.waiting(), "the ledger of calls to models cannot be written at the moment");
                tokio::select! {
                    () = tokio::time::sleep(AGAIN) => {}
                    () = stopping.cancelled() => break,
                }
            }
        }
    }

    /// Writes what still waits, trying for as long as `grace`; what is left then is lost, and said to be.
    pub async fn close(&self, grace: Duration) {
        let last = tokio::time::timeout(grace, async {
            while self.flush().await.is_err() {
                tokio::time::sleep(AGAIN).await;
            }
        });
        if last.await.is_err() {
            let left = std::mem::take(&mut *self.lock());
            for waiting in left {
                self.lose(1, waiting.entry.tenant, "the ledger of calls to models could not be written before the end");
            }
        }
    }

    /// Writes everything that waits. What is not written waits on, and holds up no other tenant's; the error is of one of those.
    pub async fn flush(&self) -> Result<(), Error> {
        let _turn = self.writer.lock().await;
        let mut back = Back { ledger: self, tenants: Vec::new() };
        let (mut failed, mut error, mut is_reached) = (HashSet::new(), None, false);
        loop {
            let batch: Vec<Waiting> = {
                let mut waiting = self.lock();
                let count = waiting.len().min(BATCH);
                waiting.drain(..count).collect()
            };
            if batch.is_empty() {
                break;
            }
            let first = back.tenants.len();
            back.tenants.extend(tenants(batch));
            // From the end, so that what was written is taken out.
            for at in (first..back.tenants.len()).rev() {
                let Some((tenant, entries)) = back.tenants.get_mut(at) else { continue };
                if failed.contains(tenant) {
                    continue;
                }
                match self.write_some(*tenant, entries).await {
                    Ok(()) => {
                        is_reached = true;
                        back.tenants.remove(at);
                    }
                    Err(away) if is_away(&away) => return Err(away),
                    Err(other) => {
                        failed.insert(*tenant);
                        error = Some(other);
                    }
                }
            }
        }
        // The database was there for others: what fails again and again is the tenant's own, and does not fill the queue for ever.
        if is_reached {
            for (tenant, entries) in &mut back.tenants {
                entries.iter_mut().for_each(|waiting| waiting.tries += 1);
                let before = entries.len();
                entries.retain(|waiting| waiting.tries < TRIES_MAX);
                let lost = before - entries.len();
                if lost > 0 {
                    self.lose(lost as u64, *tenant, "entries of the ledger of calls to models were lost: their tenant's cannot be written");
                }
            }
        }
        error.map_or(Ok(()), Err)
    }

    /// Writes entries of one tenant; those that can never be written are lost, one by one, so that they hold up nobody.
    async fn write_some(&self, tenant: Uuid, entries: &mut Vec<Waiting>) -> Result<(), Error> {
        match self.write_all(tenant, entries).await {
            Err(error) if is_for_ever(&error) => {}
            written => return written,
        }
        while let Some(waiting) = entries.last() {
            match self.write_all(tenant, std::slice::from_ref(waiting)).await {
                Err(error) if is_for_ever(&error) => {
                    tracing::error!(tenant.id = %tenant, entry.id = %waiting.entry.id, %error, "an entry of the ledger cannot be written");
                    self.lose(1, tenant, "an entry of the ledger of calls to models was lost");
                }
                Err(error) => return Err(error),
                Ok(()) => {}
            }
            entries.pop();
        }
        Ok(())
    }

    async fn write_all(&self, tenant: Uuid, entries: &[Waiting]) -> Result<(), Error> {
        let state = match self.access.tenant_state(tenant).await? {
            Some(state) => state,
            None => return Err(Error::not_found("tenant")),
        };
        write::write(&self.kernel, &state, tenant, entries).await
    }

    fn lose(&self, count: u64, tenant: Uuid, message: &'static str) {
        self.lost.fetch_add(count, Ordering::Relaxed);
        metrics::counter!("steward_ai_ledger_lost_total").increment(count);
        tracing::error!(tenant.id = %tenant, count, message);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the database is away for everybody.
fn is_away(error: &Error) -> bool {
    let source = error.source.as_ref().and_then(|source| source.downcast_ref::<sqlx::Error>());
    matches!(source, Some(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_)))
}

/// Whether trying again can never help: the tenant is gone, or a value cannot be stored.
fn is_for_ever(error: &Error) -> bool {
    matches!(error.code, Code::NotFound | Code::InvalidInput | Code::Duplicate | Code::Forbidden)
}

/// By tenant, so that each transaction has one.
fn tenants(batch: Vec<Waiting>) -> Vec<(Uuid, Vec<Waiting>)> {
    let mut tenants: Vec<(Uuid, Vec<Waiting>)> = Vec::new();
    for waiting in batch {
        let tenant = waiting.entry.tenant;
        match tenants.iter_mut().find(|(known, _)| *known == tenant) {
            Some((_, entries)) => entries.push(waiting),
            None => tenants.push((tenant, vec![waiting])),
        }
    }
    tenants
}

/// What was taken from the queue and not written goes back in front, also when whoever waits for the flush gives up.
struct Back<'a> {
    ledger: &'a Ledger,
    tenants: Vec<(Uuid, Vec<Waiting>)>,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        let mut waiting = self.ledger.lock();
        for (_, entries) in self.tenants.drain(..).rev() {
            for entry in entries.into_iter().rev() {
                waiting.push_front(entry);
            }
        }
    }
}
