//! Whether the steps of a card are those that a sentence asks for.

use crate::suites::filled;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    command: String,
    arguments: Map<String, Value>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Match {
    Same,
    Differs(String),
}

impl Step {
    pub(super) fn filled(&self, values: &BTreeMap<String, String>) -> Self {
        let arguments = self.arguments.iter().map(|(name, value)| (name.clone(), fill(value, values))).collect();
        Self { command: self.command.clone(), arguments }
    }
}

fn fill(value: &Value, values: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(filled(text, values)),
        Value::Array(all) => all.iter().map(|value| fill(value, values)).collect(),
        Value::Object(fields) => Value::Object(fields.iter().map(|(name, value)| (name.clone(), fill(value, values))).collect()),
        other => other.clone(),
    }
}

pub(super) fn compare(wanted: &[Step], proposed: &Value) -> Match {
    let proposed = proposed.as_array().map(Vec::as_slice).unwrap_or_default();
    let commands: Vec<&str> = proposed.iter().filter_map(|step| step["command"].as_str()).collect();
    if commands != wanted.iter().map(|step| step.command.as_str()).collect::<Vec<_>>() {
        return Match::Differs("other commands".to_owned());
    }
    let nothing = Map::new();
    for (step, proposed) in wanted.iter().zip(proposed) {
        let given = proposed["arguments"].as_object().unwrap_or(&nothing);
        if let Some(unwanted) = given.iter().find(|(name, value)| !value.is_null() && !step.arguments.contains_key(*name)) {
            return Match::Differs(format!("{} was not asked for", unwanted.0));
        }
        for (name, wanted) in &step.arguments {
            let optional = wanted.as_str().and_then(|text| text.strip_prefix('~'));
            let fits = match (given.get(name).filter(|value| !value.is_null()), optional) {
                (None, optional) => optional.is_some(),
                (Some(value), Some(text)) => same(&Value::String(text.to_owned()), value),
                (Some(value), None) => same(wanted, value),
            };
            if !fits {
                return Match::Differs(format!("{name} is not what was asked for"));
            }
        }
    }
    Match::Same
}

/// Numbers by their value, in whatever form; texts without their case and the stop at their end.
fn same(wanted: &Value, given: &Value) -> bool {
    match (wanted, given) {
        (Value::Object(wanted), Value::Object(given)) => {
            let present = given.values().filter(|value| !value.is_null()).count();
            wanted.len() == present && wanted.iter().all(|(name, value)| given.get(name).is_some_and(|given| same(value, given)))
        }
        (Value::Array(wanted), Value::Array(given)) => wanted.len() == given.len() && wanted.iter().zip(given).all(|(wanted, given)| same(wanted, given)),
        (Value::Bool(wanted), Value::Bool(given)) => wanted == given,
        // A quantity with its unit is its value.
        (Value::String(_) | Value::Number(_), Value::Object(quantity)) if quantity.contains_key("value") => same(wanted, &quantity["value"]),
        (Value::String(_) | Value::Number(_), Value::String(_) | Value::Number(_)) => match (decimal(wanted), decimal(given)) {
            (Some(wanted), Some(given)) => wanted == given,
            _ => folded(wanted) == folded(given),
        },
        _ => false,
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

fn folded(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.trim().trim_end_matches('.').to_lowercase()
}

#[cfg(test)]
mod tests;
