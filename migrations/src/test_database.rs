//! Databases for tests: clones of a template that has all migrations, made in some twenty milliseconds each.
//!
//! Start at [`House::open`], a kernel over a fresh database, and at [`House::user`], a principal with just the grants
//! that a test is about. The server is named by `STEWARD_TEST_DATABASE_URL` (`cargo xtask test` sets it), else by
//! `DATABASE_URL`. The template is named by a hash of the migrations and made once, whoever comes first.

use crate::{Contents, Created, NewTenant, Owner, Placement, create_tenant, migrate_all, roles};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use steward_kernel::bus::Kernel;
use steward_kernel::database::{Database, Settings};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::principal::{Door, Principal, Scope};
use steward_kernel::{Clock, Module, ids};
use uuid::Uuid;

/// Test databases of a process that was killed are dropped by a later one after this long.
const LEFT_OVER_SECONDS: u64 = 3600;

/// A database of its own, dropped with the value.
pub struct TestDatabase {
    name: String,
    server: PgConnectOptions,
}

impl TestDatabase {
    pub async fn create(contents: &Contents) -> Result<Self> {
        let server = server()?;
        let template = template(&server, contents).await?;
        let name = format!("steward_test_{}_{}", seconds(), ids::fresh().simple());
        let mut db = server.connect().await.during("reach the test server")?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")))
            .execute(&mut db)
            .await
            .during("clone the template")?;
        db.close().await.during("leave the test server")?;
        Ok(Self { name, server })
    }

    /// The owner's URL.
    pub fn url(&self) -> String {
        self.server.clone().database(&self.name).to_url_lossy().to_string()
    }

    /// For the application's pools; small, since many tests run at once.
    pub fn settings(&self) -> Settings {
        Settings { connections_max: 8, ..Settings::new(self.url()) }
    }

    /// Drops it under everybody's feet: for what must hold when the database is gone.
    pub async fn lose(&self) -> Result<()> {
        let mut db = self.server.connect().await.during("reach the test server")?;
        sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.name))).execute(&mut db).await.during("drop the test database")?;
        db.close().await.during("leave the test server")
    }

    pub async fn owner(&self) -> Result<Owner> {
        Owner::with(self.server.clone().database(&self.name)).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), std::mem::take(&mut self.name));
        // A drop cannot wait in an async runtime, so it waits in a thread with one of its own.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut db = server.connect().await.map_err(std::io::Error::other)?;
                let gone = sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).execute(&mut db).await;
                gone.map(drop).map_err(std::io::Error::other)
            })
        });
        if !matches!(dropped.join(), Ok(Ok(()))) {
            tracing::warn!("a test database was not dropped; a later run will");
        }
    }
}

/// A kernel over a fresh database.
pub struct House {
    pub kernel: Arc<Kernel>,
    pub owner: Owner,
    pub contents: Contents,
    pub database: TestDatabase,
}

impl House {
    pub async fn open(modules: Vec<Module>, clock: Clock) -> Result<Self> {
        let contents = Contents::of(&modules);
        let database = TestDatabase::create(&contents).await?;
        let owner = database.owner().await?;
        let kernel = Kernel::new(modules, Database::new(&database.settings())?, clock, [7; 32])?;
        Ok(Self { kernel, owner, contents, database })
    }

    /// A tenant with one company and an administrator without a password.
    pub async fn tenant(&self, slug: &str, placement: Placement) -> Result<Created> {
        create_tenant(&self.owner, &self.contents, NewTenant { placement, ..NewTenant::new(slug, slug) }).await
    }

    /// A user of the tenant's first company, logged in, with exactly these grants.
    pub async fn user(&self, tenant: &Created, name: &str, grants: &[(&str, Scope)]) -> Result<Principal> {
        let schema = self.kernel.placement(tenant.tenant).await?.schema.clone();
        let user = ids::fresh();
        let mut tx = self.owner.begin(&schema, tenant.tenant, "test.user").await?;
        let email = format!("{}@test.example", user.simple());
        sqlx::query!(
            "INSERT INTO identity_user (tenant_id, id, name, email, company_id) VALUES ($1, $2, $3, $4, $5)",
            tenant.tenant,
            user,
            name,
            email,
            tenant.company
        )
        .execute(&mut *tx)
        .await
        .during("store a test user")?;
        let (role, _) = roles::role(&mut tx, tenant.tenant, &format!("test {user}"), false).await?;
        let grants = grants.iter().map(|(permission, scope)| ((*permission).to_owned(), *scope)).collect();
        roles::grant(&mut tx, tenant.tenant, role, &grants).await?;
        sqlx::query!("INSERT INTO identity_user_role (tenant_id, id, user_id, role_id) VALUES ($1, $2, $3, $4)", tenant.tenant, ids::fresh(), user, role)
            .execute(&mut *tx)
            .await
            .during("give a test user a role")?;
        tx.commit().await.during("commit a test user")?;
        self.log_in(tenant.tenant, user).await
    }

    /// Opens a session for a user that exists, without a password.
    pub async fn log_in(&self, tenant: Uuid, user: Uuid) -> Result<Principal> {
        let (placement, session) = (self.kernel.placement(tenant).await?, ids::fresh());
        let mut tx = self.owner.begin(&placement.schema, tenant, "test.log_in").await?;
        sqlx::query!("INSERT INTO identity_session (tenant_id, id, user_id, expires_at) VALUES ($1, $2, $3, now() + interval '1 day')", tenant, session, user)
            .execute(&mut *tx)
            .await
            .during("open a test session")?;
        tx.commit().await.during("commit a test session")?;
        Ok(Principal { tenant, user, session, interactive: true, door: Door::Rest, correlation: Arc::from("test") })
    }
}

fn server() -> Result<PgConnectOptions> {
    let named = ["STEWARD_TEST_DATABASE_URL", "DATABASE_URL"].into_iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()));
    let url = named.ok_or_else(|| Error::internal("tests need a PostgreSQL server: run them by `cargo xtask test`, or set STEWARD_TEST_DATABASE_URL"))?;
    let options = PgConnectOptions::from_str(&url).map_err(|error| Error::internal("the URL of the test server cannot be read").with_source(error))?;
    Ok(options.application_name("steward-test"))
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The template's name; it is made if it is missing, under a lock, beside its name and renamed when it is whole.
async fn template(server: &PgConnectOptions, contents: &Contents) -> Result<String> {
    let name = format!("steward_template_{}", contents.digest());
    let mut db = server.connect().await.during("reach the test server")?;
    if exists(&mut db, &name).await? {
        return Ok(name);
    }
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('steward:template', 0))").execute(&mut db).await.during("lock the template")?;
    if !exists(&mut db, &name).await? {
        sweep(&mut db).await?;
        let building = format!("{name}_building");
        sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)"))).execute(&mut db).await.during("drop half a template")?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {building} TEMPLATE template0"))).execute(&mut db).await.during("make a template")?;
        let owner = Owner::with(server.clone().database(&building)).await?;
        let migrated = migrate_all(&owner, contents).await;
        owner.close().await;
        migrated?;
        sqlx::raw_sql(AssertSqlSafe(format!("ALTER DATABASE {building} RENAME TO {name}"))).execute(&mut db).await.during("name the template")?;
    }
    // The lock ends with the connection.
    db.close().await.during("leave the test server")?;
    Ok(name)
}

async fn exists(db: &mut PgConnection, name: &str) -> Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)").bind(name).fetch_one(db).await.during("look for the template")
}

/// Drops what killed test runs left behind.
async fn sweep(db: &mut PgConnection) -> Result<()> {
    let names: Vec<String> = sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname LIKE 'steward\\_test\\_%'")
        .fetch_all(&mut *db)
        .await
        .during("list test databases")?;
    for name in names {
        let made = name.split('_').nth(2).and_then(|made| made.parse::<u64>().ok());
        if made.is_some_and(|made| made + LEFT_OVER_SECONDS < seconds()) {
            sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")))
                .execute(&mut *db)
                .await
                .during("drop a left-over test database")?;
        }
    }
    Ok(())
}
