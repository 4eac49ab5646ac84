//! One part of the index, followed: what the outbox tells, what must be filled, what must be compared, in turns.
//!
//! Start at [`Follower::step`]. Everything that writes to a part's engine runs here, one thing after the other: what was
//! read later is written later, also where the version is the same.

use crate::fault::{Fault, Result};
use crate::generation::Target;
use crate::outbox::{self, Told};
use crate::sink::{Part, Sink};
use crate::{Shared, failures, generation, source};
use futures::FutureExt;
use sqlx::PgPool;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use steward_rag::engine::Generation;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Commits within this time are handled together.
pub(crate) const GATHER: Duration = Duration::from_millis(10);
/// So many records of a resource in one batch are an import: it is looked at when it is through.
const BULK: usize = 100;
/// A change of a tenant's own fields: what its records are found by may have changed.
const CUSTOM_FIELD: &str = "platform.custom_field";

pub(crate) struct Follower {
    pub(crate) shared: Arc<Shared>,
    pub(crate) sink: Arc<dyn Sink>,
    /// Generations that the engine is known to hold.
    prepared: HashSet<Generation>,
    /// Generations that were kept when the engine was last cleared of others.
    kept: Vec<i64>,
    /// Tenants whose catalogue was looked at, for each generation.
    pub(crate) surveyed: HashSet<(Generation, Uuid)>,
    /// When tenants are looked for again, for each generation.
    pub(crate) survey_at: HashMap<Generation, Instant>,
    /// Tenants that could not be read, until they can.
    pub(crate) absent: HashSet<Uuid>,
}

impl Follower {
    pub(crate) fn new(shared: Arc<Shared>, sink: Arc<dyn Sink>) -> Self {
        Self { shared, sink, prepared: HashSet::new(), kept: Vec::new(), surveyed: HashSet::new(), survey_at: HashMap::new(), absent: HashSet::new() }
    }

    pub(crate) fn db(&self) -> &PgPool {
        &self.shared.kernel.database.relay
    }
    pub(crate) fn part(&self) -> Part {
        self.sink.part()
    }

    /// Whether this part is kept up to date in the generation.
    pub(crate) fn follows(&self, target: &Target) -> bool {
        self.prepared.contains(&target.generation)
    }

    /// Until it is cancelled. What is under way is dropped then: it is repeated by whoever leads next.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let (poll, pause_max) = (self.shared.settings.poll, self.shared.settings.pause_max);
        let part = self.part().as_str();
        let available = metrics::gauge!("steward_index_available", "part" => part, "engine" => self.sink.index().name());
        let mut committed = self.shared.kernel.committed.follow();
        let (mut pause, mut outages) = (GATHER, 0_u32);
        loop {
            // Before the step: what is committed while it runs wakes at once.
            committed.borrow_and_update();
            let Some(outcome) = stop.run_until_cancelled(Box::pin(self.step())).await else { return };
            match outcome {
                Ok(worked) => {
                    available.set(1.0);
                    outages = 0;
                    if worked {
                        pause = GATHER;
                        continue;
                    }
                    pause = (pause * 2).min(poll);
                }
                Err(fault) => {
                    available.set(0.0);
                    pause = (poll * (1 << outages.min(10))).min(pause_max);
                    outages += 1;
                    tracing::warn!(part, code = fault.code(), error = &fault as &dyn std::error::Error, "a part of the index cannot be written and waits");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                Ok(()) = committed.changed(), if outages == 0 => {
                    tokio::time::sleep(GATHER).await;
                    pause = GATHER;
                }
            }
        }
    }

    /// One turn; `true` when something was done, so that there may be more.
    pub(crate) async fn step(&mut self) -> Result<bool> {
        self.ensure().await?;
        let targets = generation::targets(self.db()).await?;
        self.clear().await?;
        let mut worked = false;
        for target in &targets {
            match self.turn(target).await {
                Ok(did) => worked |= did,
                Err(fault) if fault.is_loss() => {
                    tracing::warn!(
                        part = self.part().as_str(),
                        generation = target.generation.0,
                        error = &fault as &dyn std::error::Error,
                        "a part of the index is lost and will be filled again"
                    );
                    self.sink.index().drop(target.generation).await?;
                    self.forget(target.generation);
                    worked = true;
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(worked)
    }

    async fn turn(&mut self, target: &Target) -> Result<bool> {
        if !self.prepare(target).await? {
            return Ok(false);
        }
        let mut worked = self.retry_due(target).await?;
        let passed = self.pass(target).await?;
        worked |= passed;
        worked |= self.survey(target).await?;
        worked |= self.fill(target).await?;
        if !passed {
            // Not while there is more to read: what is being written would be looked at over and over.
            worked |= self.compare(target).await?;
        }
        if !worked && !target.is_ready(self.part()) && self.is_complete(target).await? {
            generation::ready(self.db(), target.generation, self.part()).await?;
            tracing::info!(part = self.part().as_str(), generation = target.generation.0, "a part of the index is complete");
            worked = true;
        }
        if !worked && !target.live && generation::swap(self.db(), target.generation, self.shared.engines.vectors.is_some()).await? {
            tracing::info!(generation = target.generation.0, "a generation of the index is live");
            worked = true;
        }
        Ok(worked)
    }

    /// There is a generation of the configured model and of this release's catalogue, or one is asked for.
    async fn ensure(&self) -> Result<()> {
        let (model, shape) = (self.shared.model(), self.shared.shape);
        let targets = generation::targets(self.db()).await?;
        let of_model = |target: &Target| model.is_empty() || target.model.is_empty() || target.model == model;
        let of_shape = |target: &Target| target.shape == shape;
        let reason = match targets.as_slice() {
            [] => generation::Reason::First,
            targets if targets.iter().any(|target| of_model(target) && of_shape(target)) => return Ok(()),
            targets if targets.iter().any(of_shape) => generation::Reason::Model,
            _ => generation::Reason::Catalogue,
        };
        generation::request(self.db(), model, &shape, reason).await?;
        Ok(())
    }

    /// Drops what the engine holds of generations that are not kept any more.
    async fn clear(&mut self) -> Result<()> {
        let mut kept = generation::kept(self.db()).await?;
        kept.sort_unstable();
        if kept == self.kept {
            return Ok(());
        }
        let newest = kept.last().copied().unwrap_or_default();
        for held in self.sink.index().generations().await? {
            // One that is newer was asked for a moment ago.
            if held.0 < newest && !kept.contains(&held.0) {
                self.sink.index().drop(held).await?;
                self.forget(held);
            }
        }
        self.kept = kept;
        Ok(())
    }

    fn forget(&mut self, generation: Generation) {
        self.prepared.remove(&generation);
        self.surveyed.retain(|(of, _)| *of != generation);
        self.survey_at.remove(&generation);
    }

    /// The engine holds the generation and the outbox is followed for it. `false` where this part cannot be followed in it:
    /// its vectors are of another model.
    async fn prepare(&mut self, target: &Target) -> Result<bool> {
        if self.prepared.contains(&target.generation) {
            return Ok(true);
        }
        if let (Part::Vectors, Some(vectors)) = (self.part(), &self.shared.engines.vectors) {
            let model = vectors.embedder.model();
            if target.model.is_empty() {
                generation::adopt(self.db(), target.generation, model).await?;
            } else if target.model != model {
                return Ok(false);
            }
        }
        if !self.sink.index().generations().await?.contains(&target.generation) {
            generation::lost(self.db(), target.generation, self.part()).await?;
            self.sink.index().create(target.generation).await?;
        }
        // Before anything is filled: what the filling does not see is told of later.
        let (_, new) = outbox::cursor(self.db(), &self.part().consumer(target.generation)).await?;
        if new {
            self.refill(target.generation).await?;
        }
        self.prepared.insert(target.generation);
        Ok(true)
    }

    async fn pass(&mut self, target: &Target) -> Result<bool> {
        let consumer = self.part().consumer(target.generation);
        let (from, new) = outbox::cursor(self.db(), &consumer).await?;
        if new {
            // Somebody deleted the cursor: what was told since it stood is not known.
            self.refill(target.generation).await?;
        }
        let Some(batch) = outbox::after(self.db(), from, self.shared.settings.batch_rows).await? else { return Ok(false) };
        for told in batch.told.iter().filter(|told| told.resource == CUSTOM_FIELD) {
            self.surveyed.remove(&(target.generation, told.tenant));
            self.survey_at.remove(&target.generation);
        }
        let bulk = bulk(&batch.told);
        self.bring(target.generation, batch.told).await?;
        for (tenant, resource) in bulk {
            self.look_at(target.generation, tenant, &resource).await?;
        }
        outbox::advance(self.db(), &consumer, batch.reached).await?;
        Ok(true)
    }

    async fn retry_due(&mut self, target: &Target) -> Result<bool> {
        let consumer = self.part().consumer(target.generation);
        let due = failures::due(self.db(), &consumer, self.shared.kernel.clock.now()).await?;
        let worked = !due.is_empty();
        for due in due {
            match self.tried(target.generation, vec![due.told.clone()]).await?.into_iter().next() {
                None => failures::forget(self.db(), &consumer, &[due.told]).await?,
                Some((_, fault)) => {
                    let now = self.shared.kernel.clock.now();
                    failures::postpone(self.db(), &consumer, now, self.shared.settings.attempts_max, &due, &fault).await?;
                }
            }
        }
        Ok(worked)
    }

    /// Brings records up to date. Those that cannot be are put aside with their reason; what concerns all of them is an error,
    /// and nothing is put aside for it.
    pub(crate) async fn bring(&mut self, generation: Generation, mut told: Vec<Told>) -> Result<()> {
        if told.is_empty() {
            return Ok(());
        }
        let consumer = self.part().consumer(generation);
        let failed = self.tried(generation, told.clone()).await?;
        told.retain(|told| !failed.iter().any(|(failed, _)| failed == told));
        failures::forget(self.db(), &consumer, &told).await?;
        for (told, fault) in failed {
            failures::store(self.db(), &consumer, self.shared.kernel.clock.now(), &told, &fault).await?;
        }
        Ok(())
    }

    /// The records that could not be brought up to date.
    async fn tried(&mut self, generation: Generation, told: Vec<Told>) -> Result<Vec<(Told, Fault)>> {
        let mut failed = Vec::new();
        let mut open = vec![told];
        while let Some(mut told) = open.pop() {
            match self.attempt(generation, &told).await {
                Ok(()) => {}
                Err(fault) if fault.is_outage() => return Err(fault),
                Err(fault) if told.len() == 1 => failed.extend(told.pop().map(|told| (told, fault))),
                Err(_) => {
                    let second = told.split_off(told.len() / 2);
                    open.push(second);
                    open.push(told);
                }
            }
        }
        Ok(failed)
    }

    async fn attempt(&mut self, generation: Generation, told: &[Told]) -> Result<()> {
        let reading = source::read(&self.shared.kernel, told).await?;
        for tenant in reading.absent {
            // Whatever happens to it meanwhile is not followed: it is filled again when it comes back.
            self.unfill(tenant).await?;
        }
        if reading.writes.is_empty() {
            return Ok(());
        }
        let count = reading.writes.len() as u64;
        let written = AssertUnwindSafe(self.sink.write(generation, reading.writes)).catch_unwind().await;
        written.unwrap_or(Err(Fault::Panicked))?;
        metrics::counter!("steward_index_records_total", "part" => self.part().as_str()).increment(count);
        Ok(())
    }
}

/// Resources of which the batch brings so much that their term statistics may have to be taken anew.
fn bulk(told: &[Told]) -> Vec<(Uuid, String)> {
    let mut counts: HashMap<(Uuid, &str), usize> = HashMap::new();
    for one in told {
        *counts.entry((one.tenant, &one.resource)).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count >= BULK).map(|((tenant, resource), _)| (tenant, resource.to_owned())).collect()
}
