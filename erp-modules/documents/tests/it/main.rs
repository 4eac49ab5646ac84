//! The commands of documents, through the bus and a real database; parties of crm are what documents hang on.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod catalogue;
mod documents;
mod hanging;

use serde_json::{Value, json};
use steward_kernel::bus::{Executed, Request};
use steward_kernel::{Clock, Module, Principal, Result, Scope};
use steward_migrations::test_database::House;
use steward_migrations::{Created, Placement};
use uuid::Uuid;

fn modules() -> Vec<Module> {
    vec![steward_identity::module(), steward_crm::module(), steward_documents::module()]
}

/// A tenant, and somebody who may do everything with documents and parties.
struct Firm {
    house: House,
    created: Created,
    boss: Principal,
}

const PERMISSIONS: &[&str] = &[
    "identity:user:read",
    "identity:company:read",
    "crm:party:read",
    "crm:party:create",
    "crm:party:update",
    "documents:document:read",
    "documents:document:create",
    "documents:document:update",
    "documents:document:publish",
    "documents:document:archive",
];

/// Every permission at one width, but the named ones at another.
fn all(scope: Scope, but: &[(&str, Scope)]) -> Vec<(&'static str, Scope)> {
    let width = |permission: &str| but.iter().find(|(named, _)| *named == permission).map_or(scope, |(_, other)| *other);
    PERMISSIONS.iter().map(|permission| (*permission, width(permission))).collect()
}

impl Firm {
    async fn open(placement: Placement) -> Self {
        let house = House::open(modules(), Clock::System).await.unwrap();
        let created = house.tenant("demo", placement).await.unwrap();
        let boss = house.user(&created, "Boss", &all(Scope::Tenant, &[])).await.unwrap();
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
    async fn see(&self, id: Uuid) -> Value {
        let mut read = self.house.kernel.read(&self.boss).await.unwrap();
        let value = read.detail("documents.document", id, None).await.unwrap();
        read.finish().await.unwrap();
        value
    }
    async fn undo(&self, executed: &Executed) {
        self.house.kernel.undo(&self.boss, executed.execution).await.unwrap_or_else(|error| panic!("undo: {error:?}"));
    }
    async fn write(&self, title: &str, more: Value) -> Uuid {
        let mut input = json!({ "title": title, "body": format!("# {title}\n\nAs it is.") });
        input.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        id(&self.ok("documents.document.create", input).await)
    }
}

fn id(executed: &Executed) -> Uuid {
    executed.outcome.primary.as_ref().unwrap().id
}
