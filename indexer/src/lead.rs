//! Who works: one process for each database, elected by an advisory lock as the relay's leader is.
//!
//! The lock lives on a connection of its own, which is looked at at each poll: a lost connection is a lost leadership.
//! Two that believe to lead for a moment do no harm: every write is fenced, cursors move forward only, and an engine that
//! one process alone may hold refuses the second.

use crate::fault::{Fault, Result};
use crate::follow::{Follower, GATHER};
use crate::generation;
use crate::outbox::{self, Position};
use crate::sink::{self, Part};
use crate::{Indexer, upkeep};
use futures::future::join_all;
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use steward_kernel::error::{Code, During, Error};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long [`Indexer::settle`] waits for somebody else's transaction, or for another leader.
const SETTLE_MAX: Duration = Duration::from_secs(60);

impl Indexer {
    /// Whether this process leads now.
    pub fn leading(&self) -> bool {
        self.shared.leading.load(Ordering::Relaxed)
    }

    /// Keeps the index up to date until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let Some(_turn) = shutdown.run_until_cancelled(self.shared.turn.lock()).await else { return };
        while !shutdown.is_cancelled() {
            match self.elect().await {
                Ok(Some(db)) => {
                    tracing::info!("this process leads the indexer");
                    self.lead(db, &shutdown).await;
                }
                Ok(None) => {}
                Err(fault) => tracing::warn!(error = &fault as &dyn std::error::Error, code = fault.code(), "the indexer's lock could not be asked for"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(self.shared.settings.poll) => {}
            }
        }
    }

    async fn elect(&self) -> Result<Option<PgConnection>> {
        let mut db = self.shared.kernel.database.relay.acquire().await.during("connect the indexer")?;
        let led: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended('steward:indexer', 0))")
            .fetch_one(&mut *db)
            .await
            .during("ask for the indexer's lock")?;
        // Out of the pool: the lock must end with the connection and never be handed on.
        Ok(led.then(|| db.detach()))
    }

    async fn followers(&self) -> Result<Vec<Follower>> {
        if self.shared.engines.vectors.is_none() {
            generation::without(&self.shared.kernel.database.relay, Part::Vectors).await?;
        }
        Ok(sink::sinks(&self.shared.engines).into_iter().map(|sink| Follower::new(Arc::clone(&self.shared), sink)).collect())
    }

    async fn lead(&self, mut db: PgConnection, shutdown: &CancellationToken) {
        self.shared.leading.store(true, Ordering::Relaxed);
        let stop = shutdown.child_token();
        match self.followers().await {
            Ok(followers) => {
                let watching = async {
                    self.watch(&mut db, &stop).await;
                    stop.cancel();
                };
                let following = join_all(followers.into_iter().map(|follower| follower.run(stop.clone())));
                futures::join!(watching, following, upkeep::run(&self.shared, &stop));
            }
            Err(fault) => tracing::warn!(error = &fault as &dyn std::error::Error, code = fault.code(), "the indexer could not begin"),
        }
        self.resign(db).await;
    }

    /// Returns when the connection, and with it the lead, is lost.
    async fn watch(&self, db: &mut PgConnection, stop: &CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(self.shared.settings.poll)).await.is_some() {
            if db.ping().await.is_err() {
                tracing::warn!("the indexer's connection is lost, and with it the lead");
                return;
            }
        }
    }

    async fn resign(&self, db: PgConnection) {
        for sink in sink::sinks(&self.shared.engines) {
            if let Err(error) = sink.index().release().await {
                tracing::warn!(part = sink.part().as_str(), error = &error as &dyn std::error::Error, "an engine could not be let go of");
            }
        }
        self.shared.leading.store(false, Ordering::Relaxed);
        if let Err(error) = db.close().await {
            tracing::debug!(%error, "the indexer's connection ended by itself");
        }
    }

    /// Indexes everything that was committed before the call, fills and compares what is due, and swaps a generation that is
    /// complete. Fails where an engine is away. Records that failed are tried again only when they are due.
    pub async fn settle(&self) -> Result<(), Error> {
        let _turn = self.shared.turn.lock().await;
        let deadline = Instant::now() + SETTLE_MAX;
        let db = loop {
            if let Some(db) = self.elect().await.map_err(told)? {
                break db;
            }
            if Instant::now() > deadline {
                return Err(Error::new(Code::Busy, "another process indexes"));
            }
            tokio::time::sleep(GATHER).await;
        };
        self.shared.leading.store(true, Ordering::Relaxed);
        let settled = self.steps(deadline).await;
        self.resign(db).await;
        settled.map_err(told)
    }

    async fn steps(&self, deadline: Instant) -> Result<()> {
        let db = &self.shared.kernel.database.relay;
        let goal = outbox::newest(db).await?;
        let mut followers = self.followers().await?;
        loop {
            let mut worked = false;
            for follower in &mut followers {
                worked |= follower.step().await?;
            }
            if worked {
                continue;
            }
            if !self.is_behind(goal, &followers).await? {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Fault::Kernel(Error::new(Code::Busy, "the outbox could not be read to its end in time: a transaction holds it back")));
            }
            tokio::time::sleep(GATHER / 2).await;
        }
    }

    async fn is_behind(&self, goal: Position, followers: &[Follower]) -> Result<bool> {
        let db = &self.shared.kernel.database.relay;
        for target in generation::targets(db).await? {
            for follower in followers.iter().filter(|follower| follower.follows(&target)) {
                if outbox::cursor(db, &follower.part().consumer(target.generation)).await?.0 < goal {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// As the callers outside know it.
pub(crate) fn told(fault: Fault) -> Error {
    match fault {
        Fault::Kernel(error) => error,
        other => Error::new(Code::Busy, "the index could not be written").with_source(other),
    }
}
