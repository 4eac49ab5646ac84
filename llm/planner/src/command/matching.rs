//! Which command a clause means: by its verb, and by what else it shares with the command's wordings, record and inputs.

use super::phrases;
use crate::lexicon::{Command, Lexicon, Meaning, alike, fold, stem, words as split};
use crate::reading::Reading;

/// Parts of German verbs that stand at the end of their clause: "lege … an".
const PARTICLES: [&str; 16] = ["an", "ab", "auf", "aus", "ein", "zu", "zuruck", "hinzu", "um", "frei", "wieder", "weg", "vor", "nach", "durch", "heraus"];

/// Verbs that make a record, whichever of them a command's own wording uses.
const MAKES: [&str; 22] = [
    "create",
    "add",
    "new",
    "enter",
    "register",
    "lege",
    "leg",
    "erstelle",
    "erstell",
    "erfasse",
    "erfass",
    "fuge",
    "fug",
    "neu",
    "neue",
    "neuer",
    "neues",
    "neuen",
    "anlegen",
    "erstellen",
    "record",
    "insert",
];
/// Verbs that give a field another value.
const CHANGES: [&str; 14] =
    ["change", "set", "update", "modify", "edit", "raise", "lower", "andere", "setze", "setz", "aktualisiere", "erhohe", "senke", "increase"];

/// Words that say nothing of what a command is about.
const EMPTY: [&str; 24] = [
    "for", "the", "with", "and", "fur", "mit", "und", "der", "die", "das", "den", "dem", "von", "an", "of", "to", "a", "ein", "eine", "einen", "in", "on",
    "as", "from",
];

pub(super) struct Match<'a> {
    pub(super) command: &'a Command,
    /// Commands that change what is named as well, of other kinds of records: the record tells which is meant.
    pub(super) others: Vec<&'a Command>,
    /// More than the verb says so.
    pub(super) is_sure: bool,
}

fn stems(text: &str) -> Vec<String> {
    split(text).map(|word| stem(&fold(word))).collect()
}

fn begins(text: &str, verb: &str) -> bool {
    split(text).next().is_some_and(|word| fold(word) == verb)
}

/// Whether some command is called so by this verb.
pub(super) fn begins_command(lexicon: &Lexicon, verb: &str) -> bool {
    lexicon.commands.iter().any(|command| is_verb_of(lexicon, command, verb))
}

/// An example begins with the verb; a label or a synonym may begin with the noun instead ("Bestand berichtigen").
pub(super) fn is_verb_of(lexicon: &Lexicon, command: &Command, verb: &str) -> bool {
    // "The customer accepted …" begins with no verb.
    if Reading::is_article(verb) || verb.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let of = |class: &[&str]| class.contains(&verb) && command.wordings().any(|text| class.iter().any(|other| begins(text, other)));
    command.examples.iter().any(|text| begins(text, verb)) && !is_name(lexicon, verb)
        || command.names().any(|text| begins(text, verb)) && !is_noun(lexicon, verb)
        || of(&MAKES)
        || of(&CHANGES)
}

/// A word with which an example begins is a name where it stands with a capital inside another: "Nancy Davolio is the
/// manager of …", "change the position of Nancy Davolio".
fn is_name(lexicon: &Lexicon, word: &str) -> bool {
    let inside = |text: &String| split(text).skip(1).any(|other| other.starts_with(char::is_uppercase) && fold(other) == word);
    lexicon.commands.iter().any(|command| command.examples.iter().any(inside))
}

fn is_noun(lexicon: &Lexicon, word: &str) -> bool {
    lexicon.longest(&[stem(word).as_str()]).is_some()
}

/// Whether a word that is silent elsewhere begins a command, and is no noun: "receive", but not "order". "Give me …" asks.
pub(super) fn is_only_a_verb(lexicon: &Lexicon, verb: &str, next: &str) -> bool {
    let begins_one = |command: &Command| begins(&command.label, verb) || command.examples.iter().any(|example| begins(example, verb));
    let names = |meaning: &Meaning| matches!(meaning, Meaning::Resource(_) | Meaning::Choice(..) | Meaning::Filter(..));
    let is_noun = lexicon.longest(&[stem(verb).as_str()]).is_some_and(|(_, meanings)| meanings.iter().any(names));
    !is_noun && !matches!(next, "me" | "us" | "mir" | "uns") && lexicon.commands.iter().any(begins_one)
}

/// The command whose verb stands at `first` and which shares most with the words behind it.
pub(super) fn matching<'a>(lexicon: &'a Lexicon, reading: &Reading, first: usize) -> Option<Match<'a>> {
    let verb = reading.fold_at(first);
    let said: Vec<&str> = reading.tokens.iter().skip(first).filter(|token| !token.used).map(|token| token.stem.as_str()).collect();
    let particle = particle(reading, first).map(|at| reading.fold_at(at));
    let object = object(lexicon, reading, first + 1);
    let mut found: Vec<(usize, usize, bool, &Command)> = Vec::new();
    for command in lexicon.commands.iter().filter(|command| is_verb_of(lexicon, command, verb)) {
        if particle.is_some_and(|particle| is_other_verb(command, verb, particle)) {
            continue;
        }
        let tells = |word: &str| said.contains(&word) && !EMPTY.contains(&word);
        let overlap = |wanted: &[String]| wanted.iter().filter(|word| tells(word)).count();
        let label = overlap(&stems(&command.label));
        let example = command.examples.iter().map(|example| overlap(&stems(example))).max().unwrap_or(0);
        let record = lexicon.resource(&command.resource).map_or(0, |resource| overlap(&stems(&format!("{} {}", resource.label, resource.plural))).min(1));
        let is_object = lexicon.index_of(&command.resource).is_some_and(|resource| object.contains(&resource));
        let input = (first + 1..reading.tokens.len()).any(|at| phrases::input(command, reading, at).is_some_and(|(input, _)| !command.is_target(input)));
        let about = 2 * record + 3 * usize::from(is_object) + usize::from(input);
        let score = label + example + about;
        // Beyond the verb, which a label and an example share with the sentence.
        let beyond = about + label.saturating_sub(1) + example.saturating_sub(1);
        found.push((score, beyond, input, command));
    }
    // Of equals the first.
    found.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    let (score, beyond, input, command) = found.first().copied()?;
    let changes = |(_, _, named, other): &(usize, usize, bool, &'a Command)| {
        (*named && input && other.target.is_some() && other.resource != command.resource).then_some(*other)
    };
    let others = found.iter().filter_map(changes).collect();
    // The verb alone is not enough: something must say what it is about, be it a record that the command needs.
    let needs_record = command.inputs.iter().any(|input| input.required && input.resource.is_some());
    let is_named = needs_record && command.wordings().any(|text| begins(text, verb)) && reading.tokens.len() > first + 1;
    (score >= 2 || is_named).then_some(Match { command, others, is_sure: beyond > 0 })
}

/// Where the rest of a German verb stands: at the end of the clause, or before a colon.
pub(super) fn particle(reading: &Reading, first: usize) -> Option<usize> {
    let is_last = |at: usize| at + 1 == reading.tokens.len() || reading.gap(at + 1).starts_with(':');
    (first + 1..reading.tokens.len()).find(|at| is_last(*at) && PARTICLES.contains(&reading.fold_at(*at)))
}

/// "Buche … ein" is not "buche … aus": the verb of the command ends otherwise wherever it is used.
fn is_other_verb(command: &Command, verb: &str, particle: &str) -> bool {
    let of_verb: Vec<Reading> = command.wordings().filter(|text| begins(text, verb)).map(|text| Reading::of(text)).collect();
    let ends: Vec<&str> = of_verb.iter().filter_map(|reading| Some(reading.fold_at(self::particle(reading, 0)?))).collect();
    !ends.is_empty() && !ends.contains(&particle)
}

/// The resources of the first noun behind the verb: what is made, or changed.
fn object(lexicon: &Lexicon, reading: &Reading, from: usize) -> Vec<usize> {
    let stems: Vec<&str> = reading.tokens.iter().map(|token| token.stem.as_str()).collect();
    let mut at = from;
    while at < stems.len() {
        let Some((len, meanings)) = reading.is_free(at).then(|| lexicon.longest(&stems[at..])).flatten() else {
            at += 1;
            continue;
        };
        let resources = |strong: bool| -> Vec<usize> {
            let of = |meaning: &Meaning| match meaning {
                Meaning::Resource(r) if strong => Some(*r),
                Meaning::Choice(r, ..) | Meaning::Filter(r, _) if !strong => Some(*r),
                _ => None,
            };
            meanings.iter().filter_map(of).collect()
        };
        let mut found = resources(true);
        found.extend(resources(false));
        if !found.is_empty() {
            return found;
        }
        at += len;
    }
    Vec::new()
}

/// Words of English verbs that stand apart from them: "hand … over", "phase out".
const APART: [&str; 12] = ["out", "off", "over", "back", "again", "down", "away", "up", "forward", "aside", "through", "hold"];

/// Whether a word is part of what the verb says, as one of the command's wordings with the same verb does: the rest of a
/// verb, or the word right behind it ("undo the confirmation").
pub(super) fn belongs_to_verb(command: &Command, verb: &str, reading: &Reading, at: usize) -> bool {
    let token = &reading.tokens[at];
    let is_apart = APART.contains(&token.fold.as_str()) || PARTICLES.contains(&token.fold.as_str());
    let is_next = (1..at).all(|before| Reading::is_silent(reading.fold_at(before)));
    let says = |text: &String| {
        let mut words = split(text).skip(1).filter(|word| is_apart || !Reading::is_silent(&fold(word)));
        if is_apart {
            words.any(|word| fold(word) == token.fold)
        } else {
            words.next().is_some_and(|word| word == token.text && word.chars().all(char::is_lowercase))
        }
    };
    (is_apart || is_next) && command.wordings().filter(|text| begins(text, verb)).any(says)
}

/// The words of one of the command's wordings which the verb does not begin: "the customer accepted …, confirm it".
pub(super) fn explained(command: &Command, verb: &str, word: &str) -> bool {
    command.examples.iter().map(|example| stems(example)).any(|example| {
        let verb = stem(verb);
        example.first().is_some_and(|first| *first != verb) && example.contains(&verb) && example.iter().any(|other| alike(other, word))
    })
}
