//! Connections to a database that holds placements: one pool for each role, and nothing that hands out more rights.
//!
//! The role is set when a connection starts, so that no statement runs as the owner. The owner's own connection is for
//! migrations only and lives in `steward-migrations`.

use crate::error::{During, Error, Result};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use std::str::FromStr;
use std::time::Duration;

/// How to reach the database and how much of it to use.
#[derive(Clone, Debug)]
pub struct Settings {
    pub url: String,
    /// Connections that serve requests. The relay with the indexer, and the log-in, have four each beside these.
    pub connections_max: u32,
    /// Off for PgBouncer before 1.21 in transaction mode.
    pub named_statements: bool,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
    pub transaction_timeout: Duration,
}

impl Settings {
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            connections_max: 16,
            named_statements: true,
            statement_timeout: Duration::from_secs(15),
            lock_timeout: Duration::from_secs(5),
            transaction_timeout: Duration::from_secs(60),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Database {
    /// Serves requests: owns nothing, sees only the tenant of its unit of work.
    pub app: PgPool,
    /// Reads the outbox of all tenants, and nothing else.
    pub relay: PgPool,
    /// Looks up a user by tenant and e-mail, and nothing else.
    pub login: PgPool,
}

impl Database {
    /// Connects lazily: the first use of each pool opens it.
    pub fn new(settings: &Settings) -> Result<Self> {
        Ok(Self {
            app: pool(settings, "steward_app", settings.connections_max)?,
            relay: pool(settings, "steward_relay", 4)?,
            login: pool(settings, "steward_login", 4)?,
        })
    }

    /// Checks at start that the server is new enough (`transaction_timeout` came with 17).
    pub async fn check(&self) -> Result<()> {
        let version: String = sqlx::query_scalar("SELECT current_setting('server_version_num')").fetch_one(&self.app).await.during("reach the database")?;
        match version.parse::<u32>() {
            Ok(number) if number >= 170_000 => Ok(()),
            _ => Err(Error::internal(format!("PostgreSQL 17 or newer is needed, the server is {version}"))),
        }
    }

    pub async fn close(&self) {
        futures::join!(self.app.close(), self.relay.close(), self.login.close());
    }
}

/// A transaction that has begun whole or not at all, whoever gives up waiting for it. `begin` is the statement that opens it.
///
/// The driver counts a transaction once its `BEGIN` was answered. A future that is dropped before that (a client that went
/// away) gives the connection back with the transaction open, and whoever comes next would read in its old snapshot, with
/// rights that were withdrawn since. Therefore it begins in a task of its own, which nobody drops; a transaction that is not
/// wanted any more is rolled back there.
pub async fn begin(pool: &PgPool, begin: String) -> sqlx::Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    #[expect(clippy::disallowed_methods, reason = "it ends by itself in a moment, and a stop need not wait for what nobody waits for")]
    let begun = tokio::spawn(async move { pool.begin_with(AssertSqlSafe(begin)).await });
    begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

fn pool(settings: &Settings, role: &'static str, connections_max: u32) -> Result<PgPool> {
    let mut options = PgConnectOptions::from_str(&settings.url)
        .map_err(|error| Error::internal("the database URL cannot be read").with_source(error))?
        .application_name("steward")
        .options([
            ("role", role.to_owned()),
            ("statement_timeout", settings.statement_timeout.as_millis().to_string()),
            ("lock_timeout", settings.lock_timeout.as_millis().to_string()),
            ("transaction_timeout", settings.transaction_timeout.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", "30000".to_owned()),
            ("jit", "off".to_owned()),
        ]);
    if !settings.named_statements {
        options = options.statement_cache_capacity(0);
    }
    Ok(PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(Duration::from_secs(300))
        // A ping before each use would cost a round trip a request; a broken connection shows itself and is replaced.
        .test_before_acquire(false)
        .connect_lazy_with(options))
}
