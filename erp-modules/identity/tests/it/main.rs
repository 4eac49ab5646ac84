//! Identity and platform against a real database.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod catalogue;
mod login;
mod organisation;
mod platform;
mod rights;

use serde_json::Value;
use steward_kernel::bus::{Executed, Request};
use steward_kernel::principal::{Principal, Scope};
use steward_kernel::{Clock, Module, Result};
use steward_migrations::test_database::House;
use uuid::Uuid;

fn modules() -> Vec<Module> {
    vec![steward_identity::module(), steward_platform::module()]
}

async fn house() -> House {
    House::open(modules(), Clock::default()).await.unwrap()
}

async fn run(house: &House, principal: &Principal, command: &str, input: Value) -> Result<Executed> {
    house.kernel.execute(principal, Request::new(command, input)).await
}

fn id(executed: &Executed) -> Uuid {
    executed.outcome.primary.as_ref().unwrap().id
}

const T: Scope = Scope::Tenant;

/// One value from the tenant's tables, read as their owner.
async fn peek<V>(house: &House, tenant: Uuid, sql: &'static str) -> V
where
    V: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let schema = house.kernel.placement(tenant).await.unwrap().schema.clone();
    let mut tx = house.owner.begin(&schema, tenant, "test.peek").await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap()
}
