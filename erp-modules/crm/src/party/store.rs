//! SQL of parties.

use super::{Party, PartyId};
use crate::error::Error;
use sqlx::PgConnection;
use steward_kernel::Result;
use steward_kernel::error::During;
use uuid::Uuid;

pub(crate) async fn lock(db: &mut PgConnection, tenant: Uuid, id: PartyId) -> Result<Option<Party>> {
    sqlx::query_as!(
        Party,
        r#"SELECT id AS "id: PartyId", version, archived_at, custom, owner_id, department_id, company_id, code, name, kind, is_customer, is_supplier,
                  tax_id, email, phone, website, language, currency, payment_term_days, credit_limit, note, city, country
           FROM crm_party WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
        tenant,
        id.0
    )
    .fetch_optional(db)
    .await
    .during("lock the party")
}

pub(crate) async fn insert(db: &mut PgConnection, tenant: Uuid, party: &Party) -> Result<()> {
    sqlx::query!(
        "INSERT INTO crm_party (tenant_id, id, custom, owner_id, department_id, company_id, code, name, kind, is_customer, is_supplier,
                                tax_id, email, phone, website, language, currency, payment_term_days, credit_limit, note, city, country)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
        tenant,
        party.id.0,
        party.custom,
        party.owner_id,
        party.department_id,
        party.company_id,
        party.code,
        party.name,
        party.kind,
        party.is_customer,
        party.is_supplier,
        party.tax_id,
        party.email,
        party.phone,
        party.website,
        party.language,
        party.currency,
        party.payment_term_days,
        party.credit_limit,
        party.note,
        party.city,
        party.country
    )
    .execute(db)
    .await
    .during("store the party")?;
    Ok(())
}

/// Writes everything but the copies of the main address.
pub(crate) async fn update(db: &mut PgConnection, tenant: Uuid, party: &Party) -> Result<()> {
    sqlx::query_scalar!(
        "UPDATE crm_party SET custom = $3, owner_id = $4, department_id = $5, company_id = $6, code = $7, name = $8, kind = $9, is_customer = $10, is_supplier = $11,
                              tax_id = $12, email = $13, phone = $14, website = $15, language = $16, currency = $17, payment_term_days = $18, credit_limit = $19, note = $20
         WHERE tenant_id = $1 AND id = $2 RETURNING version",
        tenant,
        party.id.0,
        party.custom,
        party.owner_id,
        party.department_id,
        party.company_id,
        party.code,
        party.name,
        party.kind,
        party.is_customer,
        party.is_supplier,
        party.tax_id,
        party.email,
        party.phone,
        party.website,
        party.language,
        party.currency,
        party.payment_term_days,
        party.credit_limit,
        party.note
    )
    .fetch_one(db)
    .await
    .during("store the party")
    .map(drop)
}

/// Addresses and contacts follow the party to a new owner, department or company.
pub(crate) async fn hand_over_children(db: &mut PgConnection, tenant: Uuid, party: &Party) -> Result<()> {
    sqlx::query!(
        "UPDATE crm_address SET owner_id = $3, department_id = $4, company_id = $5 WHERE tenant_id = $1 AND party_id = $2",
        tenant,
        party.id.0,
        party.owner_id,
        party.department_id,
        party.company_id
    )
    .execute(&mut *db)
    .await
    .during("hand over the addresses")?;
    sqlx::query!(
        "UPDATE crm_contact SET owner_id = $3, department_id = $4, company_id = $5 WHERE tenant_id = $1 AND party_id = $2",
        tenant,
        party.id.0,
        party.owner_id,
        party.department_id,
        party.company_id
    )
    .execute(db)
    .await
    .during("hand over the contacts")?;
    Ok(())
}

/// Brings the party's city and country into line with its main address. Every command that touches addresses ends here.
pub(crate) async fn copy_main_address(db: &mut PgConnection, tenant: Uuid, party: PartyId) -> Result<()> {
    sqlx::query!(
        "UPDATE crm_party p SET city = a.city, country = a.country
         FROM (SELECT $2::uuid AS id) wanted LEFT JOIN crm_address a ON a.tenant_id = $1 AND a.party_id = wanted.id AND a.main
         WHERE p.tenant_id = $1 AND p.id = wanted.id AND (p.city, p.country) IS DISTINCT FROM (a.city, a.country)",
        tenant,
        party.0
    )
    .execute(db)
    .await
    .during("copy the main address")?;
    Ok(())
}

pub(crate) async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: PartyId, archived_at: Option<chrono::DateTime<chrono::Utc>>) -> Result<()> {
    sqlx::query!("UPDATE crm_party SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, id.0, archived_at)
        .execute(db)
        .await
        .during("archive the party")?;
    Ok(())
}

/// Letters and digits of a tax id in capitals; the same rule makes the column `tax_key`.
fn tax_key(tax_id: Option<&str>) -> Option<String> {
    let key: String = tax_id?.chars().filter(char::is_ascii_alphanumeric).collect();
    Some(key.to_ascii_uppercase()).filter(|key| !key.is_empty())
}

/// Keeps two creations of the same party apart until the end of the transaction: without it both would see no duplicate.
pub(crate) async fn lock_names(db: &mut PgConnection, tenant: Uuid, name: &str, tax_id: Option<&str>) -> Result<()> {
    let mut keys = vec![format!("crm:{tenant}:name:{}", name.to_lowercase())];
    keys.extend(tax_key(tax_id).map(|key| format!("crm:{tenant}:tax:{key}")));
    keys.sort_unstable();
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended(k.key, 0)) FROM (SELECT unnest($1::text[]) AS key) k ORDER BY k.key", &keys)
        .execute(db)
        .await
        .during("look for duplicates")?;
    Ok(())
}

/// What makes `party` a likely duplicate of another current one: the tax id, or the folded name in the same city (a
/// party without a city may be anywhere).
pub(crate) async fn find_duplicate(db: &mut PgConnection, tenant: Uuid, party: &Party) -> Result<Option<Error>> {
    let found = sqlx::query_scalar!(
        r#"(SELECT 'tax_id' AS "what!" FROM crm_party WHERE tenant_id = $1 AND tax_key = $2 AND archived_at IS NULL LIMIT 1)
           UNION ALL
           (SELECT 'name' FROM crm_party WHERE tenant_id = $1 AND name_fold = app.fold($3) AND archived_at IS NULL
               AND ($4::text IS NULL OR city IS NULL OR city_fold = app.fold($4)) LIMIT 1)
           LIMIT 1"#,
        tenant,
        tax_key(party.tax_id.as_deref()),
        party.name,
        party.city
    )
    .fetch_optional(db)
    .await
    .during("look for duplicates")?;
    Ok(found.map(|what| if what == "tax_id" { Error::SameTaxId } else { Error::SameName }))
}

/// The code is a business key: one party at a time has it, archived ones included.
pub(crate) async fn code_taken(db: &mut PgConnection, tenant: Uuid, party: &Party) -> Result<bool> {
    let Some(code) = &party.code else { return Ok(false) };
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM crm_party WHERE tenant_id = $1 AND code = $2 AND id <> $3) AS "taken!""#, tenant, code, party.id.0)
        .fetch_one(db)
        .await
        .during("look for the code")
}
