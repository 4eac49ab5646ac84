//! SQL of contacts.

use super::{Contact, ContactId};
use crate::party::PartyId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use steward_kernel::error::During;
use steward_kernel::{Result, RowScope};
use uuid::Uuid;

pub(super) async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Contact>> {
    sqlx::query_as!(
        Contact,
        r#"SELECT id AS "id: ContactId", version, archived_at, owner_id, department_id, company_id, party_id AS "party_id: PartyId", name, position, email, phone
           FROM crm_contact WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
        tenant,
        id
    )
    .fetch_optional(db)
    .await
    .during("lock the contact")
}

/// A contact never moves to another party, so this needs no lock.
pub(super) async fn party_of(db: &mut PgConnection, tenant: Uuid, id: ContactId) -> Result<Option<PartyId>> {
    sqlx::query_scalar!(r#"SELECT party_id AS "party_id: PartyId" FROM crm_contact WHERE tenant_id = $1 AND id = $2"#, tenant, id.0)
        .fetch_optional(db)
        .await
        .during("find the contact")
}

/// Stores a new contact with the scope columns of its party.
pub(crate) async fn insert(db: &mut PgConnection, tenant: Uuid, scope: RowScope, contact: &Contact) -> Result<()> {
    sqlx::query!(
        "INSERT INTO crm_contact (tenant_id, id, party_id, owner_id, department_id, company_id, name, position, email, phone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant,
        contact.id.0,
        contact.party_id.0,
        scope.owner,
        scope.department,
        scope.company,
        contact.name,
        contact.position,
        contact.email,
        contact.phone
    )
    .execute(db)
    .await
    .during("store the contact")?;
    Ok(())
}

pub(super) async fn update(db: &mut PgConnection, tenant: Uuid, contact: &Contact) -> Result<()> {
    sqlx::query_scalar!(
        "UPDATE crm_contact SET name = $3, position = $4, email = $5, phone = $6 WHERE tenant_id = $1 AND id = $2 RETURNING version",
        tenant,
        contact.id.0,
        contact.name,
        contact.position,
        contact.email,
        contact.phone
    )
    .fetch_one(db)
    .await
    .during("store the contact")
    .map(drop)
}

pub(super) async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: ContactId, archived_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("UPDATE crm_contact SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, id.0, archived_at)
        .execute(db)
        .await
        .during("archive the contact")?;
    Ok(())
}
