//! The commands of crm, through the bus and a real database.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod activities;
mod catalogue;
mod parties;

use serde_json::Value;
use steward_kernel::bus::{Executed, Request};
use steward_kernel::{Clock, Module, Principal, Result, Scope};
use steward_migrations::test_database::House;
use steward_migrations::{Created, Placement};
use uuid::Uuid;

fn modules() -> Vec<Module> {
    vec![steward_identity::module(), steward_crm::module()]
}

/// A tenant, and somebody who may do everything in crm.
struct Firm {
    house: House,
    created: Created,
    boss: Principal,
}

const ALL: &[(&str, Scope)] = &[
    ("identity:user:read", Scope::Tenant),
    ("crm:party:read", Scope::Tenant),
    ("crm:party:create", Scope::Tenant),
    ("crm:party:update", Scope::Tenant),
    ("crm:party:archive", Scope::Tenant),
    ("crm:party:credit", Scope::Tenant),
    ("crm:activity:read", Scope::Tenant),
    ("crm:activity:create", Scope::Tenant),
    ("crm:activity:update", Scope::Tenant),
    ("crm:activity:archive", Scope::Tenant),
];

impl Firm {
    async fn open() -> Self {
        let house = House::open(modules(), Clock::System).await.unwrap();
        let created = house.tenant("demo", Placement::Pooled).await.unwrap();
        let boss = house.user(&created, "Boss", ALL).await.unwrap();
        Self { house, created, boss }
    }
    async fn run(&self, who: &Principal, command: &str, input: Value) -> Result<Executed> {
        self.house.kernel.execute(who, Request::new(command, input)).await
    }
    async fn ok(&self, command: &str, input: Value) -> Executed {
        self.run(&self.boss, command, input).await.unwrap_or_else(|error| panic!("{command}: {error:?}"))
    }
    async fn refused(&self, command: &str, input: Value) -> String {
        let error = self.run(&self.boss, command, input).await.map(drop).unwrap_err();
        error.reason.map_or_else(|| error.code.as_str().to_owned(), str::to_owned)
    }
    async fn see(&self, resource: &str, id: Uuid) -> Value {
        let mut read = self.house.kernel.read(&self.boss).await.unwrap();
        let value = read.detail(resource, id, None).await.unwrap_or_else(|error| panic!("{resource}: {error:?}"));
        read.finish().await.unwrap();
        value
    }
    async fn undo(&self, executed: &Executed) {
        self.house.kernel.undo(&self.boss, executed.execution).await.unwrap_or_else(|error| panic!("undo: {error:?}"));
    }
}

fn id(executed: &Executed) -> Uuid {
    executed.outcome.primary.as_ref().unwrap().id
}
