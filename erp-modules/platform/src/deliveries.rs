//! The report of deliveries that failed: those that are tried again, and those that wait for a person.

use crate::delivery;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::error::{During, Result};
use steward_kernel::report::{Report, Table};
use steward_kernel::{Field, Read, ReportSpec};

const ROWS_MAX: i64 = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deliveries {
    #[serde(default)]
    dead: Option<bool>,
}

impl Report for Deliveries {
    fn spec() -> ReportSpec {
        ReportSpec::new("platform.deliveries")
            .parameter(Field::boolean("dead"))
            .column(Field::text("delivery"))
            .column(Field::text("event"))
            .column(Field::text("code"))
            .column(Field::integer("attempts"))
            .column(Field::timestamp("failed_at"))
            .column(Field::timestamp("next_attempt_at"))
            .column(Field::timestamp("dead_at"))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        let tenant = read.tenant();
        let rows = sqlx::query!(
            r#"SELECT consumer, xid::text AS "xid!", ordinal, name, code, attempts, created_at, next_attempt_at, dead_at
               FROM kernel.delivery_failure WHERE tenant_id = $1 AND ($2::boolean IS NULL OR (dead_at IS NOT NULL) = $2)
               ORDER BY created_at DESC, xid DESC, ordinal DESC LIMIT $3"#,
            tenant,
            self.dead,
            ROWS_MAX
        )
        .fetch_all(read.db())
        .await
        .during("read the failed deliveries")?;
        let rows = rows.into_iter().map(|row| {
            vec![
                json!(delivery::name(&row.consumer, &row.xid, row.ordinal)),
                json!(row.name),
                json!(row.code),
                json!(row.attempts),
                json!(row.created_at),
                json!(row.next_attempt_at),
                json!(row.dead_at),
            ]
        });
        Ok(Table { rows: rows.collect(), totals: Vec::new() })
    }
}
