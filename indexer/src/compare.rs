//! Comparing: what an engine holds of a resource against its rows, both walked in the order of their ids.
//!
//! A difference is looked at again before it counts: the row may have changed since, or the outbox may still tell of it.
//! What remains is drift. It is repaired by reading the record again, and the resource is compared once more, so that
//! drift is 0 where everything works.
//!
//! It is also where it shows that a tenant has outgrown the term statistics that were taken when it was filled: they are
//! taken anew when a resource has doubled, and else stand still.

use crate::fault::Result;
use crate::follow::Follower;
use crate::generation::Target;
use crate::outbox::{self, Position, Told};
use crate::source;
use chrono::TimeDelta;
use std::collections::{BTreeMap, HashSet};
use steward_kernel::error::During;
use steward_rag::engine::{Generation, State};
use uuid::Uuid;

/// Rows, and records of the engine, that are compared at once.
const PAGE: u32 = 500;
/// What a resource has at least, for it to count as doubled.
const DOUBLED_MIN: i64 = 100;

/// Records that an engine does not hold, holds in an older version, or holds although they are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    pub missing: i64,
    pub stale: i64,
    pub surplus: i64,
}

impl Drift {
    pub fn total(self) -> i64 {
        self.missing + self.stale + self.surplus
    }
}

#[derive(sqlx::FromRow)]
struct Candidate {
    tenant_id: Uuid,
    resource: String,
    /// When it was filled, or when it had doubled last.
    records: i64,
    before: i64,
}

/// What a comparison found.
#[derive(Default)]
struct Found {
    drift: Drift,
    /// Records that the engine holds.
    held: i64,
    sum: blake3::Hasher,
}

/// A record that reads differently here and there: the version of its row and of the engine's record, where there are.
#[derive(Clone, Copy, Default)]
struct Pair {
    row: Option<i64>,
    held: Option<i64>,
}

impl Follower {
    /// Compares one resource of one tenant, if one is due.
    pub(crate) async fn compare(&mut self, target: &Target) -> Result<bool> {
        let now = self.shared.kernel.clock.now();
        let every = TimeDelta::from_std(self.shared.settings.compare_every).unwrap_or(TimeDelta::MAX);
        let candidate: Option<Candidate> = sqlx::query_as(
            "SELECT tenant_id, resource, records, missing + stale + surplus AS before FROM rag.filling
              WHERE generation = $1 AND part = $2 AND filled_at IS NOT NULL AND (check_wanted OR checked_at IS NULL OR checked_at <= $3) AND NOT tenant_id = ANY ($4)
              ORDER BY check_wanted DESC, checked_at NULLS FIRST, tenant_id, resource LIMIT 1",
        )
        .bind(target.generation.0)
        .bind(self.part().as_str())
        .bind(now.checked_sub_signed(every).unwrap_or_default())
        .bind(self.absent())
        .fetch_optional(self.db())
        .await
        .during("look for what is to be compared")?;
        let Some(candidate) = candidate else { return Ok(false) };
        let Some(Found { drift, held, sum }) = self.drift(target.generation, candidate.tenant_id, &candidate.resource).await? else {
            self.unfill(candidate.tenant_id).await?;
            return Ok(true);
        };
        if drift.total() > 0 {
            tracing::warn!(part = self.part().as_str(), tenant.id = %candidate.tenant_id, resource = %candidate.resource, missing = drift.missing, stale = drift.stale, surplus = drift.surplus, "the index differed from the rows; the records were written again");
        }
        let doubled = held >= DOUBLED_MIN && held / 2 >= candidate.records;
        if doubled {
            self.sink.settled(target.generation, candidate.tenant_id).await?;
        }
        let checksum = (drift.total() == 0).then(|| *sum.finalize().as_bytes());
        // Again at once, to see that the repair has worked; but what cannot be repaired is not tried without end.
        let again = drift.total() > 0 && drift.total() != candidate.before;
        sqlx::query(
            "UPDATE rag.filling SET checked_at = $5, check_wanted = $6, missing = $7, stale = $8, surplus = $9, checksum = $10, records = CASE WHEN $11 THEN $12 ELSE records END
              WHERE tenant_id = $1 AND generation = $2 AND part = $3 AND resource = $4",
        )
        .bind(candidate.tenant_id)
        .bind(target.generation.0)
        .bind(self.part().as_str())
        .bind(&candidate.resource)
        .bind(now)
        .bind(again)
        .bind(drift.missing)
        .bind(drift.stale)
        .bind(drift.surplus)
        .bind(checksum.map(|checksum| checksum.to_vec()))
        .bind(doubled)
        .bind(held)
        .execute(self.db())
        .await
        .during("note a comparison")?;
        let part = self.part().as_str();
        for (kind, count) in [("missing", drift.missing), ("stale", drift.stale), ("surplus", drift.surplus)] {
            metrics::counter!("steward_index_drift_found_total", "part" => part, "kind" => kind).increment(u64::try_from(count).unwrap_or_default());
        }
        Ok(true)
    }

    /// Has a resource compared at the next opportunity.
    pub(crate) async fn look_at(&self, generation: Generation, tenant: Uuid, resource: &str) -> Result<()> {
        sqlx::query("UPDATE rag.filling SET check_wanted = true WHERE tenant_id = $1 AND generation = $2 AND part = $3 AND resource = $4")
            .bind(tenant)
            .bind(generation.0)
            .bind(self.part().as_str())
            .bind(resource)
            .execute(self.db())
            .await
            .during("ask for a comparison")?;
        Ok(())
    }

    /// What differs, after repairing it, and what the engine held. `None` where the tenant is not there now.
    async fn drift(&mut self, generation: Generation, tenant: Uuid, resource: &str) -> Result<Option<Found>> {
        // Before the engine is looked at: whatever was told of up to here is in it.
        let (cursor, _) = outbox::cursor(self.db(), &self.part().consumer(generation)).await?;
        let mut found = Found::default();
        let mut after = None;
        loop {
            let Some((pairs, next)) = self.page(generation, tenant, resource, after, &mut found).await? else { return Ok(None) };
            let differing: BTreeMap<Uuid, Pair> = pairs.into_iter().filter(|(_, pair)| pair.row != pair.held).collect();
            if !differing.is_empty() {
                let drift = self.examine(generation, cursor, tenant, resource, &differing).await?;
                found.drift.missing += drift.missing;
                found.drift.stale += drift.stale;
                found.drift.surplus += drift.surplus;
            }
            match next {
                Some(last) => after = Some(last),
                None => return Ok(Some(found)),
            }
        }
    }

    /// Rows and records after `after`, up to where both sides are known; that place, where there may be more.
    async fn page(
        &self,
        generation: Generation,
        tenant: Uuid,
        resource: &str,
        after: Option<Uuid>,
        found: &mut Found,
    ) -> Result<Option<(BTreeMap<Uuid, Pair>, Option<Uuid>)>> {
        let Some(mut read) = source::open(&self.shared.kernel, tenant).await? else { return Ok(None) };
        let rows = if read.catalogue().resources.contains_key(resource) { read.live(resource, after, PAGE).await? } else { Vec::new() };
        read.finish().await?;
        let held = self.sink.index().known(generation, tenant, resource, after, PAGE as usize).await?;
        let end = |full: bool, last: Option<Uuid>| if full { last } else { None };
        let ends =
            [end(rows.len() >= PAGE as usize, rows.last().map(|(id, _)| *id)), end(held.len() >= PAGE as usize, held.last().map(|known| known.record.id))];
        let until = ends.into_iter().flatten().min();
        let within = |id: &Uuid| until.is_none_or(|until| *id <= until);
        let mut pairs: BTreeMap<Uuid, Pair> = BTreeMap::new();
        for (id, version) in rows.into_iter().filter(|(id, _)| within(id)) {
            pairs.entry(id).or_default().row = Some(version);
        }
        for known in held.into_iter().filter(|known| within(&known.record.id) && known.passages > 0) {
            found.held += 1;
            found.sum.update(known.record.id.as_bytes()).update(&known.version.to_le_bytes());
            pairs.entry(known.record.id).or_default().held = Some(known.version);
        }
        Ok(Some((pairs, until)))
    }

    /// Which differences are drift; those are repaired.
    async fn examine(&mut self, generation: Generation, cursor: Position, tenant: Uuid, resource: &str, differing: &BTreeMap<Uuid, Pair>) -> Result<Drift> {
        let told: Vec<Told> = differing
            .iter()
            .map(|(id, pair)| {
                let version = pair.row.into_iter().chain(pair.held).max().unwrap_or_default();
                Told { tenant, resource: resource.to_owned(), id: *id, version }
            })
            .collect();
        let now = source::read(&self.shared.kernel, &told).await?;
        let expected: BTreeMap<Uuid, Option<i64>> = now
            .writes
            .iter()
            .map(|write| {
                let found = matches!(&write.state, State::Live { passages, .. } if !passages.is_empty());
                (write.record.id, found.then_some(write.version))
            })
            .collect();
        let differs = |told: &&Told| expected.get(&told.id).is_some_and(|expected| *expected != differing.get(&told.id).and_then(|pair| pair.held));
        let suspects: Vec<Told> = told.iter().filter(differs).cloned().collect();
        let ids: Vec<Uuid> = suspects.iter().map(|told| told.id).collect();
        let pending: HashSet<Uuid> = outbox::pending(self.db(), cursor, tenant, resource, &ids).await?.into_iter().collect();
        let drifted: Vec<Told> = suspects.into_iter().filter(|told| !pending.contains(&told.id)).collect();
        let mut drift = Drift::default();
        for told in &drifted {
            let held = differing.get(&told.id).and_then(|pair| pair.held);
            match (expected.get(&told.id).copied().flatten(), held) {
                (Some(_), None) => drift.missing += 1,
                (Some(_), Some(_)) => drift.stale += 1,
                _ => drift.surplus += 1,
            }
        }
        self.bring(generation, drifted).await?;
        Ok(drift)
    }
}
