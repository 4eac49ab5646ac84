//! The Steward that is measured: where it is, who can log in, and its database for the truth.

use crate::client::Client;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Column, Row, TypeInfo, ValueRef};
use std::collections::BTreeMap;
use std::path::Path;
use steward_migrations::Owner;
use uuid::Uuid;

/// What `steward demo` announces: the address and the log-ins of each tenant.
#[derive(Clone, Debug, Deserialize)]
pub struct Announcement {
    pub base_url: String,
    pub tenants: Vec<Tenant>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Tenant {
    pub tenant: String,
    pub users: Vec<Login>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Login {
    pub email: String,
    pub password: String,
    pub role: String,
    #[serde(default)]
    pub external_id: Option<String>,
}

impl Announcement {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no announcement of `steward demo`", path.display()))
    }
}

pub struct Target {
    pub base_url: String,
    tenants: BTreeMap<String, Tenant>,
    /// The owner's connection, for truth by SQL. Without it the suites that need it are skipped, and say so.
    owner: Option<Owner>,
}

impl Target {
    pub async fn new(announcement: Announcement, database: Option<&str>) -> Result<Self> {
        let owner = match database {
            Some(url) => Some(Owner::connect(url).await.context("the database of the truth cannot be reached")?),
            None => None,
        };
        let tenants = announcement.tenants.into_iter().map(|tenant| (tenant.tenant.clone(), tenant)).collect();
        Ok(Self { base_url: announcement.base_url.trim_end_matches('/').to_owned(), tenants, owner })
    }

    pub fn tenant(&self, slug: &str) -> Option<&Tenant> {
        self.tenants.get(slug)
    }

    pub fn has_truth(&self) -> bool {
        self.owner.is_some()
    }

    /// Logs in the first user of a tenant with this role.
    pub async fn log_in_as(&self, slug: &str, role: &str) -> Result<Client> {
        let tenant = self.tenant(slug).with_context(|| format!("there is no tenant {slug}"))?;
        let login = tenant.users.iter().find(|user| user.role == role).with_context(|| format!("{slug} has no log-in with the role {role}"))?;
        Client::log_in(&self.base_url, slug, login).await
    }

    /// Logs in the user that an import brought in under this id.
    pub async fn log_in_external(&self, slug: &str, external_id: &str) -> Result<Client> {
        let tenant = self.tenant(slug).with_context(|| format!("there is no tenant {slug}"))?;
        let login = tenant.users.iter().find(|user| user.external_id.as_deref() == Some(external_id));
        Client::log_in(&self.base_url, slug, login.with_context(|| format!("{slug} has no log-in for {external_id}"))?).await
    }

    pub async fn truth(&self, slug: &str) -> Result<Truth<'_>> {
        let owner = self.owner.as_ref().context("truth by SQL needs --database")?;
        let placement: Option<(Uuid, String)> = sqlx::query_as("SELECT id, schema FROM control.tenant WHERE slug = $1")
            .bind(slug)
            .fetch_optional(owner.pool())
            .await
            .context("the tenant cannot be looked up")?;
        let Some((tenant, schema)) = placement else { bail!("the database has no tenant {slug}") };
        Ok(Truth { owner, tenant, schema })
    }

    /// The owner's connection, where there is one.
    pub fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    pub async fn close(self) {
        if let Some(owner) = self.owner {
            owner.close().await;
        }
    }
}

/// A tenant's tables, read as their owner.
pub struct Truth<'a> {
    owner: &'a Owner,
    pub tenant: Uuid,
    schema: String,
}

impl Truth<'_> {
    /// The rows of a statement as texts; `$1` is the tenant. The statements are the data sets' own.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        let mut tx = self.owner.begin(&self.schema, self.tenant, "evals.truth").await?;
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .bind(self.tenant)
            .fetch_all(&mut *tx)
            .await
            .with_context(|| format!("the truth cannot be read: {sql}"))?;
        rows.iter().map(|row| (0..row.len()).map(|at| text(row, at)).collect()).collect()
    }
}

fn text(row: &PgRow, at: usize) -> Result<String> {
    if row.try_get_raw(at)?.is_null() {
        return Ok(String::new());
    }
    let kind = row.column(at).type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INT8" => row.try_get::<i64, _>(at)?.to_string(),
        "INT4" => row.try_get::<i32, _>(at)?.to_string(),
        "NUMERIC" => row.try_get::<rust_decimal::Decimal, _>(at)?.to_string(),
        "TEXT" | "VARCHAR" => row.try_get::<String, _>(at)?,
        "UUID" => row.try_get::<Uuid, _>(at)?.to_string(),
        "BOOL" => row.try_get::<bool, _>(at)?.to_string(),
        "DATE" => row.try_get::<chrono::NaiveDate, _>(at)?.to_string(),
        other => bail!("a truth has the type {other}: cast it to text"),
    })
}
