//! Values that a command's sentence gives: "to 20", "because the customer withdrew", "about the prices", ": send it".

use crate::lexicon::{Command, Field, Lexicon, Meaning, fold};
use crate::names;
use crate::reading::{Reading, number};
use crate::select;
use crate::turn::{Planned, Stop, Turn, items};
use crate::words::Words;
use serde_json::{Map, Value, json};

/// Words behind which the rest of the sentence is a text.
pub(super) const TEXT_FOLLOWS: [&str; 6] = ["because", "weil", "wegen", "about", "uber", "da"];

/// Words behind a number and its unit that begin something else.
const ENDS_NUMBER: [&str; 16] = ["from", "as", "on", "at", "in", "for", "of", "since", "starting", "effective", "ab", "seit", "am", "fur", "von", "vom"];

/// Takes a text off the end of the sentence, for the input that is asked for by the word before it.
pub(super) fn text(whole: &str, command: &Command, reading: &mut Reading, arguments: &mut Map<String, Value>) {
    let said = |input: &Field, word: &str| input.is_called(word);
    let texts = || command.inputs.iter().filter(|input| matches!(input.kind.as_str(), "text" | "long_text") && Some(&input.name) != command.target.as_ref());
    for i in 0..reading.tokens.len() {
        let word = reading.fold_at(i).to_owned();
        if !TEXT_FOLLOWS.contains(&word.as_str()) {
            continue;
        }
        let reason = matches!(word.as_str(), "because" | "weil" | "wegen" | "da");
        let input = texts().find(|input| said(input, &word)).or_else(|| texts().find(|input| reason && (said(input, "because") || said(input, "reason"))));
        if let Some(input) = input {
            let rest = behind(whole, &reading.tokens[i].raw);
            arguments.insert(input.name.clone(), json!(rest));
            reading.take(i, reading.tokens.len() - i);
            return;
        }
    }
    // "Create a task for X: send the catalogue".
    if let Some((head, rest)) = whole.split_once(": ")
        && let Some(input) = texts().find(|input| input.required)
        && !command.inputs.iter().any(|input| !input.lines.is_empty())
    {
        arguments.insert(input.name.clone(), json!(rest.trim()));
        let from = Reading::of(head).tokens.len();
        reading.take(from, reading.tokens.len().saturating_sub(from));
    }
}

/// The original text behind the last such word.
fn behind(text: &str, word: &str) -> String {
    let rest = text.rfind(&format!(" {word} ")).map_or("", |at| &text[at + word.len() + 2..]);
    rest.trim().trim_end_matches(['.', '!']).to_owned()
}

/// "Set the reorder level of Chai to 20": the field that is named and the value behind "to".
pub(super) fn assignment(
    turn: &Turn,
    lexicon: &Lexicon,
    words: &Words,
    command: &Command,
    whole: &str,
    reading: &mut Reading,
    arguments: &mut Map<String, Value>,
) -> Planned<()> {
    let Some(to) = (0..reading.tokens.len()).rev().find(|at| !reading.tokens[*at].used && matches!(reading.fold_at(*at), "to" | "auf")) else { return Ok(()) };
    let named = reading.spans.iter().filter(|span| span.end() <= to).find_map(|span| {
        span.meanings
            .iter()
            .find_map(|meaning| match meaning {
                Meaning::Field(r, f) if lexicon.resources[*r].name == command.resource => {
                    let field = &lexicon.resources[*r].fields[*f];
                    command.inputs.iter().find(|input| input.name == field.name && Some(&input.name) != command.target.as_ref())
                }
                _ => None,
            })
            .map(|input| (input, span.start, span.len))
    });
    let Some((input, start, len)) = named else { return Ok(()) };
    // A number ends with its unit: what follows says something else, such as from when on.
    let end = match input.kind.as_str() {
        "integer" | "decimal" | "quantity" | "money" => (to + 1..reading.tokens.len()).find(|at| ENDS_NUMBER.contains(&reading.fold_at(*at))),
        _ => None,
    };
    let text = match end {
        Some(end) => reading.text_of(to + 1, end - to - 1),
        None => behind(whole, &reading.tokens[to].raw),
    };
    let value = value(turn, lexicon, words, command, input, &text)?;
    arguments.insert(input.name.clone(), value);
    reading.take(start, len);
    reading.take(to, end.unwrap_or(reading.tokens.len()) - to);
    Ok(())
}

fn value(turn: &Turn, lexicon: &Lexicon, words: &Words, command: &Command, input: &Field, text: &str) -> Planned<Value> {
    let wrong = || Stop::Say(words.unknown(text));
    let first = Reading::of(text);
    let digits = first.tokens.iter().find_map(|token| number(&token.fold));
    let currency = first.tokens.iter().map(|token| token.text.as_str()).find(|word| word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase()));
    Ok(match input.kind.as_str() {
        "integer" => json!(digits.and_then(|n| i64::try_from(n).ok()).ok_or_else(wrong)?),
        "decimal" => json!(digits.ok_or_else(wrong)?.to_string()),
        "quantity" => json!({ "value": digits.ok_or_else(wrong)?.to_string(), "unit": "" }),
        "money" => {
            let amount = digits.ok_or_else(wrong)?.to_string();
            match currency {
                Some(currency) => json!({ "amount": amount, "currency": currency }),
                // The currency is never guessed.
                None => return Err(words.missing(turn, &command.label, &[&words.currency()])),
            }
        }
        "reference" => {
            let resource = input.resource.as_deref().and_then(|name| lexicon.resource(name)).ok_or_else(wrong)?;
            match select::record(turn, words, resource, text)? {
                Some((id, _)) => json!(id),
                None => return Err(Stop::Say(words.not_found(text))),
            }
        }
        "choice" => json!(input.choices.iter().find(|choice| fold(&choice.label) == fold(text) || fold(&choice.value) == fold(text)).ok_or_else(wrong)?.value),
        "boolean" | "lines" | "texts" => return Err(wrong()),
        "date" => {
            let mut reading = first;
            let days = crate::dates::take(&mut reading, turn.today());
            match days.as_slice() {
                [(_, day)] if day.from.is_some() && day.from == day.to => json!(day.from.map(|day| day.to_string())),
                _ => return Err(wrong()),
            }
        }
        _ => json!(text),
    })
}

/// The currency in which a record's own amount is kept, for a price that names none.
pub(super) fn currency_of(turn: &Turn, lexicon: &Lexicon, resource: &str, id: &str) -> Planned<Option<String>> {
    let Some(resource) = lexicon.resource(resource) else { return Ok(None) };
    let Some(amount) = resource.fields.iter().find(|field| field.kind == "money") else { return Ok(None) };
    let mut query = names::query(resource, amount, "eq", &[id]);
    query["filters"][0]["path"] = json!("id");
    let found = turn.look_up(&[query])?;
    Ok(found.into_iter().flat_map(items).find_map(|item| item.get(&amount.name)?.get("currency")?.as_str()).map(str::to_owned))
}
