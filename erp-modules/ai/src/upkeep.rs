//! Forgets what is old: requests and kept texts after their days, expired answers, slices and counters.

use chrono::TimeDelta;
use sqlx::AssertSqlSafe;
use steward_kernel::Result;
use steward_kernel::bus::Kernel;
use steward_kernel::error::During;
use steward_kernel::tenant::Placement;
use tokio_util::sync::CancellationToken;

/// Rows of each kind that are forgotten in one transaction.
const ROWS_MAX: i32 = 10_000;

/// Forgets what is old of every tenant; requests after `request_days`. A tenant that fails does not stop the others.
pub async fn prune_all(kernel: &Kernel, request_days: u32, stopping: &CancellationToken) -> Result<()> {
    for placement in kernel.tenants.all().await? {
        if stopping.is_cancelled() {
            break;
        }
        if let Err(error) = prune(kernel, &placement, request_days, stopping).await {
            tracing::warn!(tenant.id = %placement.tenant, %error, code = error.code.as_str(), "what is old of a tenant's calls to models could not be forgotten");
        }
    }
    Ok(())
}

async fn prune(kernel: &Kernel, placement: &Placement, request_days: u32, stopping: &CancellationToken) -> Result<()> {
    let now = kernel.clock.now();
    // The schema's name was checked when the placement was read; the function carries its own search path.
    let sql = format!("SELECT {}.ai_prune($1, $2, $3, $4)", placement.schema);
    while !stopping.is_cancelled() {
        let most: i32 = sqlx::query_scalar(AssertSqlSafe(sql.clone()))
            .bind(placement.tenant)
            .bind(now)
            .bind(now - TimeDelta::days(i64::from(request_days)))
            .bind(ROWS_MAX)
            .fetch_one(&kernel.database.app)
            .await
            .during("forget what is old")?;
        if most < ROWS_MAX {
            break;
        }
    }
    Ok(())
}
