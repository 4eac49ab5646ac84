//! Conditions on records: from names, choices, comparisons and periods to filters of the query tool.

use crate::lexicon::{Field, Lexicon, Resource, fold};
use crate::reading::{Reading, number};
use crate::turn::{Planned, Stop, Turn};
use crate::words::Words;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A filter with its wording for the answer.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) filter: Value,
    pub(crate) said: String,
}

pub(crate) fn condition(path: &str, op: &str, values: &[&str], said: String) -> Condition {
    Condition { filter: json!({ "path": path, "op": op, "values": values }), said }
}

/// A reference by which a record's name can be looked up: path, and the resource it leads to.
fn references<'a>(lexicon: &'a Lexicon, resource: &'a Resource) -> Vec<(String, &'a Field, &'a Resource)> {
    let own = resource.fields.iter().filter_map(|field| Some((field.name.clone(), field, lexicon.resource(field.resource.as_deref()?)?)));
    let parent = resource.parent.as_ref().and_then(|parent| {
        let field = resource.fields.iter().find(|field| field.name == parent.field)?;
        Some((field, lexicon.resource(field.resource.as_deref()?)?))
    });
    let through = parent.into_iter().flat_map(|(link, target)| {
        target.fields.iter().filter_map(move |field| Some((format!("{}.{}", link.name, field.name), field, lexicon.resource(field.resource.as_deref()?)?)))
    });
    own.chain(through).collect()
}

/// Paths from `resource` to records of `target`.
pub(crate) fn paths_to(lexicon: &Lexicon, resource: &Resource, target: &str) -> Vec<String> {
    references(lexicon, resource).into_iter().filter(|(_, _, to)| to.name == target).map(|(path, _, _)| path).collect()
}

/// What the run of words `start..start+len` names, as a condition on `resource`. `hint` narrows to references to one resource.
pub(crate) fn name(
    turn: &Turn,
    lexicon: &Lexicon,
    words: &Words,
    resource: &Resource,
    reading: &Reading,
    run: (usize, usize),
    hint: Option<&str>,
) -> Planned<Condition> {
    let text = reading.text_of(run.0, run.1);
    let before = if run.0 > 0 { reading.fold_at(run.0 - 1) } else { "" };
    // "in Germany" is a place before it is a name.
    let place_first = matches!(before, "in" | "aus" | "im") && hint.is_none();
    if place_first && let Some(found) = by_text(turn, lexicon, resource, &text)? {
        return Ok(found);
    }
    if hint.is_none_or(|hint| hint == resource.name)
        && let Some(found) = own_title(turn, words, resource, &text)?
    {
        return Ok(found);
    }
    let mut tried: Vec<&str> = Vec::new();
    for (path, field, target) in references(lexicon, resource) {
        if hint.is_some_and(|hint| hint != target.name) || !title_field(target).is_some_and(|title| title.starts) {
            continue;
        }
        // Several references may lead to one resource: the look-up is the same, the first reference is meant.
        if tried.contains(&target.name.as_str()) {
            continue;
        }
        tried.push(&target.name);
        if let Some((id, title)) = record(turn, words, target, &text)? {
            return Ok(condition(&path, "eq", &[&id], format!("{} {title}", field.label)));
        }
    }
    if !place_first && let Some(found) = by_text(turn, lexicon, resource, &text)? {
        return Ok(found);
    }
    Err(Stop::Say(words.not_found(&text)))
}

fn title_field(resource: &Resource) -> Option<&Field> {
    resource.fields.iter().find(|field| field.name == resource.title)
}

fn own_title(turn: &Turn, words: &Words, resource: &Resource, text: &str) -> Planned<Option<Condition>> {
    if !title_field(resource).is_some_and(|title| title.starts || (title.filterable && text.chars().any(|c| c.is_ascii_digit()))) {
        return Ok(None);
    }
    Ok(record(turn, words, resource, text)?.map(|(_, title)| condition(&resource.title, "eq", &[&title], title.clone())))
}

/// The one record of `resource` that `text` names: exactly, or as the only one that begins so. Several: the person is asked.
pub(crate) fn record(turn: &Turn, words: &Words, resource: &Resource, text: &str) -> Planned<Option<(String, String)>> {
    let Some(title) = title_field(resource) else { return Ok(None) };
    let op = if title.starts { "starts" } else { "eq" };
    let mut found = turn.named(&resource.name, &title.name, op, text)?;
    let exact: Vec<_> = found.iter().filter(|(_, title)| fold(title) == fold(text)).cloned().collect();
    if exact.len() == 1 {
        found = exact;
    }
    match found.len() {
        0 => Ok(None),
        1 => Ok(found.pop()),
        _ => Err(words.which(turn, text, &found.iter().map(|(_, title)| title.as_str()).collect::<Vec<_>>())),
    }
}

/// Plain text fields, and those of records one reference away (a customer's country).
fn by_text(turn: &Turn, lexicon: &Lexicon, resource: &Resource, text: &str) -> Planned<Option<Condition>> {
    let plain = |field: &&Field| field.kind == "text" && field.filterable;
    let places = |field: &Field| matches!(field.name.as_str(), "country" | "city" | "region" | "category" | "state");
    let mut paths: Vec<(String, &Field)> =
        resource.fields.iter().filter(plain).filter(|field| places(field)).map(|field| (field.name.clone(), field)).collect();
    for (path, _, target) in references(lexicon, resource) {
        paths.extend(target.fields.iter().filter(plain).filter(|field| places(field)).map(|field| (format!("{path}.{}", field.name), field)));
    }
    // Exactly first ("Niger" is not Nigeria), then by the beginning, which overlooks case and diacritics.
    for op in ["eq", "starts"] {
        for (path, field) in paths.iter().filter(|(_, field)| op == "eq" || field.starts).take(6) {
            let found = condition(path, op, &[text], format!("{} {text}", field.label));
            if turn.finds(&resource.name, &found.filter)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// A comparison with a number: operator, number, position of its first word, words taken.
pub(crate) fn comparison(reading: &Reading, i: usize) -> Option<(&'static str, Decimal, usize)> {
    let pair = (reading.fold_at(i), reading.fold_at(i + 1));
    let (op, len) = match pair {
        ("more" | "greater" | "higher" | "larger" | "bigger", "than") | ("mehr" | "grosser" | "hoher", "als") => ("gt", 2),
        ("less" | "fewer" | "lower" | "smaller", "than") | ("weniger" | "kleiner", "als") => ("lt", 2),
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
