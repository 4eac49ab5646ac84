//! The clauses of a sentence that says several things to do: "create a quotation for X with 10 Y and confirm it".

use super::matching;
use super::values::TEXT_FOLLOWS;
use crate::lexicon::{Command, Lexicon, fold, words as split};
use crate::reading::Reading;

const AND: [&str; 4] = ["and", "und", "then", "dann"];
/// Words between "and" and the verb.
const BETWEEN: [&str; 7] = ["then", "dann", "also", "auch", "please", "bitte", "danach"];
/// What a clause calls the record of the clause before.
const PRONOUNS: [&str; 12] = ["it", "them", "this", "that", "these", "es", "sie", "ihn", "diese", "diesen", "dieses", "dies"];

/// One command with the words that are about it.
pub(super) struct Clause<'a> {
    pub(super) command: &'a Command,
    pub(super) text: String,
    pub(super) reading: Reading,
    /// It acts on the record of the clause before.
    pub(super) refers: bool,
}

/// `first` is the word of the verb. `None` where the sentence begins with no command. A clause that is none belongs to the
/// one before: "10 Chai and 5 Chang".
pub(super) fn of<'a>(lexicon: &'a Lexicon, text: &str, first: usize) -> Option<Vec<Clause<'a>>> {
    let starts: Vec<usize> = split(text).map(|word| word.as_ptr().addr() - text.as_ptr().addr()).collect();
    let folds: Vec<String> = Reading::of(text).tokens.into_iter().map(|token| token.fold).collect();
    // Behind these words everything is a text.
    let free = text.find(": ").unwrap_or(text.len());
    let until =
        (0..folds.len()).find(|at| TEXT_FOLLOWS.contains(&folds[*at].as_str()) || starts.get(*at).is_none_or(|start| *start > free)).unwrap_or(folds.len());
    let mut borders: Vec<(usize, usize)> = Vec::new();
    let mut at = first + 1;
    while at < until {
        let verb = (at + 1..folds.len()).find(|next| !BETWEEN.contains(&folds[*next].as_str()));
        if let Some(verb) = verb.filter(|verb| AND.contains(&folds[at].as_str()) && begins_command(lexicon, &folds[*verb])) {
            borders.push((at, verb));
            at = verb;
        }
        at += 1;
    }
    let mut clauses: Vec<Clause<'a>> = vec![clause(lexicon, text, first, None)?];
    for (and, verb) in borders {
        let Some((head, rest)) = starts.get(and).zip(starts.get(verb)).and_then(|(and, verb)| Some((text.get(..*and)?, text.get(*verb..)?))) else { continue };
        let Some(last) = clauses.last() else { continue };
        let Some(next) = clause(lexicon, rest, 0, Some(last.command)) else { continue };
        // The clause before ends here.
        let length = head.trim_end_matches([' ', ',']).len().checked_sub(text.len() - last.text.len());
        let cut = length.and_then(|length| last.text.get(..length)).map(str::to_owned);
        let Some(cut) = cut else { continue };
        let from = if clauses.len() == 1 { first } else { 0 };
        let Some(shorter) = clause(lexicon, &cut, from, clauses.len().checked_sub(2).and_then(|at| clauses.get(at)).map(|one| one.command)) else { continue };
        clauses.pop();
        clauses.extend([shorter, next]);
    }
    Some(clauses)
}

fn begins_command(lexicon: &Lexicon, verb: &str) -> bool {
    let begins = |text: &String| split(text).next().is_some_and(|word| fold(word) == verb);
    lexicon.commands.iter().any(|command| begins(&command.label) || command.examples.iter().any(begins))
}

fn clause<'a>(lexicon: &'a Lexicon, text: &str, first: usize, before: Option<&Command>) -> Option<Clause<'a>> {
    let mut reading = Reading::of(text);
    let verb = reading.tokens.get(first)?.fold.clone();
    let pronoun = (first + 1..reading.tokens.len()).find(|at| PRONOUNS.contains(&reading.fold_at(*at)));
    let referred = before.zip(pronoun).and_then(|(before, at)| Some((of_the_same(lexicon, before, &verb)?, at)));
    let (command, refers) = match referred {
        Some((command, at)) => {
            reading.take(at, 1);
            (command, true)
        }
        None => (matching(lexicon, &reading, first, &verb)?, false),
    };
    reading.take(0, first + 1);
    // "Lege … an": the rest of the verb.
    if let Some(last) = reading.tokens.len().checked_sub(1).filter(|last| *last > first && reading.fold_at(*last) == "an") {
        reading.take(last, 1);
    }
    Some(Clause { command, text: text.to_owned(), reading, refers })
}

/// The command of this verb that acts on the records which the one before acts on or makes.
fn of_the_same<'a>(lexicon: &'a Lexicon, before: &Command, verb: &str) -> Option<&'a Command> {
    let begins = |text: &String| split(text).next().is_some_and(|word| fold(word) == verb);
    let fits = |command: &&Command| command.resource == before.resource && command.target.is_some();
    lexicon.commands.iter().filter(fits).find(|command| begins(&command.label) || command.examples.iter().any(begins))
}
