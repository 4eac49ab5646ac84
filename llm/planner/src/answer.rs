//! Asks the query tool for what is meant and phrases what it returns: what was understood, then the figures.

use crate::interpret::Interpretation;
use crate::lexicon::Field;
use crate::question::{Candidate, Wanted};
use crate::turn::{Planned, Turn, items};
use crate::words::Words;
use serde_json::{Value, json};

/// Rows that a list shows in the chat.
const LIST_MAX: usize = 100;

pub(crate) fn tell(turn: &Turn, words: &Words, candidate: Candidate<'_>) -> Planned<String> {
    let query = &candidate.query;
    match candidate.wanted {
        Wanted::Figure(measure) => {
            let (name, label) = measure.map_or(("count", query.resource.plural.as_str()), |measure| (measure.name.as_str(), measure.label.as_str()));
            figure(turn, words, query, name, label)
        }
        Wanted::Groups { measure, path, label, limit, descending } => {
            let (name, measured) = measure.map_or(("count", query.resource.plural.as_str()), |measure| (measure.name.as_str(), measure.label.as_str()));
            groups(turn, words, query, &Groups { name, measured, path: &path, label: &label, limit, descending })
        }
        Wanted::Ordered { field, limit, descending } => ordered(turn, words, query, field, limit, descending),
        Wanted::Fact(fields) => fact(turn, words, query, &fields),
        Wanted::List(fields) => list(turn, words, query, &fields),
    }
}

fn filters(query: &Interpretation<'_>) -> Value {
    Value::Array(query.conditions.iter().map(|condition| condition.filter.clone()).collect())
}

/// What was understood: the label with its conditions.
fn about(query: &Interpretation<'_>, label: &str) -> String {
    let said: Vec<&str> = query.conditions.iter().map(|condition| condition.said.as_str()).filter(|said| !said.is_empty()).collect();
    if said.is_empty() { label.to_owned() } else { format!("{label} ({})", said.join(", ")) }
}

fn figure(turn: &Turn, words: &Words, query: &Interpretation<'_>, name: &str, label: &str) -> Planned<String> {
    let result = turn.call("query", json!({ "resource": query.resource.name, "filters": filters(query), "measures": [name] }))?;
    let (about, scope) = (about(query, label), words.scope(result));
    let figures: Vec<String> = items(result).filter_map(|item| item.get(name)).filter(|value| !value.is_null()).map(|value| words.value(value)).collect();
    Ok(if figures.is_empty() { format!("{}{scope}", words.none(&about)) } else { format!("{about}: {}{scope}.", figures.join(" + ")) })
}

struct Groups<'a> {
    name: &'a str,
    measured: &'a str,
    path: &'a str,
    label: &'a str,
    limit: Option<usize>,
    descending: bool,
}

fn groups(turn: &Turn, words: &Words, query: &Interpretation<'_>, groups: &Groups<'_>) -> Planned<String> {
    let Groups { name, measured, path, label, .. } = *groups;
    let by_time = [".year", ".quarter", ".month"].iter().any(|part| path.ends_with(part));
    let sign = if groups.descending { "-" } else { "" };
    let sort = if by_time && groups.limit.is_none() { path.to_owned() } else { format!("{sign}{name}") };
    let call = json!({ "resource": query.resource.name, "filters": filters(query), "measures": [name], "group": [path], "sort": sort, "limit": groups.limit.unwrap_or(LIST_MAX) });
    let result = turn.call("query", call)?;
    let (about, scope) = (about(query, measured), words.scope(result));
    // A year is a name, not an amount: it is not grouped by thousands.
    let key = |value: &Value| if path.ends_with(".year") && value.is_number() { value.to_string() } else { words.value(value) };
    let rows: Vec<Vec<String>> =
        items(result).map(|item| vec![key(item.get(path).unwrap_or(&Value::Null)), words.value(item.get(name).unwrap_or(&Value::Null))]).collect();
    if rows.is_empty() {
        return Ok(format!("{}{scope}", words.none(&about)));
    }
    if rows.len() <= 3 {
        let lines: Vec<String> = rows.iter().map(|row| row.join(": ")).collect();
        return Ok(format!("{about}{scope}: {}.", lines.join("; ")));
    }
    let more = if groups.limit.is_none() { words.more(result, rows.len()) } else { String::new() };
    Ok(format!("{about}{scope}{more}:\n\n{}", Words::table(&[words.part(label), measured.to_owned()], &rows)))
}

fn title(item: &Value, query: &Interpretation<'_>) -> Value {
    item.get("title").or_else(|| item.get(&query.resource.title)).cloned().unwrap_or(Value::Null)
}

fn title_label<'a>(query: &Interpretation<'a>) -> &'a str {
    query.resource.fields.iter().find(|field| field.name == query.resource.title).map_or(query.resource.label.as_str(), |field| field.label.as_str())
}

fn ordered(turn: &Turn, words: &Words, query: &Interpretation<'_>, field: &Field, limit: usize, descending: bool) -> Planned<String> {
    let sort = if descending { format!("-{}", field.name) } else { field.name.clone() };
    let fields = [query.resource.title.as_str(), field.name.as_str()];
    let result = turn.call("query", json!({ "resource": query.resource.name, "filters": filters(query), "fields": fields, "sort": sort, "limit": limit }))?;
    let rows: Vec<Vec<String>> =
        items(result).map(|item| vec![words.value(&title(item, query)), words.value(item.get(&field.name).unwrap_or(&Value::Null))]).collect();
    let scope = words.scope(result);
    if rows.is_empty() {
        return Ok(format!("{}{scope}", words.none(&about(query, &query.resource.plural))));
    }
    let about = words.extreme(
        &about(query, if rows.len() == 1 { &query.resource.label } else { &query.resource.plural }),
        &field.label,
        field.is_date(),
        rows.len(),
        descending,
    );
    if rows.len() <= 3 {
        let lines: Vec<String> = rows.iter().map(|row| row.join(": ")).collect();
        return Ok(format!("{about}{scope}: {}.", lines.join("; ")));
    }
    Ok(format!("{about}{scope}:\n\n{}", Words::table(&[title_label(query).to_owned(), field.label.clone()], &rows)))
}

fn fact(turn: &Turn, words: &Words, query: &Interpretation<'_>, asked: &[&Field]) -> Planned<String> {
    let mut fields: Vec<&str> = asked.iter().map(|field| field.name.as_str()).collect();
    fields.push(&query.resource.title);
    fields.dedup();
    let result = turn.call("query", json!({ "resource": query.resource.name, "filters": filters(query), "fields": fields, "limit": 2 }))?;
    let Some(item) = items(result).next() else { return Ok(words.none(&about(query, &query.resource.label))) };
    let facts: Vec<String> = asked.iter().map(|field| format!("{}: {}", field.label, words.value(item.get(&field.name).unwrap_or(&Value::Null)))).collect();
    let name = words.value(&title(item, query));
    let facts = facts.join(", ");
    // "Ltd." ends the sentence itself.
    Ok(format!("{name}, {facts}{}", if facts.ends_with('.') { "" } else { "." }))
}

fn list(turn: &Turn, words: &Words, query: &Interpretation<'_>, asked: &[&Field]) -> Planned<String> {
    let resource = query.resource;
    let asked: Vec<&Field> = asked.iter().copied().filter(|field| field.name != resource.title).collect();
    let mut fields: Vec<&str> = vec![&resource.title];
    fields.extend(asked.iter().map(|field| field.name.as_str()));
    let call = json!({ "resource": resource.name, "filters": filters(query), "fields": fields, "limit": LIST_MAX, "count": true });
    let result = turn.call("query", call)?;
    let rows: Vec<Vec<String>> = items(result)
        .map(|item| {
            let rest = asked.iter().map(|field| words.value(item.get(&field.name).unwrap_or(&Value::Null)));
            std::iter::once(words.value(&title(item, query))).chain(rest).collect()
        })
        .collect();
    let (about, scope) = (about(query, &resource.plural), words.scope(result));
    if rows.is_empty() {
        return Ok(format!("{}{scope}", words.none(&about)));
    }
    if rows.len() <= 3 {
        let lines: Vec<String> = rows.iter().map(|row| row.join(", ")).collect();
        return Ok(format!("{about}{scope}: {}.", lines.join("; ")));
    }
    let mut header = vec![title_label(query).to_owned()];
    header.extend(asked.iter().map(|field| field.label.clone()));
    let total = result.get("count").and_then(|count| count.get("value")).and_then(Value::as_u64).unwrap_or_default();
    let more = if total > rows.len() as u64 { words.of_total(rows.len(), total) } else { String::new() };
    Ok(format!("{about}{scope}{more}:\n\n{}", Words::table(&header, &rows)))
}
