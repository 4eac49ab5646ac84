//! Values whose input is named: "with the tax ID DE123", ", price 12 EUR", "set the reorder level of Chai to 20".

use super::Draft;
use crate::lexicon::Field;
use crate::reading::{Reading, number};
use crate::turn::Planned;

/// Words behind a text that begin something else.
const ENDS_TEXT: [&str; 14] = ["for", "fur", "to", "zu", "at", "bei", "in", "im", "on", "am", "from", "ab", "into", "until"];
/// Between the name of an input and its value.
const IS: [&str; 10] = ["of", "von", "is", "ist", "no", "nr", "named", "called", "namens", "as"];

impl<'a> Draft<'a> {
    /// Pairs that are announced: behind "with", a comma, or "and" after another pair. A number behind the name of its input
    /// needs no announcement.
    pub(super) fn pairs(&mut self) -> Planned<()> {
        let mut at = self.from;
        // Whether the word before belongs to a pair.
        let mut goes_on = false;
        while at < self.reading.tokens.len() {
            let word = self.reading.fold_at(at);
            let is_with = self.reading.is_free(at) && matches!(word, "with" | "mit" | "having");
            let is_and = self.reading.is_free(at) && matches!(word, "and" | "und") && goes_on;
            let is_listed = self.reading.gap(at).contains(',');
            let start = self.behind_articles(at + usize::from(is_with || is_and));
            let Some((input, len)) = self.input_at(start) else {
                goes_on = false;
                at += 1;
                continue;
            };
            let is_announced = is_with || is_and || is_listed;
            let from = self.behind(start + len, &IS);
            let is_number = matches!(input.kind.as_str(), "integer" | "decimal" | "quantity" | "money" | "date");
            let end = self.end_of_pair(input, from);
            let found = match (is_announced, is_number) {
                (true, _) => self.value(input, from, end)?,
                (false, true) if from == start + len && number(self.reading.fold_at(from)).is_some() => self.value(input, from, end)?,
                _ => None,
            };
            let Some((value, taken)) = found else {
                goes_on = false;
                at += 1;
                continue;
            };
            self.arguments.insert(input.name.clone(), value);
            self.reading.take(at, from + taken - at);
            at = from + taken;
            goes_on = true;
        }
        Ok(())
    }

    fn behind(&self, from: usize, words: &[&str]) -> usize {
        (from..self.reading.tokens.len()).find(|at| !words.contains(&self.reading.fold_at(*at))).unwrap_or(self.reading.tokens.len())
    }

    fn behind_articles(&self, from: usize) -> usize {
        let is_article = |word: &str| Reading::is_article(word) || matches!(word, "ein" | "eine" | "einen" | "einem" | "einer");
        (from..self.reading.tokens.len()).find(|at| !is_article(self.reading.fold_at(*at))).unwrap_or(self.reading.tokens.len())
    }

    /// Where the value of a pair ends at the latest.
    fn end_of_pair(&self, input: &Field, from: usize) -> usize {
        let count = self.reading.tokens.len();
        let is_text = matches!(input.kind.as_str(), "text" | "long_text");
        let ends = |at: usize| {
            let word = self.reading.fold_at(at);
            let is_next = matches!(word, "and" | "und" | "with" | "mit") && self.input_at(self.behind_articles(at + 1)).is_some();
            let is_listed = self.reading.gap(at).contains([',', ';']) && self.input_at(self.behind_articles(at)).is_some();
            !self.reading.is_free(at) || is_next || is_listed || is_text && ENDS_TEXT.contains(&word)
        };
        (from + 1..count).find(|at| ends(*at)).unwrap_or(count)
    }

    /// "Set the reorder level of Chai to 20 and its price to 12 EUR": the input that is named and the value behind "to".
    pub(super) fn assignments(&mut self) -> Planned<()> {
        let renames = self.renamed();
        let mut from = self.from;
        while let Some(to) = self.link(from, renames.is_some()) {
            let named = (from..to).find_map(|at| self.input_at(at).map(|(input, len)| (input, at, len)).filter(|(_, at, len)| at + len <= to));
            // "Adjust the stock of Chai to 35": the input is called "to" itself.
            let link = self.reading.fold_at(to);
            let called = || self.command.inputs.iter().find(|input| input.is_called(link) && self.is_open(input) && input.is_number());
            let Some((input, start, len)) = named.or_else(|| renames.or_else(called).map(|input| (input, to, 0))) else {
                from = to + 1;
                continue;
            };
            let behind = self.behind_articles_of(input, to + 1);
            let end = self.end_of_value(behind);
            let (value, taken) = self.value_of(input, behind, end)?;
            self.arguments.insert(input.name.clone(), value);
            self.reading.take(start, len);
            self.reading.take(to, behind + taken - to);
            from = behind + taken;
            if from < self.reading.tokens.len() && matches!(self.reading.fold_at(from), "and" | "und") {
                self.reading.take(from, 1);
            }
        }
        Ok(())
    }

    /// "To", before the value: the last one of the clause, or of the part before another input is named.
    fn link(&self, from: usize, renames: bool) -> Option<usize> {
        let verb = self.from.checked_sub(1).map(|at| self.reading.fold_at(at)).unwrap_or_default();
        let is_german_change = renames || matches!(verb, "andere" | "andre" | "verandere");
        let is_link = |at: &usize| {
            let word = self.reading.fold_at(*at);
            self.reading.is_free(*at) && (matches!(word, "to" | "auf") || is_german_change && word == "in")
        };
        let count = self.reading.tokens.len();
        let first = (from..count).find(is_link)?;
        // A second input that is named and has a value of its own begins behind the first value.
        let next = (first + 1..count).find(|at| matches!(self.reading.fold_at(*at), "and" | "und") && self.input_at(self.behind_articles(at + 1)).is_some());
        (from..next.unwrap_or(count)).rev().find(is_link)
    }

    fn end_of_value(&self, from: usize) -> usize {
        let count = self.reading.tokens.len();
        let ends = |at: &usize| {
            let is_next = matches!(self.reading.fold_at(*at), "and" | "und") && self.input_at(self.behind_articles(at + 1)).is_some();
            !self.reading.is_free(*at) || is_next
        };
        (from..count).find(ends).unwrap_or(count)
    }

    /// An article before a value belongs to a text.
    fn behind_articles_of(&self, input: &Field, from: usize) -> usize {
        if matches!(input.kind.as_str(), "text" | "long_text") { from } else { self.behind_articles(from) }
    }

    /// What a record is called, where the verb says that it is renamed.
    fn renamed(&self) -> Option<&'a Field> {
        let verb = self.from.checked_sub(1).map(|at| self.reading.fold_at(at))?;
        let title = &self.lexicon.resource(&self.command.resource)?.title;
        let renames = matches!(verb, "rename" | "benenne" | "benenn" | "nenne" | "umbenennen") && self.command.target.is_some();
        self.command.input(title).filter(|input| renames && self.is_open(input))
    }
}
