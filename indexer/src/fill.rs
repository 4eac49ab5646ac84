//! Filling: whole resources, walked in short chunks in the order of their ids, each from a snapshot of its own.
//!
//! The outbox is followed from before the first chunk, so that what a chunk has not seen is told of; both are fenced by
//! the row's version, so that their order does not matter. How far a walk has come is stored after each chunk, and a
//! process that is killed goes on there.

use crate::fault::Result;
use crate::follow::Follower;
use crate::generation::Target;
use crate::outbox::Told;
use crate::source;
use steward_kernel::error::During;
use steward_kernel::query::has_texts;
use steward_rag::engine::Generation;
use tokio::time::Instant;
use uuid::Uuid;

/// Tenants whose catalogue is looked at in one turn.
const TENANTS_MAX: usize = 50;
/// Walks that one turn goes on with: most resources of most tenants are small.
const WALKS_MAX: i64 = 25;

#[derive(sqlx::FromRow)]
struct Walk {
    tenant_id: Uuid,
    resource: String,
    after_id: Option<Uuid>,
}

impl Follower {
    /// Looks for tenants and resources that are to be filled, or filled again.
    pub(crate) async fn survey(&mut self, target: &Target) -> Result<bool> {
        let now = Instant::now();
        if self.survey_at.get(&target.generation).is_some_and(|at| now < *at) {
            return Ok(false);
        }
        let active = self.shared.kernel.tenants.all().await?;
        let new: Vec<Uuid> = active.iter().map(|placement| placement.tenant).filter(|tenant| !self.surveyed.contains(&(target.generation, *tenant))).collect();
        for tenant in new.iter().take(TENANTS_MAX) {
            self.survey_tenant(target.generation, *tenant).await?;
        }
        if new.len() <= TENANTS_MAX {
            self.forget_dropped(target.generation).await?;
            self.survey_at.insert(target.generation, now + self.shared.settings.survey_every);
        }
        Ok(!new.is_empty())
    }

    async fn survey_tenant(&mut self, generation: Generation, tenant: Uuid) -> Result<()> {
        self.surveyed.insert((generation, tenant));
        self.absent.remove(&tenant);
        let Some(read) = source::open(&self.shared.kernel, tenant).await? else { return Ok(()) };
        let (resources, shapes): (Vec<String>, Vec<Vec<u8>>) = read
            .catalogue()
            .resources
            .values()
            .filter(|resource| has_texts(resource))
            .map(|resource| (resource.name.to_string(), source::shape_of_own(resource).to_vec()))
            .unzip();
        read.finish().await?;
        sqlx::query(
            "INSERT INTO rag.filling AS f (tenant_id, generation, part, resource, shape) SELECT $1, $2, $3, r, s FROM unnest($4::text[], $5::bytea[]) AS n(r, s)
             ON CONFLICT (tenant_id, generation, part, resource) DO UPDATE SET shape = excluded.shape, after_id = NULL, records = 0, filled_at = NULL, check_wanted = true
             WHERE f.shape <> excluded.shape",
        )
        .bind(tenant)
        .bind(generation.0)
        .bind(self.part().as_str())
        .bind(&resources)
        .bind(&shapes)
        .execute(self.db())
        .await
        .during("note what is to be filled")?;
        sqlx::query("DELETE FROM rag.filling WHERE tenant_id = $1 AND generation = $2 AND part = $3 AND NOT resource = ANY ($4)")
            .bind(tenant)
            .bind(generation.0)
            .bind(self.part().as_str())
            .bind(&resources)
            .execute(self.db())
            .await
            .during("note what is to be filled")?;
        Ok(())
    }

    /// Tenants that are not there any more take everything with them.
    async fn forget_dropped(&mut self, generation: Generation) -> Result<()> {
        let there: Vec<Uuid> =
            sqlx::query_scalar("SELECT id FROM control.all_tenants()").fetch_all(&self.shared.kernel.database.app).await.during("list the tenants")?;
        let gone: Vec<Uuid> = sqlx::query_scalar("SELECT DISTINCT tenant_id FROM rag.filling WHERE generation = $1 AND part = $2 AND NOT tenant_id = ANY ($3)")
            .bind(generation.0)
            .bind(self.part().as_str())
            .bind(&there)
            .fetch_all(self.db())
            .await
            .during("look for dropped tenants")?;
        for tenant in gone {
            self.sink.index().forget(generation, tenant).await?;
            sqlx::query("DELETE FROM rag.filling WHERE tenant_id = $1 AND generation = $2 AND part = $3")
                .bind(tenant)
                .bind(generation.0)
                .bind(self.part().as_str())
                .execute(self.db())
                .await
                .during("forget a dropped tenant")?;
            self.surveyed.remove(&(generation, tenant));
        }
        Ok(())
    }

    /// A tenant that cannot be read now is filled again when it can.
    pub(crate) async fn unfill(&mut self, tenant: Uuid) -> Result<()> {
        sqlx::query("UPDATE rag.filling SET after_id = NULL, records = 0, filled_at = NULL, check_wanted = true WHERE tenant_id = $1 AND part = $2")
            .bind(tenant)
            .bind(self.part().as_str())
            .execute(self.db())
            .await
            .during("note what is to be filled")?;
        self.surveyed.retain(|(_, of)| *of != tenant);
        self.absent.insert(tenant);
        Ok(())
    }

    /// Everything of a generation is walked again.
    pub(crate) async fn refill(&mut self, generation: Generation) -> Result<()> {
        sqlx::query("UPDATE rag.filling SET after_id = NULL, records = 0, filled_at = NULL, check_wanted = true WHERE generation = $1 AND part = $2")
            .bind(generation.0)
            .bind(self.part().as_str())
            .execute(self.db())
            .await
            .during("note what is to be filled")?;
        Ok(())
    }

    /// Goes on with what is to be filled, by about one chunk.
    pub(crate) async fn fill(&mut self, target: &Target) -> Result<bool> {
        let walks: Vec<Walk> = sqlx::query_as(
            "SELECT tenant_id, resource, after_id FROM rag.filling WHERE generation = $1 AND part = $2 AND filled_at IS NULL AND NOT tenant_id = ANY ($3)
              ORDER BY after_id IS NULL, tenant_id, resource LIMIT $4",
        )
        .bind(target.generation.0)
        .bind(self.part().as_str())
        .bind(self.absent())
        .bind(WALKS_MAX)
        .fetch_all(self.db())
        .await
        .during("look for what is to be filled")?;
        let mut left = self.shared.settings.chunk_rows as usize;
        let worked = !walks.is_empty();
        for walk in walks {
            if left == 0 {
                break;
            }
            if !self.absent.contains(&walk.tenant_id) {
                left = left.saturating_sub(self.chunk(target, &walk).await?);
            }
        }
        Ok(worked)
    }

    /// One chunk; how many rows.
    async fn chunk(&mut self, target: &Target, walk: &Walk) -> Result<usize> {
        let Some(mut read) = source::open(&self.shared.kernel, walk.tenant_id).await? else {
            self.unfill(walk.tenant_id).await?;
            return Ok(0);
        };
        let limit = self.shared.settings.chunk_rows;
        let rows = if read.catalogue().resources.contains_key(&walk.resource) { read.live(&walk.resource, walk.after_id, limit).await? } else { Vec::new() };
        read.finish().await?;
        let count = rows.len();
        let last = rows.last().map(|(id, _)| *id);
        let told = rows.into_iter().map(|(id, version)| Told { tenant: walk.tenant_id, resource: walk.resource.clone(), id, version }).collect();
        self.bring(target.generation, told).await?;
        let done = count < limit as usize;
        if done && self.is_last(target.generation, walk).await? {
            // Before it is noted: a process that is killed in between does it again.
            self.sink.settled(target.generation, walk.tenant_id).await?;
        }
        // Whoever asked for a new filling meanwhile has set the walk back; then this chunk does not count.
        sqlx::query(
            "UPDATE rag.filling SET after_id = coalesce($5, after_id), records = records + $6, filled_at = CASE WHEN $7 THEN now() END
              WHERE tenant_id = $1 AND generation = $2 AND part = $3 AND resource = $4 AND after_id IS NOT DISTINCT FROM $8",
        )
        .bind(walk.tenant_id)
        .bind(target.generation.0)
        .bind(self.part().as_str())
        .bind(&walk.resource)
        .bind(last)
        .bind(i64::try_from(count).unwrap_or(i64::MAX))
        .bind(done)
        .bind(walk.after_id)
        .execute(self.db())
        .await
        .during("note how far a filling has come")?;
        Ok(count)
    }

    /// No other resource of the tenant is still to be filled.
    async fn is_last(&self, generation: Generation, walk: &Walk) -> Result<bool> {
        Ok(sqlx::query_scalar(
            "SELECT NOT EXISTS (SELECT FROM rag.filling WHERE tenant_id = $1 AND generation = $2 AND part = $3 AND resource <> $4 AND filled_at IS NULL)",
        )
        .bind(walk.tenant_id)
        .bind(generation.0)
        .bind(self.part().as_str())
        .bind(&walk.resource)
        .fetch_one(self.db())
        .await
        .during("see whether a tenant is filled")?)
    }

    /// Tenants that cannot be read now.
    pub(crate) fn absent(&self) -> Vec<Uuid> {
        self.absent.iter().copied().collect()
    }

    /// All that there is was looked at, filled, and compared.
    pub(crate) async fn is_complete(&self, target: &Target) -> Result<bool> {
        let active = self.shared.kernel.tenants.all().await?;
        if active.iter().any(|placement| !self.surveyed.contains(&(target.generation, placement.tenant))) {
            return Ok(false);
        }
        Ok(sqlx::query_scalar("SELECT NOT EXISTS (SELECT FROM rag.filling WHERE generation = $1 AND part = $2 AND (filled_at IS NULL OR check_wanted) AND NOT tenant_id = ANY ($3))")
            .bind(target.generation.0)
            .bind(self.part().as_str())
            .bind(self.absent())
            .fetch_one(self.db())
            .await
            .during("see whether a generation is complete")?)
    }
}
