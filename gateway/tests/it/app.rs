//! The program on a port of its own, over a database of its own, with a clock that stands still.

use axum::http::HeaderMap;
use chrono::{DateTime, TimeZone, Utc};
use secrecy::SecretString;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use steward_gateway::compose::{self, App};
use steward_gateway::config::Config;
use steward_gateway::state::AppState;
use steward_kernel::bus::{Executed, Kernel, Request};
use steward_kernel::principal::{Principal, Scope};
use steward_kernel::{Clock, Module, Result, ids};
use steward_migrations::test_database::TestDatabase;
use steward_migrations::{Administrator, Company, Contents, Created, NewTenant, Owner, Placement, create_tenant};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Hashing is slow by intention, so every user of every test shares one hash.
static HASH: OnceCell<String> = OnceCell::const_new();

/// The moment at which the tests happen.
pub(crate) fn moment() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).single().unwrap()
}

/// A folder that goes with its value.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) struct TestApp {
    pub(crate) state: AppState,
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) owner: Owner,
    pub(crate) contents: Contents,
    pub(crate) clock: Clock,
    pub(crate) base: String,
    pub(crate) client: reqwest::Client,
    pub(crate) tasks: TaskTracker,
    _folder: Folder,
    /// Dropped last.
    database: TestDatabase,
}

#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) schema: String,
    pub(crate) created: Created,
}

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) role: Uuid,
    pub(crate) token: String,
    pub(crate) principal: Principal,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }
    /// The body of a good answer.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
        self.json()
    }
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
    /// Holds the answer to be a problem with this status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let body = self.json();
        assert_eq!(body["code"], code, "{}", self.text);
        assert_eq!(body["status"], status, "{}", self.text);
        body
    }
    #[track_caller]
    pub(crate) fn items(&self) -> Vec<Value> {
        self.ok()["items"].as_array().unwrap_or_else(|| panic!("{}", self.text)).clone()
    }
    #[track_caller]
    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.items().iter().map(|item| id_of(&item["id"])).collect()
    }
}

#[track_caller]
pub(crate) fn id_of(value: &Value) -> Uuid {
    Uuid::try_parse(value.as_str().unwrap_or_else(|| panic!("{value} is no id"))).unwrap()
}

/// The record that a command was about.
#[track_caller]
pub(crate) fn id(executed: &Executed) -> Uuid {
    executed.outcome.primary.as_ref().unwrap().id
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::with(Vec::new()).await
    }

    /// The program with further modules.
    pub(crate) async fn with(further: Vec<Module>) -> Self {
        Self::configured(further, |_| {}).await
    }

    /// With another configuration.
    pub(crate) async fn configured(further: Vec<Module>, configure: impl FnOnce(&mut Config)) -> Self {
        let mut all = compose::modules();
        all.extend(further);
        let contents = Contents::of(&all);
        let database = TestDatabase::create(&contents).await.unwrap();
        let owner = database.owner().await.unwrap();
        let folder = Folder(std::env::temp_dir().join(format!("steward-it-{}", ids::fresh().simple())));
        std::fs::create_dir_all(&folder.0).unwrap();
        let mut config = Config::default();
        config.database.url = Some(SecretString::from(database.url()));
        config.database.connections_max = 8;
        config.server.home = Some(folder.0.clone());
        config.server.relay = false;
        config.search.indexer = false;
        configure(&mut config);
        let clock = Clock::fixed(moment());
        let app = App::build_at(config, all, clock.clone()).await.unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let tasks = TaskTracker::new();
        let service = app.router().into_make_service_with_connect_info::<SocketAddr>();
        let stopping = app.state.stopping.clone();
        tasks.spawn(async move {
            axum::serve(listener, service).with_graceful_shutdown(stopping.cancelled_owned()).await.unwrap();
        });
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let state = app.state;
        Self { kernel: Arc::clone(&state.kernel), state, owner, contents, clock, base, client, tasks, _folder: folder, database }
    }

    /// Drops the database under the program's feet.
    pub(crate) async fn lose_database(&self) {
        self.database.lose().await.unwrap();
    }

    /// Stops as the program does. A test that fails leaves this to the drop of its database.
    pub(crate) async fn close(self) {
        App { state: self.state.clone() }.close(Duration::from_secs(5)).await;
        self.tasks.close();
        drop(self.client);
        self.tasks.wait().await;
        self.owner.close().await;
    }

    pub(crate) async fn tenant(&self, slug: &str, placement: Placement) -> Tenant {
        let new = NewTenant {
            placement,
            company: Company { code: "1".into(), name: format!("{slug} GmbH"), currency: "EUR".into(), country: "DE".into() },
            administrator: Administrator { name: "Ada".into(), email: format!("ada@{slug}.example"), password: None },
            ..NewTenant::new(slug, slug)
        };
        let created = create_tenant(&self.owner, &self.contents, new).await.unwrap();
        let schema = self.kernel.placement(created.tenant).await.unwrap().schema.clone();
        Tenant { id: created.tenant, slug: slug.into(), schema, created }
    }

    /// The tenant's administrator, logged in.
    pub(crate) async fn admin(&self, tenant: &Tenant) -> User {
        let role: Uuid = self.peek(tenant, "SELECT id FROM identity_role WHERE name = 'administrator' AND tenant_id = app.tenant()").await;
        self.log_in(tenant, tenant.created.administrator, &format!("ada@{}.example", tenant.slug), role).await
    }

    /// A user of the tenant's first company with exactly these grants, logged in.
    pub(crate) async fn user(&self, tenant: &Tenant, name: &str, grants: &[(&str, Scope)]) -> User {
        let (user, role) = (ids::fresh(), ids::fresh());
        let email = format!("{}@{}.example", user.simple(), tenant.slug);
        let mut tx = self.owner.begin(&tenant.schema, tenant.id, "test.user").await.unwrap();
        sqlx::query("INSERT INTO identity_user (tenant_id, id, name, email, company_id) VALUES ($1, $2, $3, $4, $5)")
            .bind(tenant.id)
            .bind(user)
            .bind(name)
            .bind(&email)
            .bind(tenant.created.company)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("INSERT INTO identity_role (tenant_id, id, name) VALUES ($1, $2, $3)")
            .bind(tenant.id)
            .bind(role)
            .bind(format!("test {role}"))
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("INSERT INTO identity_user_role (tenant_id, id, user_id, role_id) VALUES ($1, $2, $3, $4)")
            .bind(tenant.id)
            .bind(ids::fresh())
            .bind(user)
            .bind(role)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        self.set_grants(tenant, role, grants).await;
        self.log_in(tenant, user, &email, role).await
    }

    /// Gives an existing user the common password and logs him in through the door.
    pub(crate) async fn log_in(&self, tenant: &Tenant, user: Uuid, email: &str, role: Uuid) -> User {
        let hash = HASH.get_or_init(|| async { steward_identity::password::hash(PASSWORD).await.unwrap() }).await;
        let mut tx = self.owner.begin(&tenant.schema, tenant.id, "test.password").await.unwrap();
        sqlx::query("INSERT INTO identity_credential (tenant_id, user_id, password_hash) VALUES ($1, $2, $3) ON CONFLICT (tenant_id, user_id) DO UPDATE SET password_hash = $3")
            .bind(tenant.id)
            .bind(user)
            .bind(hash)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let answer = self.login(&tenant.slug, email, PASSWORD).await.ok();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        let principal = self.state.auth.authenticate(&token).await.unwrap();
        User { id: user, role, token, principal }
    }

    pub(crate) async fn login(&self, tenant: &str, email: &str, password: &str) -> Answer {
        let body = serde_json::json!({ "tenant": tenant, "email": email, "password": password });
        self.send(self.client.post(format!("{}/api/v1/auth/login", self.base)).json(&body)).await
    }

    /// Replaces what a role grants, behind the program's back.
    pub(crate) async fn set_grants(&self, tenant: &Tenant, role: Uuid, grants: &[(&str, Scope)]) {
        let mut tx = self.owner.begin(&tenant.schema, tenant.id, "test.grants").await.unwrap();
        sqlx::query("DELETE FROM identity_role_grant WHERE tenant_id = $1 AND role_id = $2").bind(tenant.id).bind(role).execute(&mut *tx).await.unwrap();
        let fresh: Vec<Uuid> = grants.iter().map(|_| ids::fresh()).collect();
        let permissions: Vec<&str> = grants.iter().map(|(permission, _)| *permission).collect();
        let scopes: Vec<&str> = grants.iter().map(|(_, scope)| scope.as_str()).collect();
        sqlx::query(
            "INSERT INTO identity_role_grant (tenant_id, id, role_id, permission, scope)
             SELECT $1, g.id, $2, g.permission, g.scope FROM unnest($3::uuid[], $4::text[], $5::text[]) AS g (id, permission, scope)",
        )
        .bind(tenant.id)
        .bind(role)
        .bind(fresh)
        .bind(permissions)
        .bind(scopes)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    /// One value from the tenant's tables, read as their owner.
    pub(crate) async fn peek<V>(&self, tenant: &Tenant, sql: &str) -> V
    where
        V: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let mut tx = self.owner.begin(&tenant.schema, tenant.id, "test.peek").await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut *tx).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// One column from the tenant's tables, read as their owner.
    pub(crate) async fn column<V>(&self, tenant: &Tenant, sql: &str) -> Vec<V>
    where
        V: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let mut tx = self.owner.begin(&tenant.schema, tenant.id, "test.peek").await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut *tx).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Writes into the tenant's tables behind the program's back.
    pub(crate) async fn poke(&self, tenant: &Tenant, sql: &str) {
        let mut tx = self.owner.begin(&tenant.schema, tenant.id, "test.poke").await.unwrap();
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        tx.commit().await.unwrap();
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }
    pub(crate) fn request(&self, method: &str, user: &User, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&user.token)
    }
    /// `path` below `/api/v1/`.
    pub(crate) async fn get(&self, user: &User, path: &str) -> Answer {
        self.send(self.request("GET", user, &format!("/api/v1/{path}"))).await
    }
    pub(crate) async fn query(&self, user: &User, path: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send(self.request("GET", user, &format!("/api/v1/{path}")).query(parameters)).await
    }
    pub(crate) async fn post(&self, user: &User, path: &str, body: &Value) -> Answer {
        self.send(self.request("POST", user, &format!("/api/v1/{path}")).json(body)).await
    }
    pub(crate) async fn post_keyed(&self, user: &User, path: &str, key: &str, body: &Value) -> Answer {
        self.send(self.request("POST", user, &format!("/api/v1/{path}")).header("Idempotency-Key", key).json(body)).await
    }
    /// A page, as a browser with this session asks for it.
    pub(crate) async fn page(&self, user: &User, path: &str) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.base)).header("Cookie", format!("steward_session={}", user.token))).await
    }

    /// A command through the bus, as a user who may run it.
    pub(crate) async fn run(&self, user: &User, command: &str, input: Value) -> Executed {
        let shown = input.to_string();
        self.try_run(user, command, input).await.unwrap_or_else(|error| panic!("{command} {shown}: {error:?}"))
    }
    pub(crate) async fn try_run(&self, user: &User, command: &str, input: Value) -> Result<Executed> {
        self.kernel.execute(&user.principal, Request::new(command, input)).await
    }
    /// Where a program of its own finds the same database.
    pub(crate) fn database_url(&self) -> String {
        self.database.url()
    }
    /// What the program says to these arguments, over the same database.
    pub(crate) fn program(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STEWARD_")) {
            command.env_remove(name);
        }
        let home = self.state.config.server.home.clone().unwrap();
        command.args(arguments).env("DATABASE_URL", self.database_url()).env("STEWARD_SERVER__HOME", &home).env("STEWARD_LOGGING__FILTER", "error");
        command.current_dir(&home).stdin(Stdio::null()).output().unwrap()
    }
    /// Delivers every event.
    pub(crate) async fn drain(&self) -> u64 {
        self.state.relay.drain().await.unwrap()
    }
}
