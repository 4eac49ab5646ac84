//! Commands: imperative sentences, matched to commands of the catalogue with their arguments.
//!
//! Start at [`plan`]. A sentence may say several things to do ("create … and confirm it"): each clause is one command
//! ([`clauses`], [`matching`]), filled in by a [`draft`], and all of them together are proposed as the steps of one plan.
//! A clause may name several records for the same command ("confirm 10248 and 10249").
//!
//! An argument is taken from the sentence or asked for; it is never guessed.

mod clauses;
mod draft;
mod matching;
mod phrases;

use crate::lexicon::{Command, Lexicon};
use crate::passages::is_not_known;
use crate::reading::Reading;
use crate::turn::{Planned, Stop, Turn};
use crate::words::Words;
use clauses::Clause;
use draft::{Draft, Filled};
use serde_json::{Value, json};

/// Steps of one proposal; a sentence that says more is no sentence.
const STEPS_MAX: usize = 20;

/// Words before the verb of somebody who asks politely.
const POLITE: [&str; 15] = ["please", "bitte", "can", "could", "you", "kannst", "du", "konntest", "would", "i", "want", "to", "mochte", "ich", "now"];

/// `None` when the sentence is no command: a question, or nothing that matches.
pub(crate) fn plan(turn: &Turn, lexicon: &Lexicon, words: &Words) -> Option<Planned<String>> {
    let mut reading = Reading::quoting(&turn.text);
    // "…, please." belongs to no name.
    while reading.tokens.last().is_some_and(|token| matches!(token.fold.as_str(), "please" | "bitte" | "thanks" | "danke")) {
        reading.tokens.pop();
    }
    let first = reading.tokens.iter().position(|token| !POLITE.contains(&token.fold.as_str()))?;
    // A question is no command, unless it asks for one politely.
    if turn.text.trim_end().ends_with('?') && first == 0 {
        return None;
    }
    if let Some(clause) = clauses::told(lexicon, &reading) {
        return Some(steps(turn, lexicon, words, vec![clause]));
    }
    let verb = reading.fold_at(first);
    // "The customer …" begins no command; "order" does only before what is ordered: "Order 20 Chang".
    if Reading::is_article(verb) {
        return None;
    }
    let next = reading.fold_at(first + 1);
    let is_silent = Reading::is_silent(verb) && !next.starts_with(|c: char| c.is_ascii_digit()) && !next.ends_with(|c: char| c.is_ascii_digit());
    if is_silent && !matching::is_only_a_verb(lexicon, verb, next) {
        return None;
    }
    let clauses = clauses::of(lexicon, &reading, first)?;
    match steps(turn, lexicon, words, clauses) {
        // "Make me a list" may be a question all the same.
        Err(Stop::Say(text)) if is_silent && is_not_known(&text, turn.language()) => None,
        planned => Some(planned),
    }
}

fn steps(turn: &Turn, lexicon: &Lexicon, words: &Words, clauses: Vec<Clause<'_>>) -> Planned<String> {
    let mut steps: Vec<Value> = Vec::new();
    // What the clause before was about: records, or the one that its step makes.
    let mut before: Vec<Value> = Vec::new();
    let goes_on: Vec<bool> = clauses.iter().skip(1).map(|clause| clause.refers.is_some()).chain([false]).collect();
    for (clause, is_referred) in clauses.into_iter().zip(goes_on) {
        let mut command = clause.command;
        let about = if clause.refers.is_some() { std::mem::take(&mut before) } else { Vec::new() };
        let Filled { arguments, target } = match command.is_refused && clause.is_sure {
            // What it would do is of no matter, and must not be looked up: it is proposed so that it is refused on record.
            true => Filled::default(),
            false => {
                let (filled, meant) = filled(turn, lexicon, words, clause, &about)?;
                command = meant;
                filled
            }
        };
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

/// The arguments of a clause, and the command that it means: where no record of its kind is called so, the one that
/// changes the same of a record that is.
fn filled<'a>(turn: &'a Turn, lexicon: &'a Lexicon, words: &'a Words, clause: Clause<'a>, about: &[Value]) -> Planned<(Filled, &'a Command)> {
    let Clause { command, ref others, .. } = clause;
    let first = Draft::of(turn, lexicon, words, clause.clone()).fill(about);
    let is_unknown = matches!(&first, Err(Stop::Say(text)) if is_not_known(text, turn.language()));
    for other in others.iter().copied().filter(|other| is_unknown && !other.is_refused) {
        match Draft::of(turn, lexicon, words, Clause { command: other, ..clause.clone() }).fill(about) {
            Ok(filled) => return Ok((filled, other)),
            Err(stop @ Stop::Call(_)) => return Err(stop),
            Err(Stop::Say(_)) => {}
        }
    }
    first.map(|filled| (filled, command))
}
