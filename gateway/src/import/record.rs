//! Records on their way in: what a row of a file became before its references are looked up.

use super::report::RowError;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Rows for one command.
#[derive(Debug, Default)]
pub struct Batch {
    pub file: String,
    pub command: String,
    /// What the external ids are recorded for.
    pub recorded_for: String,
    /// Where they come from, if not from where the references do: the numbers of rows come from the import itself.
    pub recorded_from: Option<String>,
    pub update: Option<String>,
    /// Every input that the source speaks of. One that a changed row leaves out is cleared.
    pub inputs: BTreeSet<String>,
    /// The columns behind the inputs, for error texts.
    pub columns: BTreeMap<String, String>,
    pub lines: BTreeMap<String, LineSource>,
    pub records: Vec<Record>,
    pub refused: Vec<RowError>,
}

/// Where the lines of a document come from.
#[derive(Debug, Default)]
pub struct LineSource {
    pub file: String,
    pub columns: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default)]
pub struct Record {
    pub row: usize,
    /// The external id; none where every row is new.
    pub key: Option<String>,
    /// References stand in it as they were given.
    pub input: Map<String, Value>,
    pub references: Vec<Reference>,
    /// Rows of the lines by the input that takes them.
    pub line_rows: BTreeMap<String, Vec<usize>>,
}

/// A reference in the input of a record.
#[derive(Clone, Debug)]
pub struct Reference {
    pub path: Vec<Part>,
    pub resource: String,
    pub by: By,
    pub wanted: String,
}

/// How a reference names its record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum By {
    ExternalId,
    Field(String),
    /// The code, the number or the title.
    Name,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Name(String),
    Index(usize),
}

/// Places in a list that a path may name.
const INDEX_MAX: usize = 20;

/// `addresses[0].city`.
pub fn parse_path(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for piece in text.split('.') {
        let (name, mut rest) = match piece.find('[') {
            Some(at) => piece.split_at(at),
            None => (piece, ""),
        };
        if name.is_empty() {
            return None;
        }
        parts.push(Part::Name(name.to_owned()));
        while !rest.is_empty() {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            parts.push(Part::Index(index.parse().ok().filter(|index| *index < INDEX_MAX)?));
            rest = after;
        }
    }
    Some(parts)
}

pub fn show_path(path: &[Part]) -> String {
    let mut text = String::new();
    for part in path {
        match part {
            Part::Name(name) if text.is_empty() => text.push_str(name),
            Part::Name(name) => {
                text.push('.');
                text.push_str(name);
            }
            Part::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// Puts a value in its place; what lies above it is made.
pub fn put(input: &mut Map<String, Value>, path: &[Part], value: Value) {
    let Some((Part::Name(name), rest)) = path.split_first() else { return };
    let mut place = input.entry(name.clone()).or_insert(Value::Null);
    for part in rest {
        place = match part {
            Part::Name(name) => {
                if !place.is_object() {
                    *place = Value::Object(Map::new());
                }
                match place {
                    Value::Object(fields) => fields.entry(name.clone()).or_insert(Value::Null),
                    _ => return,
                }
            }
            Part::Index(index) => {
                if !place.is_array() {
                    *place = Value::Array(Vec::new());
                }
                match place {
                    Value::Array(items) => {
                        if items.len() <= *index {
                            items.resize(index + 1, Value::Null);
                        }
                        &mut items[*index]
                    }
                    _ => return,
                }
            }
        };
    }
    *place = value;
}

impl Batch {
    /// Says in an error of the command which file, row and column it is about.
    pub fn located(&self, record: &Record, error: steward_kernel::Error) -> RowError {
        let field = error.fields.first().map(|field| field.field.clone()).unwrap_or_default();
        let mut located = RowError::new(&self.file, record.row, error);
        let top = field.split(['.', '[']).next().unwrap_or_default();
        if let (Some(source), Some(rows)) = (self.lines.get(top), record.line_rows.get(top)) {
            let inner = field[top.len()..].strip_prefix('[').and_then(|rest| rest.split_once(']'));
            if let Some((index, rest)) = inner
                && let Some(row) = index.parse::<usize>().ok().and_then(|index| rows.get(index))
            {
                located.file.clone_from(&source.file);
                located.row = *row;
                return located.column(column_of(&source.columns, rest.trim_start_matches('.')));
            }
        }
        located.column(column_of(&self.columns, &field))
    }
}

/// The column behind an input, or behind what it is a part of, or what is a part of it.
fn column_of(columns: &BTreeMap<String, String>, field: &str) -> Option<String> {
    if field.is_empty() {
        return None;
    }
    let mut shorter = field;
    loop {
        if let Some(column) = columns.get(shorter) {
            return Some(column.clone());
        }
        match shorter.rfind(['.', '[']) {
            Some(at) => shorter = &shorter[..at],
            None => return columns.iter().find(|(path, _)| path.starts_with(field)).map(|(_, column)| column.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_makes_what_lies_above_it() {
        let mut input = Map::new();
        for (path, value) in [("name", json!("A")), ("addresses[0].city", json!("B")), ("addresses[0].street", json!("C")), ("price.amount", json!("1"))] {
            put(&mut input, &parse_path(path).unwrap(), value);
        }
        assert_eq!(Value::Object(input), json!({ "name": "A", "addresses": [{ "city": "B", "street": "C" }], "price": { "amount": "1" } }));
        assert!(parse_path("a[99]").is_none() && parse_path("a..b").is_none() && parse_path("").is_none() && parse_path("a[x]").is_none());
        assert_eq!(show_path(&parse_path("a[1].b").unwrap()), "a[1].b");
    }

    #[test]
    fn an_error_of_a_line_is_told_at_the_row_of_the_line() {
        let source = LineSource { file: "lines.csv".into(), columns: [("item".to_owned(), "product_id".to_owned())].into() };
        let batch = Batch { file: "orders.csv".into(), lines: [("lines".to_owned(), source)].into(), ..Batch::default() };
        let record = Record { row: 7, line_rows: [("lines".to_owned(), vec![20, 21])].into(), ..Record::default() };
        let error = batch.located(&record, steward_kernel::Error::field("lines[1].item", "no such record"));
        assert_eq!((error.file.as_str(), error.row, error.column.as_deref()), ("lines.csv", 21, Some("product_id")));
    }
}
