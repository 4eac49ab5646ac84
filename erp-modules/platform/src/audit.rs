//! The report over the audit: who did or tried what, when, through which door and with which outcome.

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use steward_kernel::error::{Code, During, Result};
use steward_kernel::query::{Filter, ListQuery, Op};
use steward_kernel::report::{Report, Table};
use steward_kernel::{Field, Read, ReportSpec};
use uuid::Uuid;

const ROWS_MAX: i64 = 500;
const OUTCOMES: &[&str] = &["done", "refused", "failed"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audit {
    #[serde(default)]
    from: Option<NaiveDate>,
    #[serde(default)]
    to: Option<NaiveDate>,
    #[serde(default)]
    user: Option<Uuid>,
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    outcome: Option<String>,
}

impl Report for Audit {
    fn spec() -> ReportSpec {
        ReportSpec::new("platform.audit")
            .parameter(Field::date("from"))
            .parameter(Field::date("to"))
            .parameter(Field::reference("user", "identity.user"))
            .parameter(Field::text("command"))
            .parameter(Field::choice("outcome", OUTCOMES))
            .column(Field::timestamp("at"))
            .column(Field::reference("user", "identity.user"))
            .column(Field::text("command"))
            .column(Field::choice("outcome", OUTCOMES))
            .column(Field::text("code"))
            .column(Field::text("resource"))
            .column(Field::text("record"))
            .column(Field::text("door"))
            .column(Field::text("nested_in"))
            .column(Field::text("correlation"))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        let (tenant, calendar) = (read.tenant(), read.calendar());
        let from = self.from.map(|day| calendar.start_of_day(day));
        let until = self.to.and_then(|day| day.succ_opt()).map(|day| calendar.start_of_day(day));
        let command = self.command.filter(|command| !command.is_empty());
        let rows = sqlx::query!(
            r#"SELECT at, actor_id, command, outcome, code, resource, entity_id, door, nested_in, correlation_id FROM kernel_audit
               WHERE tenant_id = $1 AND ($2::timestamptz IS NULL OR at >= $2) AND ($3::timestamptz IS NULL OR at < $3)
                 AND ($4::uuid IS NULL OR actor_id = $4) AND ($5::text IS NULL OR command = $5) AND ($6::text IS NULL OR outcome = $6)
               ORDER BY at DESC, id DESC LIMIT $7"#,
            tenant,
            from,
            until,
            self.user,
            command,
            self.outcome,
            ROWS_MAX
        )
        .fetch_all(read.db())
        .await
        .during("read the audit")?;
        let mut actors: Vec<Uuid> = rows.iter().filter_map(|row| row.actor_id).filter(|id| !id.is_nil()).collect();
        actors.sort_unstable();
        actors.dedup();
        let names = names(read, &actors).await?;
        let rows = rows.into_iter().map(|row| {
            let user = row.actor_id.filter(|id| !id.is_nil()).map(|id| match names.get(&id) {
                Some(name) => json!({ "id": id, "title": name }),
                None => json!({ "id": id }),
            });
            vec![
                json!(row.at),
                json!(user),
                json!(row.command),
                json!(row.outcome),
                json!(row.code),
                json!(row.resource),
                json!(row.entity_id),
                json!(row.door),
                json!(row.nested_in),
                json!(row.correlation_id),
            ]
        });
        Ok(Table { rows: rows.collect(), totals: Vec::new() })
    }
}

/// Names of those users that the reader may see, through the query builder: their table is another module's.
async fn names(read: &mut Read, users: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    let mut names = HashMap::new();
    for some in users.chunks(100) {
        let filter = Filter { path: "id".into(), op: Op::In, values: some.iter().map(Uuid::to_string).collect() };
        let query = ListQuery { filters: vec![filter], limit: 100, fields: Some(vec!["name".into()]), ..ListQuery::new("identity.user") };
        let page = match read.list(&query).await {
            Err(error) if matches!(error.code, Code::Forbidden | Code::NotEntitled) => return Ok(names),
            page => page?,
        };
        names.extend(page.items.iter().filter_map(|item| {
            let id = item.get("id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok())?;
            Some((id, item.get("name").and_then(Value::as_str)?.to_owned()))
        }));
    }
    Ok(names)
}
