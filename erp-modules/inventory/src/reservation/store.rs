//! SQL of reservations.

use super::{Reservation, ReservationId};
use crate::item::ItemId;
use crate::warehouse::WarehouseId;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use steward_kernel::Result;
use steward_kernel::error::During;
use uuid::Uuid;

pub(super) async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Reservation>> {
    sqlx::query_as!(
        Reservation,
        r#"SELECT id AS "id: ReservationId", version, item_id AS "item_id: ItemId", warehouse_id AS "warehouse_id: WarehouseId", company_id, quantity, unit, status,
                  document_resource, document_id, line
           FROM inventory_reservation WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
        tenant,
        id
    )
    .fetch_optional(db)
    .await
    .during("lock the reservation")
}

/// Locks what is reserved for a document in the warehouses of its company and in those that belong to none.
pub(super) async fn lock_document(db: &mut PgConnection, tenant: Uuid, company: Uuid, resource: &str, document: &str) -> Result<Vec<Reservation>> {
    sqlx::query_as!(
        Reservation,
        r#"SELECT id AS "id: ReservationId", version, item_id AS "item_id: ItemId", warehouse_id AS "warehouse_id: WarehouseId", company_id, quantity, unit, status,
                  document_resource, document_id, line
           FROM inventory_reservation WHERE tenant_id = $1 AND document_id = $2 AND document_resource = $3 AND status = 'active' AND (company_id = $4 OR company_id IS NULL)
           ORDER BY id FOR UPDATE"#,
        tenant,
        document,
        resource,
        company
    )
    .fetch_all(db)
    .await
    .during("lock the reservations")
}

/// Stores reservations in one statement.
pub(super) async fn insert(db: &mut PgConnection, tenant: Uuid, reservations: &[Reservation]) -> Result<()> {
    let ids: Vec<Uuid> = reservations.iter().map(|reservation| reservation.id.0).collect();
    let items: Vec<Uuid> = reservations.iter().map(|reservation| reservation.item_id.0).collect();
    let warehouses: Vec<Uuid> = reservations.iter().map(|reservation| reservation.warehouse_id.0).collect();
    let companies: Vec<Option<Uuid>> = reservations.iter().map(|reservation| reservation.company_id).collect();
    let quantities: Vec<Decimal> = reservations.iter().map(|reservation| reservation.quantity).collect();
    let units: Vec<String> = reservations.iter().map(|reservation| reservation.unit.clone()).collect();
    let resources: Vec<Option<String>> = reservations.iter().map(|reservation| reservation.document_resource.clone()).collect();
    let documents: Vec<Option<String>> = reservations.iter().map(|reservation| reservation.document_id.clone()).collect();
    let lines: Vec<Option<String>> = reservations.iter().map(|reservation| reservation.line.clone()).collect();
    sqlx::query!(
        "INSERT INTO inventory_reservation (tenant_id, id, item_id, warehouse_id, company_id, quantity, unit, document_resource, document_id, line)
         SELECT $1, d.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::numeric[], $7::text[], $8::text[], $9::text[], $10::text[]) AS d",
        tenant,
        &ids,
        &items,
        &warehouses,
        &companies as &[Option<Uuid>],
        &quantities,
        &units,
        &resources as &[Option<String>],
        &documents as &[Option<String>],
        &lines as &[Option<String>]
    )
    .execute(db)
    .await
    .during("store the reservations")?;
    Ok(())
}

/// Ends active reservations that are locked.
pub(super) async fn end(db: &mut PgConnection, tenant: Uuid, reservations: &[Reservation], status: &str) -> Result<()> {
    let ids: Vec<Uuid> = reservations.iter().map(|reservation| reservation.id.0).collect();
    sqlx::query!("UPDATE inventory_reservation SET status = $3 WHERE tenant_id = $1 AND id = ANY($2)", tenant, &ids, status)
        .execute(db)
        .await
        .during("end the reservations")?;
    Ok(())
}
