//! Companies of a tenant, each with its currency.

pub mod create;
pub mod update;

use sqlx::PgConnection;
use steward_kernel::command::{Entity, RowScope};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{Currency, Field, Resource};
use uuid::Uuid;

pub const RESOURCE: &str = "identity.company";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "companies", "identity_company")
        .company("id")
        .field(Field::text("code").required().max(20).sortable().in_list().writable())
        .field(Field::text("name").required().sortable().prefix("name_fold").searchable().in_list().writable())
        .field(Field::text("currency").required().max(3).in_list())
        .field(Field::text("country").required().max(2).in_list().writable())
        .sort("name")
        .create("identity.company.create")
        .update("identity.company.update")
}

pub struct Company {
    pub id: Uuid,
    pub version: i64,
    pub code: String,
    pub name: String,
    pub country: String,
}

impl Entity for Company {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { company: Some(self.id), ..RowScope::default() }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(Self, "SELECT id, version, code, name, country FROM identity_company WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant, id)
            .fetch_optional(db)
            .await
            .during("read the company")
    }
}

/// Two capital letters (ISO 3166), or nothing.
fn country(given: &str) -> Result<String> {
    let country = given.to_ascii_uppercase();
    let well_formed = country.is_empty() || (country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()));
    if well_formed { Ok(country) } else { Err(Error::field("country", "a country is two letters, such as DE")) }
}

fn currency(given: &str) -> Result<String> {
    let currency = given.to_ascii_uppercase();
    Currency::new(&currency).map_err(|_| Error::field("currency", "a currency is three letters, such as EUR"))?;
    Ok(currency)
}

/// The named company, else the user's own, else the only one there is.
pub(crate) async fn chosen(work: &mut Work, named: Option<Uuid>) -> Result<Uuid> {
    if let Some(company) = named.or(work.rights().company) {
        return Ok(company);
    }
    let tenant = work.tenant();
    let all =
        sqlx::query_scalar!("SELECT id FROM identity_company WHERE tenant_id = $1 LIMIT 2", tenant).fetch_all(work.db()).await.during("look up the company")?;
    match all.as_slice() {
        [only] => Ok(*only),
        _ => Err(Error::field("company", "name the company")),
    }
}
