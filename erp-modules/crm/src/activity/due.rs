//! `crm.activities_due`: open activities up to a day, the most pressing first, as far as the reader may see them.

use super::{OPEN, RESOURCE};
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};
use steward_kernel::query::{Filter, ListQuery, Op};
use steward_kernel::{Field, Read, Report, ReportSpec, Result, Table};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Due {
    /// Today unless said otherwise.
    #[serde(default)]
    until: Option<NaiveDate>,
    #[serde(default)]
    owner: Option<Uuid>,
}

const COLUMNS: [&str; 5] = ["due_date", "kind", "subject", "party", "owner"];

impl Report for Due {
    fn spec() -> ReportSpec {
        ReportSpec::new("crm.activities_due")
            .permission("crm:activity:read")
            .parameter(Field::date("until").default("today"))
            .parameter(Field::reference("owner", "identity.user"))
            .column(Field::date("due_date"))
            .column(Field::integer("days_overdue"))
            .column(Field::choice("kind", &["call", "meeting", "mail", "task"]))
            .column(Field::text("subject"))
            .column(Field::reference("party", "crm.party"))
            .column(Field::reference("owner", "identity.user"))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        let today = read.today();
        let until = self.until.unwrap_or(today);
        let mut query = ListQuery::new(RESOURCE);
        query.filters = vec![Filter::new("status", Op::Eq, OPEN), Filter::new("due_date", Op::Lte, until.to_string())];
        query.filters.extend(self.owner.map(|owner| Filter::new("owner", Op::Eq, owner.to_string())));
        query.fields = Some(COLUMNS.map(String::from).to_vec());
        query.limit = steward_kernel::query::LIMIT_MAX;
        let mut rows = Vec::new();
        loop {
            let page = read.list(&query).await?;
            rows.extend(page.items.iter().map(|item| row(item, today)));
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return Ok(Table { rows, totals: Vec::new() }),
            }
        }
    }
}

fn row(item: &Value, today: NaiveDate) -> Vec<Value> {
    let [due_date, kind, subject, party, owner] = COLUMNS.map(|name| item.get(name).cloned().unwrap_or(Value::Null));
    let day = due_date.as_str().and_then(|day| day.parse::<NaiveDate>().ok());
    let overdue = day.map_or(0, |day| (today - day).num_days().max(0));
    vec![due_date, json!(overdue), kind, subject, party, owner]
}
