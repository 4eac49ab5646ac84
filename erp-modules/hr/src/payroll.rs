//! `hr.payroll`: what a month costs, by department, as far as the reader may see the people and what they earn.
//!
//! Before deductions and without what the employer pays on top. It counts who is employed and has not been given notice of
//! a last day: an employment that ends within the month is settled by hand.

use crate::employee::{RESOURCE, SALARY};
use crate::headcount::title;
use serde::Deserialize;
use serde_json::{Value, json};
use steward_kernel::query::{AggregateQuery, Filter, GROUPS_MAX, Op};
use steward_kernel::{Field, Read, Report, ReportSpec, Result, Table};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payroll {
    #[serde(default)]
    company: Option<Uuid>,
}

impl Report for Payroll {
    fn spec() -> ReportSpec {
        ReportSpec::new("hr.payroll")
            .permission(SALARY)
            .parameter(Field::reference("company", "identity.company"))
            .column(Field::reference("company", "identity.company"))
            .column(Field::reference("department", "identity.department"))
            .column(Field::integer("employees"))
            .column(Field::money("salary_total"))
            .column(Field::money("salary_average"))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        let mut query = AggregateQuery::new(RESOURCE);
        query.measures = ["count", "salary_total", "salary_average"].map(String::from).to_vec();
        query.group = vec!["company".into(), "department".into()];
        query.filters = vec![Filter::new("current", Op::Eq, "true"), Filter::new("salary", Op::Null, "false")];
        query.filters.extend(self.company.map(|company| Filter::new("company", Op::Eq, company.to_string())));
        query.limit = GROUPS_MAX;
        let groups = read.aggregate(&query).await?;
        let mut employees = 0;
        let mut rows = Vec::with_capacity(groups.len());
        for group in groups {
            let row = ["company", "department", "count", "salary_total", "salary_average"].map(|name| group.get(name).cloned().unwrap_or_default());
            employees += row[2].as_i64().unwrap_or_default();
            rows.push(row.to_vec());
        }
        rows.sort_by_cached_key(|row| (title(&row[0]), title(&row[1])));
        // Sums of money are by currency, and a row of totals has one: a company each, where somebody asks for one.
        Ok(Table { rows, totals: vec![Value::Null, Value::Null, json!(employees), Value::Null, Value::Null] })
    }
}
