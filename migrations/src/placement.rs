//! Runs migrations: the fixed set for the database, the merged set for each placement's schema.
//!
//! Each schema has a bookkeeping table of its own. One lock of a transaction that stays open for the whole run keeps
//! other runs out; it is gone with its connection, whatever happens.

use crate::contents::{FIXED, ours};
use crate::owner::plain;
use crate::{Contents, Owner, sync_roles, vectors};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use steward_kernel::error::{During, Error, Result};

/// The schema of tenants that share one.
pub const POOLED: &str = "pooled";

/// Brings the database, every placement and the built-in roles up to this version.
pub async fn migrate_all(owner: &Owner, contents: &Contents) -> Result<()> {
    let lock = lock(owner).await?;
    fixed(owner).await?;
    vectors::prepare(owner).await?;
    for schema in schemas(owner).await? {
        one(owner, &schema, &contents.placement()).await?;
    }
    // The months' partitions are made by the relay while it runs; a database that stood still catches up here.
    sqlx::query("SELECT kernel.ensure_partitions()").execute(&owner.pool).await.during("make the partitions")?;
    sync_roles(owner, contents).await?;
    lock.rollback().await.during("unlock the migrations")
}

/// The fixed set: roles, settings, the outbox, the control plane.
pub async fn migrate_database(owner: &Owner) -> Result<()> {
    let lock = lock(owner).await?;
    fixed(owner).await?;
    lock.rollback().await.during("unlock the migrations")
}

/// One placement's schema, which is made if it is missing.
pub async fn migrate_placement(owner: &Owner, schema: &str, migrators: &[&'static Migrator]) -> Result<()> {
    let lock = lock(owner).await?;
    one(owner, schema, &crate::contents::merged(migrators)).await?;
    lock.rollback().await.during("unlock the migrations")
}

/// What is not applied yet, as `schema: version name`.
pub async fn pending_all(owner: &Owner, contents: &Contents) -> Result<Vec<String>> {
    let mut pending = missing(owner, "public", &FIXED).await?;
    let schemas = if pending.is_empty() { schemas(owner).await? } else { vec![POOLED.to_owned()] };
    for schema in schemas {
        pending.extend(missing(owner, &schema, &contents.placement()).await?);
    }
    Ok(pending)
}

async fn lock(owner: &Owner) -> Result<Transaction<'static, Postgres>> {
    let mut tx = owner.pool.begin().await.during("begin a transaction")?;
    // An idle transaction holds no snapshot, so it does not keep `CREATE INDEX CONCURRENTLY` waiting.
    sqlx::raw_sql(
        "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL transaction_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0",
    )
    .execute(&mut *tx)
    .await
    .during("prepare to lock")?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('steward:migrate', 0))").execute(&mut *tx).await.during("lock the migrations")?;
    Ok(tx)
}

async fn fixed(owner: &Owner) -> Result<()> {
    run(owner, "public", &ours(Migrator { migrations: FIXED.migrations.clone(), ..Migrator::DEFAULT })).await
}

async fn one(owner: &Owner, schema: &str, migrator: &Migrator) -> Result<()> {
    let name = plain(schema)?;
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {name}; GRANT USAGE ON SCHEMA {name} TO steward_app, steward_login")))
        .execute(&owner.pool)
        .await
        .during("make the schema")?;
    run(owner, name, migrator).await
}

/// `pg_temp` stands last, so that no temporary table can stand in for one of ours in a function of the owner's.
async fn run(owner: &Owner, schema: &str, migrator: &Migrator) -> Result<()> {
    let path = if schema == "public" { "public, pg_temp".to_owned() } else { format!("{}, app, pg_temp", plain(schema)?) };
    let mut db = owner.pool.acquire().await.during("connect")?;
    let settings = format!("SET search_path TO {path}; SET statement_timeout = 0; SET transaction_timeout = 0; SET client_min_messages = warning");
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *db).await.during("prepare to migrate")?;
    let done = migrator.run_direct(None, &mut *db, false).await;
    close(db).await;
    done.map_err(|error| Error::internal(format!("the schema {schema} could not be migrated: {error}")).with_source(error))?;
    tracing::debug!(schema, "migrated");
    Ok(())
}

/// The connection's settings are not those of the others: it does not go back to the pool.
async fn close(db: PoolConnection<Postgres>) {
    if let Err(error) = db.close().await {
        tracing::debug!(%error, "a connection did not close cleanly");
    }
}

/// The shared schema and those of tenants with one of their own.
async fn schemas(owner: &Owner) -> Result<Vec<String>> {
    let own = sqlx::query_scalar!("SELECT DISTINCT schema FROM control.tenant WHERE schema <> $1 ORDER BY schema", POOLED)
        .fetch_all(&owner.pool)
        .await
        .during("list the placements")?;
    Ok([POOLED.to_owned()].into_iter().chain(own).collect())
}

async fn missing(owner: &Owner, schema: &str, migrator: &Migrator) -> Result<Vec<String>> {
    let table = format!("{}._sqlx_migrations", plain(schema)?);
    let known: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(&table).fetch_one(&owner.pool).await.during("look for migrations")?;
    let applied: Vec<i64> = match known {
        true => sqlx::query_scalar(AssertSqlSafe(format!("SELECT version FROM {table} WHERE success")))
            .fetch_all(&owner.pool)
            .await
            .during("read the applied migrations")?,
        false => Vec::new(),
    };
    Ok(migrator
        .iter()
        .filter(|migration| !applied.contains(&migration.version))
        .map(|migration| format!("{schema}: {} {}", migration.version, migration.description))
        .collect())
}
