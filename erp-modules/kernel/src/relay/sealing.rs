//! The audit's chain: sealing what was written, and checking that nobody changed it.
//!
//! Each sealed row carries a sequence and a hash over itself and the row before. Sealing comes after the commit, so that
//! commands do not wait for each other; what is not sealed yet is what the last minute brought.

use crate::bus::Kernel;
use crate::error::{During, Result};
use crate::ids;
use crate::principal::{Door, Principal};
use crate::tenant::Placement;
use sqlx::{AssertSqlSafe, PgConnection};
use std::sync::Arc;
use uuid::Uuid;

/// Rows that are sealed in one transaction.
const SEAL_MAX: i32 = 1_000;
/// Rows whose hashes are recomputed in one statement, so that a long chain stays within the statement's time.
const VERIFY_MAX: i64 = 20_000;

/// What the verification of a tenant's audit found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Chain {
    /// Rows in the chain.
    pub sealed: i64,
    /// Rows that wait to be sealed.
    pub open: i64,
    /// The first sequence that is missing or was changed; `None` if the chain holds.
    pub broken: Option<i64>,
}

/// Seals all open rows of a tenant; returns how many.
pub async fn seal_audit(kernel: &Kernel, placement: &Placement) -> Result<i64> {
    // The schema's name was checked when the placement was read; the function carries its own search path.
    let seal = format!("SELECT {}.kernel_seal_audit($1, $2)", placement.schema);
    let mut sealed = 0;
    loop {
        let count: i32 = sqlx::query_scalar(AssertSqlSafe(seal.clone()))
            .bind(placement.tenant)
            .bind(SEAL_MAX)
            .fetch_one(&kernel.database.app)
            .await
            .during("seal the audit")?;
        sealed += i64::from(count);
        if count < SEAL_MAX {
            return Ok(sealed);
        }
    }
}

/// Recomputes the chain of a tenant, each stretch in a read of its own: what is sealed never changes, and a chain of years
/// takes longer than a transaction may.
pub async fn verify_audit(kernel: &Arc<Kernel>, tenant: Uuid) -> Result<Chain> {
    let system = Principal::system(tenant, Door::Cli, ids::fresh().to_string());
    let mut read = kernel.read(&system).await?;
    let (sealed, open): (i64, i64) =
        sqlx::query_as("SELECT coalesce(max(sequence), 0), count(*) FILTER (WHERE sequence IS NULL) FROM kernel_audit WHERE tenant_id = $1")
            .bind(tenant)
            .fetch_one(read.db())
            .await
            .during("count the audit")?;
    read.finish().await?;
    let mut first = 1;
    loop {
        // The last stretch has no end, which compares the head as well.
        let last = (sealed - first >= VERIFY_MAX).then_some(first + VERIFY_MAX - 1);
        let mut read = kernel.read(&system).await?;
        let broken = verify(read.db(), tenant, first, last).await?;
        read.finish().await?;
        match last {
            Some(last) if broken.is_none() => first = last + 1,
            _ => return Ok(Chain { sealed, open, broken }),
        }
    }
}

async fn verify(db: &mut PgConnection, tenant: Uuid, first: i64, last: Option<i64>) -> Result<Option<i64>> {
    sqlx::query_scalar("SELECT kernel_verify_audit($1, $2, $3)").bind(tenant).bind(first).bind(last).fetch_one(db).await.during("verify the audit")
}
