//! Sentences that rest on passages: what they cite, and whether it says so.

use super::figures::{self, Found};
use super::words;
use crate::assistant::search::Passage;
use crate::assistant::taint::words::Text;
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use std::collections::HashSet;

/// A passage in the form in which a sentence is held against it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) reference: usize,
    text: Text,
    stems: HashSet<String>,
    numbers: HashSet<Decimal>,
    dates: HashSet<NaiveDate>,
    days: HashSet<(u32, u32)>,
    years: HashSet<i32>,
}

impl Told {
    pub(super) fn of(passage: &Passage) -> Self {
        let whole = format!("{}\n{}\n{}", passage.record, passage.title, passage.text);
        let mut told = Self {
            reference: passage.reference,
            text: Text::of(&whole),
            stems: words::stems(&whole),
            numbers: HashSet::new(),
            dates: HashSet::new(),
            days: HashSet::new(),
            years: HashSet::new(),
        };
        for found in figures::find(&whole.to_lowercase()) {
            match found {
                Found::Date(dates) => {
                    told.days.extend(dates.iter().map(|date| (date.day(), date.month())));
                    told.years.extend(dates.iter().map(NaiveDate::year));
                    told.dates.extend(dates);
                }
                Found::DayOfMonth(day, month) => {
                    told.days.insert((day, month));
                }
                Found::Number(token) => {
                    told.years.extend(token.year);
                    told.numbers.extend(token.readings);
                }
            }
        }
        told
    }

    pub(super) fn uses(&self, stem: &str) -> bool {
        self.stems.contains(stem)
    }

    /// Whether the passage says the figure.
    pub(super) fn says(&self, found: &Found) -> bool {
        match found {
            // "From 1 March 2026": day and year stand beside each other.
            Found::Date(readings) => {
                let in_words = |date: &NaiveDate| self.days.contains(&(date.day(), date.month())) && self.years.contains(&date.year());
                readings.iter().any(|date| self.dates.contains(date) || in_words(date))
            }
            Found::DayOfMonth(day, month) => self.days.contains(&(*day, *month)),
            Found::Number(token) => {
                token.readings.iter().any(|number| self.numbers.contains(number)) || token.year.is_some_and(|year| self.years.contains(&year))
            }
        }
    }
}

/// The references of a sentence, `[1]` or `[1, 2]`, and the sentence without them.
pub(super) fn references(piece: &str) -> (Vec<usize>, String) {
    let (mut cited, mut bare, mut rest) = (Vec::new(), String::with_capacity(piece.len()), piece);
    while let Some(open) = rest.find('[') {
        let after = &rest[open + 1..];
        let numbers = after.find(']').and_then(|close| {
            let inner: Option<Vec<usize>> = after[..close].split(',').map(|part| part.trim().parse().ok()).collect();
            Some((inner?, close))
        });
        bare.push_str(&rest[..open]);
        match numbers {
            Some((numbers, close)) => {
                cited.extend(numbers);
                rest = &after[close + 1..];
            }
            None => {
                bare.push('[');
                rest = after;
            }
        }
    }
    bare.push_str(rest);
    (cited, bare)
}

/// Whether everything between quotation marks stands in one of the cited passages.
pub(super) fn quotes_stand(piece: &str, cited: &[&Told]) -> bool {
    quotes(piece).iter().all(|quote| {
        let quote = Text::of(quote);
        quote.is_empty() || cited.iter().any(|told| told.text.holds(&quote))
    })
}

fn quotes(piece: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    for (at, c) in piece.char_indices() {
        if !matches!(c, '"' | '“' | '”' | '„' | '«' | '»') {
            continue;
        }
        match open.take() {
            Some(start) => found.push(&piece[start..at]),
            None => open = Some(at + c.len_utf8()),
        }
    }
    found
}
