//! The tool `report`: a report of the catalogue, run with the asker's rights.
//!
//! Its result carries the report with its parameters as a stable text, which the answer cites like a query.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use steward_kernel::bus::Kernel;
use steward_kernel::catalogue::Sensitivity;
use steward_kernel::{Catalogue, Code, Error, Principal, ReportSpec, Result, Table};

use super::memory::Sources;

/// Rows that go into a model's window.
const ROWS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    report: String,
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// Runs the tool: what goes to the model, and what it was made of.
pub(super) async fn run(kernel: &Arc<Kernel>, principal: &Principal, arguments: Value) -> Result<(Value, Sources)> {
    let arguments: Arguments = serde_json::from_value(arguments)
        .map_err(|error| Error::new(Code::InvalidInput, format!("the arguments of report are not what they should be: {error}")))?;
    let mut read = kernel.read(principal).await?;
    let parameters = with_defaults(read.catalogue(), &arguments.report, arguments.parameters, &read.today().to_string());
    let text = told(&arguments.report, &parameters);
    let (spec, table) = read.report(&arguments.report, Value::Object(parameters)).await?;
    let result = result(&spec, table, &text);
    let sources = Sources::of_report(&read, &spec, &result);
    read.finish().await?;
    Ok((result, sources))
}

/// What was left out is what a form would offer, so that the text says what was asked.
fn with_defaults(catalogue: &Catalogue, report: &str, mut given: Map<String, Value>, today: &str) -> Map<String, Value> {
    for parameter in catalogue.reports.get(report).into_iter().flat_map(|spec| &spec.parameters) {
        if let Some(default) = parameter.default.as_deref().filter(|_| given.get(parameter.name.as_ref()).is_none_or(Value::is_null)) {
            given.insert(parameter.name.to_string(), json!(if default == "today" { today } else { default }));
        }
    }
    given.retain(|_, value| !value.is_null());
    given
}

/// The same report with the same parameters has the same text.
fn told(report: &str, parameters: &Map<String, Value>) -> String {
    let mut said: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name} = {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .map(|text| text.chars().filter(|c| !c.is_control()).take(120).collect())
        .collect();
    said.sort();
    let name: String = report.chars().filter(|c| !c.is_control()).take(80).collect();
    if said.is_empty() { format!("report {name}") } else { format!("report {name} where {}", said.join(", ")) }
}

fn result(spec: &ReportSpec, table: Table, text: &str) -> Value {
    let kept: Vec<bool> = spec.columns.iter().map(|column| column.sensitivity != Sensitivity::Secret).collect();
    let names: Vec<&str> = spec.columns.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(column, _)| column.name.as_ref()).collect();
    let row = |values: Vec<Value>| {
        let values = values.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(value, _)| value);
        names.iter().map(|name| (*name).to_owned()).zip(values).collect::<Map<_, _>>()
    };
    let more = table.rows.len() > ROWS_MAX;
    let rows = table.rows.len();
    let totals = row(table.totals);
    let items: Vec<Value> = table.rows.into_iter().take(ROWS_MAX).map(|values| Value::Object(row(values))).collect();
    json!({ "kind": "report", "report": spec.name, "columns": names, "items": items, "totals": totals, "rows": rows, "more": more, "query": text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_the_same_each_time() {
        let parameters = |value: Value| value.as_object().cloned().unwrap_or_default();
        assert_eq!(told("crm.activities_due", &parameters(json!({}))), "report crm.activities_due");
        let both = parameters(json!({ "until": "2026-03-02", "owner": "0191" }));
        assert_eq!(told("crm.activities_due", &both), "report crm.activities_due where owner = 0191, until = 2026-03-02");
    }
}
