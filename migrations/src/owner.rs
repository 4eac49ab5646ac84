//! The owner's connections.

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};
use std::str::FromStr;
use std::time::Duration;
use steward_kernel::error::{During, Error, Result};
use uuid::Uuid;

/// Connections with the rights of the database's owner. Never used to serve a request.
#[derive(Clone, Debug)]
pub struct Owner {
    pub(crate) pool: PgPool,
}

impl Owner {
    pub async fn connect(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url).map_err(|error| Error::internal("the database URL cannot be read").with_source(error))?;
        Self::with(options).await
    }

    pub(crate) async fn with(options: PgConnectOptions) -> Result<Self> {
        let options = options.application_name("steward-owner");
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options)
            .await
            .during("connect as the owner of the database")?;
        Ok(Self { pool })
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction in a placement's schema, for one tenant.
    pub async fn begin(&self, schema: &str, tenant: Uuid, command: &str) -> Result<Transaction<'static, Postgres>> {
        let mut tx = self.pool.begin().await.during("begin a transaction")?;
        enter(&mut tx, schema, tenant, command).await?;
        Ok(tx)
    }
}

/// Names schema, tenant and command for the rest of the transaction.
pub(crate) async fn enter(db: &mut PgConnection, schema: &str, tenant: Uuid, command: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(format!("SET LOCAL search_path TO {}, app, pg_temp", plain(schema)?))).execute(&mut *db).await.during("enter the placement")?;
    sqlx::query("SELECT set_config('app.tenant', $1, true), set_config('app.actor', $2, true), set_config('app.mode', 'write', true), set_config('app.command', $3, true), set_config('app.correlation', $4, true)")
        .bind(tenant.to_string())
        .bind(Uuid::nil().to_string())
        .bind(command)
        .bind(steward_kernel::ids::fresh().to_string())
        .execute(db)
        .await
        .during("name the tenant")?;
    Ok(())
}

/// A schema's name goes into statements as it stands, so nothing but small letters, digits and underscores passes.
pub(crate) fn plain(schema: &str) -> Result<&str> {
    let well_formed = schema.starts_with(|c: char| c.is_ascii_lowercase())
        && schema.len() <= 63
        && schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if well_formed { Ok(schema) } else { Err(Error::bad_request("the name of a schema is small letters, digits and underscores")) }
}
