//! What a form sends, as the input of a command; and a record as what its form shows.
//!
//! Names are paths: `lines[0][item]`, `price[amount]`, `custom[color]`. What is left empty is absent. What the values mean
//! is checked by the bus; here only their shape is made. Names that begin with an underscore are the page's own.

use super::format::{plain_number, typed_number};
use super::picker::TYPED;
use super::view::{View, id_of};
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use steward_kernel::error::FieldError;
use steward_kernel::input::LINES_MAX;
use steward_kernel::{Field, Kind};

/// What stands in the fields of a form, by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Values(HashMap<String, String>);

impl Values {
    pub(super) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
    pub(super) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }
    /// What was typed into the picker whose id is called so.
    pub(super) fn typed(&self, name: &str) -> &str {
        self.get(&format!("{TYPED}{name}"))
    }
    /// One more than the largest index of `prefix[index][…]`. One more than a document may have is enough for the bus to refuse it.
    pub(super) fn rows(&self, prefix: &str) -> usize {
        self.0.keys().filter_map(|name| Some(index_of(name, prefix)?.0)).max().map_or(0, |last| last.saturating_add(1).min(LINES_MAX + 1))
    }

    /// Numbers the rows anew and leaves those out in which nothing was typed, so that the indexes of errors are those of the
    /// rows shown. Where rows were added and removed, indexes are far apart.
    pub(super) fn compact(&mut self, field: &Field, prefix: &str) {
        let Kind::Lines(inner) = &field.kind else { return };
        let mut rows: BTreeMap<usize, Vec<(String, &'static str, String)>> = BTreeMap::new();
        for name in self.0.keys() {
            if let Some((row, mark, rest)) = index_of(name, prefix) {
                rows.entry(row).or_default().push((name.clone(), mark, rest.to_owned()));
            }
        }
        let mut kept = 0;
        for (row, cells) in rows {
            let is_empty = self.is_empty_row(inner, &format!("{prefix}[{row}]"));
            for (old, mark, rest) in cells {
                // Rows move forward only, into places that were emptied before.
                if let Some(value) = self.0.remove(&old)
                    && !is_empty
                {
                    self.0.insert(format!("{mark}{prefix}[{kept}]{rest}"), value);
                }
            }
            kept += usize::from(!is_empty);
        }
    }

    fn is_empty_row(&self, fields: &[Field], row: &str) -> bool {
        fields.iter().all(|field| {
            let name = format!("{row}[{}]", field.name);
            match &field.kind {
                // These always say something.
                Kind::Boolean | Kind::Choice(_) => true,
                Kind::Money { .. } => self.get(&format!("{name}[amount]")).trim().is_empty(),
                Kind::Quantity { .. } => self.get(&format!("{name}[value]")).trim().is_empty(),
                Kind::Reference(_) => self.get(&name).is_empty() && self.typed(&name).trim().is_empty(),
                _ => self.get(&name).trim().is_empty(),
            }
        })
    }
}

/// The row of a name like `prefix[row]rest`, with the mark of a picker's text and what comes after the row.
fn index_of<'n>(name: &'n str, prefix: &str) -> Option<(usize, &'static str, &'n str)> {
    let (mark, bare) = name.strip_prefix(TYPED).map_or(("", name), |bare| (TYPED, bare));
    let (row, rest) = bare.strip_prefix(prefix)?.strip_prefix('[')?.split_once(']')?;
    Some((row.parse().ok()?, mark, rest))
}

/// The name of a field in a form.
pub(super) fn name_in(prefix: &str, field: &Field) -> String {
    match (prefix.is_empty(), field.custom) {
        (true, true) => format!("custom[{}]", field.name),
        (true, false) => field.name.to_string(),
        (false, _) => format!("{prefix}[{}]", field.name),
    }
}

/// The path in an error as the name in the form: `lines[2].quantity` → `lines[2][quantity]`.
pub(super) fn name_of_path(path: &str) -> String {
    let mut parts = path.split('.');
    let mut name = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (word, rest) = part.split_once('[').map_or((part, String::new()), |(word, rest)| (word, format!("[{rest}")));
        name.push_str(&format!("[{word}]{rest}"));
    }
    name
}

/// The input of these fields. Pickers whose text names no record are errors of the form.
pub(super) fn decode(view: &View, fields: &[Field], values: &Values, prefix: &str, errors: &mut Vec<FieldError>) -> Map<String, Value> {
    let mut input = Map::new();
    let mut custom = Map::new();
    for field in fields {
        let name = name_in(prefix, field);
        if let Some(value) = one(view, field, values, &name, errors) {
            if field.custom && prefix.is_empty() { &mut custom } else { &mut input }.insert(field.name.to_string(), value);
        }
    }
    if !custom.is_empty() {
        input.insert("custom".into(), Value::Object(custom));
    }
    input
}

fn one(view: &View, field: &Field, values: &Values, name: &str, errors: &mut Vec<FieldError>) -> Option<Value> {
    let given = values.get(name).trim();
    let text = || (!given.is_empty()).then(|| json!(given));
    let number = |text: &str| plain_number(&view.language, text);
    match &field.kind {
        // A browser says nothing of a box that is not ticked.
        Kind::Boolean => Some(json!(given == "true")),
        Kind::Integer | Kind::Decimal => text().map(|_| json!(number(given))),
        Kind::Money { .. } => {
            let amount = values.get(&format!("{name}[amount]")).trim();
            let currency = values.get(&format!("{name}[currency]")).trim().to_uppercase();
            (!amount.is_empty()).then(|| if currency.is_empty() { json!(number(amount)) } else { json!({ "amount": number(amount), "currency": currency }) })
        }
        Kind::Quantity { .. } => {
            let amount = values.get(&format!("{name}[value]")).trim();
            (!amount.is_empty()).then(|| json!({ "value": number(amount), "unit": values.get(&format!("{name}[unit]")).trim() }))
        }
        Kind::Timestamp => text().map(|_| json!(instant(view, given))),
        Kind::Reference(_) => {
            if given.is_empty() && !values.typed(name).trim().is_empty() {
                errors.push(FieldError { field: name.to_owned(), message: view.t("pick-one") });
            }
            text()
        }
        Kind::Texts => text().map(|_| given.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect()),
        Kind::Lines(inner) => {
            let rows = values.rows(name);
            (rows > 0).then(|| (0..rows).map(|row| Value::Object(decode(view, inner, values, &format!("{name}[{row}]"), errors))).collect())
        }
        Kind::Text { .. } | Kind::Date | Kind::Choice(_) => text(),
    }
}

/// A local time of the form as a moment; what is none stays as it is, for the kernel to refuse.
fn instant(view: &View, given: &str) -> String {
    let local = NaiveDateTime::parse_from_str(given, "%Y-%m-%dT%H:%M").or_else(|_| NaiveDateTime::parse_from_str(given, "%Y-%m-%dT%H:%M:%S"));
    match local.ok().and_then(|local| view.calendar.time_zone.from_local_datetime(&local).earliest()) {
        Some(at) => at.with_timezone(&Utc).to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        None => given.to_owned(),
    }
}

/// Puts a value of the wire into the fields of a form.
pub(super) fn fill(view: &View, values: &mut Values, field: &Field, name: &str, value: &Value) {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let number = |value: &Value| typed_number(&view.language, &text(value));
    match &field.kind {
        Kind::Integer | Kind::Decimal => values.set(name, number(value)),
        Kind::Money { .. } => {
            if let Some(amount) = value.get("amount") {
                values.set(format!("{name}[amount]"), number(amount));
                values.set(format!("{name}[currency]"), text(&value["currency"]));
            }
        }
        Kind::Quantity { .. } => {
            if let Some(amount) = value.get("value") {
                values.set(format!("{name}[value]"), number(amount));
                values.set(format!("{name}[unit]"), text(&value["unit"]));
            }
        }
        Kind::Timestamp => {
            if let Ok(at) = DateTime::parse_from_rfc3339(&text(value)) {
                values.set(name, view.calendar.local(at.with_timezone(&Utc)).format("%Y-%m-%dT%H:%M:%S").to_string());
            }
        }
        Kind::Reference(_) => {
            if let Some(id) = id_of(value) {
                values.set(name, id.to_string());
                values.set(format!("{TYPED}{name}"), value.get("title").map(text).unwrap_or_default());
            }
        }
        Kind::Texts => {
            values.set(name, value.as_array().map(|items| items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")).unwrap_or_default())
        }
        Kind::Lines(inner) => {
            for (row, line) in value.as_array().into_iter().flatten().enumerate() {
                for field in inner {
                    fill(view, values, field, &format!("{name}[{row}][{}]", field.name), line.get(field.name.as_ref()).unwrap_or(&Value::Null));
                }
            }
        }
        Kind::Boolean | Kind::Text { .. } | Kind::Date | Kind::Choice(_) => values.set(name, text(value)),
    }
}

/// What of `new` differs from `old`; what is gone is null. A change names what it changes and nothing else.
pub(super) fn difference(old: &Map<String, Value>, new: Map<String, Value>) -> Map<String, Value> {
    let mut changed = Map::new();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        changed.insert(name.clone(), Value::Null);
    }
    for (name, value) in new {
        match (old.get(&name), value) {
            (Some(Value::Object(old)), Value::Object(new)) if name == "custom" => {
                let inner = difference(old, new);
                if !inner.is_empty() {
                    changed.insert(name, Value::Object(inner));
                }
            }
            (Some(old), new) if *old == new => {}
            (_, new) => {
                changed.insert(name, new);
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_errors_become_names_of_fields() {
        for (path, name) in [("customer", "customer"), ("lines[2].quantity", "lines[2][quantity]"), ("custom.color", "custom[color]")] {
            assert_eq!(name_of_path(path), name);
        }
    }

    #[test]
    fn empty_rows_are_left_out() {
        let lines = Field::lines("lines", vec![Field::reference("item", "x.item"), Field::quantity("quantity")]);
        let mut values = Values::default();
        for (name, value) in [("lines[0][item]", ""), ("lines[0][quantity][value]", " "), ("lines[3][item]", "a"), ("lines[3][quantity][value]", "2")] {
            values.set(name, value);
        }
        values.compact(&lines, "lines");
        assert_eq!(values.rows("lines"), 1);
        assert_eq!((values.get("lines[0][item]"), values.get("lines[0][quantity][value]")), ("a", "2"));
    }

    #[test]
    fn no_row_is_lost_where_rows_were_added_and_removed_and_too_many_are_told() {
        let lines = Field::lines("lines", vec![Field::text("item")]);
        let mut values = Values::default();
        for row in (0..LINES_MAX).map(|row| row * 3) {
            values.set(format!("lines[{row}][item]"), row.to_string());
        }
        values.compact(&lines, "lines");
        assert_eq!((values.rows("lines"), values.get("lines[999][item]")), (LINES_MAX, "2997"));
        values.set("lines[70000][item]", "one more");
        values.compact(&lines, "lines");
        assert_eq!(values.rows("lines"), LINES_MAX + 1);
    }

    #[test]
    fn a_change_names_only_what_it_changes() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let old = map(json!({ "a": 1, "b": 2, "custom": { "x": 1, "y": 2 } }));
        let new = map(json!({ "a": 1, "c": 3, "custom": { "x": 1, "y": 3 } }));
        assert_eq!(difference(&old, new), map(json!({ "b": null, "c": 3, "custom": { "y": 3 } })));
    }
}
