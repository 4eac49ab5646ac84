//! The clauses of a sentence that says several things to do: "create a quotation for X with 10 Y and confirm it".

use super::matching::{self, Match, begins_command, explained, is_verb_of, matching};
use crate::lexicon::{Command, Lexicon};
use crate::reading::Reading;

/// Words behind which the rest of the sentence is a text.
pub(super) const TEXT_FOLLOWS: [&str; 6] = ["because", "weil", "wegen", "about", "uber", "da"];
const AND: [&str; 4] = ["and", "und", "then", "dann"];
/// Words between "and" and the verb.
const BETWEEN: [&str; 7] = ["then", "dann", "also", "auch", "please", "bitte", "danach"];
/// What a clause calls the record of the clause before.
const PRONOUNS: [&str; 17] =
    ["it", "them", "this", "that", "these", "es", "sie", "ihn", "ihm", "diese", "diesen", "dieses", "dies", "its", "seinen", "seine", "sein"];
/// Before the verb of a sentence that tells something first: "…, so confirm it".
const SO: [&str; 10] = ["so", "also", "please", "bitte", "and", "und", "then", "dann", "now", "jetzt"];

/// One command with the words that are about it.
#[derive(Clone)]
pub(super) struct Clause<'a> {
    pub(super) command: &'a Command,
    /// Those that it may be instead, see [`Match::others`].
    pub(super) others: Vec<&'a Command>,
    pub(super) reading: Reading,
    /// It acts on the record of the clause before, which is of this resource.
    pub(super) refers: Option<&'a str>,
    /// Where the words behind the verb begin.
    pub(super) from: usize,
    /// More than the verb says which command it is.
    pub(super) is_sure: bool,
}

/// `first` is the word of the verb. `None` where the sentence begins with no command. A clause that is none belongs to the
/// one before: "10 Chai and 5 Chang".
pub(super) fn of<'a>(lexicon: &'a Lexicon, reading: &Reading, first: usize) -> Option<Vec<Clause<'a>>> {
    let count = reading.tokens.len();
    // Behind these everything is a text.
    let until = (first + 1..count).find(|at| TEXT_FOLLOWS.contains(&reading.fold_at(*at)) || reading.gap(*at).starts_with(':')).unwrap_or(count);
    let mut clauses = vec![clause(lexicon, reading.part(first, count), None)?];
    let mut starts = vec![first];
    let mut at = first + 1;
    while at < until {
        let ends = reading.gap(at).contains(['.', ';', '!']);
        let joins = AND.contains(&reading.fold_at(at));
        let from = if joins { at + 1 } else { at };
        let verb = (from..count).find(|next| !BETWEEN.contains(&reading.fold_at(*next))).filter(|_| joins || ends);
        let verb = verb.filter(|verb| begins_command(lexicon, reading.fold_at(*verb)));
        // The clause before ends here, which may tell better what it is.
        let shorter = verb.and_then(|_| {
            let before = clauses.len().checked_sub(2).and_then(|last| clauses.get(last)).map(|one| one.command);
            clause(lexicon, reading.part(*starts.last()?, at), before)
        });
        let next = verb.zip(shorter.as_ref()).and_then(|(verb, last)| Some((verb, clause(lexicon, reading.part(verb, count), Some(last.command))?)));
        if let (Some((verb, next)), Some(shorter)) = (next, shorter) {
            clauses.pop();
            clauses.extend([shorter, next]);
            starts.push(verb);
            at = verb;
        }
        at += 1;
    }
    Some(clauses)
}

/// "The customer accepted A-1, confirm it": a sentence that tells something of a record and says what to do with it. What
/// it tells must be what the command's own wordings tell.
pub(super) fn told<'a>(lexicon: &'a Lexicon, reading: &Reading) -> Option<Clause<'a>> {
    let count = reading.tokens.len();
    let is_behind = |at: usize| reading.gap(at).contains([',', ';', '.']) || at.checked_sub(1).is_some_and(|before| SO.contains(&reading.fold_at(before)));
    let verb = (2..count).find(|at| is_behind(*at) && PRONOUNS.contains(&reading.fold_at(at + 1)) && begins_command(lexicon, reading.fold_at(*at)))?;
    // What begins with a verb itself is a command with two clauses.
    if begins_command(lexicon, reading.fold_at(0)) && !Reading::is_silent(reading.fold_at(0)) {
        return None;
    }
    let word = reading.fold_at(verb).to_owned();
    let is_explained = |command: &&Command| is_verb_of(lexicon, command, &word) && (0..verb).any(|at| explained(command, &word, &reading.tokens[at].stem));
    let command = lexicon.commands.iter().filter(|command| command.target.is_some()).find(is_explained)?;
    let mut reading = reading.clone();
    let tells: Vec<usize> = (0..verb)
        .filter(|at| {
            let token = &reading.tokens[*at];
            let is_number = token.fold.contains(|c: char| c.is_ascii_digit());
            !token.is_quoted && !is_number && explained(command, &word, &token.stem) || SO.contains(&token.fold.as_str())
        })
        .collect();
    tells.into_iter().for_each(|at| reading.take(at, 1));
    reading.take(verb, 2);
    Some(Clause { command, others: Vec::new(), reading, refers: None, from: 0, is_sure: true })
}

fn clause<'a>(lexicon: &'a Lexicon, mut reading: Reading, before: Option<&'a Command>) -> Option<Clause<'a>> {
    let verb = reading.fold_at(0).to_owned();
    let pronoun = (1..reading.tokens.len()).find(|at| PRONOUNS.contains(&reading.fold_at(*at)));
    let referred = before.zip(pronoun).and_then(|(before, at)| Some((of_the_same(lexicon, &reading, before, &verb)?, before, at)));
    let particle = matching::particle(&reading, 0);
    let (found, refers) = match referred {
        Some((found, before, at)) => {
            reading.take(at, 1);
            (found, Some(before.resource.as_str()))
        }
        None => (matching(lexicon, &reading, 0)?, None),
    };
    reading.take(0, 1);
    if let Some(at) = particle {
        reading.take(at, 1);
    }
    Some(Clause { command: found.command, others: found.others, reading, refers, from: 1, is_sure: found.is_sure })
}

/// The command of this verb that takes the record which the one before acts on or makes.
fn of_the_same<'a>(lexicon: &'a Lexicon, reading: &Reading, before: &Command, verb: &str) -> Option<Match<'a>> {
    let takes = |command: &Command| command.inputs.iter().any(|input| input.resource.as_ref() == Some(&before.resource));
    let best = matching(lexicon, reading, 0).filter(|found| takes(found.command));
    let of_it = |command: &&Command| command.resource == before.resource && command.target.is_some() && is_verb_of(lexicon, command, verb);
    match best {
        Some(found) if found.is_sure => Some(found),
        _ => lexicon.commands.iter().find(of_it).map(|command| Match { command, others: Vec::new(), is_sure: true }),
    }
}
