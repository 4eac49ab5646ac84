//! The commands of inventory, through the bus and a real database.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod catalogue;
mod documents;
mod items;
mod stock;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use steward_kernel::bus::{Executed, Request};
use steward_kernel::{Clock, Command, CommandSpec, Field, Module, Outcome, Principal, Resource, Result, RowScope, Scope, Work};
use steward_migrations::test_database::House;
use steward_migrations::{Created, Placement};
use uuid::Uuid;

/// Stands for a module with documents: its commands call those of inventory.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nest {
    command: String,
    input: String,
}

const INNER: [&str; 3] = ["inventory.reserve_available", "inventory.release_document", "inventory.fulfil_document"];

impl Command for Nest {
    fn spec() -> CommandSpec {
        let spec = CommandSpec { resource: "inventory.item".into(), ..CommandSpec::new("shop.nest") }.permission("shop:nest");
        let spec = spec.input(Field::text("command").required()).input(Field::long_text("input").required()).asks("inventory.item.describe");
        INNER.iter().fold(spec, |spec, name| spec.calls(name))
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut input: Value = serde_json::from_str(&self.input).unwrap();
        if self.command == "describe" {
            let answer: Value = work.ask("inventory.item.describe", input).await?;
            return Ok(Outcome::nothing().data(answer));
        }
        let name = INNER.iter().find(|name| **name == self.command).unwrap();
        // The document is the user's company's, unless the test says otherwise.
        let company = work.company()?;
        work.check_new(RowScope { company: Some(company), ..RowScope::default() })?;
        if input.get("company").is_none() {
            input["company"] = json!(company);
        }
        let outcome = work.call(name, input).await?;
        Ok(Outcome::nothing().data(outcome.data))
    }
}

fn modules() -> Vec<Module> {
    let shop = Module::new("shop").depends(&["inventory"]).command::<Nest>();
    vec![steward_identity::module(), steward_crm::module(), steward_inventory::module(), shop]
}

/// A tenant with a warehouse, and somebody who may do everything in inventory.
struct Firm {
    house: House,
    created: Created,
    boss: Principal,
    warehouse: Uuid,
}

fn all() -> Vec<(&'static str, Scope)> {
    let inventory = steward_inventory::module();
    let commands = inventory.commands.iter().filter(|command| !command.spec().internal).map(|command| command.spec().permission.to_string());
    let resources = inventory.resources.iter().map(|resource: &Resource| resource.permission.to_string());
    let names: std::collections::BTreeSet<String> = commands.chain(resources).collect();
    let ours = names.into_iter().map(|name| -> &'static str { Box::leak(name.into_boxed_str()) });
    ours.chain(["crm:party:read", "crm:party:create", "identity:company:read", "shop:nest"]).map(|name| (name, Scope::Tenant)).collect()
}

impl Firm {
    async fn open() -> Self {
        let house = House::open(modules(), Clock::System).await.unwrap();
        let created = house.tenant("demo", Placement::Pooled).await.unwrap();
        let boss = house.user(&created, "Boss", &all()).await.unwrap();
        let mut firm = Self { house, created, boss, warehouse: Uuid::nil() };
        firm.warehouse = id(&firm.ok("inventory.warehouse.create", json!({ "code": "M", "name": "Main" })).await);
        firm
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
    async fn nested(&self, command: &str, input: Value) -> Value {
        self.ok("shop.nest", json!({ "command": command, "input": input.to_string() })).await.outcome.data
    }
    async fn see(&self, resource: &str, id: Uuid) -> Map<String, Value> {
        let mut read = self.house.kernel.read(&self.boss).await.unwrap();
        let value = read.detail(resource, id, None).await.unwrap_or_else(|error| panic!("{resource}: {error:?}"));
        read.finish().await.unwrap();
        value.as_object().cloned().unwrap()
    }
    async fn undo(&self, executed: &Executed) {
        self.house.kernel.undo(&self.boss, executed.execution).await.unwrap_or_else(|error| panic!("undo: {error:?}"));
    }
    async fn item(&self, name: &str) -> Uuid {
        id(&self.ok("inventory.item.create", json!({ "name": name, "sales_price": { "amount": "18", "currency": "USD" } })).await)
    }
    /// On hand, reserved, available, on order.
    async fn figures(&self, item: Uuid) -> [String; 4] {
        let seen = self.see("inventory.item", item).await;
        ["on_hand", "reserved", "available", "on_order"].map(|name| seen[name]["value"].as_str().unwrap().to_owned())
    }
    /// What `inventory_check()` finds, and the change of a table by force.
    async fn check(&self) {
        let schema = self.house.kernel.placement(self.created.tenant).await.unwrap().schema.clone();
        let mut tx = self.house.owner.begin(&schema, self.created.tenant, "test.check").await.unwrap();
        let wrong: Vec<String> = sqlx::query_scalar("SELECT what FROM inventory_check()").fetch_all(&mut *tx).await.unwrap();
        assert_eq!(wrong, Vec::<String>::new());
    }
    fn kernel(&self) -> Arc<steward_kernel::bus::Kernel> {
        Arc::clone(&self.house.kernel)
    }
}

fn id(executed: &Executed) -> Uuid {
    executed.outcome.primary.as_ref().unwrap().id
}
