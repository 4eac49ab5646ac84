//! Commands: imperative sentences, matched to commands of the catalogue with their arguments.
//!
//! Start at [`plan`]. A sentence may say several things to do ("create … and confirm it"): each clause is one command
//! ([`clauses`]), and all of them together are proposed as the steps of one plan. A clause may name several records for
//! the same command ("confirm 10248 and 10249").
//!
//! An argument is taken from the sentence or asked for; it is never guessed.

mod clauses;
mod values;

use crate::dates;
use crate::lexicon::{Command, Field, Lexicon, Resource, fold, stem, words as split};
use crate::reading::{Reading, number};
use crate::select;
use crate::turn::{Planned, Stop, Turn};
use crate::words::Words;
use clauses::Clause;
use serde_json::{Map, Value, json};

/// Steps of one proposal; a sentence that says more is no sentence.
const STEPS_MAX: usize = 20;

/// `None` when the sentence is no command: a question, or nothing that matches.
pub(crate) fn plan(turn: &Turn, lexicon: &Lexicon, words: &Words) -> Option<Planned<String>> {
    let reading = Reading::of(&turn.text);
    let polite = ["please", "bitte", "can", "could", "you", "kannst", "du", "konntest", "would", "i", "want", "to", "mochte", "ich"];
    let first = reading.tokens.iter().position(|token| !polite.contains(&token.fold.as_str()))?;
    // A question is no command, unless it asks for one politely.
    if turn.text.trim_end().ends_with('?') && first == 0 {
        return None;
    }
    let verb = reading.tokens.get(first)?.fold.clone();
    // "The customer …" begins no command; "order" does only before what is ordered: "Order 20 Chang".
    let next = reading.fold_at(first + 1);
    if Reading::is_article(&verb) {
        return None;
    }
    if Reading::is_silent(&verb) && !next.starts_with(|c: char| c.is_ascii_digit()) && !next.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let clauses = clauses::of(lexicon, &turn.text, first)?;
    Some(steps(turn, lexicon, words, clauses))
}

fn steps(turn: &Turn, lexicon: &Lexicon, words: &Words, clauses: Vec<Clause<'_>>) -> Planned<String> {
    let mut steps: Vec<Value> = Vec::new();
    // What the clause before was about: records, or the one that its step makes.
    let mut before: Vec<Value> = Vec::new();
    let goes_on: Vec<bool> = clauses.iter().skip(1).map(|clause| clause.refers).chain([false]).collect();
    for (clause, is_referred) in clauses.into_iter().zip(goes_on) {
        let about = if clause.refers { std::mem::take(&mut before) } else { Vec::new() };
        let (targets, arguments) = fill(turn, lexicon, words, clause, &about)?;
        let (command, target) = targets;
        let Some((input, records)) = target else {
            let mut step = json!({ "command": command.name, "arguments": arguments });
            if is_referred {
                let name = format!("made{}", steps.len() + 1);
                before = vec![json!(format!("${name}"))];
                step["name"] = json!(name);
            }
            steps.push(step);
            continue;
        };
        for record in &records {
            let mut arguments = arguments.clone();
            arguments.insert(input.clone(), record.clone());
            steps.push(json!({ "command": command.name, "arguments": arguments }));
        }
        before = records;
    }
    if steps.len() > STEPS_MAX {
        return Err(Stop::Say(words.too_much()));
    }
    turn.call("propose", json!({ "steps": steps })).map(|_| words.proposed())
}

fn stems(text: &str) -> Vec<String> {
    split(text).map(|word| stem(&fold(word))).collect()
}

/// The command whose verb is the sentence's and which shares most words with its label, its examples and its record.
fn matching<'a>(lexicon: &'a Lexicon, reading: &Reading, first: usize, verb: &str) -> Option<&'a Command> {
    let said: Vec<&str> = reading.tokens.iter().skip(first).map(|token| token.stem.as_str()).collect();
    let mut best: Option<(usize, &Command)> = None;
    for command in &lexicon.commands {
        let label = stems(&command.label);
        let examples: Vec<Vec<String>> = command.examples.iter().map(|example| stems(example)).collect();
        let begins = |text: &str| split(text).next().is_some_and(|word| fold(word) == verb);
        let starts = begins(&command.label) || command.examples.iter().any(|example| begins(example));
        if !starts {
            continue;
        }
        let tells = |word: &str| {
            said.contains(&word)
                && !["for", "the", "with", "and", "fur", "mit", "und", "der", "die", "das", "den", "von", "an", "of", "to", "a"].contains(&word)
        };
        let overlap = |wanted: &[String]| wanted.iter().filter(|word| tells(word)).count();
        let record = lexicon.resource(&command.resource).map_or(0, |resource| overlap(&stems(&format!("{} {}", resource.label, resource.plural))).min(1));
        let score = overlap(&label) + examples.iter().map(|example| overlap(example)).max().unwrap_or(0) + 2 * record;
        if best.is_none_or(|(known, _)| score > known) {
            best = Some((score, command));
        }
    }
    // The verb alone is not enough: something must say what it is about.
    best.filter(|(score, _)| *score >= 2).map(|(_, command)| command)
}

/// A command, and the input that names its record with the records.
type Targets<'a> = (&'a Command, Option<(String, Vec<Value>)>);

/// `about` are the records that the clause before was about.
fn fill<'a>(turn: &Turn, lexicon: &Lexicon, words: &Words, clause: Clause<'a>, about: &[Value]) -> Planned<(Targets<'a>, Map<String, Value>)> {
    let Clause { command, text, mut reading, .. } = clause;
    let reading = &mut reading;
    let mut arguments = Map::new();
    values::text(&text, command, reading, &mut arguments);
    reading.mark(lexicon);
    values::assignment(turn, lexicon, words, command, &text, reading, &mut arguments)?;
    reading.spans.clear();
    let periods = dates::take(reading, turn.today());
    if let ([(_, period)], Some(date)) = (
        periods.as_slice(),
        command.inputs.iter().find(|input| input.kind == "date" && input.required).or_else(|| command.inputs.iter().rfind(|input| input.kind == "date")),
    ) && let (Some(day), true) = (period.from, period.from == period.to)
    {
        arguments.insert(date.name.clone(), json!(day.to_string()));
    }
    let named = nouns(lexicon, command, reading, &mut arguments);
    let mut targets = None;
    if let Some(target) = &command.target {
        let records = match lexicon.resource(&command.resource) {
            _ if !about.is_empty() => about.to_vec(),
            Some(resource) => self::targets(turn, lexicon, words, command, resource, reading)?,
            None => Vec::new(),
        };
        targets = Some((target.clone(), records)).filter(|(_, records)| !records.is_empty());
    }
    for input in command.inputs.iter().filter(|input| !input.lines.is_empty()) {
        if let Some(lines) = lines(turn, lexicon, words, input, reading)? {
            arguments.insert(input.name.clone(), Value::Array(lines));
        }
    }
    for run in reading.runs() {
        let text = reading.text_of(run.0, run.1);
        let mut placed = false;
        let open = |arguments: &Map<String, Value>, input: &Field| !arguments.contains_key(&input.name) && Some(&input.name) != command.target.as_ref();
        let mut inputs: Vec<&Field> = command.inputs.iter().filter(|input| input.resource.is_some()).collect();
        // What the command needs is asked for first.
        inputs.sort_by_key(|input| !input.required);
        for input in inputs {
            let Some(resource) = input.resource.as_deref().and_then(|name| lexicon.resource(name)) else { continue };
            if open(&arguments, input)
                && let Some((id, _)) = select::record(turn, words, resource, &text)?
            {
                arguments.insert(input.name.clone(), json!(id));
                placed = true;
                break;
            }
        }
        if !placed
            && let Some((input, choice)) =
                command.inputs.iter().find_map(|input| Some((input, input.choices.iter().find(|choice| fold(&choice.label) == fold(&text))?)))
        {
            arguments.insert(input.name.clone(), json!(choice.value));
            placed = true;
        }
        if !placed {
            return Err(Stop::Say(words.not_found(&text)));
        }
        reading.take(run.0, run.1);
    }
    let missing: Vec<&str> = command
        .inputs
        .iter()
        // What is named without a value is missing as well: "set the reorder level of Chai".
        .filter(|input| (input.required && input.default.is_none() || named.contains(&input.name)) && !arguments.contains_key(&input.name))
        .filter(|input| targets.as_ref().is_none_or(|(name, _)| *name != input.name))
        .map(|input| input.label.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(words.missing(turn, &command.label, &missing));
    }
    Ok(((command, targets), arguments))
}

/// Words that only say what kind of thing is meant: the command's own words, its record and its inputs. Returns the inputs that
/// nothing but their own name explains.
fn nouns(lexicon: &Lexicon, command: &Command, reading: &mut Reading, arguments: &mut Map<String, Value>) -> Vec<String> {
    let mut named = Vec::new();
    reading.mark(lexicon);
    let spans = reading.spans.clone();
    let own = stems(&command.label);
    for span in spans {
        use crate::lexicon::Meaning::{Choice, Field, Resource};
        let of_command = reading.tokens[span.start..span.end()].iter().all(|token| own.contains(&token.stem));
        let is_noun = |meaning: &crate::lexicon::Meaning| matches!(meaning, Resource(_) | Choice(..));
        if !of_command && !span.meanings.iter().any(is_noun) {
            named.extend(span.meanings.iter().filter_map(|meaning| match meaning {
                Field(r, f) if lexicon.resources[*r].name == command.resource => Some(lexicon.resources[*r].fields[*f].name.clone()),
                _ => None,
            }));
        }
        let known = span.meanings.iter().any(|meaning| match meaning {
            Resource(r) => {
                let name = &lexicon.resources[*r].name;
                *name == command.resource || command.inputs.iter().any(|input| input.resource.as_ref() == Some(name))
            }
            Choice(r, f, c) if lexicon.resources[*r].name == command.resource => {
                let field = &lexicon.resources[*r].fields[*f];
                // "Plan a call": the kind that an input takes is said with the noun.
                let input = command.inputs.iter().find(|input| input.name == field.name && !arguments.contains_key(&input.name));
                if let Some(input) = input {
                    arguments.insert(input.name.clone(), json!(field.choices[*c].value));
                }
                input.is_some() || field.name == "status"
            }
            Field(r, f) => {
                let field = &lexicon.resources[*r].fields[*f];
                lexicon.resources[*r].name == command.resource && command.inputs.iter().any(|input| input.name == field.name)
            }
            _ => false,
        });
        if known {
            reading.take(span.start, span.len);
        }
    }
    let mine: Vec<usize> = reading.tokens.iter().enumerate().filter(|(_, token)| own.contains(&token.stem)).map(|(i, _)| i).collect();
    mine.into_iter().for_each(|i| reading.take(i, 1));
    named
}

/// The records that the command acts on: the first, and those that are named beside it.
fn targets(turn: &Turn, lexicon: &Lexicon, words: &Words, command: &Command, resource: &Resource, reading: &mut Reading) -> Planned<Vec<Value>> {
    let (first, mut end) = target(turn, lexicon, words, command, resource, reading)?;
    let mut records = vec![json!(first)];
    // "10248, 10249 and 10250"
    while let Some((start, len)) = reading.runs().into_iter().find(|(start, _)| *start >= end) {
        let joins = |at: usize| matches!(reading.fold_at(at), "and" | "und" | "sowie");
        if !(end..start).all(joins) {
            break;
        }
        let lengths = if len == 1 { vec![1] } else { vec![len, 1] };
        let mut found = None;
        for len in lengths {
            if let Some((id, _)) = select::record(turn, words, resource, &reading.text_of(start, len))? {
                found = Some((id, len));
                break;
            }
        }
        let Some((id, len)) = found else { break };
        reading.take(end, start + len - end);
        end = start + len;
        if !records.contains(&json!(id)) {
            records.push(json!(id));
        }
    }
    Ok(records)
}

/// The record that the command acts on: by its number, else the only one of a named partner in a fitting state; and the
/// word behind it.
fn target(turn: &Turn, lexicon: &Lexicon, words: &Words, command: &Command, resource: &Resource, reading: &mut Reading) -> Planned<(String, usize)> {
    let runs = reading.runs();
    let Some(run) = runs.first().copied() else { return Err(words.missing(turn, &command.label, &[&resource.label])) };
    // A number may be followed by other things: its first word is tried alone when the whole run names nothing.
    for len in [run.1, 1] {
        let text = reading.text_of(run.0, len);
        if let Some((id, _)) = select::record(turn, words, resource, &text)? {
            reading.take(run.0, len);
            return Ok((id, run.0 + len));
        }
    }
    let text = reading.text_of(run.0, run.1);
    for field in resource.fields.iter().filter(|field| field.filterable) {
        let Some(partner) = field.resource.as_deref().and_then(|name| lexicon.resource(name)) else { continue };
        if !partner.fields.iter().any(|title| title.name == partner.title && title.starts) {
            continue;
        }
        let Some((id, _)) = select::record(turn, words, partner, &text)? else { continue };
        let mut filters = vec![json!({ "path": field.name, "op": "eq", "values": [id] })];
        if !command.when.is_empty() {
            filters.push(json!({ "path": "status", "op": "in", "values": command.when }));
        }
        let result = turn.call("query", json!({ "resource": resource.name, "filters": filters, "fields": [resource.title], "limit": 5 }))?;
        let items: Vec<&Value> = result.get("items").and_then(Value::as_array).into_iter().flatten().collect();
        let title = |item: &Value| item.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
        return match items.as_slice() {
            [only] => {
                reading.take(run.0, run.1);
                Ok((only.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(), run.0 + run.1))
            }
            [] => Err(Stop::Say(words.none(&format!("{} {text}", resource.label)))),
            several => {
                Err(words.which(turn, &text, &several.iter().map(|item| title(item)).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>()))
            }
        };
    }
    Err(Stop::Say(words.not_found(&text)))
}

/// "10 Chai and 5 Chang": a number, then the name of a record, for each line.
fn lines(turn: &Turn, lexicon: &Lexicon, words: &Words, input: &Field, reading: &mut Reading) -> Planned<Option<Vec<Value>>> {
    let Some((item, resource)) = input.lines.iter().find_map(|line| Some((line, lexicon.resource(line.resource.as_deref()?)?))) else { return Ok(None) };
    let Some(quantity) = input.lines.iter().find(|line| line.is_number() && line.required).or_else(|| input.lines.iter().find(|line| line.kind == "quantity"))
    else {
        return Ok(None);
    };
    let mut lines = Vec::new();
    let mut i = 0;
    while i < reading.tokens.len() {
        let value = (!reading.tokens[i].used).then(|| number(reading.fold_at(i))).flatten();
        let Some(value) = value else {
            i += 1;
            continue;
        };
        let mut end = i + 1;
        while reading.tokens.get(end).is_some_and(|token| {
            !token.used && number(&token.fold).is_none() && !matches!(token.fold.as_str(), "and" | "und" | "for" | "fur" | "to" | "at" | "zu" | "je")
        }) {
            end += 1;
        }
        let start = i + 1 + usize::from(matches!(reading.fold_at(i + 1), "of" | "x" | "units" | "stuck" | "mal"));
        if start >= end {
            i += 1;
            continue;
        }
        let text = reading.text_of(start, end - start);
        let Some((id, _)) = select::record(turn, words, resource, &text)? else { return Err(Stop::Say(words.not_found(&text))) };
        let amount = if quantity.kind == "quantity" { json!({ "value": value.to_string(), "unit": "" }) } else { json!(value.to_string()) };
        let mut line = json!({ item.name.clone(): id, quantity.name.clone(): amount });
        // "At 12.50" is the price of one, in the currency that is said or in the item's own.
        let price = matches!(reading.fold_at(end), "at" | "zu" | "je").then(|| number(reading.fold_at(end + 1))).flatten();
        if let (Some(price), Some(field)) = (price, input.lines.iter().find(|line| line.kind == "money")) {
            let said =
                reading.tokens.get(end + 2).map(|token| token.text.clone()).filter(|word| word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase()));
            let taken = 2 + usize::from(said.is_some());
            let currency = if said.is_some() { said } else { values::currency_of(turn, lexicon, &resource.name, &id)? };
            let Some(currency) = currency else { return Err(words.missing(turn, &field.label, &[&words.currency()])) };
            line[field.name.as_str()] = json!({ "amount": price.to_string(), "currency": currency });
            reading.take(end, taken);
            end += taken;
        }
        lines.push(line);
        reading.take(i, end - i);
        i = end;
    }
    Ok((!lines.is_empty()).then_some(lines))
}
