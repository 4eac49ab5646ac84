//! SQL of stock.

use super::{Held, Level, Shift, StockId};
use crate::item::ItemId;
use crate::warehouse::{Warehouse, WarehouseId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use steward_kernel::Result;
use steward_kernel::error::During;
use uuid::Uuid;

/// Locks items in the order of their ids, and with them all their stock: nobody writes stock without this lock.
pub(crate) async fn lock_items(db: &mut PgConnection, tenant: Uuid, ids: &[Uuid]) -> Result<Vec<Held>> {
    sqlx::query_as!(
        Held,
        r#"SELECT id AS "id: ItemId", name, unit, archived_at IS NOT NULL AS "archived!"
           FROM inventory_item WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE"#,
        tenant,
        ids
    )
    .fetch_all(db)
    .await
    .during("lock the items")
}

/// The stock row of an item in a warehouse, made if there is none. The item's lock keeps others from making it too.
pub(super) async fn ensure(db: &mut PgConnection, tenant: Uuid, item: &Held, warehouse: &Warehouse) -> Result<Level> {
    let level = sqlx::query_as!(
        Level,
        r#"SELECT id AS "id: StockId", on_hand, reserved, on_order FROM inventory_stock WHERE tenant_id = $1 AND item_id = $2 AND warehouse_id = $3"#,
        tenant,
        item.id.0,
        warehouse.id.0
    )
    .fetch_optional(&mut *db)
    .await
    .during("read the stock")?;
    if let Some(level) = level {
        return Ok(level);
    }
    let level = Level { id: StockId::fresh(), on_hand: Decimal::ZERO, reserved: Decimal::ZERO, on_order: Decimal::ZERO };
    sqlx::query!(
        "INSERT INTO inventory_stock (tenant_id, id, item_id, warehouse_id, company_id, unit) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant,
        level.id.0,
        item.id.0,
        warehouse.id.0,
        warehouse.company_id,
        item.unit
    )
    .execute(db)
    .await
    .during("store the stock")?;
    Ok(level)
}

/// Shifts stock rows and the sums of their items; the items are locked. False, and nothing may be kept, if a row would
/// fall below its bound or is not there. At most one shift for each item and warehouse.
pub(crate) async fn shift(db: &mut PgConnection, tenant: Uuid, shifts: &[Shift]) -> Result<bool> {
    let items: Vec<Uuid> = shifts.iter().map(|shift| shift.item.0).collect();
    let warehouses: Vec<Uuid> = shifts.iter().map(|shift| shift.warehouse.0).collect();
    let on_hand: Vec<Decimal> = shifts.iter().map(|shift| shift.on_hand).collect();
    let reserved: Vec<Decimal> = shifts.iter().map(|shift| shift.reserved).collect();
    let bounds: Vec<String> = shifts.iter().map(|shift| shift.bound.as_str().to_owned()).collect();
    let shifted = sqlx::query!(
        "UPDATE inventory_stock s SET on_hand = s.on_hand + d.on_hand, reserved = s.reserved + d.reserved
         FROM unnest($2::uuid[], $3::uuid[], $4::numeric[], $5::numeric[], $6::text[]) AS d (item_id, warehouse_id, on_hand, reserved, bound)
         WHERE s.tenant_id = $1 AND s.item_id = d.item_id AND s.warehouse_id = d.warehouse_id
           AND CASE d.bound WHEN 'available' THEN s.on_hand + d.on_hand - s.reserved - d.reserved >= 0
                            WHEN 'on_hand' THEN s.on_hand + d.on_hand >= 0
                            ELSE true END",
        tenant,
        &items,
        &warehouses,
        &on_hand,
        &reserved,
        &bounds
    )
    .execute(&mut *db)
    .await
    .during("change the stock")?;
    if usize::try_from(shifted.rows_affected()).ok() != Some(shifts.len()) {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE inventory_item i SET on_hand = i.on_hand + d.on_hand, reserved = i.reserved + d.reserved
         FROM (SELECT u.item_id, sum(u.on_hand) AS on_hand, sum(u.reserved) AS reserved
               FROM unnest($2::uuid[], $3::numeric[], $4::numeric[]) AS u (item_id, on_hand, reserved) GROUP BY u.item_id) d
         WHERE i.tenant_id = $1 AND i.id = d.item_id",
        tenant,
        &items,
        &on_hand,
        &reserved
    )
    .execute(db)
    .await
    .during("change the item's stock")?;
    Ok(true)
}

/// Sets what is on order in a place and brings the item's sum along; the item is locked.
pub(super) async fn set_on_order(db: &mut PgConnection, tenant: Uuid, item: ItemId, stock: StockId, quantity: Decimal) -> Result<()> {
    sqlx::query!("UPDATE inventory_stock SET on_order = $3 WHERE tenant_id = $1 AND id = $2", tenant, stock.0, quantity)
        .execute(&mut *db)
        .await
        .during("change what is on order")?;
    sqlx::query!(
        "UPDATE inventory_item SET on_order = (SELECT sum(s.on_order) FROM inventory_stock s WHERE s.tenant_id = $1 AND s.item_id = $2) WHERE tenant_id = $1 AND id = $2",
        tenant,
        item.0
    )
    .execute(db)
    .await
    .during("change what is on order")?;
    Ok(())
}

/// What of the items can be had, by item and warehouse. A place without a row has nothing.
pub(crate) async fn available(db: &mut PgConnection, tenant: Uuid, items: &[Uuid]) -> Result<Vec<(Uuid, Uuid, Decimal)>> {
    let rows = sqlx::query!(
        r#"SELECT item_id, warehouse_id, on_hand - reserved AS "available!" FROM inventory_stock WHERE tenant_id = $1 AND item_id = ANY($2) AND on_hand > reserved"#,
        tenant,
        items
    )
    .fetch_all(db)
    .await
    .during("read the stock")?;
    Ok(rows.into_iter().map(|row| (row.item_id, row.warehouse_id, row.available)).collect())
}

/// Whether anything but an opening balance moved there.
pub(super) async fn has_moved(db: &mut PgConnection, tenant: Uuid, item: ItemId, warehouse: Uuid) -> Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM inventory_move WHERE tenant_id = $1 AND item_id = $2 AND warehouse_id = $3 AND kind <> 'opening') AS "found!""#,
        tenant,
        item.0,
        warehouse
    )
    .fetch_one(db)
    .await
    .during("look for moves")
}

/// What lies in a place; nothing without a row.
pub(crate) async fn on_hand(db: &mut PgConnection, tenant: Uuid, item: ItemId, warehouse: WarehouseId) -> Result<Decimal> {
    let on_hand =
        sqlx::query_scalar!("SELECT on_hand FROM inventory_stock WHERE tenant_id = $1 AND item_id = $2 AND warehouse_id = $3", tenant, item.0, warehouse.0)
            .fetch_optional(db)
            .await
            .during("read the stock")?;
    Ok(on_hand.unwrap_or_default())
}
