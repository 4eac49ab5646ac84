//! SQL of warehouses.

use super::{Warehouse, WarehouseId};
use sqlx::PgConnection;
use steward_kernel::Result;
use steward_kernel::error::During;
use uuid::Uuid;

pub(super) async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Warehouse>> {
    sqlx::query_as!(
        Warehouse,
        r#"SELECT id AS "id: WarehouseId", version, code, name, company_id, negative_stock FROM inventory_warehouse WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
        tenant,
        id
    )
    .fetch_optional(db)
    .await
    .during("lock the warehouse")
}

pub(crate) async fn find(db: &mut PgConnection, tenant: Uuid, id: WarehouseId) -> Result<Option<Warehouse>> {
    sqlx::query_as!(
        Warehouse,
        r#"SELECT id AS "id: WarehouseId", version, code, name, company_id, negative_stock FROM inventory_warehouse WHERE tenant_id = $1 AND id = $2"#,
        tenant,
        id.0
    )
    .fetch_optional(db)
    .await
    .during("find the warehouse")
}

/// The company's warehouses in the order of their codes, then those that belong to no company and serve all; never
/// another company's. Without a company, all.
pub(crate) async fn candidates(db: &mut PgConnection, tenant: Uuid, company: Option<Uuid>) -> Result<Vec<Warehouse>> {
    let mut all = sqlx::query_as!(
        Warehouse,
        r#"SELECT id AS "id: WarehouseId", version, code, name, company_id, negative_stock FROM inventory_warehouse WHERE tenant_id = $1 ORDER BY code, id"#,
        tenant
    )
    .fetch_all(db)
    .await
    .during("find the warehouses")?;
    if company.is_some() {
        all.retain(|warehouse| warehouse.company_id.is_none() || warehouse.company_id == company);
        all.sort_by_key(|warehouse| warehouse.company_id.is_none());
    }
    Ok(all)
}

pub(super) async fn insert(db: &mut PgConnection, tenant: Uuid, warehouse: &Warehouse) -> Result<()> {
    sqlx::query!(
        "INSERT INTO inventory_warehouse (tenant_id, id, code, name, company_id, negative_stock) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant,
        warehouse.id.0,
        warehouse.code,
        warehouse.name,
        warehouse.company_id,
        warehouse.negative_stock
    )
    .execute(db)
    .await
    .during("store the warehouse")?;
    Ok(())
}

pub(super) async fn update(db: &mut PgConnection, tenant: Uuid, warehouse: &Warehouse) -> Result<()> {
    sqlx::query_scalar!(
        "UPDATE inventory_warehouse SET code = $3, name = $4, company_id = $5, negative_stock = $6 WHERE tenant_id = $1 AND id = $2 RETURNING version",
        tenant,
        warehouse.id.0,
        warehouse.code,
        warehouse.name,
        warehouse.company_id,
        warehouse.negative_stock
    )
    .fetch_one(db)
    .await
    .during("store the warehouse")
    .map(drop)
}

pub(super) async fn has_stock(db: &mut PgConnection, tenant: Uuid, id: WarehouseId) -> Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM inventory_stock WHERE tenant_id = $1 AND warehouse_id = $2) AS "found!""#, tenant, id.0)
        .fetch_one(db)
        .await
        .during("look for stock in the warehouse")
}
