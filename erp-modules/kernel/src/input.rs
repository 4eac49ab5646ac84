//! Parses and checks the input of commands and reports against their declared fields: parse at the edge, then trust.
//!
//! The result has one wire form for each kind (decimals as strings, money and quantities as objects), so that a command's
//! struct can be decoded from it without further rules. Every wrong field is reported, each with its path.

use crate::catalogue::{Catalogue, Field, Kind};
use crate::error::{Error, FieldError, Result};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::str::FromStr;
use uuid::Uuid;

/// Lines of one document; more go in several documents.
pub const LINES_MAX: usize = 1_000;
const TEXTS_MAX: usize = 50;
/// Integer digits of an amount or a quantity.
const DECIMAL_DIGITS_MAX: u32 = 18;
const DECIMAL_SCALE_MAX: u32 = 10;

/// Checks `input` against `fields` and brings it into wire form.
pub fn decode(catalogue: &Catalogue, fields: &[Field], input: Value) -> Result<Value> {
    let mut errors = Vec::new();
    let decoded = object(catalogue, fields, input, "", None, &mut errors);
    if errors.is_empty() { Ok(Value::Object(decoded)) } else { Err(Error::fields(errors)) }
}

fn object(catalogue: &Catalogue, fields: &[Field], input: Value, path: &str, currency: Option<&str>, errors: &mut Vec<FieldError>) -> Map<String, Value> {
    let fail = |field: &str, message: String, errors: &mut Vec<FieldError>| errors.push(FieldError { field: join(path, field), message });
    let mut given = match input {
        Value::Object(given) => given,
        Value::Null => Map::new(),
        _ => {
            fail("", "an object is expected".into(), errors);
            return Map::new();
        }
    };
    let currency = given.get("currency").and_then(Value::as_str).map(str::to_owned).or_else(|| currency.map(str::to_owned));
    let mut decoded = Map::new();
    for field in fields {
        match given.remove(field.name.as_ref()) {
            None if field.required => fail(&field.name, "is required".into(), errors),
            None => {}
            Some(Value::Null) if field.required => fail(&field.name, "is required".into(), errors),
            Some(Value::Null) => {
                decoded.insert(field.name.to_string(), Value::Null);
            }
            Some(value) => {
                if let Some(value) = one(catalogue, field, value, &join(path, &field.name), currency.as_deref(), errors) {
                    decoded.insert(field.name.to_string(), value);
                }
            }
        }
    }
    // A name that nobody declared is a mistake of the caller, never ignored.
    for name in given.keys().take(20) {
        let shown: String = name.chars().take(60).collect();
        fail(&shown, "is not known here".into(), errors);
    }
    decoded
}

fn join(path: &str, field: &str) -> String {
    match (path.is_empty(), field.is_empty()) {
        (true, _) => field.to_owned(),
        (_, true) => path.to_owned(),
        _ => format!("{path}.{field}"),
    }
}

fn one(catalogue: &Catalogue, field: &Field, value: Value, path: &str, currency: Option<&str>, errors: &mut Vec<FieldError>) -> Option<Value> {
    let checked = match &field.kind {
        Kind::Text { max, multiline } => text(value, *max, *multiline, field.required).map(Value::String),
        Kind::Boolean => match value {
            Value::Bool(_) => Ok(value),
            Value::String(text) if text == "true" || text == "false" => Ok(Value::Bool(text == "true")),
            _ => Err("true or false is expected".to_owned()),
        },
        Kind::Integer => match &value {
            Value::Number(number) => number.as_i64().map(Value::from),
            Value::String(text) => text.trim().parse::<i64>().ok().map(Value::from),
            _ => None,
        }
        .ok_or_else(|| "a whole number is expected".to_owned()),
        Kind::Decimal => decimal(&value).map(|number| Value::String(number.to_string())),
        Kind::Money { .. } => money(&value, currency),
        Kind::Quantity { .. } => quantity(&value),
        Kind::Date => value
            .as_str()
            .and_then(|text| NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok())
            .filter(|date| (1..=9999).contains(&chrono::Datelike::year(date)))
            .map(|date| Value::String(date.to_string()))
            .ok_or_else(|| "a date such as 2026-03-31 is expected".to_owned()),
        Kind::Timestamp => value
            .as_str()
            .and_then(|text| DateTime::parse_from_rfc3339(text.trim()).ok())
            .filter(|at| (1..=9999).contains(&chrono::Datelike::year(at)))
            .map(|at| Value::String(at.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Micros, true)))
            .ok_or_else(|| "a time such as 2026-03-31T10:00:00Z is expected".to_owned()),
        Kind::Choice(choices) => match value.as_str().filter(|text| choices.iter().any(|choice| choice == text)) {
            Some(text) => Ok(Value::String(text.to_owned())),
            None => Err(format!("one of {} is expected", choices.join(", "))),
        },
        Kind::Reference(_) => {
            value.as_str().and_then(|text| Uuid::try_parse(text).ok()).map(|id| Value::String(id.to_string())).ok_or_else(|| "an id is expected".to_owned())
        }
        Kind::Texts => texts(value),
        Kind::Lines(fields) => {
            let Value::Array(rows) = value else {
                errors.push(FieldError { field: path.to_owned(), message: "a list is expected".into() });
                return None;
            };
            if rows.len() > LINES_MAX {
                errors.push(FieldError { field: path.to_owned(), message: format!("at most {LINES_MAX} lines are possible") });
                return None;
            }
            if field.required && rows.is_empty() {
                errors.push(FieldError { field: path.to_owned(), message: "at least one line is needed".into() });
            }
            let lines = rows.into_iter().enumerate().map(|(i, row)| Value::Object(object(catalogue, fields, row, &format!("{path}[{i}]"), currency, errors)));
            return Some(Value::Array(lines.collect()));
        }
    };
    match checked {
        Ok(value) => Some(value),
        Err(message) => {
            errors.push(FieldError { field: path.to_owned(), message });
            None
        }
    }
}

fn text(value: Value, max: u32, multiline: bool, required: bool) -> Result<String, String> {
    let Value::String(text) = value else { return Err("a text is expected".into()) };
    if text.chars().any(|c| c.is_control() && !(multiline && matches!(c, '\n' | '\r' | '\t'))) {
        return Err("control characters are not possible".into());
    }
    let text = text.trim();
    if required && text.is_empty() {
        return Err("is required".into());
    }
    if text.chars().count() > max as usize {
        return Err(format!("at most {max} characters are possible"));
    }
    Ok(text.to_owned())
}

fn texts(value: Value) -> Result<Value, String> {
    let Value::Array(items) = value else { return Err("a list of texts is expected".into()) };
    if items.len() > TEXTS_MAX {
        return Err(format!("at most {TEXTS_MAX} texts are possible"));
    }
    items.into_iter().map(|item| text(item, 200, false, true).map(Value::String)).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// A decimal from a string or a JSON number. A number with more digits than a double keeps would be wrong silently.
fn decimal(value: &Value) -> Result<Decimal, String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => {
            let text = number.to_string();
            if text.bytes().filter(u8::is_ascii_digit).count() > 15 {
                return Err("a number this long must be given as a text, so that no digit is lost".into());
            }
            text
        }
        _ => return Err("a decimal number such as \"12.50\" is expected".into()),
    };
    let plain = text.strip_prefix('-').unwrap_or(&text);
    let well_formed =
        !plain.is_empty() && plain.len() <= 40 && plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !plain.starts_with('.') && !plain.ends_with('.');
    let number = if well_formed { Decimal::from_str(&text).ok() } else { None };
    let number = number.ok_or("a decimal number such as \"12.50\" is expected")?.normalize();
    if number.scale() > DECIMAL_SCALE_MAX {
        return Err(format!("at most {DECIMAL_SCALE_MAX} decimal places are possible"));
    }
    if number.abs().trunc() >= Decimal::from(10_i64.pow(DECIMAL_DIGITS_MAX)) {
        return Err("the number is too large".into());
    }
    Ok(number)
}

/// `{"amount", "currency"}`, or a bare amount where the document's input `currency` says in which.
fn money(value: &Value, currency: Option<&str>) -> Result<Value, String> {
    let (amount, currency) = match value {
        Value::Object(given) => {
            if let Some(unknown) = given.keys().find(|key| !matches!(key.as_str(), "amount" | "currency")) {
                return Err(format!("{} is not known here", unknown.chars().take(60).collect::<String>()));
            }
            (given.get("amount").ok_or("an amount is expected")?, given.get("currency").and_then(Value::as_str).or(currency))
        }
        bare => (bare, currency),
    };
    let amount = decimal(amount)?;
    let currency = currency.ok_or("a currency is expected: {\"amount\": \"1.00\", \"currency\": \"EUR\"}")?;
    crate::Currency::new(currency).map_err(|_| "the currency must be three capital letters, such as EUR".to_owned())?;
    Ok(json!({ "amount": amount.to_string(), "currency": currency }))
}

fn quantity(value: &Value) -> Result<Value, String> {
    let (number, unit) = match value {
        Value::Object(given) => {
            if let Some(unknown) = given.keys().find(|key| !matches!(key.as_str(), "value" | "unit")) {
                return Err(format!("{} is not known here", unknown.chars().take(60).collect::<String>()));
            }
            let unit = match given.get("unit") {
                None | Some(Value::Null) => String::new(),
                Some(unit) => text(unit.clone(), 20, false, false)?,
            };
            (given.get("value").ok_or("a value is expected")?, unit)
        }
        bare => (bare, String::new()),
    };
    Ok(json!({ "value": decimal(number)?.to_string(), "unit": unit }))
}

/// The references in a decoded input, each with its path and resource.
pub fn references<'a>(fields: &'a [Field], input: &Value) -> Vec<(String, &'a str, Uuid)> {
    let mut found = Vec::new();
    collect(fields, input, "", &mut found);
    found
}

fn collect<'a>(fields: &'a [Field], input: &Value, path: &str, found: &mut Vec<(String, &'a str, Uuid)>) {
    for field in fields {
        let Some(value) = input.get(field.name.as_ref()) else { continue };
        match &field.kind {
            Kind::Reference(resource) => {
                if let Some(id) = value.as_str().and_then(|text| Uuid::try_parse(text).ok()) {
                    found.push((join(path, &field.name), resource.as_ref(), id));
                }
            }
            Kind::Lines(fields) => {
                for (i, row) in value.as_array().into_iter().flatten().enumerate() {
                    collect(fields, row, &join(path, &format!("{}[{i}]", field.name)), found);
                }
            }
            _ => {}
        }
    }
}

/// An input that fits the fields: with every field, or with the required ones only. For documents and for the test that
/// holds each command's struct to its schema.
pub fn example(fields: &[Field], full: bool) -> Value {
    let values = fields.iter().filter(|field| full || field.required).map(|field| (field.name.to_string(), example_of(field, full)));
    Value::Object(values.collect())
}

fn example_of(field: &Field, full: bool) -> Value {
    match &field.kind {
        Kind::Text { .. } => json!("text"),
        Kind::Boolean => json!(true),
        Kind::Integer => json!(1),
        Kind::Decimal => json!("1"),
        Kind::Money { .. } => json!({ "amount": "12.50", "currency": "EUR" }),
        Kind::Quantity { .. } => json!({ "value": "1", "unit": "" }),
        Kind::Date => json!("2026-01-31"),
        Kind::Timestamp => json!("2026-01-31T10:00:00.000000Z"),
        Kind::Choice(choices) => choices.first().map_or(Value::Null, |choice| json!(choice)),
        Kind::Reference(_) => json!("01890000-0000-7000-8000-000000000000"),
        Kind::Texts => json!(["text"]),
        Kind::Lines(fields) => json!([example(fields, full)]),
    }
}

#[cfg(test)]
mod tests;
