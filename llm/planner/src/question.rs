//! Questions: counts, sums, top-n, lists and single facts, turned into calls of the query tool and phrased as an answer.

use crate::dates::{self, Period};
use crate::lexicon::{Field, Lexicon, Meaning, Resource};
use crate::reading::{Reading, number};
use crate::select::{self, Condition, comparison, condition};
use crate::turn::{Planned, Stop, Turn};
use crate::words::Words;
use chrono::Datelike;
use serde_json::{Value, json};

/// Rows that a list shows in the chat.
const LIST_MAX: usize = 50;

/// How many, and from which end.
#[derive(Clone, Copy, Debug)]
struct Top {
    limit: usize,
    descending: bool,
}

/// What the words mean if the question is about `resource`.
struct Interpretation<'a> {
    resource: &'a Resource,
    measure: Option<usize>,
    group: Option<(String, String)>,
    conditions: Vec<Condition>,
    /// Fields that were named, by index, with the word where they stand.
    fields: Vec<(usize, usize)>,
    /// A resource named just before a run of words: it says what kind of name that is.
    hints: Vec<(usize, String)>,
    named_itself: bool,
    reading: Reading,
    leftover: usize,
}

pub(crate) fn plan(turn: &Turn, lexicon: &Lexicon, words: &Words) -> Planned<String> {
    let mut reading = Reading::of(&turn.text);
    let periods = dates::take(&mut reading, turn.today());
    let counting = counts(&reading);
    let top = top(&mut reading);
    let mut compared = Vec::new();
    for i in 0..reading.tokens.len() {
        if let Some((op, number, len)) = comparison(&reading, i) {
            reading.take(i, len);
            compared.push((op, number, i));
        }
    }
    let part = date_part(&mut reading);
    reading.mark(lexicon);
    let Some(mut chosen) = choose(lexicon, &reading, counting) else {
        let runs = reading.runs();
        let what = runs.first().map(|run| reading.text_of(run.0, run.1)).unwrap_or_default();
        return Err(Stop::Say(words.unknown(&what)));
    };
    let resource = chosen.resource;
    let measure = chosen.measure.map(|m| &resource.measures[m]);

    // Periods mean the measure's date, else the date of any measure, else the first date of the record.
    match periods.as_slice() {
        [] => {}
        [period] => {
            let date = measure
                .and_then(|measure| measure.date.clone())
                .or_else(|| resource.measures.iter().find_map(|measure| measure.date.clone()))
                .or_else(|| resource.fields.iter().find(|field| field.kind == "date").map(|field| field.name.clone()));
            let Some(date) = date else { return Err(Stop::Say(words.unknown(&said(period)))) };
            chosen.conditions.extend(bounds(&date, period));
        }
        [_, ..] => return Err(Stop::Say(words.unknown(&periods.iter().map(said).collect::<Vec<_>>().join("; ")))),
    }
    for (op, value, at) in compared {
        chosen.conditions.push(numeric(turn, words, &chosen, op, &value.to_string(), at)?);
    }
    let runs = chosen.reading.runs();
    for run in runs {
        let hint = chosen.hints.iter().filter(|(at, name)| *at < run.0 && run.0 - at <= 2 && *name != resource.name).map(|(_, name)| name.as_str()).next_back();
        let found = select::name(turn, lexicon, words, resource, &chosen.reading, run, hint)?;
        chosen.conditions.push(found);
    }
    if let Some(part) = part {
        let date = measure.and_then(|measure| measure.date.clone()).or_else(|| resource.measures.iter().find_map(|measure| measure.date.clone()));
        let Some(date) = date else { return Err(Stop::Say(words.unknown(part))) };
        chosen.group = Some((format!("{date}.{part}"), part.to_owned()));
    }
    if measure.is_some() || counting || chosen.group.is_some() { aggregate(turn, words, &chosen, top) } else { list(turn, words, &chosen, top) }
}

/// "How many", "number of", "Anzahl".
fn counts(reading: &Reading) -> bool {
    (0..reading.tokens.len()).any(|i| {
        let pair = (reading.fold_at(i), reading.fold_at(i + 1));
        matches!(pair, ("how", "many") | ("number", "of") | ("count", _) | ("wie", "viele") | ("anzahl", _))
    })
}

fn top(reading: &mut Reading) -> Option<Top> {
    for i in 0..reading.tokens.len() {
        let word = reading.fold_at(i).to_owned();
        let first = matches!(
            word.as_str(),
            "top" | "best" | "largest" | "biggest" | "highest" | "besten" | "grossten" | "wichtigsten" | "hochsten" | "meisten" | "most" | "strongest"
        );
        let last = matches!(
            word.as_str(),
            "bottom" | "worst" | "lowest" | "smallest" | "least" | "fewest" | "schlechtesten" | "kleinsten" | "niedrigsten" | "wenigsten"
        );
        if !first && !last {
            continue;
        }
        let count = |at: usize| number(reading.fold_at(at)).and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=1000).contains(n));
        // "Which 3 customers have the highest revenue": the number stands apart.
        let apart = reading
            .tokens
            .iter()
            .enumerate()
            .filter(|(_, token)| !token.used)
            .map(|(at, _)| at)
            .find(|at| *at > 0 && matches!(reading.fold_at(at - 1), "which" | "welche") && count(*at).is_some());
        let (after, before) = (count(i + 1), i.checked_sub(1).and_then(count));
        let away = apart.filter(|_| after.is_none() && before.is_none());
        let limit = after.or(before).or(away.and_then(count));
        reading.take(i, 1);
        if after.is_some() {
            reading.take(i + 1, 1);
        } else if before.is_some() {
            reading.take(i - 1, 1);
        } else if let Some(at) = away {
            reading.take(at, 1);
        }
        // "Which customer has the most orders?" asks for one; a plural without a number gets ten.
        let one = matches!(word.as_str(), "most" | "highest" | "largest" | "biggest" | "least" | "lowest" | "fewest" | "meisten" | "smallest");
        return Some(Top { limit: limit.unwrap_or(if one { 1 } else { 10 }), descending: first });
    }
    None
}

/// "by month", "per year", "pro Quartal".
fn date_part(reading: &mut Reading) -> Option<&'static str> {
    for i in 1..reading.tokens.len() {
        if !matches!(reading.fold_at(i - 1), "by" | "per" | "each" | "pro" | "je" | "nach") {
            continue;
        }
        let part = match reading.fold_at(i) {
            "year" | "years" | "jahr" | "jahren" => "year",
            "quarter" | "quarters" | "quartal" | "quartalen" => "quarter",
            "month" | "months" | "monat" | "monaten" => "month",
            _ => continue,
        };
        reading.take(i - 1, 2);
        return Some(part);
    }
    None
}

/// The resource that explains most of the words.
fn choose<'a>(lexicon: &'a Lexicon, reading: &Reading, counting: bool) -> Option<Interpretation<'a>> {
    let mut best: Option<(Interpretation<'a>, (usize, usize, bool))> = None;
    for (r, resource) in lexicon.resources.iter().enumerate() {
        let about = reading.spans.iter().flat_map(|span| &span.meanings).any(|meaning| match meaning {
            Meaning::Resource(of) | Meaning::Field(of, _) | Meaning::Choice(of, _, _) | Meaning::Measure(of, _) | Meaning::Filter(of, _) => *of == r,
        });
        if !about {
            continue;
        }
        let found = interpret(lexicon, reading, r);
        // Without a measure, its own name, or at least a named field there is nothing to ask of it.
        if found.measure.is_none() && !found.named_itself && found.fields.is_empty() {
            continue;
        }
        if counting && found.measure.is_none() && !found.named_itself {
            continue;
        }
        // A measure by name beats a mere count of records that happen to be named too.
        let rank =
            (found.leftover, usize::from(found.measure.is_none() && !found.named_itself) + usize::from(found.measure.is_none()), resource.parent.is_some());
        if best.as_ref().is_none_or(|(_, known)| rank < *known) {
            best = Some((found, rank));
        }
    }
    best.map(|(found, _)| found)
}

fn interpret<'a>(lexicon: &'a Lexicon, reading: &Reading, r: usize) -> Interpretation<'a> {
    let resource = &lexicon.resources[r];
    let mut reading = reading.clone();
    let mut found = Interpretation {
        resource,
        measure: None,
        group: None,
        conditions: Vec::new(),
        fields: Vec::new(),
        hints: Vec::new(),
        named_itself: false,
        reading: reading.clone(),
        leftover: 0,
    };
    for span in reading.spans.clone() {
        let grouped =
            span.start > 0 && matches!(reading.fold_at(span.start - 1), "by" | "per" | "each" | "pro" | "je" | "nach" | "which" | "welche" | "welcher" | "top");
        let measure = span.meanings.iter().find_map(|meaning| match meaning {
            Meaning::Measure(of, m) if *of == r && resource.measures[*m].name != "count" => Some(*m),
            _ => None,
        });
        let filter = span.meanings.iter().find_map(|meaning| match meaning {
            Meaning::Filter(of, n) if *of == r => Some(&resource.filters[*n]),
            _ => None,
        });
        // "How many orders" may be declared as the wording of the count: it names the records as much as their own name does.
        let itself = span.meanings.iter().any(|meaning| match meaning {
            Meaning::Resource(of) => *of == r,
            Meaning::Measure(of, m) => *of == r && resource.measures[*m].name == "count",
            _ => false,
        });
        let field = span.meanings.iter().find_map(|meaning| match meaning {
            Meaning::Field(of, f) if *of == r => Some(*f),
            _ => None,
        });
        let choice = span.meanings.iter().find_map(|meaning| match meaning {
            Meaning::Choice(of, f, c) if *of == r && resource.fields[*f].filterable => Some((&resource.fields[*f], &resource.fields[*f].choices[*c])),
            _ => None,
        });
        let other = span.meanings.iter().find_map(|meaning| match meaning {
            Meaning::Resource(t) if *t != r => {
                let target = &lexicon.resources[*t];
                select::paths_to(lexicon, resource, &target.name).into_iter().next().map(|path| (path, target))
            }
            _ => None,
        });
        let mut explained = true;
        if let (Some(m), None) = (measure, found.measure) {
            found.measure = Some(m);
        } else if let Some(filter) = filter {
            // "Customers" may name both the records and the condition that makes them so.
            found.named_itself |= itself;
            found.conditions.push(condition(&filter.name, "eq", &["true"], filter.label.clone()));
        } else if itself {
            found.named_itself = true;
            found.hints.push((span.start + span.len - 1, resource.name.clone()));
        } else if let Some((path, target)) = other {
            if found.group.is_none() {
                found.group = Some((path, target.label.clone()));
            }
            found.hints.push((span.start + span.len - 1, target.name.clone()));
        } else if let Some(f) = field {
            let declared = &resource.fields[f];
            if grouped && (declared.kind == "reference" || declared.kind == "choice" || declared.kind == "text") {
                found.group = Some((declared.name.clone(), declared.label.clone()));
            } else {
                found.fields.push((f, span.start));
            }
            if let Some(target) = &declared.resource {
                found.hints.push((span.start + span.len - 1, target.clone()));
            }
        } else if let Some((field, choice)) = choice {
            found.conditions.push(condition(&field.name, "eq", &[&choice.value], choice.label.clone()));
        } else {
            explained = false;
        }
        if explained {
            reading.take(span.start, span.len);
        }
    }
    // A resource that stands right before its name is a noun, not a grouping: "the customer Ernst Handel".
    let runs = reading.runs();
    if let Some((_, label)) = &found.group {
        let noun = found
            .hints
            .iter()
            .any(|(at, name)| runs.iter().any(|(start, _)| *start == at + 1) && lexicon.resource(name).is_some_and(|target| target.label == *label));
        if noun {
            found.group = None;
        }
    }
    found.leftover = runs.iter().map(|(_, len)| len).sum();
    found.reading = reading;
    found
}

fn said(period: &Period) -> String {
    match (period.from, period.to) {
        (Some(from), Some(to)) if from == to => from.to_string(),
        (Some(from), Some(to)) if (from.ordinal(), to.month(), to.day()) == (1, 12, 31) && from.year() == to.year() => from.year().to_string(),
        (Some(from), Some(to)) => format!("{from} – {to}"),
        (Some(from), None) => format!("≥ {from}"),
        (None, Some(to)) => format!("≤ {to}"),
        (None, None) => String::new(),
    }
}

fn bounds(path: &str, period: &Period) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let mut said = Some(said(period));
    if let Some(from) = period.from {
        conditions.push(condition(path, "gte", &[&from.to_string()], said.take().unwrap_or_default()));
    }
    if let Some(to) = period.to {
        conditions.push(condition(path, "lte", &[&to.to_string()], said.take().unwrap_or_default()));
    }
    conditions
}

/// The field that a comparison means: the nearest number named before or after it, else the only amount there is.
fn numeric(turn: &Turn, words: &Words, chosen: &Interpretation<'_>, op: &'static str, value: &str, at: usize) -> Planned<Condition> {
    let fields = &chosen.resource.fields;
    let named = chosen.fields.iter().filter(|(f, _)| fields[*f].is_number()).min_by_key(|(_, start)| start.abs_diff(at)).map(|(f, _)| &fields[*f]);
    let field = match named {
        Some(field) => field,
        None => {
            let amounts: Vec<&Field> = fields.iter().filter(|field| field.kind == "money" && field.filterable).collect();
            let sorted: Vec<&Field> = amounts.iter().copied().filter(|field| field.sortable).collect();
            match (sorted.as_slice(), amounts.as_slice()) {
                ([only], _) | ([], [only]) => *only,
                _ => return Err(words.which(turn, value, &amounts.iter().map(|field| field.label.as_str()).collect::<Vec<_>>())),
            }
        }
    };
    let sign = match op {
        "gt" => ">",
        "gte" => "≥",
        "lt" => "<",
        "lte" => "≤",
        _ => "=",
    };
    Ok(condition(&field.name, op, &[value], format!("{} {sign} {value}", field.label)))
}

fn described(chosen: &Interpretation<'_>) -> String {
    chosen.conditions.iter().map(|condition| condition.said.as_str()).filter(|said| !said.is_empty()).collect::<Vec<_>>().join(", ")
}

fn filters(chosen: &Interpretation<'_>) -> Value {
    Value::Array(chosen.conditions.iter().map(|condition| condition.filter.clone()).collect())
}

fn aggregate(turn: &Turn, words: &Words, chosen: &Interpretation<'_>, top: Option<Top>) -> Planned<String> {
    let resource = chosen.resource;
    let measure = chosen.measure.map(|m| &resource.measures[m]);
    let name = measure.map_or("count", |measure| measure.name.as_str());
    let label = measure.map_or(resource.plural.as_str(), |measure| measure.label.as_str());
    let mut call = json!({ "resource": resource.name, "filters": filters(chosen), "measures": [name] });
    if let (Some((path, _)), Some(fields)) = (&chosen.group, call.as_object_mut()) {
        fields.insert("group".into(), json!([path]));
        let by_time = path.ends_with(".year") || path.ends_with(".quarter") || path.ends_with(".month");
        let sign = if top.is_none_or(|top| top.descending) { "-" } else { "" };
        fields.insert("sort".into(), if by_time && top.is_none() { json!(path) } else { json!(format!("{sign}{name}")) });
        fields.insert("limit".into(), json!(top.map_or(LIST_MAX, |top| top.limit)));
    }
    let result = turn.call("query", call)?;
    let items: Vec<&Value> = result.get("items").and_then(Value::as_array).into_iter().flatten().collect();
    let scope = words.scope(result);
    let about = match described(chosen) {
        conditions if conditions.is_empty() => label.to_owned(),
        conditions => format!("{label} ({conditions})"),
    };
    let Some((path, group)) = &chosen.group else {
        let figures: Vec<String> = items.iter().map(|item| words.value(item.get(name).unwrap_or(&Value::Null))).collect();
        return Ok(match figures.is_empty() {
            true => format!("{}{scope}", words.none(&about)),
            false => format!("{about}: {}{scope}.", figures.join(" + ")),
        });
    };
    if items.is_empty() {
        return Ok(format!("{}{scope}", words.none(&about)));
    }
    // A year is a name, not an amount: it is not grouped by thousands.
    let key = |value: &Value| if path.ends_with(".year") && value.is_number() { value.to_string() } else { words.value(value) };
    let rows: Vec<Vec<String>> =
        items.iter().map(|item| vec![key(item.get(path.as_str()).unwrap_or(&Value::Null)), words.value(item.get(name).unwrap_or(&Value::Null))]).collect();
    if rows.len() <= 3 {
        let lines: Vec<String> = rows.iter().map(|row| row.join(": ")).collect();
        return Ok(format!("{about}{scope}: {}.", lines.join("; ")));
    }
    Ok(format!("{about}{scope}:\n\n{}", Words::table(&[group.clone(), label.to_owned()], &rows)))
}

fn list(turn: &Turn, words: &Words, chosen: &Interpretation<'_>, top: Option<Top>) -> Planned<String> {
    let resource = chosen.resource;
    let asked: Vec<&Field> = chosen.fields.iter().map(|(f, _)| &resource.fields[*f]).collect();
    let mut fields: Vec<&str> = asked.iter().map(|field| field.name.as_str()).collect();
    if !fields.contains(&resource.title.as_str()) {
        fields.insert(0, &resource.title);
    }
    let mut call =
        json!({ "resource": resource.name, "filters": filters(chosen), "fields": fields, "limit": top.map_or(LIST_MAX, |top| top.limit), "count": true });
    if let (Some(top), Some(call)) = (top, call.as_object_mut()) {
        let Some(by) = asked.iter().find(|field| field.sortable).map(|field| field.name.as_str()) else { return Err(Stop::Say(words.unknown("top"))) };
        call.insert("sort".into(), json!(if top.descending { format!("-{by}") } else { by.to_owned() }));
    }
    let result = turn.call("query", call)?;
    let items: Vec<&Value> = result.get("items").and_then(Value::as_array).into_iter().flatten().collect();
    let scope = words.scope(result);
    let about = match described(chosen) {
        conditions if conditions.is_empty() => resource.plural.clone(),
        conditions => format!("{} ({conditions})", resource.plural),
    };
    if items.is_empty() {
        return Ok(format!("{}{scope}", words.none(&about)));
    }
    if let ([item], [field]) = (items.as_slice(), asked.as_slice()) {
        let title = item.get("title").and_then(Value::as_str).unwrap_or_default();
        return Ok(format!("{title}, {}: {}.", field.label, words.value(item.get(&field.name).unwrap_or(&Value::Null))));
    }
    let count = result.get("count");
    let total = count.and_then(|count| count.get("value")).map_or_else(String::new, |value| words.value(value));
    let more = if count.and_then(|count| count.get("capped")).and_then(Value::as_bool).unwrap_or(false) { "+" } else { "" };
    let title = resource.fields.iter().find(|field| field.name == resource.title).map_or(resource.label.as_str(), |field| field.label.as_str());
    let header: Vec<String> =
        std::iter::once(title).chain(asked.iter().filter(|field| field.name != resource.title).map(|field| field.label.as_str())).map(str::to_owned).collect();
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            std::iter::once(item.get("title").or_else(|| item.get(&resource.title)).unwrap_or(&Value::Null))
                .chain(asked.iter().filter(|field| field.name != resource.title).map(|field| item.get(&field.name).unwrap_or(&Value::Null)))
                .map(|value| words.value(value))
                .collect()
        })
        .collect();
    Ok(format!("{about}: {total}{more}{scope}.\n\n{}", Words::table(&header, &rows)))
}
