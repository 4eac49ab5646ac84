//! Conditions on records, and the one record that a text names.

use crate::lexicon::{Field, Resource};
use crate::names::{self, Fit};
use crate::reading::{Reading, number};
use crate::turn::{Planned, Turn, items};
use crate::words::Words;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A filter with its wording for the answer.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) filter: Value,
    pub(crate) said: String,
    /// It comes from a name: two of one field are alternatives.
    pub(crate) is_name: bool,
}

impl Condition {
    pub(crate) fn of_name(self) -> Self {
        Self { is_name: true, ..self }
    }
}

pub(crate) fn condition(path: &str, op: &str, values: &[&str], said: String) -> Condition {
    Condition { filter: json!({ "path": path, "op": op, "values": values }), said, is_name: false }
}

/// The one record of `resource` that `text` names: exactly, or as the only one that begins so. Several: the person is asked.
pub(crate) fn record(turn: &Turn, words: &Words, resource: &Resource, text: &str) -> Planned<Option<(String, String)>> {
    let Some(title) = resource.fields.iter().find(|field| field.name == resource.title) else { return Ok(None) };
    let query = match title.starts {
        true => names::query(resource, title, "starts", &[&names::beginning(text.split_whitespace().next().unwrap_or(text))]),
        false if title.kind == "text" && title.filterable => names::query(resource, title, "eq", &[text]),
        false => return Ok(None),
    };
    let reading = Reading::of(text);
    let mut found: Vec<(Fit, String, String)> = Vec::new();
    for item in turn.look_up(&[query])?.into_iter().flat_map(items) {
        let part = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(id), Some(name)) = (part("id"), part("title")) else { continue };
        if let Some((fit, len)) = names::fits(&reading, 0, &name)
            && len == reading.tokens.len()
        {
            found.push((fit, id, name));
        }
    }
    let best = found.iter().map(|(fit, ..)| *fit).max();
    found.retain(|(fit, ..)| Some(*fit) == best);
    match found.len() {
        0 => Ok(None),
        1 => Ok(found.pop().map(|(_, id, name)| (id, name))),
        _ => Err(words.which(turn, text, &found.iter().map(|(_, _, name)| name.as_str()).collect::<Vec<_>>())),
    }
}

/// A record, and how many words name it.
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) len: usize,
}

/// The one record of `resource` whose name begins at `start`: of all names that stand there the longest. Words that are
/// used up belong to none. Several: the person is asked.
pub(crate) fn at(turn: &Turn, words: &Words, resource: &Resource, reading: &Reading, start: usize) -> Planned<Option<Found>> {
    let Some(title) = resource.fields.iter().find(|field| field.name == resource.title) else { return Ok(None) };
    let Some(token) = reading.tokens.get(start).filter(|token| !token.used) else { return Ok(None) };
    let results = match title.starts {
        true => beginning_so(turn, resource, title, reading, start)?,
        false if title.kind == "text" && title.filterable => turn.look_up(&[names::query(resource, title, "eq", &[&token.text])])?,
        false => return Ok(None),
    };
    let mut found: Vec<(Fit, usize, &str, &str)> = Vec::new();
    for item in results.into_iter().flat_map(items) {
        let part = |name: &str| item.get(name).and_then(Value::as_str);
        let (Some(id), Some(name)) = (part("id"), part("title")) else { continue };
        if let Some((fit, len)) = names::fits(reading, start, name).filter(|(_, len)| (start..start + len).all(|at| reading.is_free(at))) {
            found.push((fit, len, id, name));
        }
    }
    let best = found.iter().map(|(fit, len, ..)| (*fit, *len)).max();
    found.retain(|(fit, len, ..)| Some((*fit, *len)) == best);
    match found.as_slice() {
        [] => Ok(None),
        [(_, len, id, _)] => Ok(Some(Found { id: (*id).to_owned(), len: *len })),
        [(_, len, ..), ..] => {
            let titles: Vec<&str> = found.iter().map(|(.., name)| *name).collect();
            Err(words.which(turn, reading.written(start, *len), &titles))
        }
    }
}

/// Records whose names begin with the word, or with it and the next where they are too many to be told.
fn beginning_so<'a>(turn: &'a Turn, resource: &Resource, title: &Field, reading: &Reading, start: usize) -> Planned<Vec<&'a Value>> {
    let query = |text: &str| names::query(resource, title, "starts", &[text]);
    let first = turn.look_up(&[query(&names::beginning(&reading.tokens[start].text))])?;
    let is_full = first.iter().any(|result| items(result).count() >= names::FOUND_MAX);
    if !is_full || !reading.is_free(start + 1) {
        return Ok(first);
    }
    turn.look_up(&[query(reading.written(start, 2))])
}

/// A comparison with a number: operator, number, words taken.
pub(crate) fn comparison(reading: &Reading, i: usize) -> Option<(&'static str, Decimal, usize)> {
    let pair = (reading.fold_at(i), reading.fold_at(i + 1));
    let (op, len) = match pair {
        ("more" | "greater" | "higher" | "larger" | "bigger", "than") | ("mehr" | "grosser" | "hoher" | "teurer", "als") => ("gt", 2),
        ("less" | "fewer" | "lower" | "smaller" | "cheaper", "than") | ("weniger" | "kleiner" | "niedriger" | "billiger" | "gunstiger", "als") => ("lt", 2),
        ("at", "least") => ("gte", 2),
        ("at", "most") => ("lte", 2),
        ("over" | "above" | "exceeding" | "uber", _) => ("gt", 1),
        ("under" | "below" | "unter", _) => ("lt", 1),
        ("mindestens", _) => ("gte", 1),
        ("hochstens", _) => ("lte", 1),
        ("exactly" | "genau", _) => ("eq", 1),
        _ => return None,
    };
    number(reading.fold_at(i + len)).map(|number| (op, number, len + 1))
}
