//! Where a generation lies and how long its vectors are, looked up once.

use super::{NAME, unavailable};
use crate::engine::{Error, Generation, Result};
use sqlx::FromRow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use steward_kernel::database::Database;
use uuid::Uuid;

pub(super) struct Shape {
    generation: Generation,
    pub(super) dimensions: usize,
    /// The schema of the extension, quoted: whoever installed it chose one.
    pub(super) home: String,
    /// The tables, with their schema.
    pub(super) passages: String,
    pub(super) records: String,
}

impl Shape {
    /// The approximate index of a tenant, which most do not have.
    pub(super) fn index(&self, tenant: Uuid) -> String {
        format!("rag.hnsw_{}_{}", self.generation.0, tenant.simple())
    }
}

#[derive(Default)]
pub(super) struct Shapes(RwLock<HashMap<Generation, Arc<Shape>>>);

#[derive(FromRow)]
struct Row {
    dimensions: i32,
    home: String,
}

impl Shapes {
    pub(super) async fn of(&self, database: &Database, generation: Generation) -> Result<Arc<Shape>> {
        if let Some(shape) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&generation) {
            return Ok(Arc::clone(shape));
        }
        let row: Option<Row> = sqlx::query_as(
            "SELECT a.atttypmod AS dimensions, quote_ident(n.nspname) AS home
               FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
              WHERE a.attrelid = to_regclass(format('rag.%I', 'vector_' || $1)) AND a.attname = 'embedding'",
        )
        .bind(generation.0)
        .fetch_optional(&database.app)
        .await
        .map_err(unavailable)?;
        let missing = Error::NoGeneration { engine: NAME, generation: generation.0 };
        let Some((row, dimensions)) = row.and_then(|row| usize::try_from(row.dimensions).ok().map(|dimensions| (row, dimensions))) else {
            return Err(missing);
        };
        let shape = Arc::new(Shape {
            generation,
            dimensions,
            home: row.home,
            passages: format!("rag.vector_{}", generation.0),
            records: format!("rag.vector_record_{}", generation.0),
        });
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(generation, Arc::clone(&shape));
        Ok(shape)
    }

    pub(super) fn forget(&self, generation: Generation) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&generation);
    }
}

pub(super) async fn generations(database: &Database) -> Result<Vec<Generation>> {
    let numbers: Vec<i64> = sqlx::query_scalar(
        "SELECT right(c.relname, -7)::bigint AS n FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
          WHERE s.nspname = 'rag' AND c.relkind = 'r' AND c.relname ~ '^vector_[0-9]{1,18}$' ORDER BY n",
    )
    .fetch_all(&database.app)
    .await
    .map_err(unavailable)?;
    Ok(numbers.into_iter().map(Generation).collect())
}
