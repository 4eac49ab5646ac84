//! SQL of categories.

use super::{Category, CategoryId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use steward_kernel::Result;
use steward_kernel::error::During;
use uuid::Uuid;

pub(super) async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Category>> {
    sqlx::query_as!(
        Category,
        r#"SELECT id AS "id: CategoryId", version, archived_at, name, description FROM inventory_category WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
        tenant,
        id
    )
    .fetch_optional(db)
    .await
    .during("lock the category")
}

pub(super) async fn insert(db: &mut PgConnection, tenant: Uuid, category: &Category) -> Result<()> {
    sqlx::query!(
        "INSERT INTO inventory_category (tenant_id, id, name, description) VALUES ($1, $2, $3, $4)",
        tenant,
        category.id.0,
        category.name,
        category.description
    )
    .execute(db)
    .await
    .during("store the category")?;
    Ok(())
}

pub(super) async fn update(db: &mut PgConnection, tenant: Uuid, category: &Category) -> Result<()> {
    sqlx::query_scalar!(
        "UPDATE inventory_category SET name = $3, description = $4 WHERE tenant_id = $1 AND id = $2 RETURNING version",
        tenant,
        category.id.0,
        category.name,
        category.description
    )
    .fetch_one(db)
    .await
    .during("store the category")
    .map(drop)
}

pub(super) async fn has_items(db: &mut PgConnection, tenant: Uuid, id: CategoryId) -> Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM inventory_item WHERE tenant_id = $1 AND category_id = $2 AND archived_at IS NULL) AS "found!""#,
        tenant,
        id.0
    )
    .fetch_one(db)
    .await
    .during("look for items of the category")
}

pub(super) async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: CategoryId, archived_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("UPDATE inventory_category SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, id.0, archived_at)
        .execute(db)
        .await
        .during("archive the category")?;
    Ok(())
}
