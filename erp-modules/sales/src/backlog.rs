//! The backlog: what is confirmed and not done, by customer. It asks the catalogue like any reader, so it shows what the
//! reader may see and nothing beyond.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;
use steward_kernel::query::{AggregateQuery, Filter, Op};
use steward_kernel::{Field, Read, Report, ReportSpec, Result, Table};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// Customers in one answer; the aggregate knows no more.
const CUSTOMERS_MAX: u32 = 1_000;

/// The parameters of `sales.backlog`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backlog {
    /// Only orders that are wanted by then.
    #[serde(default)]
    pub until: Option<NaiveDate>,
    #[serde(default)]
    pub customer: Option<Uuid>,
}

impl Backlog {
    fn query(&self, which: &str, measures: &[&str]) -> AggregateQuery {
        let mut filters = vec![Filter::new(which, Op::Eq, "true")];
        filters.extend(self.until.map(|until| Filter::new("required_date", Op::Lte, until.to_string())));
        filters.extend(self.customer.map(|customer| Filter::new("customer", Op::Eq, customer.to_string())));
        AggregateQuery {
            measures: measures.iter().map(|measure| (*measure).to_owned()).collect(),
            group: vec!["customer".into()],
            filters,
            sort: Some(("open_value".into(), true)),
            limit: CUSTOMERS_MAX,
            ..AggregateQuery::new("sales.order")
        }
    }
}

impl Report for Backlog {
    fn spec() -> ReportSpec {
        ReportSpec::new("sales.backlog")
            .parameter(Field::date("until"))
            .parameter(Field::reference("customer", "crm.party").column("customer"))
            .column(Field::reference("customer", "crm.party"))
            .column(Field::integer("orders"))
            .column(Field::integer("overdue"))
            .column(Field::money("value"))
            .column(Field::date("earliest_required"))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        let open = read.aggregate(&self.query("open", &["open_orders", "open_value", "earliest_required"])).await?;
        let overdue = read.aggregate(&self.query("overdue", &["open_orders", "open_value"])).await?;
        Ok(table(&open, &overdue))
    }
}

/// A customer has one row for each currency.
fn key(group: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&group["customer"]["id"]), text(&group["open_value"]["currency"]))
}

fn table(open: &[Value], overdue: &[Value]) -> Table {
    let overdue: HashMap<_, _> = overdue.iter().map(|group| (key(group), group["open_orders"].clone())).collect();
    let rows = open.iter().map(|group| {
        let late = overdue.get(&key(group)).cloned().unwrap_or_else(|| json!(0));
        vec![group["customer"].clone(), group["open_orders"].clone(), late, group["open_value"].clone(), group["earliest_required"].clone()]
    });
    let rows: Vec<Vec<Value>> = rows.collect();
    Table { totals: totals(&rows), rows }
}

/// Counts add up; amounts only where there is one currency.
fn totals(rows: &[Vec<Value>]) -> Vec<Value> {
    if rows.is_empty() {
        return Vec::new();
    }
    let count = |column: usize| rows.iter().filter_map(|row| row[column].as_i64()).sum::<i64>();
    let currencies: BTreeSet<&str> = rows.iter().filter_map(|row| row[3]["currency"].as_str()).collect();
    let value = match currencies.first() {
        Some(currency) if currencies.len() == 1 => {
            let amount: Decimal = rows.iter().filter_map(|row| row[3]["amount"].as_str()).filter_map(|amount| Decimal::from_str(amount).ok()).sum();
            json!({ "amount": amount.to_string(), "currency": currency })
        }
        _ => Value::Null,
    };
    vec![Value::Null, json!(count(1)), json!(count(2)), value, Value::Null]
}
