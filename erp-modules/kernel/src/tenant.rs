//! Where tenants live: `(database, schema)` and an epoch, looked up in the control plane and kept for a short while.
//!
//! A stale entry does no harm: every unit of work compares the epoch with the placement's own copy and refuses when
//! they differ, whereupon the entry is dropped.

use crate::database::Database;
use crate::error::{Code, During, Error, Result};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct Placement {
    pub tenant: Uuid,
    pub slug: String,
    pub name: String,
    /// The schema; letters, digits and underscores only, checked when it was made.
    pub schema: String,
    pub epoch: i64,
}

#[derive(Clone)]
pub struct Tenants {
    database: Database,
    cache: moka::future::Cache<String, Arc<Placement>>,
}

type Row = (Uuid, String, String, String, i64, String);

impl Tenants {
    pub fn new(database: Database) -> Self {
        Self { database, cache: moka::future::Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(30)).build() }
    }

    /// By id or slug. An unknown and a suspended tenant read alike.
    pub async fn find(&self, wanted: &str) -> Result<Arc<Placement>> {
        if let Some(found) = self.cache.get(wanted).await {
            return Ok(found);
        }
        let row: Option<Row> = sqlx::query_as("SELECT id, slug, name, schema, epoch, state FROM control.find_tenant($1)")
            .bind(wanted)
            .fetch_optional(&self.database.app)
            .await
            .during("look up the tenant")?;
        let placement = Arc::new(row.and_then(placement).ok_or_else(|| Error::new(Code::NotFound, "tenant not found"))?);
        self.cache.insert(wanted.to_owned(), Arc::clone(&placement)).await;
        Ok(placement)
    }

    pub async fn by_id(&self, tenant: Uuid) -> Result<Arc<Placement>> {
        self.find(&tenant.to_string()).await
    }

    /// All active tenants, from the database.
    pub async fn all(&self) -> Result<Vec<Placement>> {
        let rows: Vec<Row> = sqlx::query_as("SELECT id, slug, name, schema, epoch, state FROM control.all_tenants()")
            .fetch_all(&self.database.app)
            .await
            .during("list the tenants")?;
        Ok(rows.into_iter().filter_map(placement).collect())
    }

    /// Forgets a tenant whose epoch was refused.
    pub async fn forget(&self, placement: &Placement) {
        self.cache.invalidate(&placement.slug).await;
        self.cache.invalidate(&placement.tenant.to_string()).await;
    }
}

fn placement((tenant, slug, name, schema, epoch, state): Row) -> Option<Placement> {
    let plain = !schema.is_empty() && schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (state == "active" && plain).then_some(Placement { tenant, slug, name, schema, epoch })
}
