//! SQL of activities.

use super::{Activity, ActivityId};
use crate::party::PartyId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use steward_kernel::Result;
use steward_kernel::error::During;
use uuid::Uuid;

pub(super) async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Activity>> {
    sqlx::query_as!(
        Activity,
        r#"SELECT id AS "id: ActivityId", version, archived_at, owner_id, department_id, company_id, party_id AS "party_id: PartyId", kind, subject, due_date, status, note
           FROM crm_activity WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
        tenant,
        id
    )
    .fetch_optional(db)
    .await
    .during("lock the activity")
}

pub(super) async fn insert(db: &mut PgConnection, tenant: Uuid, activity: &Activity) -> Result<()> {
    sqlx::query!(
        "INSERT INTO crm_activity (tenant_id, id, owner_id, department_id, company_id, party_id, kind, subject, due_date, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant,
        activity.id.0,
        activity.owner_id,
        activity.department_id,
        activity.company_id,
        activity.party_id.0,
        activity.kind,
        activity.subject,
        activity.due_date,
        activity.note
    )
    .execute(db)
    .await
    .during("store the activity")?;
    Ok(())
}

pub(super) async fn update(db: &mut PgConnection, tenant: Uuid, activity: &Activity) -> Result<()> {
    sqlx::query_scalar!(
        "UPDATE crm_activity SET owner_id = $3, party_id = $4, kind = $5, subject = $6, due_date = $7, note = $8 WHERE tenant_id = $1 AND id = $2 RETURNING version",
        tenant,
        activity.id.0,
        activity.owner_id,
        activity.party_id.0,
        activity.kind,
        activity.subject,
        activity.due_date,
        activity.note
    )
    .fetch_one(db)
    .await
    .during("store the activity")
    .map(drop)
}

/// `done_at` is the moment it was done; without it the activity is open.
pub(super) async fn set_done(db: &mut PgConnection, tenant: Uuid, id: ActivityId, done_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!(
        "UPDATE crm_activity SET done_at = $3, status = CASE WHEN $3::timestamptz IS NULL THEN 'open' ELSE 'done' END WHERE tenant_id = $1 AND id = $2",
        tenant,
        id.0,
        done_at
    )
    .execute(db)
    .await
    .during("change the state of the activity")?;
    Ok(())
}

pub(super) async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: ActivityId, archived_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("UPDATE crm_activity SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, id.0, archived_at)
        .execute(db)
        .await
        .during("archive the activity")?;
    Ok(())
}
