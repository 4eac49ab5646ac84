//! The relay: hands what was committed to the subscriptions, at least once, in the order of the outbox.
//!
//! Start at [`Relay::pass`], one round: read the outbox from the cursor that is furthest behind, deliver, store the
//! outcome, and only then move the cursors. A delivery that fails goes to `kernel.delivery_failure` and is tried again
//! later ([`failures`]), so that one bad event holds up nobody. [`upkeep`] does what a database needs once in a while.
//!
//! There is one leader for each database: whoever holds a session's advisory lock, on a connection of its own that also
//! carries all of its reads, so that a lost connection is a lost leadership. The others ask again at each poll. The relay
//! therefore needs a session: behind PgBouncer it connects past it or through a pool in session mode.
//!
//! **Invariant:** a cursor never passes an event whose outcome is not stored. A crash in between repeats a delivery:
//! transactional subscriptions recognise it, external ones must bear it.

mod failures;
mod sealing;
#[cfg(test)]
mod tests;
mod upkeep;

pub use sealing::{Chain, seal_audit, verify_audit};

use crate::bus::Kernel;
use crate::error::{Code, During, Error, Result};
use crate::events::{Delivery, ErasedSubscription, Event};
use futures::FutureExt;
use sqlx::{Connection, PgConnection};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Rows of the outbox that are read at once.
const BATCH: i32 = 500;
/// Commits within this time are handled together.
const GATHER: Duration = Duration::from_millis(10);
/// How long [`Relay::drain`] waits for somebody else's transaction, or for another leader.
const DRAIN_MAX: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub struct Settings {
    /// The net under the wake-up in the process: how often a leader looks for itself, and a follower asks for the lead.
    pub poll: Duration,
    /// A subscription that takes longer has failed.
    pub delivery_max: Duration,
    pub attempts_max: i32,
    pub metrics_every: Duration,
    pub seal_every: Duration,
    pub partitions_every: Duration,
    /// Whole months of the outbox older than this are dropped once every consumer has read them. `None` keeps all.
    pub outbox_keep_days: Option<i32>,
    /// How long a repeated call with the same idempotency key is answered with what the first one did.
    pub idempotency_keep_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            delivery_max: Duration::from_secs(90),
            attempts_max: 8,
            metrics_every: Duration::from_secs(10),
            seal_every: Duration::from_secs(60),
            partitions_every: Duration::from_secs(86_400),
            outbox_keep_days: Some(90),
            idempotency_keep_days: 7,
        }
    }
}

/// Cheap to clone; clones share the leadership.
#[derive(Clone)]
pub struct Relay {
    kernel: Arc<Kernel>,
    settings: Settings,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The connection that holds the lock; its guard makes rounds exclusive within the process.
    leader: Mutex<Option<PgConnection>>,
    leading: AtomicBool,
    /// Whether [`Relay::run`] is active, which keeps the leadership between rounds.
    running: AtomicBool,
}

/// A place in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    xid: i64,
    ordinal: i32,
}

#[derive(sqlx::FromRow)]
struct Row {
    xid: i64,
    ordinal: i32,
    tenant_id: Uuid,
    name: String,
    entity_id: Option<Uuid>,
    version: Option<i64>,
    payload: Option<serde_json::Value>,
    actor_id: Option<Uuid>,
    correlation_id: Option<String>,
    wanted: bool,
}

impl Row {
    fn position(&self) -> Position {
        Position { xid: self.xid, ordinal: self.ordinal }
    }
    fn event(&self) -> Event {
        Event {
            tenant: self.tenant_id,
            xid: self.xid,
            ordinal: self.ordinal,
            change: false,
            name: self.name.clone(),
            entity: self.entity_id,
            version: self.version,
            payload: self.payload.clone().unwrap_or_default(),
            actor: self.actor_id,
            correlation: self.correlation_id.clone(),
        }
    }
}

/// What a round did. `lead` is false where somebody else leads.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    lead: bool,
    applied: u64,
    /// A full batch: there is probably more.
    more: bool,
}

impl Relay {
    pub fn new(kernel: Arc<Kernel>) -> Self {
        Self::with(kernel, Settings::default())
    }
    pub fn with(kernel: Arc<Kernel>, settings: Settings) -> Self {
        Self { kernel, settings, shared: Arc::default() }
    }

    /// Whether this process leads now.
    pub fn leading(&self) -> bool {
        self.shared.leading.load(Ordering::Relaxed)
    }

    /// Delivers until `shutdown`; finishes the delivery it is at.
    pub async fn run(self, shutdown: CancellationToken) {
        self.shared.running.store(true, Ordering::Relaxed);
        futures::join!(self.deliver_until(&shutdown), self.upkeep_until(&shutdown));
        self.shared.running.store(false, Ordering::Relaxed);
        self.resign().await;
    }

    async fn deliver_until(&self, shutdown: &CancellationToken) {
        let mut pause = self.settings.poll;
        let mut committed = self.kernel.committed.follow();
        while !shutdown.is_cancelled() {
            // Before the round: what is committed while it runs wakes at once.
            committed.borrow_and_update();
            match self.round(shutdown).await {
                Ok(round) if round.more => continue,
                Ok(round) if round.applied > 0 => pause = GATHER,
                // What a commit woke us for may still lie above the horizon, held back by another transaction: look
                // again soon, and less and less often.
                Ok(round) if round.lead => pause = (pause * 2).min(self.settings.poll),
                Ok(_) => pause = self.settings.poll,
                Err(error) => {
                    tracing::warn!(%error, code = error.code.as_str(), "the relay could not read the outbox and will try again");
                    pause = self.settings.poll;
                }
            }
            // A follower is not woken: there is nothing it could do.
            let leading = self.leading();
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                Ok(()) = committed.changed(), if leading => {
                    tokio::time::sleep(GATHER).await;
                    pause = GATHER;
                }
            }
        }
    }

    /// Delivers everything that was committed before the call and all that follows from it, and returns how many
    /// deliveries this process applied. Waits where another transaction holds back the outbox or another process leads.
    /// Failed deliveries are tried again only when they are due.
    pub async fn drain(&self) -> Result<u64> {
        let never = CancellationToken::new();
        let deadline = Instant::now() + DRAIN_MAX;
        let mut applied = 0;
        let mut goal = self.newest().await?;
        let mut since_goal = 0;
        loop {
            let round = self.round(&never).await?;
            applied += round.applied;
            since_goal += round.applied;
            if self.behind(goal).await? {
                if Instant::now() > deadline {
                    return Err(Error::new(Code::Busy, "the outbox could not be drained in time: a transaction holds it back"));
                }
                if round.applied == 0 && !round.more {
                    tokio::time::sleep(GATHER / 2).await;
                }
                continue;
            }
            let newest = self.newest().await?;
            // What others wrote meanwhile is not waited for; what our own deliveries wrote is.
            if (round.lead && since_goal == 0) || newest == goal {
                break;
            }
            goal = newest;
            since_goal = 0;
        }
        if !self.shared.running.load(Ordering::Relaxed) {
            self.resign().await;
        }
        Ok(applied)
    }

    /// Takes the lead if it is free, then makes one round.
    async fn round(&self, shutdown: &CancellationToken) -> Result<Round> {
        let mut leader = self.shared.leader.lock().await;
        if leader.is_none() {
            *leader = self.elect().await?;
            self.shared.leading.store(leader.is_some(), Ordering::Relaxed);
        }
        let Some(mut db) = leader.take() else { return Ok(Round::default()) };
        // Taken out while the round runs: an error or a cancelled future drops the connection, and with it the lock.
        let round = self.pass(&mut db, shutdown).await;
        match round {
            Ok(_) => *leader = Some(db),
            Err(_) => self.shared.leading.store(false, Ordering::Relaxed),
        }
        round
    }

    async fn elect(&self) -> Result<Option<PgConnection>> {
        let mut db = self.kernel.database.relay.acquire().await.during("connect the relay")?;
        let led: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended('steward:relay', 0))")
            .fetch_one(&mut *db)
            .await
            .during("ask for the relay's lock")?;
        if !led {
            return Ok(None);
        }
        // Out of the pool: the lock must end with the connection and never be handed on.
        let mut db = db.detach();
        // A subscription that is new starts with the oldest event that is kept.
        sqlx::query("INSERT INTO kernel.outbox_cursor (consumer) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING")
            .bind(self.consumers())
            .execute(&mut db)
            .await
            .during("register the subscriptions")?;
        if self.shared.running.load(Ordering::Relaxed) {
            tracing::info!("this process leads the relay");
        }
        Ok(Some(db))
    }

    /// Gives up the lead, so that another process can take it at once.
    async fn resign(&self) {
        let leader = self.shared.leader.lock().await.take();
        self.shared.leading.store(false, Ordering::Relaxed);
        if let Some(db) = leader
            && let Err(error) = db.close().await
        {
            tracing::debug!(%error, "the relay's connection ended by itself");
        }
    }

    async fn pass(&self, db: &mut PgConnection, shutdown: &CancellationToken) -> Result<Round> {
        let mut round = Round { lead: true, applied: self.retry_due(db, shutdown).await?, more: false };
        let mut cursors = self.cursors(db).await?;
        let Some(from) = cursors.iter().map(|(_, position)| *position).min() else { return Ok(round) };
        let names: Vec<&str> = self.kernel.registry.subscriptions().iter().flat_map(|subscription| subscription.events()).copied().collect();
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT o.xid::text::bigint AS xid, o.ordinal, o.tenant_id, o.name, o.entity_id, o.version, o.actor_id, o.correlation_id,
                    o.kind = 'event' AND o.name = ANY ($4) AS wanted, CASE WHEN o.kind = 'event' AND o.name = ANY ($4) THEN o.payload END AS payload
               FROM kernel.outbox_after(($1::text)::xid8, $2, $3) o ORDER BY o.xid, o.ordinal",
        )
        .bind(from.xid.to_string())
        .bind(from.ordinal)
        .bind(BATCH)
        .bind(names)
        .fetch_all(&mut *db)
        .await
        .during("read the outbox")?;
        let Some(mut reached) = rows.last().map(Row::position) else { return Ok(round) };
        round.more = rows.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let mut handled = from;
        for row in &rows {
            if row.wanted {
                if shutdown.is_cancelled() {
                    reached = handled;
                    round.more = false;
                    break;
                }
                for (subscription, cursor) in &mut cursors {
                    if *cursor < row.position() && subscription.events().contains(&row.name.as_str()) {
                        round.applied += u64::from(self.deliver(db, subscription, row.event()).await?);
                        *cursor = row.position();
                        if subscription.delivery() == Delivery::External {
                            // Nothing in the database tells that it was delivered, so the cursor does, at once.
                            move_cursors(db, &[subscription.name()], *cursor).await?;
                        }
                    }
                }
            }
            handled = row.position();
        }
        move_cursors(db, &self.consumers(), reached).await?;
        Ok(round)
    }

    /// One delivery and its outcome; `true` when the subscription applied it now.
    async fn deliver(&self, db: &mut PgConnection, subscription: &Arc<dyn ErasedSubscription>, event: Event) -> Result<bool> {
        match self.attempt(subscription, event.clone()).await {
            Ok(applied) => Ok(applied),
            Err(error) => {
                self.store_failure(db, subscription.name(), &event, &error).await?;
                Ok(false)
            }
        }
    }

    /// Runs the subscription; a panic and a hanging one are failures like others.
    async fn attempt(&self, subscription: &Arc<dyn ErasedSubscription>, event: Event) -> Result<bool> {
        let delivery = Box::pin(AssertUnwindSafe(self.kernel.deliver(subscription, event)).catch_unwind());
        let result = match tokio::time::timeout(self.settings.delivery_max, delivery).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::internal("the subscription panicked")),
            Err(_) => Err(Error::new(Code::Busy, "the subscription took too long")),
        };
        let outcome = match &result {
            Ok(true) => "applied",
            Ok(false) => "repeated",
            Err(_) => "failed",
        };
        metrics::counter!("steward_deliveries_total", "consumer" => subscription.name(), "outcome" => outcome).increment(1);
        result
    }

    fn consumers(&self) -> Vec<&'static str> {
        self.kernel.registry.subscriptions().iter().map(|subscription| subscription.name()).collect()
    }

    fn subscription(&self, name: &str) -> Option<&Arc<dyn ErasedSubscription>> {
        self.kernel.registry.subscriptions().iter().find(|subscription| subscription.name() == name)
    }

    async fn cursors(&self, db: &mut PgConnection) -> Result<Vec<(Arc<dyn ErasedSubscription>, Position)>> {
        let rows: Vec<(String, i64, i32)> = sqlx::query_as("SELECT consumer, xid::text::bigint, ordinal FROM kernel.outbox_cursor WHERE consumer = ANY ($1)")
            .bind(self.consumers())
            .fetch_all(db)
            .await
            .during("read the cursors")?;
        Ok(rows.into_iter().filter_map(|(name, xid, ordinal)| Some((Arc::clone(self.subscription(&name)?), Position { xid, ordinal }))).collect())
    }

    /// The last row of the outbox that is visible, whether or not it lies below the horizon.
    async fn newest(&self) -> Result<Position> {
        let row: Option<(i64, i32)> = sqlx::query_as("SELECT o.xid::text::bigint, o.ordinal FROM kernel.outbox o ORDER BY o.xid DESC, o.ordinal DESC LIMIT 1")
            .fetch_optional(&self.kernel.database.relay)
            .await
            .during("look up the end of the outbox")?;
        Ok(row.map_or_else(Position::default, |(xid, ordinal)| Position { xid, ordinal }))
    }

    /// Whether a subscription has not read up to `goal`.
    async fn behind(&self, goal: Position) -> Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM unnest($1::text[]) AS name LEFT JOIN kernel.outbox_cursor c ON c.consumer = name
              WHERE c.consumer IS NULL OR (c.xid, c.ordinal) < (($2::text)::xid8, $3))",
        )
        .bind(self.consumers())
        .bind(goal.xid.to_string())
        .bind(goal.ordinal)
        .fetch_one(&self.kernel.database.relay)
        .await
        .during("compare the cursors")
    }
}

/// Moves cursors forward, never back.
async fn move_cursors(db: &mut PgConnection, consumers: &[&str], to: Position) -> Result<()> {
    sqlx::query(
        "UPDATE kernel.outbox_cursor SET xid = ($2::text)::xid8, ordinal = $3, moved_at = now()
          WHERE consumer = ANY ($1) AND (xid, ordinal) < (($2::text)::xid8, $3)",
    )
    .bind(consumers)
    .bind(to.xid.to_string())
    .bind(to.ordinal)
    .execute(db)
    .await
    .during("move the cursors")
    .map(drop)
}
