//! Migrations, tenants and test databases: everything that is done as the owner of the database.
//!
//! Start at [`migrate_all`]. The fixed set (`fixed/`) runs once for each database; the kernel's set (`kernel/`) and the
//! modules' own, merged and sorted by their timestamps, run in each placement's schema. [`create_tenant`] makes a tenant
//! with its first company, its roles and its first administrator. [`test_database`] makes databases for tests.
//!
//! **Invariant:** nothing here serves a request. Row-level security is forced, so even the owner names the tenant it
//! works for (`app.tenant`) before it touches a tenant's rows.

mod contents;
mod expected;
mod owner;
mod placement;
mod roles;
mod tenant;
pub mod test_database;
mod vectors;

pub use contents::Contents;
pub use expected::Expected;
pub use owner::Owner;
pub use placement::{POOLED, migrate_all, migrate_database, migrate_placement, pending_all};
pub use roles::sync_roles;
pub use tenant::{Administrator, Company, Created, NewTenant, Placement, create_tenant};

use steward_kernel::Module;
use steward_kernel::error::Result;

/// Brings the database and every placement up to this version. `url` is the owner's.
pub async fn migrate(url: &str, modules: &[Module]) -> Result<()> {
    let owner = Owner::connect(url).await?;
    let done = migrate_all(&owner, &Contents::of(modules)).await;
    owner.close().await;
    done
}

/// What [`migrate`] would apply, as `schema: version name`.
pub async fn pending(url: &str, modules: &[Module]) -> Result<Vec<String>> {
    let owner = Owner::connect(url).await?;
    let pending = pending_all(&owner, &Contents::of(modules)).await;
    owner.close().await;
    pending
}
