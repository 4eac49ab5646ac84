//! The commands and reports of hr, through the bus and a real database.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod catalogue;
mod employees;
mod salaries;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use steward_kernel::bus::{Executed, Request};
use steward_kernel::{Clock, Module, Principal, Result, Scope};
use steward_migrations::test_database::House;
use steward_migrations::{Created, Placement};
use uuid::Uuid;

fn modules() -> Vec<Module> {
    vec![steward_identity::module(), steward_hr::module()]
}

/// A tenant, somebody who may do everything in hr, and somebody who may read the directory.
struct Firm {
    house: House,
    created: Created,
    boss: Principal,
    reader: Principal,
}

const READ: &[(&str, Scope)] = &[
    ("identity:user:read", Scope::Tenant),
    ("identity:company:read", Scope::Tenant),
    ("identity:department:read", Scope::Tenant),
    ("hr:employee:read", Scope::Tenant),
];
const WRITE: &[(&str, Scope)] = &[
    ("hr:employee:create", Scope::Tenant),
    ("hr:employee:update", Scope::Tenant),
    ("hr:employee:end", Scope::Tenant),
    ("hr:employee:salary", Scope::Tenant),
    ("hr:employee:set_salary", Scope::Tenant),
];

/// Noon of 1 July 2026.
fn clock() -> Clock {
    Clock::fixed(DateTime::<Utc>::from_timestamp(1_782_907_200, 0).unwrap())
}

impl Firm {
    async fn open() -> Self {
        let house = House::open(modules(), clock()).await.unwrap();
        let created = house.tenant("demo", Placement::Pooled).await.unwrap();
        let boss = house.user(&created, "Boss", &[READ, WRITE].concat()).await.unwrap();
        let reader = house.user(&created, "Reader", READ).await.unwrap();
        Self { house, created, boss, reader }
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
    async fn see(&self, id: Uuid) -> Value {
        let mut read = self.house.kernel.read(&self.boss).await.unwrap();
        let value = read.detail("hr.employee", id, None).await.unwrap();
        read.finish().await.unwrap();
        value
    }
    async fn undo(&self, executed: &Executed) {
        self.house.kernel.undo(&self.boss, executed.execution).await.unwrap_or_else(|error| panic!("undo: {error:?}"));
    }
    /// The reader as an employee since New Year 2025.
    async fn hire(&self) -> Uuid {
        id(&self.ok("hr.employee.create", reader(self)).await)
    }
}

fn reader(firm: &Firm) -> Value {
    json!({ "user": firm.reader.user, "number": "100", "name": "Rita Reader", "position": "Clerk", "hire_date": "2025-01-01" })
}

fn id(executed: &Executed) -> Uuid {
    executed.outcome.primary.as_ref().unwrap().id
}
