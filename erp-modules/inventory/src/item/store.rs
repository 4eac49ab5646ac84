//! SQL of items.

use super::{Item, ItemId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use steward_kernel::Result;
use steward_kernel::error::During;
use uuid::Uuid;

pub(super) async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Item>> {
    sqlx::query_as!(
        Item,
        r#"SELECT id AS "id: ItemId", version, archived_at, custom, code, name, category_id, unit, package, supplier_id, sales_price, currency, reorder_level,
                  discontinued, note, on_hand, reserved, on_order
           FROM inventory_item WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE"#,
        tenant,
        id
    )
    .fetch_optional(db)
    .await
    .during("lock the item")
}

pub(super) async fn insert(db: &mut PgConnection, tenant: Uuid, item: &Item) -> Result<()> {
    sqlx::query!(
        "INSERT INTO inventory_item (tenant_id, id, custom, code, name, category_id, unit, package, supplier_id, sales_price, currency, reorder_level, discontinued, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        tenant,
        item.id.0,
        item.custom,
        item.code,
        item.name,
        item.category_id,
        item.unit,
        item.package,
        item.supplier_id,
        item.sales_price,
        item.currency,
        item.reorder_level,
        item.discontinued,
        item.note
    )
    .execute(db)
    .await
    .during("store the item")?;
    Ok(())
}

/// Writes everything but the stock figures.
pub(super) async fn update(db: &mut PgConnection, tenant: Uuid, item: &Item) -> Result<()> {
    sqlx::query_scalar!(
        "UPDATE inventory_item SET custom = $3, code = $4, name = $5, category_id = $6, unit = $7, package = $8, supplier_id = $9, sales_price = $10, currency = $11,
                                   reorder_level = $12, discontinued = $13, note = $14
         WHERE tenant_id = $1 AND id = $2 RETURNING version",
        tenant,
        item.id.0,
        item.custom,
        item.code,
        item.name,
        item.category_id,
        item.unit,
        item.package,
        item.supplier_id,
        item.sales_price,
        item.currency,
        item.reorder_level,
        item.discontinued,
        item.note
    )
    .fetch_one(db)
    .await
    .during("store the item")
    .map(drop)
}

pub(super) async fn set_archived(db: &mut PgConnection, tenant: Uuid, id: ItemId, archived_at: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("UPDATE inventory_item SET archived_at = $3 WHERE tenant_id = $1 AND id = $2", tenant, id.0, archived_at)
        .execute(db)
        .await
        .during("archive the item")?;
    Ok(())
}

/// Whether stock is counted in the item's unit already.
pub(super) async fn has_stock_rows(db: &mut PgConnection, tenant: Uuid, id: ItemId) -> Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM inventory_stock WHERE tenant_id = $1 AND item_id = $2) AS "found!""#, tenant, id.0)
        .fetch_one(db)
        .await
        .during("look for stock of the item")
}

/// The code is a business key: one item at a time has it, archived ones included.
pub(super) async fn code_taken(db: &mut PgConnection, tenant: Uuid, item: &Item) -> Result<bool> {
    let Some(code) = &item.code else { return Ok(false) };
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM inventory_item WHERE tenant_id = $1 AND code = $2 AND id <> $3) AS "taken!""#, tenant, code, item.id.0)
        .fetch_one(db)
        .await
        .during("look for the code")
}

/// Keeps two creations of the same item apart until the end of the transaction, then looks for one with this folded name.
pub(super) async fn name_taken(db: &mut PgConnection, tenant: Uuid, name: &str) -> Result<bool> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", format!("inventory:{tenant}:name:{}", name.to_lowercase()))
        .execute(&mut *db)
        .await
        .during("look for duplicates")?;
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM inventory_item WHERE tenant_id = $1 AND name_fold = app.fold($2) AND archived_at IS NULL) AS "taken!""#,
        tenant,
        name
    )
    .fetch_one(db)
    .await
    .during("look for duplicates")
}
