//! "Open the order 10248", "show the open orders in the list", "öffne ein neues Angebot für …": what is to be seen on a
//! page, and not in the chat.
//!
//! The words behind are read like those of a question: a record, or records with their conditions. A new record is a form
//! that the person fills in; what he said of it stands there already.

use crate::interpret::{Interpretation, interpret};
use crate::lexicon::{Command, Lexicon, Meaning};
use crate::names::Target;
use crate::question::without_fields;
use crate::reading::Reading;
use crate::scene::Scene;
use crate::select;
use crate::turn::{Planned, Stop, Turn};
use crate::words::Words;
use serde_json::{Map, Value, json};

const TOOL: &str = "open_screen";
const POLITE: [&str; 12] = ["please", "bitte", "can", "could", "you", "kannst", "du", "konntest", "would", "i", "want", "to"];
/// Words at the end that say where it is to be seen.
const PLACES: [&[&str]; 10] = [
    &["in", "the", "list"],
    &["in", "a", "list"],
    &["as", "a", "list"],
    &["on", "the", "screen"],
    &["on", "a", "page"],
    &["in", "der", "liste"],
    &["in", "einer", "liste"],
    &["als", "liste"],
    &["auf", "dem", "bildschirm"],
    &["auf", "einer", "seite"],
];
const NEW: [&str; 6] = ["new", "neu", "neue", "neuen", "neuer", "neues"];

/// `None` where nothing is to be opened.
pub(crate) fn plan(turn: &Turn, lexicon: &Lexicon, words: &Words) -> Option<Planned<String>> {
    if !lexicon.can_open || turn.text.trim_end().ends_with('?') {
        return None;
    }
    let reading = Reading::of(&turn.text);
    // "Open the order again" is something to do.
    if reading.tokens.iter().any(|token| matches!(token.fold.as_str(), "again" | "wieder" | "erneut")) {
        return None;
    }
    let rest = asked(&reading)?;
    Some(match form(lexicon, &rest) {
        Some(command) => fill(turn, lexicon, words, command, &rest),
        None => page(turn, lexicon, words, &rest),
    })
}

/// The words that say what is to be opened.
fn asked(reading: &Reading) -> Option<String> {
    let folds: Vec<&str> = reading.tokens.iter().map(|token| token.fold.as_str()).collect();
    let first = folds.iter().position(|word| !POLITE.contains(word))?;
    let place = PLACES.iter().find_map(|place| {
        let at = (first..folds.len()).find(|at| folds[*at..].starts_with(place))?;
        Some((at, place.len()))
    });
    let verb = match folds[first..] {
        ["open" | "offne" | "offnen", ..] => 1,
        ["go", "to", ..] | ["gehe" | "geh", "zu" | "zur" | "zum", ..] => 2,
        ["take" | "bring", "me", "to", ..] | ["bring" | "bringe", "mich", "zu" | "zur" | "zum", ..] => 3,
        ["show" | "list" | "zeige" | "zeig" | "zeigen", ..] if place.is_some() => 1,
        _ => return None,
    };
    let kept = (first + verb..folds.len()).filter(|at| place.is_none_or(|(from, len)| !(from..from + len).contains(at)));
    // "The list of", "die Liste der", "me": they say what everybody knows.
    let silent = ["me", "mir", "uns", "list", "liste", "page", "seite", "screen", "of", "form", "formular", "for"];
    let mut kept: Vec<usize> = kept.collect();
    while let [one, next, ..] = kept[..] {
        let leads = silent.contains(&folds[one]) || is_article(folds[one]) && silent.contains(&folds[next]);
        if !leads {
            break;
        }
        kept.remove(0);
    }
    let rest: Vec<&str> = kept.into_iter().map(|at| reading.tokens[at].text.as_str()).collect();
    (!rest.is_empty()).then(|| rest.join(" "))
}

fn is_article(fold: &str) -> bool {
    Reading::is_article(fold) || matches!(fold, "ein" | "eine" | "einen" | "einem" | "einer")
}

/// The command that makes what is called new.
fn form<'a>(lexicon: &'a Lexicon, text: &str) -> Option<&'a Command> {
    let mut reading = Reading::of(text);
    let at = reading.tokens.iter().position(|token| !is_article(&token.fold))?;
    if !NEW.contains(&reading.fold_at(at)) {
        return None;
    }
    reading.take(0, at + 1);
    reading.mark(lexicon);
    let span = reading.spans.iter().find(|span| span.start == at + 1)?;
    let makes = |r: usize| lexicon.commands.iter().find(|command| command.name == format!("{}.create", lexicon.resources[r].name));
    span.meanings.iter().find_map(|meaning| match meaning {
        Meaning::Resource(r) | Meaning::Choice(r, ..) | Meaning::Filter(r, _) => makes(*r),
        Meaning::Field(..) | Meaning::Measure(..) => None,
    })
}

/// The form, with the records that are named in it.
fn fill(turn: &Turn, lexicon: &Lexicon, words: &Words, command: &Command, text: &str) -> Planned<String> {
    let mut reading = Reading::of(text);
    reading.mark(lexicon);
    for span in std::mem::take(&mut reading.spans) {
        let is_noun = span.meanings.iter().any(|meaning| match meaning {
            Meaning::Resource(r) | Meaning::Choice(r, ..) | Meaning::Filter(r, _) => lexicon.resources[*r].name == command.resource,
            Meaning::Field(r, f) => command.inputs.iter().any(|input| input.name == lexicon.resources[*r].fields[*f].name),
            Meaning::Measure(..) => false,
        });
        if is_noun {
            reading.take(span.start, span.len);
        }
    }
    let new: Vec<usize> = (0..reading.tokens.len()).filter(|at| NEW.contains(&reading.fold_at(*at))).collect();
    new.into_iter().for_each(|at| reading.take(at, 1));
    let mut values = Map::new();
    for (start, len) in reading.runs() {
        let said = reading.text_of(start, len);
        let mut is_placed = false;
        for input in command.inputs.iter().filter(|input| !values.contains_key(&input.name)).collect::<Vec<_>>() {
            let Some(resource) = input.resource.as_deref().and_then(|name| lexicon.resource(name)) else { continue };
            if let Some((id, _)) = select::record(turn, words, resource, &said)? {
                values.insert(input.name.clone(), json!(id));
                is_placed = true;
                break;
            }
        }
        if !is_placed {
            return Err(Stop::Say(words.not_found(&said)));
        }
    }
    open(turn, words, json!({ "command": command.name, "values": values }))
}

/// A record or a list.
fn page(turn: &Turn, lexicon: &Lexicon, words: &Words, text: &str) -> Planned<String> {
    if let Some((resource, id)) = numbered(turn, lexicon, words, text)? {
        return open(turn, words, json!({ "resource": resource, "id": id }));
    }
    let scene = Scene::of(turn, lexicon, text)?;
    let mut best: Option<(usize, Value)> = None;
    for r in 0..lexicon.resources.len() {
        let query = without_fields(interpret(lexicon, &scene, r, None, &[]));
        if !query.left.is_empty() || !query.roles.is_empty() || query.unsure.is_some() {
            continue;
        }
        let Some((rank, arguments)) = arguments(&scene, &query, r) else { continue };
        let rank = rank + query.hops;
        if best.as_ref().is_none_or(|(known, _)| rank < *known) {
            best = Some((rank, arguments));
        }
    }
    match best {
        Some((_, arguments)) => open(turn, words, arguments),
        None => Err(Stop::Say(words.unknown(text))),
    }
}

/// "The order SO-2026-00012": a noun, and the title of one of its records.
fn numbered(turn: &Turn, lexicon: &Lexicon, words: &Words, text: &str) -> Planned<Option<(String, String)>> {
    let mut reading = Reading::of(text);
    reading.mark(lexicon);
    let Some(noun) = reading.spans.iter().find(|span| span.meanings.iter().any(|meaning| matches!(meaning, Meaning::Resource(_)))).cloned() else {
        return Ok(None);
    };
    reading.take(noun.start, noun.len);
    let is_known = |start: usize| reading.spans.iter().any(|span| span.start <= start && start < span.end());
    let others: Vec<(usize, usize)> = reading.runs().into_iter().filter(|(start, _)| *start >= noun.end() && !is_known(*start)).collect();
    let [(start, len)] = others[..] else { return Ok(None) };
    if (0..noun.start).any(|at| !Reading::is_silent(&reading.tokens[at].fold)) {
        return Ok(None);
    }
    let named = reading.text_of(start, len);
    for meaning in &noun.meanings {
        let Meaning::Resource(r) = meaning else { continue };
        let resource = &lexicon.resources[*r];
        if let Some((id, _)) = select::record(turn, words, resource, &named)? {
            return Ok(Some((resource.name.clone(), id)));
        }
    }
    Ok(None)
}

/// The nearer it is what was meant, the lower the rank.
fn arguments(scene: &Scene, query: &Interpretation<'_>, r: usize) -> Option<(usize, Value)> {
    let name = &query.resource.name;
    let own = query.own.and_then(|at| scene.names.get(at)).and_then(|name| {
        name.targets.iter().find_map(|target| match target {
            Target::Record { resource, id, .. } if *resource == r => Some(id),
            _ => None,
        })
    });
    if let Some(id) = own {
        let rank = if query.named_itself { 0 } else { 20 };
        return Some((rank, json!({ "resource": name, "id": id })));
    }
    let says_both = scene.spans.iter().any(|span| span.meanings.iter().any(|meaning| matches!(meaning, Meaning::Filter(of, _) if *of == r)));
    if !query.named_itself && !says_both {
        return None;
    }
    let filters: Vec<&Value> = query.conditions.iter().map(|condition| &condition.filter).collect();
    let mut arguments = json!({ "resource": name });
    if !filters.is_empty() {
        arguments["filters"] = json!(filters);
    }
    Some((if query.named_itself { 10 } else { 30 }, arguments))
}

fn open(turn: &Turn, words: &Words, arguments: Value) -> Planned<String> {
    let result = turn.call(TOOL, arguments)?;
    let part = |name: &str| result.pointer(&format!("/opened/{name}")).and_then(Value::as_str);
    let what: Vec<&str> = [part("label"), part("title")].into_iter().flatten().collect();
    Ok(words.opened(&what.join(" ")))
}
