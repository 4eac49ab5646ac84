//! A place where the program is started as a process of its own: a database, a folder, a port, and tenants.

use crate::app::PASSWORD;
use sqlx::AssertSqlSafe;
use std::fs::OpenOptions;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use steward_gateway::compose::modules;
use steward_kernel::ids;
use steward_migrations::test_database::TestDatabase;
use steward_migrations::{Administrator, Contents, Created, NewTenant, Owner, POOLED, Placement, create_tenant};

/// How long anything may take before the test says that it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A process that ends with its value, by `kill -9`.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Resident memory in megabytes, where the system tells it.
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let kilobytes: u64 = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes / 1024)
    }
}

/// A folder that goes with its value.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) slug: String,
    pub(crate) schema: String,
    pub(crate) created: Created,
}

pub(crate) struct Site {
    pub(crate) owner: Owner,
    pub(crate) client: reqwest::Client,
    contents: Contents,
    home: Folder,
    port: u16,
    /// Dropped last.
    database: TestDatabase,
}

fn at(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

impl Site {
    pub(crate) async fn open() -> Self {
        let contents = Contents::of(&modules());
        let database = TestDatabase::create(&contents).await.unwrap();
        let owner = database.owner().await.unwrap();
        let home = Folder(std::env::temp_dir().join(format!("steward-site-{}", ids::fresh().simple())));
        std::fs::create_dir_all(&home.0).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { owner, client, contents, home, port, database }
    }

    /// A tenant with its administrator `ada@{slug}.example`.
    pub(crate) async fn tenant(&self, slug: &str, placement: Placement) -> Tenant {
        let administrator = Administrator { name: "Ada".into(), email: format!("ada@{slug}.example"), password: Some(PASSWORD.into()) };
        let created = create_tenant(&self.owner, &self.contents, NewTenant { placement, administrator, ..NewTenant::new(slug, slug) }).await.unwrap();
        let schema: String =
            sqlx::query_scalar("SELECT schema FROM control.tenant WHERE id = $1").bind(created.tenant).fetch_one(self.owner.pool()).await.unwrap();
        assert_eq!(schema == POOLED, placement == Placement::Pooled);
        Tenant { slug: slug.into(), schema, created }
    }

    /// The program with these arguments, over this database and in this folder.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
        // What a shell has set for another server is not meant for this one.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STEWARD_")) {
            command.env_remove(name);
        }
        let log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        command.args(arguments).env("DATABASE_URL", self.database.url()).env("STEWARD_SERVER__HOME", &self.home.0).env("STEWARD_LOGGING__FILTER", "error");
        command.current_dir(&self.home.0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }

    /// A file in the folder of the program, which never sees a half of it.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, written) = (self.home.0.join(name), self.home.0.join(format!("{name}.new")));
        std::fs::write(&written, text).unwrap();
        std::fs::rename(&written, &path).unwrap();
        path
    }

    fn log(&self) -> PathBuf {
        self.home.0.join("server.log")
    }

    /// What the processes logged of their own failures.
    pub(crate) fn failures(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().filter(|line| line.contains("ERROR")).take(20).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn base(&self) -> String {
        at(self.port)
    }

    /// `steward serve`, ready.
    pub(crate) async fn serve(&self) -> Process {
        self.serve_with(&[]).await
    }

    /// The same with keys of the configuration.
    pub(crate) async fn serve_with(&self, keys: &[(&str, &str)]) -> Process {
        self.serve_at(self.port, keys).await
    }

    /// Another `steward serve` beside the first one, and where it listens.
    pub(crate) async fn serve_beside(&self) -> (Process, String) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        (self.serve_at(port, &[]).await, at(port))
    }

    async fn serve_at(&self, port: u16, keys: &[(&str, &str)]) -> Process {
        let mut server = Process(self.program(&["serve", "--port", &port.to_string()]).envs(keys.iter().copied()).spawn().unwrap());
        let (started, ready) = (Instant::now(), format!("{}/readyz", at(port)));
        loop {
            assert!(server.0.try_wait().unwrap().is_none(), "the server ended by itself: {}", std::fs::read_to_string(self.log()).unwrap_or_default());
            if self.client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return server;
            }
            assert!(started.elapsed() < PATIENCE, "the server did not become ready");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// `steward import` of a folder, with its report on standard output.
    pub(crate) fn import(&self, tenant: &Tenant, folder: &Path) -> Command {
        let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/northwind.toml");
        let mut command = self.program(&["import", "--json", "--tenant", &tenant.slug, "--mapping"]);
        command.arg(mapping).arg(folder).stdout(Stdio::piped());
        command
    }

    /// One value from the tenant's tables, read as their owner in one statement.
    pub(crate) async fn peek<V>(&self, tenant: &Tenant, sql: &str) -> V
    where
        V: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let mut tx = self.owner.begin(&tenant.schema, tenant.created.tenant, "test.peek").await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut *tx).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Connections that processes of the program have open to the database.
    pub(crate) async fn connections(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'steward'")
            .fetch_one(self.owner.pool())
            .await
            .unwrap()
    }

    /// Deadlocks that PostgreSQL resolved in this database.
    pub(crate) async fn deadlocks(&self) -> i64 {
        sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetch_one(self.owner.pool()).await.unwrap()
    }
}
