//! `inventory.on_hand`: stock by item and warehouse at the end of a day, computed from the moves.

use super::plain;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::error::During;
use steward_kernel::{Field, Read, Report, ReportSpec, Result, Table};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnHand {
    #[serde(default)]
    warehouse: Option<Uuid>,
    #[serde(default)]
    as_of: Option<NaiveDate>,
}

impl Report for OnHand {
    fn spec() -> ReportSpec {
        ReportSpec::new("inventory.on_hand")
            .permission("inventory:move:read")
            .parameter(Field::reference("warehouse", "inventory.warehouse"))
            .parameter(Field::date("as_of").default("today"))
            .column(Field::reference("item", "inventory.item"))
            .column(Field::reference("warehouse", "inventory.warehouse"))
            .column(Field::quantity("on_hand"))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        let tenant = read.tenant();
        let rows = sqlx::query!(
            r#"SELECT i.id AS item_id, i.name AS item, i.unit, w.id AS warehouse_id, w.name AS warehouse, m.quantity AS "quantity!"
               FROM (SELECT item_id, warehouse_id, sum(quantity) AS quantity FROM inventory_move
                     WHERE tenant_id = $1 AND ($2::uuid IS NULL OR warehouse_id = $2) AND ($3::date IS NULL OR date <= $3)
                     GROUP BY item_id, warehouse_id HAVING sum(quantity) <> 0) m
               JOIN inventory_item i ON i.tenant_id = $1 AND i.id = m.item_id
               JOIN inventory_warehouse w ON w.tenant_id = $1 AND w.id = m.warehouse_id
               ORDER BY i.name, i.id, w.code, w.id"#,
            tenant,
            self.warehouse,
            self.as_of
        )
        .fetch_all(read.db())
        .await
        .during("sum the stock moves")?;
        let rows = rows.into_iter().map(|row| {
            vec![
                json!({ "id": row.item_id, "title": row.item }),
                json!({ "id": row.warehouse_id, "title": row.warehouse }),
                json!({ "value": plain(row.quantity), "unit": row.unit }),
            ]
        });
        Ok(Table { rows: rows.collect(), totals: Vec::new() })
    }
}
