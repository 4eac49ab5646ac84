//! `hr.headcount`: how many people are employed on a day, by department, as far as the reader may see them.

use crate::employee::RESOURCE;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};
use steward_kernel::query::{AggregateQuery, Filter, GROUPS_MAX, Op};
use steward_kernel::{Field, Read, Report, ReportSpec, Result, Table};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Headcount {
    /// Today unless said otherwise.
    #[serde(default)]
    as_of: Option<NaiveDate>,
    #[serde(default)]
    company: Option<Uuid>,
}

impl Report for Headcount {
    fn spec() -> ReportSpec {
        ReportSpec::new("hr.headcount")
            .permission("hr:employee:read")
            .parameter(Field::date("as_of").default("today"))
            .parameter(Field::reference("company", "identity.company"))
            .column(Field::reference("company", "identity.company"))
            .column(Field::reference("department", "identity.department"))
            .column(Field::integer("employees"))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        let day = self.as_of.unwrap_or_else(|| read.today());
        let mut rows: Vec<Vec<Value>> = Vec::new();
        let mut total = 0;
        // Who has no last day, and whose last day is still to come.
        for open in [Filter::new("end_date", Op::Null, "true"), Filter::new("end_date", Op::Gte, day.to_string())] {
            let mut query = AggregateQuery::new(RESOURCE);
            query.group = vec!["company".into(), "department".into()];
            query.filters = vec![Filter::new("hire_date", Op::Lte, day.to_string()), open];
            query.filters.extend(self.company.map(|company| Filter::new("company", Op::Eq, company.to_string())));
            query.limit = GROUPS_MAX;
            for group in read.aggregate(&query).await? {
                let [company, department, count] = ["company", "department", "count"].map(|name| group.get(name).cloned().unwrap_or_default());
                let count = count.as_i64().unwrap_or_default();
                total += count;
                match rows.iter_mut().find(|row| row[0] == company && row[1] == department) {
                    Some(row) => row[2] = json!(row[2].as_i64().unwrap_or_default() + count),
                    None => rows.push(vec![company, department, json!(count)]),
                }
            }
        }
        rows.sort_by_cached_key(|row| (title(&row[0]), title(&row[1])));
        Ok(Table { rows, totals: vec![Value::Null, Value::Null, json!(total)] })
    }
}

/// Rows stand by the names of what they are about; what has none comes last.
pub(crate) fn title(reference: &Value) -> (bool, String) {
    let title = reference.get("title").and_then(Value::as_str).unwrap_or_default();
    (title.is_empty(), title.to_owned())
}
