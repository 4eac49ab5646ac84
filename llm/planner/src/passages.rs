//! Where no record answers, a text may: the best passage is quoted as it stands, with its reference.
//!
//! Only what people wrote as texts is quoted, never the fields of records, which questions about records answer; and only
//! where a passage says nearly all the words of the question. Two sources that say different figures are both told.
//!
//! Deliberately absent: any wording of its own. What is quoted stands in the passage, word by word.

use crate::turn::{Planned, Stop, Turn};
use crate::words::Words;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use steward_llm::{ChatRequest, Message};

const TOOL: &str = "search";
/// Sources that are told beside each other.
const SOURCES_MAX: usize = 3;
const QUOTE_CHARS_MAX: usize = 400;
/// Between the headings above a passage.
const UNDER: &str = " › ";
/// Passages that are looked through.
const PASSAGES: usize = 8;

/// Words that say nothing of what is asked.
const EMPTY: &[&str] = &[
    "the", "and", "for", "are", "was", "were", "has", "have", "had", "does", "did", "may", "can", "could", "should", "would", "will", "shall", "must", "which",
    "what", "when", "where", "who", "whom", "whose", "why", "how", "much", "many", "our", "your", "their", "with", "from", "about", "this", "that", "there",
    "any", "all", "you", "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "und", "oder", "ist", "sind", "war", "hat",
    "haben", "darf", "kann", "muss", "soll", "welche", "welcher", "welches", "welchen", "was", "wer", "wem", "wen", "wann", "wie", "viel", "viele", "hoch",
    "man", "ich", "wir", "sie", "mir", "uns", "für", "mit", "von", "bei", "aus", "auf", "über", "unser", "unsere", "unserer", "gibt", "wo", "warum", "beim",
    "zum", "zur", "vom",
];

/// What the passages say, in place of not knowing.
pub(crate) fn instead(request: &ChatRequest, turn: &Turn, words: &Words, said: Planned<String>) -> Planned<String> {
    let Err(Stop::Say(text)) = said else { return said };
    // Where a question is not understood, whether a name in it was found must not show: the rest of it may be about what
    // the asker cannot see.
    let said = Err(Stop::Say(not_found(words, &text).map_or_else(|| text.clone(), |name| words.unknown(name))));
    let documents = request.tools.iter().find(|tool| tool.name == TOOL).and_then(|tool| tool.parameters.get("x-documents")?.as_array());
    let Some(documents) = documents.filter(|documents| !documents.is_empty()) else { return said };
    if content(&turn.text).len() < 2 || is_error(request, &text) {
        return said;
    }
    match turn.call(TOOL, json!({ "text": turn.text, "resources": documents, "limit": PASSAGES })) {
        Err(stop @ Stop::Call(..)) => Err(stop),
        Err(Stop::Say(_)) => said,
        Ok(result) => quoted(result, &turn.text, turn.language() == "de").map_or(said, Ok),
    }
}

/// Whether the planner says with this text that it does not know: such an answer rests on nothing, and whatever was looked
/// up on the way must not show in it.
pub fn is_not_known(text: &str, language: &str) -> bool {
    const NAME: &str = "\u{0}";
    let words = Words::of(language);
    let begins = |said: String| said.split(NAME).next().is_some_and(|beginning| text.starts_with(beginning));
    begins(words.unknown(NAME)) || begins(words.not_found(NAME)) || text == words.unknown("")
}

/// The name that was not found.
fn not_found<'a>(words: &Words, text: &'a str) -> Option<&'a str> {
    let said = words.not_found("\u{0}");
    let (before, after) = said.split_once('\u{0}')?;
    text.strip_prefix(before)?.strip_suffix(after)
}

/// An error of a tool is told as it is: it is the answer. One of a mere look-up is not told.
fn is_error(request: &ChatRequest, text: &str) -> bool {
    let start = request.messages.iter().rposition(|message| matches!(message, Message::User { .. })).unwrap_or(0);
    let tells = |content: &str| {
        let result: Value = serde_json::from_str(content).unwrap_or_default();
        result.pointer("/error/code").and_then(Value::as_str).is_some_and(|code| text.ends_with(&format!("({code})")))
    };
    request.messages.iter().skip(start).any(|message| matches!(message, Message::Tool { .. }) && tells(&message.text()))
}

struct Quote<'a> {
    reference: &'a str,
    id: &'a str,
    /// What the record is called, with the headings above the passage.
    place: String,
    text: String,
    /// Words of the question that the sentence says.
    score: usize,
    figures: BTreeSet<String>,
}

fn quoted(result: &Value, question: &str, german: bool) -> Option<String> {
    let (asked, names) = (content(question), names(question));
    let passages = result.get("passages").and_then(Value::as_array)?;
    let quotes: Vec<Quote<'_>> = passages.iter().filter_map(|passage| quote(passage, &asked, &names)).collect();
    let best = quotes.iter().map(|quote| quote.score).max()?;
    let mut told: Vec<&Quote<'_>> = Vec::new();
    for quote in quotes.iter().filter(|quote| quote.score == best) {
        let is_other = |known: &&Quote<'_>| known.id != quote.id && known.figures != quote.figures;
        if told.len() < SOURCES_MAX && told.iter().all(is_other) && (told.is_empty() || !quote.figures.is_empty()) {
            told.push(quote);
        }
    }
    let lines: Vec<String> = told.iter().map(|quote| format!("“{}” ({}) {}", quote.text, quote.place, quote.reference)).collect();
    Some(match lines.as_slice() {
        [one] => one.clone(),
        many if german => format!("Die Quellen sagen Verschiedenes: {}", many.join("; ")),
        many => format!("The sources differ: {}", many.join("; ")),
    })
}

/// The sentence of the passage that says most of the question, where the passage says nearly all of it.
fn quote<'a>(passage: &'a Value, asked: &BTreeSet<String>, names: &BTreeSet<String>) -> Option<Quote<'a>> {
    let part = |name: &str| passage.get(name).and_then(Value::as_str);
    if part("form") != Some("text") {
        return None;
    }
    let (reference, id, record, title, text) = (part("ref")?, part("id")?, part("record")?, part("title").unwrap_or_default(), part("text")?);
    let matched = said(asked, &format!("{title}\n{text}")).len();
    if matched < 2 || matched * 4 < asked.len() * 3 {
        return None;
    }
    let sentences = sentences(text);
    let says: Vec<BTreeSet<&String>> = sentences.iter().map(|(sentence, head)| said(asked, &format!("{sentence} {head}"))).collect();
    // A word that few sentences say tells them apart; a name most of all. Where that is even, a figure is what one asks for.
    let weight = |words: &BTreeSet<&String>| -> u64 {
        words
            .iter()
            .map(|word| if names.contains(*word) { 2_000 } else { 1_000 } / says.iter().filter(|others| others.contains(word)).count().max(1) as u64)
            .sum()
    };
    let has_figure = |sentence: &str| sentence.contains(|c: char| c.is_ascii_digit());
    let ranked = says.iter().zip(&sentences).filter(|(words, _)| !words.is_empty());
    // Of equals the first.
    let (words_said, (sentence, _)) = ranked.rev().max_by_key(|(words, (sentence, _))| (weight(words), has_figure(sentence)))?;
    let figures = words(sentence).filter(|word| has_figure(word)).collect();
    let mut place: Vec<&str> = title.split(UNDER).map(str::trim).filter(|part| !part.is_empty()).collect();
    // A text often begins with its own title.
    place.dedup();
    let place = if place.is_empty() { record.trim().to_owned() } else { place.join(UNDER) };
    Some(Quote { reference, id, place, text: bounded(sentence), score: words_said.len(), figures })
}

/// Sentences and lines, without the marks of headings and lists; a row of a table with the head above it.
fn sentences(text: &str) -> Vec<(&str, &str)> {
    let mut head = "";
    let mut all = Vec::new();
    for line in text.lines().map(str::trim) {
        let is_row = line.starts_with('|');
        if !is_row {
            head = "";
        } else if !line.contains(char::is_alphanumeric) {
            continue;
        }
        let line = line.trim_start_matches(['#', '-', '*', '>', '|']).trim_end_matches('|').trim();
        let mut parts = Vec::new();
        let mut start = 0;
        for (at, c) in line.char_indices() {
            let rest = &line[at + c.len_utf8()..];
            // "3. March", "z. B. so": a sentence begins with a capital letter behind a word.
            let begins = rest.starts_with(' ') && rest.trim_start().starts_with(char::is_uppercase);
            let ends_word = line[..at].chars().rev().take_while(|c| c.is_alphanumeric()).count() > 2;
            if matches!(c, '.' | '!' | '?') && begins && ends_word {
                parts.push(line[start..=at].trim());
                start = at + 1;
            }
        }
        parts.push(line[start..].trim());
        all.extend(parts.into_iter().filter(|part| !part.is_empty()).map(|part| (part, head)));
        if is_row && head.is_empty() {
            head = line;
        }
    }
    all
}

/// Within quotation marks there are none.
fn bounded(sentence: &str) -> String {
    let plain = |c: char| if matches!(c, '"' | '“' | '”' | '„' | '«' | '»') { '\'' } else { c };
    if sentence.chars().count() <= QUOTE_CHARS_MAX {
        return sentence.chars().map(plain).collect();
    }
    let cut: String = sentence.chars().take(QUOTE_CHARS_MAX).map(plain).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{}…", &cut[..end])
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The words of the question that say what it is about.
fn content(text: &str) -> BTreeSet<String> {
    let says = |word: &String| (word.chars().count() >= 3 || word.contains(|c: char| c.is_ascii_digit())) && !EMPTY.contains(&word.as_str());
    words(text).filter(says).collect()
}

/// The words of the question that a text says.
fn said<'a>(asked: &'a BTreeSet<String>, text: &str) -> BTreeSet<&'a String> {
    let there: Vec<String> = words(text).collect();
    asked.iter().filter(|word| there.iter().any(|other| alike(word, other))).collect()
}

/// Words that are written with a capital within the question.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.skip(1).filter(|word| word.starts_with(char::is_uppercase)).map(str::to_lowercase).collect()
}

/// Forms of one word: `rate` and `rates`, `Hotel` and `Hotels`.
fn alike(one: &str, other: &str) -> bool {
    let common = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let (short, long) = (one.chars().count().min(other.chars().count()), one.chars().count().max(other.chars().count()));
    one == other || common >= 4 && common + 2 >= short && long - common <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(reference: usize, title: &str, text: &str) -> Value {
        json!({ "ref": format!("[{reference}]"), "id": format!("{reference}"), "record": title, "title": title, "form": "text", "text": text })
    }

    fn answered(question: &str, passages: &[Value]) -> Option<String> {
        quoted(&json!({ "passages": passages }), question, false)
    }

    const QUESTION: &str = "Which hotel rate may I claim in Berlin?";

    #[test]
    fn the_sentence_that_answers_is_quoted_as_it_stands() {
        let policy = passage(1, "Travel", "## Hotels\n- In Munich it is 150 EUR. In Berlin the hotel rate is 130.00 EUR a night. Keep the \"bill\".");
        assert_eq!(answered(QUESTION, &[policy]).as_deref(), Some("“In Berlin the hotel rate is 130.00 EUR a night.” (Travel) [1]"));
    }

    #[test]
    fn a_row_of_a_table_answers_with_the_head_above_it() {
        let text = "Breakfast included, the following rates may be claimed against a receipt:\n\n| City | Rate per night |\n|---|---|\n| Berlin | 130 EUR |\n| Munich | 160 EUR |\n\nA higher rate needs approval.";
        assert_eq!(answered(QUESTION, &[passage(1, "Travel › Hotels", text)]).as_deref(), Some("“Berlin | 130 EUR” (Travel › Hotels) [1]"));
    }

    #[test]
    fn sources_that_say_different_figures_are_both_told_and_the_same_only_once() {
        let one = passage(1, "New", "In Berlin the hotel rate is 130 EUR.");
        let two = passage(2, "Old", "In Berlin the hotel rate is 110 EUR.");
        let again = passage(3, "Copy", "In Berlin the hotel rate is 130 EUR.");
        let both = "The sources differ: “In Berlin the hotel rate is 130 EUR.” (New) [1]; “In Berlin the hotel rate is 110 EUR.” (Old) [2]";
        assert_eq!(answered(QUESTION, &[one, two, again]).as_deref(), Some(both));
    }

    #[test]
    fn a_passage_that_is_about_something_else_answers_nothing() {
        assert_eq!(answered(QUESTION, &[passage(1, "Travel", "Berlin is a city. The hotel is near.")]), None);
        assert_eq!(answered("What is the salary of Anna Berger?", &[passage(1, "People", "Anna Berger keeps the keys.")]), None);
        let mut card = passage(1, "Travel", "In Berlin the hotel rate is 130 EUR.");
        card["form"] = json!("card");
        assert_eq!(answered(QUESTION, &[card]), None);
    }
}
