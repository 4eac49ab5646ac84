//! SQL of addresses.

use super::{Address, AddressId};
use crate::party::PartyId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use steward_kernel::error::During;
use steward_kernel::{Result, RowScope};
use uuid::Uuid;

pub(super) async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Address>> {
    sqlx::query_as!(
        Address,
        r#"SELECT id AS "id: AddressId", version, archived_at, owner_id, department_id, company_id, party_id AS "party_id: PartyId", kind, main, street, city, region, postal_code, country
           FROM crm_address WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
        tenant,
        id
    )
    .fetch_optional(db)
    .await
    .during("lock the address")
}

/// An address never moves to another party, so this needs no lock.
pub(super) async fn party_of(db: &mut PgConnection, tenant: Uuid, id: AddressId) -> Result<Option<PartyId>> {
    sqlx::query_scalar!(r#"SELECT party_id AS "party_id: PartyId" FROM crm_address WHERE tenant_id = $1 AND id = $2"#, tenant, id.0)
        .fetch_optional(db)
        .await
        .during("find the address")
}

/// Stores a new address with the scope columns of its party.
pub(crate) async fn insert(db: &mut PgConnection, tenant: Uuid, party: PartyId, scope: RowScope, address: &Address) -> Result<()> {
    sqlx::query!(
        "INSERT INTO crm_address (tenant_id, id, party_id, owner_id, department_id, company_id, kind, main, street, city, region, postal_code, country)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        tenant,
        address.id.0,
        party.0,
        scope.owner,
        scope.department,
        scope.company,
        address.kind,
        address.main,
        address.street,
        address.city,
        address.region,
        address.postal_code,
        address.country
    )
    .execute(db)
    .await
    .during("store the address")?;
    Ok(())
}

pub(super) async fn update(db: &mut PgConnection, tenant: Uuid, address: &Address) -> Result<()> {
    sqlx::query_scalar!(
        "UPDATE crm_address SET kind = $3, street = $4, city = $5, region = $6, postal_code = $7, country = $8 WHERE tenant_id = $1 AND id = $2 RETURNING version",
        tenant,
        address.id.0,
        address.kind,
        address.street,
        address.city,
        address.region,
        address.postal_code,
        address.country
    )
    .fetch_one(db)
    .await
    .during("store the address")
    .map(drop)
}

pub(super) async fn has_main(db: &mut PgConnection, tenant: Uuid, party: PartyId) -> Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM crm_address WHERE tenant_id = $1 AND party_id = $2 AND main) AS "found!""#, tenant, party.0)
        .fetch_one(db)
        .await
        .during("find the main address")
}

/// Returns the address that was the main one.
pub(super) async fn unset_main(db: &mut PgConnection, tenant: Uuid, party: PartyId) -> Result<Option<AddressId>> {
    sqlx::query_scalar!(
        r#"UPDATE crm_address SET main = false WHERE tenant_id = $1 AND party_id = $2 AND main RETURNING id AS "id: AddressId""#,
        tenant,
        party.0
    )
    .fetch_optional(db)
    .await
    .during("change the main address")
}

pub(super) async fn set_main(db: &mut PgConnection, tenant: Uuid, id: AddressId) -> Result<()> {
    sqlx::query!("UPDATE crm_address SET main = true WHERE tenant_id = $1 AND id = $2", tenant, id.0).execute(db).await.during("change the main address")?;
    Ok(())
}

/// The oldest current address becomes the main one.
pub(super) async fn promote(db: &mut PgConnection, tenant: Uuid, party: PartyId) -> Result<()> {
    sqlx::query!(
        "UPDATE crm_address SET main = true WHERE tenant_id = $1
         AND id = (SELECT id FROM crm_address WHERE tenant_id = $1 AND party_id = $2 AND archived_at IS NULL ORDER BY created_at, id LIMIT 1)",
        tenant,
        party.0
    )
    .execute(db)
    .await
    .during("change the main address")?;
    Ok(())
}

/// An archived address is no longer the main one.
pub(super) async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: AddressId, archived_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("UPDATE crm_address SET archived_at = $3, main = false WHERE tenant_id = $1 AND id = $2", tenant, id.0, archived_at)
        .execute(db)
        .await
        .during("archive the address")?;
    Ok(())
}
