//! Language models as a tenant sees them, through the bus and a real database.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod alerts;
mod catalogue;
mod counting;
mod idempotency;
mod keys;
mod ledger;
mod records;
mod usage;

use chrono::{DateTime, TimeZone, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use steward_ai::access::{Caller, Keys, Proven};
use steward_ai::{Gateway, Settings};
use steward_identity::auth::{self, Authenticator};
use steward_kernel::bus::{Executed, Kernel, Request};
use steward_kernel::database::Database;
use steward_kernel::{Clock, Module, Principal, Result, ids};
use steward_migrations::test_database::House;
use steward_migrations::{Created, Placement};
use uuid::Uuid;

fn modules() -> Vec<Module> {
    vec![steward_identity::module(), steward_platform::module(), steward_ai::module()]
}

/// The moment at which the tests happen: nine in the morning in Berlin.
fn moment() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 8, 0, 0).single().unwrap()
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct ModelKeys(Arc<Authenticator>);

impl Keys for ModelKeys {
    fn prove<'a>(&'a self, bearer: &'a str) -> BoxFuture<'a, Result<Proven>> {
        async move {
            let key = self.0.model_key(bearer).await?;
            Ok(Proven { tenant: key.tenant, user: key.user, key: key.key })
        }
        .boxed()
    }
}

/// One process: a kernel with pools of its own, and what doors hold of this module.
struct Process {
    auth: Arc<Authenticator>,
    gateway: Arc<Gateway>,
}

/// A tenant with its administrator, seen by one process.
struct Firm {
    process: Process,
    created: Created,
    admin: Principal,
    clock: Clock,
    house: House,
    folder: Folder,
}

fn id(executed: &Executed) -> Uuid {
    executed.outcome.primary.as_ref().unwrap().id
}

impl Firm {
    async fn open(placement: Placement) -> Self {
        Self::with(placement, Settings::default()).await
    }

    async fn with(placement: Placement, settings: Settings) -> Self {
        let clock = Clock::fixed(moment());
        let house = House::open(modules(), clock.clone()).await.unwrap();
        let created = house.tenant("demo", placement).await.unwrap();
        let admin = house.log_in(created.tenant, created.administrator).await.unwrap();
        let folder = Folder(std::env::temp_dir().join(format!("steward-ai-{}", ids::fresh().simple())));
        let process = process(Arc::clone(&house.kernel), &folder, settings);
        let firm = Self { process, created, admin, clock, house, folder };
        firm.poke("UPDATE kernel_placement SET time_zone = 'Europe/Berlin' WHERE tenant_id = app.tenant()").await;
        firm
    }

    /// Another process over the same database.
    fn another(&self, settings: Settings) -> Process {
        let database = Database::new(&self.house.database.settings()).unwrap();
        let kernel = Kernel::new(modules(), database, self.clock.clone(), [7; 32]).unwrap();
        process(kernel, &self.folder, settings)
    }

    fn gateway(&self) -> &Arc<Gateway> {
        &self.process.gateway
    }

    async fn try_run(&self, who: &Principal, command: &str, input: Value) -> Result<Executed> {
        self.house.kernel.execute(who, Request::new(command, input)).await
    }

    async fn run(&self, command: &str, input: Value) -> Executed {
        let shown = input.to_string();
        self.try_run(&self.admin, command, input).await.unwrap_or_else(|error| panic!("{command} {shown}: {error:?}"))
    }

    /// The reason, or the code where there is none, for which the administrator is refused.
    async fn refused(&self, command: &str, input: Value) -> String {
        let error = self.try_run(&self.admin, command, input).await.map(drop).unwrap_err();
        match (error.reason, error.fields.first()) {
            (Some(reason), _) => reason.to_owned(),
            (None, Some(field)) => field.field.clone(),
            (None, None) => error.code.as_str().to_owned(),
        }
    }

    async fn undo(&self, executed: &Executed) {
        self.house.kernel.undo(&self.admin, executed.execution).await.unwrap_or_else(|error| panic!("undo: {error:?}"));
    }

    /// A record as the administrator sees it.
    async fn see(&self, resource: &str, id: Uuid) -> Value {
        let mut read = self.house.kernel.read(&self.admin).await.unwrap();
        let value = read.detail(resource, id, None).await.unwrap();
        read.finish().await.unwrap();
        value
    }

    async fn report(&self, who: &Principal, name: &str, parameters: Value) -> steward_kernel::Table {
        let mut read = self.house.kernel.read(who).await.unwrap();
        let (_, table) = read.report(name, parameters).await.unwrap();
        read.finish().await.unwrap();
        table
    }

    /// One value from the tenant's tables, read as their owner.
    async fn peek<V>(&self, sql: &str) -> V
    where
        V: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let schema = self.house.kernel.placement(self.created.tenant).await.unwrap().schema.clone();
        let mut tx = self.house.owner.begin(&schema, self.created.tenant, "test.peek").await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut *tx).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn poke(&self, sql: &str) {
        let schema = self.house.kernel.placement(self.created.tenant).await.unwrap().schema.clone();
        let mut tx = self.house.owner.begin(&schema, self.created.tenant, "test.poke").await.unwrap();
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        tx.commit().await.unwrap();
    }

    /// A key for models with its secret.
    async fn key(&self, more: Value) -> (Uuid, String) {
        let mut input = json!({ "name": "Reporting" });
        input.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let made = self.run("ai.key.create", input).await;
        (id(&made), made.outcome.secret.as_ref().unwrap()["api_key"].as_str().unwrap().to_owned())
    }

    async fn caller(&self) -> Caller {
        let (_, secret) = self.key(json!({})).await;
        self.gateway().access.authenticate(&secret).await.unwrap()
    }

    /// Lets time pass.
    fn pass(&self, duration: Duration) {
        self.clock.set(self.clock.now() + duration);
    }
}

fn process(kernel: Arc<Kernel>, folder: &Folder, settings: Settings) -> Process {
    let keys = steward_identity::keys::Keys::open(&folder.0).unwrap();
    let auth = Arc::new(Authenticator::new(kernel.database.clone(), kernel.tenants.clone(), kernel.clock.clone(), keys, auth::Settings::default()));
    let gateway = Arc::new(Gateway::new(kernel, Arc::new(ModelKeys(Arc::clone(&auth))), settings));
    Process { auth, gateway }
}
