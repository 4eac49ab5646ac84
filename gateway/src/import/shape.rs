//! Applies a mapping: rows of files become records with the inputs of commands.

use super::mapping::{Expression, Listed, Mapping, Rule, Step};
use super::record::{Batch, By, LineSource, Part, Record, Reference, parse_path, put};
use super::report::RowError;
use super::table::{Row, Table};
use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use steward_kernel::{Catalogue, Error, Result};

/// The files that a mapping reads, parsed.
pub struct Files(pub HashMap<String, Table>);

impl Files {
    fn get(&self, file: &str) -> Result<&Table> {
        self.0.get(file).ok_or_else(|| Error::bad_request(format!("the file {file} is missing")))
    }
}

/// The batches of a mapping, in their order.
pub fn shape(mapping: &Mapping, files: &Files, variables: &BTreeMap<String, String>, catalogue: &Catalogue) -> Result<Vec<Batch>> {
    let mut values = mapping.variables.clone();
    for (name, value) in variables {
        match values.get_mut(name) {
            Some(known) => known.clone_from(value),
            None => return Err(Error::bad_request(format!("the mapping has no variable {name:?}"))),
        }
    }
    let context = Context { files, variables: values };
    mapping.steps.iter().map(|step| context.step(step, catalogue)).collect()
}

struct Context<'a> {
    files: &'a Files,
    variables: BTreeMap<String, String>,
}

/// An input with its expression, bound to the columns of a table.
struct Bound<'a> {
    path: Vec<Part>,
    name: String,
    rule: &'a Rule,
    columns: Vec<usize>,
    listed: HashSet<String>,
}

/// What an expression came to.
enum Cell {
    Absent,
    Value(Value),
    Reference(String),
}

impl Context<'_> {
    fn step(&self, step: &Step, catalogue: &Catalogue) -> Result<Batch> {
        let single = Table::single();
        let table = if step.file.is_empty() { &single } else { self.files.get(&step.file)? };
        let command = match (&step.command, &step.resource) {
            (Some(command), _) => command.clone(),
            (None, Some(resource)) => {
                let create = catalogue.resource(resource)?.create.as_ref();
                create.ok_or_else(|| Error::bad_request(format!("{resource} has no command that creates one")))?.to_string()
            }
            (None, None) => return Err(Error::bad_request("a step names neither a resource nor a command")),
        };
        let key = self.bind("key", &step.key, table)?;
        let when = step.when.as_deref().map(|column| table.expect(column)).transpose()?;
        let inputs = self.bind_all(&step.inputs, table)?;
        let mut batch = Batch {
            file: table.file.clone(),
            recorded_for: step.resource.clone().unwrap_or_else(|| command.clone()),
            command,
            update: step.update.clone(),
            inputs: inputs.iter().filter_map(|bound| first_name(&bound.path)).chain(step.lines.keys().cloned()).collect(),
            columns: columns_of(&inputs, table),
            refused: table.refused.clone(),
            ..Batch::default()
        };
        let mut seen: HashMap<String, usize> = HashMap::new();
        for row in table.rows() {
            if when.is_some_and(|column| row.cell(column).is_empty()) {
                continue;
            }
            let named = match self.evaluate(&key, row) {
                Ok(Cell::Value(Value::String(key))) => Ok(key),
                Ok(_) => Err("the external id is empty".to_owned()),
                Err(message) => Err(message),
            };
            let named = named.and_then(|key| match seen.insert(key.clone(), row.number) {
                Some(first) => Err(format!("the external id {key:?} stands in row {first} as well")),
                None => Ok(key),
            });
            let mut record = Record { row: row.number, ..Record::default() };
            match named.map_err(|message| Error::field("key", message)).and_then(|key| self.fill(&inputs, row, &mut record).map(|()| key)) {
                Ok(key) => {
                    record.key = Some(key);
                    batch.records.push(record);
                }
                Err(error) => {
                    let located = batch.located(&record, error);
                    batch.refused.push(located);
                }
            }
        }
        for (input, lines) in &step.lines {
            let table = self.files.get(&lines.file)?;
            let parent = self.bind("parent", &lines.parent, table)?;
            let bound = self.bind_all(&lines.inputs, table)?;
            batch.lines.insert(input.clone(), LineSource { file: lines.file.clone(), columns: columns_of(&bound, table) });
            batch.refused.extend(table.refused.iter().cloned());
            self.lines(&mut batch, input, table, &parent, &bound);
        }
        Ok(batch)
    }

    /// Puts the rows of a table under the records that they belong to. A wrong line takes its document with it.
    fn lines(&self, batch: &mut Batch, input: &str, table: &Table, parent: &Bound<'_>, bound: &[Bound<'_>]) {
        let mut at: HashMap<String, usize> = HashMap::new();
        for (index, record) in batch.records.iter().enumerate() {
            at.extend(record.key.clone().map(|key| (key, index)));
        }
        let mut broken: HashSet<usize> = HashSet::new();
        for row in table.rows() {
            let mut refuse = |error: Error, index: Option<usize>| {
                let column = error.fields.first().and_then(|field| batch.lines.get(input).and_then(|source| source.columns.get(&field.field).cloned()));
                batch.refused.push(RowError::new(&table.file, row.number, error).column(column));
                broken.extend(index);
            };
            let found = match self.evaluate(parent, row) {
                Ok(Cell::Value(Value::String(key))) => at.get(&key).copied().ok_or_else(|| format!("there is no document {key:?}")),
                Ok(_) => Err("the line names no document".to_owned()),
                Err(message) => Err(message),
            };
            let index = match found {
                Ok(index) => index,
                Err(message) => {
                    refuse(Error::field("parent", message), None);
                    continue;
                }
            };
            let mut line = Record::default();
            if let Err(error) = self.fill(bound, row, &mut line) {
                refuse(error, Some(index));
                continue;
            }
            let record = &mut batch.records[index];
            let rows = record.line_rows.entry(input.to_owned()).or_default();
            let position = rows.len();
            rows.push(row.number);
            match record.input.entry(input.to_owned()).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(items) => items.push(Value::Object(line.input)),
                other => *other = json!([line.input]),
            }
            record.references.extend(line.references.into_iter().map(|reference| {
                let path = [Part::Name(input.to_owned()), Part::Index(position)].into_iter().chain(reference.path).collect();
                Reference { path, ..reference }
            }));
        }
        let mut index = 0;
        batch.records.retain(|_| {
            index += 1;
            !broken.contains(&(index - 1))
        });
    }

    fn bind_all<'r>(&self, inputs: &'r BTreeMap<String, Expression>, table: &Table) -> Result<Vec<Bound<'r>>> {
        inputs.iter().map(|(name, expression)| self.bind(name, expression, table)).collect()
    }

    fn bind<'r>(&self, name: &str, expression: &'r Expression, table: &Table) -> Result<Bound<'r>> {
        let rule = &expression.0;
        let path = parse_path(name).ok_or_else(|| Error::bad_request(format!("{name:?} is not the path of an input")))?;
        let columns = rule.column.iter().chain(&rule.columns).map(|column| table.expect(column)).collect::<Result<Vec<_>>>()?;
        if rule.variable.as_ref().is_some_and(|variable| !self.variables.contains_key(variable)) {
            return Err(Error::bad_request(format!("the input {name} names a variable that the mapping does not list")));
        }
        if rule.by.is_some() && rule.reference.is_none() {
            return Err(Error::bad_request(format!("the input {name} says `by` without `ref`")));
        }
        let listed = match &rule.listed_in {
            Some(Listed { file, column }) => {
                let table = self.files.get(file)?;
                let column = table.expect(column)?;
                table.rows().iter().map(|row| row.cell(column).to_owned()).filter(|text| !text.is_empty()).collect()
            }
            None => HashSet::new(),
        };
        Ok(Bound { path, name: name.to_owned(), rule, columns, listed })
    }

    fn fill(&self, inputs: &[Bound<'_>], row: &Row, record: &mut Record) -> Result<()> {
        let mut wrong = Vec::new();
        for bound in inputs {
            match self.evaluate(bound, row) {
                Ok(Cell::Absent) => {}
                Ok(Cell::Value(value)) => put(&mut record.input, &bound.path, value),
                Ok(Cell::Reference(wanted)) => {
                    put(&mut record.input, &bound.path, Value::String(wanted.clone()));
                    let by = bound.rule.by.clone().map_or(By::ExternalId, By::Field);
                    record.references.push(Reference { path: bound.path.clone(), resource: bound.rule.reference.clone().unwrap_or_default(), by, wanted });
                }
                Err(message) => wrong.push(steward_kernel::error::FieldError { field: bound.name.clone(), message }),
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::fields(wrong)) }
    }

    fn evaluate(&self, bound: &Bound<'_>, row: &Row) -> Result<Cell, String> {
        let rule = bound.rule;
        let mut text = match &rule.variable {
            Some(variable) => self.variables.get(variable).cloned().unwrap_or_default(),
            None => {
                let cells: Vec<&str> = bound.columns.iter().map(|column| row.cell(*column)).filter(|cell| !cell.is_empty()).collect();
                cells.join(&rule.separator)
            }
        };
        let mut value = rule.value.clone();
        if rule.listed_in.is_some() || rule.then.is_some() {
            let holds = if rule.listed_in.is_some() { bound.listed.contains(&text) } else { !text.is_empty() };
            value = if holds { rule.then.clone() } else { rule.otherwise.clone() };
            text.clear();
        } else if !rule.map.is_empty() && !text.is_empty() {
            value = Some(match rule.map.get(&text).or(rule.otherwise.as_ref()) {
                Some(value) => value.clone(),
                None => return Err(format!("{:?} is not a value that the mapping knows", text.chars().take(60).collect::<String>())),
            });
            text.clear();
        }
        match value {
            Some(Value::String(chosen)) => text = chosen,
            Some(value) => return Ok(Cell::Value(value)),
            None => {}
        }
        for (from, to) in &rule.replace {
            text = text.replace(from.as_str(), to);
        }
        if rule.lower {
            text = text.to_lowercase();
        }
        let text = text.trim();
        if text.is_empty() {
            return Ok(Cell::Absent);
        }
        let text = format!("{}{text}{}", rule.prefix, rule.suffix);
        typed(rule, text)
    }
}

fn typed(rule: &Rule, mut text: String) -> Result<Cell, String> {
    if let Some(form) = &rule.date {
        text = NaiveDate::parse_from_str(&text, form).map_err(|_| format!("a date of the form {form} is expected"))?.to_string();
    }
    if let Some(mark) = &rule.decimal {
        let groups = if mark == "," { "." } else { "," };
        text = text.replace([' ', '\u{a0}', '\''], "").replace(groups, "").replace(mark.as_str(), ".");
    }
    Ok(match (&rule.reference, &rule.money, &rule.quantity) {
        (Some(_), _, _) => Cell::Reference(text),
        (_, Some(currency), _) => Cell::Value(json!({ "amount": text, "currency": currency })),
        (_, _, Some(unit)) => Cell::Value(json!({ "value": text, "unit": unit })),
        _ => Cell::Value(Value::String(text)),
    })
}

fn first_name(path: &[Part]) -> Option<String> {
    path.first().and_then(|part| match part {
        Part::Name(name) => Some(name.clone()),
        Part::Index(_) => None,
    })
}

fn columns_of(inputs: &[Bound<'_>], table: &Table) -> BTreeMap<String, String> {
    inputs.iter().filter_map(|bound| bound.columns.first().map(|column| (bound.name.clone(), table.headers()[*column].clone()))).collect()
}

/// The input of a record as an object, with its keys in order all the way down, so that equal contents have equal digests.
pub(super) fn sorted(fields: &Map<String, Value>) -> Value {
    let ordered: BTreeMap<&String, Value> = fields.iter().map(|(name, value)| (name, sorted_value(value))).collect();
    Value::Object(ordered.into_iter().map(|(name, value)| (name.clone(), value)).collect())
}

fn sorted_value(value: &Value) -> Value {
    match value {
        Value::Object(fields) => sorted(fields),
        Value::Array(items) => Value::Array(items.iter().map(sorted_value).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
