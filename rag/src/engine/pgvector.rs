//! Vectors in the same PostgreSQL: the embedded default. Durable with the database, and no further engine to run.
//!
//! Start at [`search`] and [`write`]. Each generation has two tables in schema `rag`, made by a function of the owner's:
//! `vector_<n>`, the passages as `halfvec`, and `vector_record_<n>`, the fence. They carry forced row-level security like
//! every table of a tenant; each call opens a short transaction that names one tenant.
//!
//! A search is exact: PostgreSQL computes every distance among the rows that the permit lets through. A tenant with more
//! than [`EXACT_MAX`] vectors is given an HNSW index of its own by [`Pgvector::upkeep`]; it may serve where the permit lets
//! more than that many through, and even there PostgreSQL's planner decides.

mod filter;
mod search;
mod shape;
mod write;

use super::{Embedded, Error, Generation, Hit, Index, Known, Result, VectorIndex, Write, embedding};
use crate::passage::{Key, Record};
use crate::permit::Permit;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shape::{Shape, Shapes};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};
use std::collections::HashMap;
use std::sync::Arc;
use steward_kernel::Clock;
use steward_kernel::database::{self, Database};
use uuid::Uuid;

pub(crate) const NAME: &str = "pgvector";

/// Candidates of one search up to this many are compared one by one.
pub const EXACT_MAX: i64 = 100_000;

pub struct Pgvector {
    database: Database,
    clock: Clock,
    /// Of the generations that this engine makes; one that exists keeps its own.
    dimensions: usize,
    exact_max: i64,
    shapes: Shapes,
}

impl Pgvector {
    pub fn new(database: Database, clock: Clock, dimensions: usize) -> Self {
        Self { database, clock, dimensions, exact_max: EXACT_MAX, shapes: Shapes::default() }
    }

    /// Another bound than [`EXACT_MAX`].
    pub fn exact_up_to(mut self, vectors: i64) -> Self {
        self.exact_max = vectors;
        self
    }

    /// Gives tenants that have grown beyond the bound an index and takes it from those that have shrunk to half of it.
    /// Writes to the generation wait while an index is built. For the indexer, now and then.
    pub async fn upkeep(&self, generation: Generation) -> Result<()> {
        let shape = self.shapes.of(&self.database, generation).await?;
        for tenant in self.tenants().await? {
            let mut tx = self.begin(&shape, tenant).await?;
            let sql = format!("SELECT (SELECT count(*) FROM (SELECT FROM {} WHERE tenant_id = $1 LIMIT $2) AS v), to_regclass($3) IS NOT NULL", shape.passages);
            let (held, indexed): (i64, bool) = sqlx::query_as(AssertSqlSafe(sql))
                .bind(tenant)
                .bind(self.exact_max.saturating_add(1))
                .bind(shape.index(tenant))
                .fetch_one(&mut *tx)
                .await
                .map_err(|error| self.failed(generation, error))?;
            tx.rollback().await.map_err(unavailable)?;
            let call = match indexed {
                false if held > self.exact_max => "SELECT rag.index_vectors($1, $2)",
                true if held <= self.exact_max / 2 => "SELECT rag.unindex_vectors($1, $2)",
                _ => continue,
            };
            let mut tx = self.owners().await?;
            sqlx::query(call).bind(generation.0).bind(tenant).execute(&mut *tx).await.map_err(|error| self.failed(generation, error))?;
            tx.commit().await.map_err(unavailable)?;
        }
        Ok(())
    }

    /// A transaction that sees rows of one tenant. The extension's schema is named for its types and operators; all else is
    /// written with its schema. Every statement but a search looks up keys: a generation that fills faster than its
    /// statistics are renewed must not be scanned for each batch.
    async fn begin(&self, shape: &Shape, tenant: Uuid) -> Result<Transaction<'static, Postgres>> {
        let begin = format!(
            "BEGIN; SET LOCAL search_path TO pg_catalog, {}, pg_temp; SET LOCAL app.tenant TO '{tenant}'; \
             SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off",
            shape.home
        );
        database::begin(&self.database.app, begin).await.map_err(unavailable)
    }

    /// A transaction of the upkeep, whose functions make and drop tables for all tenants. Building an index takes its time.
    async fn owners(&self) -> Result<Transaction<'static, Postgres>> {
        let begin = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL transaction_timeout = 0";
        database::begin(&self.database.relay, begin.to_owned()).await.map_err(unavailable)
    }

    async fn tenants(&self) -> Result<Vec<Uuid>> {
        sqlx::query_scalar("SELECT id FROM control.all_tenants()").fetch_all(&self.database.app).await.map_err(unavailable)
    }

    /// A generation may have been dropped, or made anew, by another process since it was looked up.
    fn failed(&self, generation: Generation, error: sqlx::Error) -> Error {
        self.shapes.forget(generation);
        match error.as_database_error().and_then(|error| error.code()).as_deref() {
            Some("42P01") => Error::NoGeneration { engine: NAME, generation: generation.0 },
            _ => unavailable(error),
        }
    }
}

#[async_trait]
impl Index for Pgvector {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn create(&self, generation: Generation) -> Result<()> {
        let dimensions = i32::try_from(self.dimensions).unwrap_or(i32::MAX);
        let mut tx = self.owners().await?;
        let made = sqlx::query("SELECT rag.create_vectors($1, $2)").bind(generation.0).bind(dimensions).execute(&mut *tx).await;
        made.map_err(|error| match error.as_database_error().and_then(|error| error.code()).as_deref() {
            Some("42704") => Error::Setup {
                engine: NAME,
                hint: "this PostgreSQL has no extension `vector`: install pgvector and run `CREATE EXTENSION vector` in Steward's database as a superuser, or configure Qdrant as the engine of vectors".into(),
            },
            Some("22023") => Error::Setup { engine: NAME, hint: "a generation is not negative and has 1 to 4000 dimensions".into() },
            _ => unavailable(error),
        })?;
        tx.commit().await.map_err(unavailable)
    }

    async fn drop(&self, generation: Generation) -> Result<()> {
        self.shapes.forget(generation);
        let mut tx = self.owners().await?;
        sqlx::query("SELECT rag.drop_vectors($1)").bind(generation.0).execute(&mut *tx).await.map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)
    }

    async fn generations(&self) -> Result<Vec<Generation>> {
        shape::generations(&self.database).await
    }

    async fn known(&self, generation: Generation, tenant: Uuid, resource: &str, after: Option<Uuid>, limit: usize) -> Result<Vec<Known>> {
        let shape = self.shapes.of(&self.database, generation).await?;
        let sql = format!(
            "SELECT r.entity_id, r.version, (SELECT count(*) FROM {} v WHERE v.tenant_id = r.tenant_id AND v.resource = r.resource AND v.entity_id = r.entity_id)
               FROM {} r WHERE r.tenant_id = $1 AND r.resource = $2 AND r.gone_at IS NULL AND ($3::uuid IS NULL OR r.entity_id > $3)
              ORDER BY r.entity_id LIMIT $4",
            shape.passages, shape.records
        );
        let mut tx = self.begin(&shape, tenant).await?;
        let rows: Vec<(Uuid, i64, i64)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(tenant)
            .bind(resource)
            .bind(after)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&mut *tx)
            .await
            .map_err(|error| self.failed(generation, error))?;
        tx.rollback().await.map_err(unavailable)?;
        let known = |(id, version, passages)| Known {
            record: Record { resource: resource.to_owned(), id },
            version,
            passages: u32::try_from(passages).unwrap_or(u32::MAX),
        };
        Ok(rows.into_iter().map(known).collect())
    }

    async fn forget(&self, generation: Generation, tenant: Uuid) -> Result<()> {
        let shape = self.shapes.of(&self.database, generation).await?;
        let mut tx = self.begin(&shape, tenant).await?;
        // The fence first: a write that is under way holds it, and what it wrote is seen by the statement after.
        for table in [&shape.records, &shape.passages] {
            let gone = sqlx::query(AssertSqlSafe(format!("DELETE FROM {table} WHERE tenant_id = $1"))).bind(tenant).execute(&mut *tx).await;
            gone.map_err(|error| self.failed(generation, error))?;
        }
        tx.commit().await.map_err(unavailable)
    }

    async fn prune(&self, generation: Generation, older_than: DateTime<Utc>) -> Result<u64> {
        let shape = self.shapes.of(&self.database, generation).await?;
        let mut pruned = 0;
        for tenant in self.tenants().await? {
            let mut tx = self.begin(&shape, tenant).await?;
            let sql = format!("DELETE FROM {} WHERE tenant_id = $1 AND gone_at < $2", shape.records);
            let gone = sqlx::query(AssertSqlSafe(sql)).bind(tenant).bind(older_than).execute(&mut *tx).await;
            pruned += gone.map_err(|error| self.failed(generation, error))?.rows_affected();
            tx.commit().await.map_err(unavailable)?;
        }
        Ok(pruned)
    }

    async fn upkeep(&self, generation: Generation) -> Result<()> {
        // The engine's own, which has the same name.
        Self::upkeep(self, generation).await
    }
}

#[async_trait]
impl VectorIndex for Pgvector {
    async fn apply(&self, generation: Generation, writes: &[Write<Embedded>]) -> Result<()> {
        let shape = self.shapes.of(&self.database, generation).await?;
        embedding::check(writes, shape.dimensions)?;
        for (tenant, writes) in embedding::rounds(writes) {
            for batch in embedding::batches(&writes) {
                let mut tx = self.begin(&shape, tenant).await?;
                write::apply(&mut tx, &shape, tenant, batch, self.clock.now()).await.map_err(|error| self.failed(generation, error))?;
                tx.commit().await.map_err(unavailable)?;
            }
        }
        Ok(())
    }

    async fn search(&self, generation: Generation, permit: &Permit, vector: &[f32], limit: usize) -> Result<Vec<Hit>> {
        if permit.clauses().is_empty() {
            return Ok(Vec::new());
        }
        let shape = self.shapes.of(&self.database, generation).await?;
        let vector = embedding::unit(vector, shape.dimensions)?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut tx = self.begin(&shape, permit.tenant()).await?;
        let hits = search::nearest(&mut tx, &shape, permit, &vector, limit, self.exact_max).await.map_err(|error| self.failed(generation, error))?;
        tx.rollback().await.map_err(unavailable)?;
        Ok(hits)
    }

    async fn hashes(&self, generation: Generation, tenant: Uuid, records: &[Record]) -> Result<HashMap<Key, [u8; 32]>> {
        let shape: Arc<Shape> = self.shapes.of(&self.database, generation).await?;
        let mut tx = self.begin(&shape, tenant).await?;
        let hashes = hashes(&mut tx, &shape, tenant, records).await.map_err(|error| self.failed(generation, error))?;
        tx.rollback().await.map_err(unavailable)?;
        Ok(hashes)
    }
}

async fn hashes(db: &mut PgConnection, shape: &Shape, tenant: Uuid, records: &[Record]) -> sqlx::Result<HashMap<Key, [u8; 32]>> {
    let resources: Vec<&str> = records.iter().map(|record| record.resource.as_str()).collect();
    let ids: Vec<Uuid> = records.iter().map(|record| record.id).collect();
    let sql = format!(
        "SELECT v.resource, v.entity_id, v.family, v.field, v.ordinal, v.hash FROM (SELECT DISTINCT * FROM unnest($2::text[], $3::uuid[])) AS w (resource, entity_id)
          CROSS JOIN LATERAL (SELECT * FROM {} v WHERE v.tenant_id = $1 AND v.resource = w.resource COLLATE \"C\" AND v.entity_id = w.entity_id OFFSET 0) AS v",
        shape.passages
    );
    let rows: Vec<(String, Uuid, String, String, i64, Vec<u8>)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(tenant).bind(resources).bind(ids).fetch_all(db).await?;
    let held = rows.into_iter().filter_map(|(resource, id, family, field, ordinal, hash)| {
        let key = Key { record: Record { resource, id }, family, field, ordinal: u32::try_from(ordinal).ok()? };
        Some((key, <[u8; 32]>::try_from(hash).ok()?))
    });
    Ok(held.collect())
}

fn unavailable(error: sqlx::Error) -> Error {
    Error::Unavailable { engine: NAME, source: error.into() }
}
