//! `ai.usage`: what was used of models and what it cost, by whatever one asks for, from the sums by day that the ledger keeps with
//! every call. As far as the reader may see whose calls they were.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use steward_kernel::error::During;
use steward_kernel::{Error, Field, Read, Report, ReportSpec, Result, Table};
use uuid::Uuid;

const GROUPS: &[&str] = &["user", "key", "model", "alias", "door", "day", "total"];
/// Rows of the answer: the dearest.
const ROWS_MAX: i64 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Usage {
    /// From the first of the month unless said otherwise.
    #[serde(default)]
    from: Option<NaiveDate>,
    /// Until today unless said otherwise.
    #[serde(default)]
    to: Option<NaiveDate>,
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    user: Option<Uuid>,
    #[serde(default)]
    key: Option<Uuid>,
}

struct Row {
    day: Option<NaiveDate>,
    user_id: Option<Uuid>,
    key_id: Option<Uuid>,
    name: Option<String>,
    requests: i64,
    failed: i64,
    refused: i64,
    unpriced: i64,
    input_tokens: i64,
    output_tokens: i64,
    cost_nano: i64,
}

impl Report for Usage {
    fn spec() -> ReportSpec {
        ReportSpec::new("ai.usage")
            .parameter(Field::choice("by", GROUPS).default("user"))
            .parameter(Field::date("from"))
            .parameter(Field::date("to").default("today"))
            .parameter(Field::reference("user", "identity.user"))
            .parameter(Field::reference("key", "ai.key"))
            .column(Field::date("day"))
            .column(Field::reference("user", "identity.user"))
            .column(Field::reference("key", "ai.key"))
            .column(Field::text("name"))
            .column(Field::integer("requests"))
            .column(Field::integer("failed"))
            .column(Field::integer("refused"))
            .column(Field::integer("unpriced"))
            .column(Field::integer("input_tokens"))
            .column(Field::integer("output_tokens"))
            .column(Field::decimal("cost"))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        let today = read.today();
        let to = self.to.unwrap_or(today);
        let from = self.from.unwrap_or_else(|| chrono::Datelike::with_day(&to, 1).unwrap_or(to));
        if from > to {
            return Err(Error::field("to", "lies before the first day"));
        }
        let by = self.by.as_deref().unwrap_or("user");
        let tenant = read.tenant();
        // The policy keeps to what the reader may see.
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT CASE WHEN $4 = 'day' THEN day END AS day, CASE WHEN $4 = 'user' THEN user_id END AS user_id, CASE WHEN $4 = 'key' THEN key_id END AS key_id,
                      CASE $4 WHEN 'model' THEN concat_ws('/', nullif(provider, ''), nullif(model, '')) WHEN 'alias' THEN alias WHEN 'door' THEN door END AS name,
                      sum(requests)::bigint AS "requests!", sum(failed)::bigint AS "failed!", sum(refused)::bigint AS "refused!", sum(unpriced)::bigint AS "unpriced!",
                      sum(input_tokens)::bigint AS "input_tokens!", sum(output_tokens)::bigint AS "output_tokens!", sum(cost_nano)::bigint AS "cost_nano!"
                 FROM ai_usage_day
                WHERE tenant_id = $1 AND day BETWEEN $2 AND $3 AND ($5::uuid IS NULL OR user_id = $5) AND ($6::uuid IS NULL OR key_id = $6)
                GROUP BY 1, 2, 3, 4 ORDER BY 1, 11 DESC, 5 DESC, 2, 3, 4 LIMIT $7"#,
            tenant,
            from,
            to,
            by,
            self.user,
            self.key,
            ROWS_MAX
        )
        .fetch_all(read.db())
        .await
        .during("add up the usage")?;
        let users = titles(read, "identity.user", rows.iter().filter_map(|row| row.user_id)).await?;
        let keys = titles(read, "ai.key", rows.iter().filter_map(|row| row.key_id)).await?;
        let sum = |of: fn(&Row) -> i64| rows.iter().map(of).fold(0_i64, i64::saturating_add);
        let totals = vec![
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            json!(sum(|row| row.requests)),
            json!(sum(|row| row.failed)),
            json!(sum(|row| row.refused)),
            json!(sum(|row| row.unpriced)),
            json!(sum(|row| row.input_tokens)),
            json!(sum(|row| row.output_tokens)),
            json!(dollars(sum(|row| row.cost_nano))),
        ];
        let row = |row: &Row| {
            vec![
                json!(row.day),
                reference(row.user_id, &users),
                reference(row.key_id, &keys),
                json!(row.name),
                json!(row.requests),
                json!(row.failed),
                json!(row.refused),
                json!(row.unpriced),
                json!(row.input_tokens),
                json!(row.output_tokens),
                json!(dollars(row.cost_nano)),
            ]
        };
        Ok(Table { rows: rows.iter().map(row).collect(), totals })
    }
}

/// In wire form: a text, so that no digit is lost.
pub(crate) fn dollars(nano: i64) -> String {
    Decimal::new(nano, 9).normalize().to_string()
}

async fn titles(read: &mut Read, resource: &str, ids: impl Iterator<Item = Uuid>) -> Result<HashMap<Uuid, String>> {
    let ids: Vec<Uuid> = ids.filter(|id| !id.is_nil()).collect();
    read.titles(resource, &ids).await
}

/// A record with its title, where the reader may see it; nobody and nothing as `null`.
pub(crate) fn reference(id: Option<Uuid>, titles: &HashMap<Uuid, String>) -> Value {
    match id.filter(|id| !id.is_nil()) {
        Some(id) => json!({ "id": id, "title": titles.get(&id) }),
        None => Value::Null,
    }
}
