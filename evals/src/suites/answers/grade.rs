//! Whether an answer tells the truth, all of it, and nothing else.

use crate::client::Told;
use crate::suites::Verdict;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::HashSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// One figure, date or name.
    Value,
    /// All rows, each with its cells together, in any order.
    Rows,
    /// Rows in this order.
    Ranked,
}

#[derive(Debug)]
pub(super) struct Truth {
    pub(super) shape: Shape,
    pub(super) rows: Vec<Vec<String>>,
    /// Every name that could be told.
    pub(super) universe: Vec<String>,
    /// What is true as well and may be told with it, such as the number of the order that a date is of.
    pub(super) also: Vec<String>,
}

impl Truth {
    pub(super) fn shown(&self) -> String {
        self.rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>().join("; ")
    }

    pub(super) fn grade(&self, question: &str, told: &Told) -> Verdict {
        let answer = fold(&told.answer);
        if told.asked || told.error.is_some() {
            return Verdict::Abstained;
        }
        let untrue = self.untrue(question, &answer);
        if untrue.is_empty() && self.is_told(&answer) {
            return Verdict::Good;
        }
        // A part of the truth told as the whole is wrong; a sentence that says what was not understood tells nothing.
        let tells_part = self.rows.iter().flatten().any(|cell| find(&answer, cell, 0).is_some() && !fold(question).contains(&fold(cell)));
        let tells_nothing = told.figures.is_empty() && !tells_part;
        if tells_nothing && untrue.is_empty() { Verdict::Abstained } else { Verdict::Wrong }
    }

    /// Each row's cells stand together, and ranked rows in their order.
    fn is_told(&self, answer: &str) -> bool {
        let starts: Option<Vec<usize>> = self.rows.iter().map(|row| row.first().and_then(|cell| find(answer, cell, 0))).collect();
        let Some(starts) = starts else { return false };
        if self.shape == Shape::Ranked && !starts.is_sorted() {
            return false;
        }
        self.rows.iter().zip(&starts).all(|(row, start)| {
            // Up to where the next row begins.
            let end = starts.iter().copied().filter(|other| other > start).min().unwrap_or(answer.len());
            row.iter().skip(1).all(|cell| find(&answer[*start..end], cell, 0).is_some())
        })
    }

    /// Figures and names of the answer that are neither true nor the question's own.
    fn untrue(&self, question: &str, answer: &str) -> Vec<String> {
        let truths: Vec<String> = self.rows.iter().flatten().map(|cell| fold(cell)).collect();
        let question = fold(question);
        let mut bare = answer.to_owned();
        // Names first: they may hold digits, and one name may be part of another.
        let mut names: Vec<String> =
            self.universe.iter().map(|name| fold(name)).chain(truths.iter().filter(|truth| number(truth).is_none()).cloned()).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.dedup();
        let mut untrue = Vec::new();
        for name in names.iter().filter(|name| number(name).is_none()) {
            if find(&bare, name, 0).is_none() {
                continue;
            }
            if !truths.contains(name) && !question.contains(name.as_str()) {
                untrue.push(name.clone());
            }
            bare = bare.replace(name.as_str(), " ");
        }
        let allowed: HashSet<Decimal> =
            truths.iter().filter_map(|truth| number(truth)).chain(numbers(&question)).chain(self.also.iter().filter_map(|cell| number(&fold(cell)))).collect();
        let rows = Decimal::from(self.rows.len());
        let dates: Vec<NaiveDate> = truths.iter().filter_map(|truth| truth.parse().ok()).collect();
        let of_dates: HashSet<Decimal> =
            dates.iter().flat_map(|date| date.to_string().split('-').filter_map(|part| part.parse().ok()).collect::<Vec<Decimal>>()).collect();
        for told in numbers(&bare) {
            // A list counts its rows and numbers them; a scope says over how many records it is.
            let counts = told.is_integer() && told > Decimal::ZERO && told <= rows;
            let of_a_period = told.is_integer() && (Decimal::from(1990)..=Decimal::from(2100)).contains(&told) && self.shape != Shape::Value
                || question_periods(&question, told);
            if !allowed.contains(&told) && !counts && !of_dates.contains(&told) && !of_a_period {
                untrue.push(told.to_string());
            }
        }
        untrue
    }
}

/// Days and months of the periods that an answer repeats ("1997-04-01 to 1997-06-30"): parts of dates are no figures of it.
fn question_periods(question: &str, told: Decimal) -> bool {
    let has_year = numbers(question).iter().any(|number| (Decimal::from(1990)..=Decimal::from(2100)).contains(number));
    has_year && told.is_integer() && told > Decimal::ZERO && told <= Decimal::from(31)
}

/// Where a cell stands: a number as a number, a date in any usual form, a name as a whole.
fn find(answer: &str, cell: &str, from: usize) -> Option<usize> {
    let cell = fold(cell);
    if let Ok(date) = cell.parse::<NaiveDate>() {
        return forms(date).iter().filter_map(|form| answer[from..].find(form.as_str())).min().map(|at| from + at);
    }
    if let Some((year, month)) = cell.split_once('-').and_then(|(year, month)| Some((year.parse::<i32>().ok()?, month.parse::<u32>().ok()?)))
        && let Some(first) = NaiveDate::from_ymd_opt(year, month, 1)
    {
        let forms = [cell.clone(), first.format("%B %Y").to_string().to_lowercase(), first.format("%b %Y").to_string().to_lowercase()];
        return forms.iter().filter_map(|form| answer[from..].find(form.as_str())).min().map(|at| from + at);
    }
    match number(&cell) {
        Some(wanted) => tokens(&answer[from..]).into_iter().find(|(_, token)| *token == wanted).map(|(at, _)| from + at),
        None => whole(answer, &cell, from),
    }
}

/// A name that is not a part of a longer word.
fn whole(answer: &str, name: &str, from: usize) -> Option<usize> {
    answer[from..].match_indices(name).map(|(at, _)| from + at).find(|at| {
        let before = answer[..*at].chars().next_back().is_some_and(char::is_alphanumeric);
        let after = answer[at + name.len()..].chars().next().is_some_and(char::is_alphanumeric);
        !before && !after
    })
}

fn forms(date: NaiveDate) -> Vec<String> {
    ["%Y-%m-%d", "%d.%m.%Y", "%-d.%-m.%Y", "%B %-d, %Y", "%-d %B %Y", "%b %-d, %Y", "%-d %b %Y"]
        .iter()
        .map(|form| date.format(form).to_string().to_lowercase())
        .collect()
}

/// Lower case, with white space as single blanks within lines.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for line in text.to_lowercase().split('\n') {
        if !folded.is_empty() {
            folded.push('\n');
        }
        folded.push_str(&line.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    folded
}

fn number(text: &str) -> Option<Decimal> {
    let plain = text.replace(',', "");
    if plain.starts_with(|c: char| c.is_ascii_digit() || c == '-') && plain.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') {
        plain.parse::<Decimal>().ok().map(|value| value.normalize())
    } else {
        None
    }
}

fn numbers(text: &str) -> Vec<Decimal> {
    tokens(text).into_iter().map(|(_, value)| value).collect()
}

/// Numbers with their places: digits with grouping commas and a decimal point, not within a word.
fn tokens(text: &str) -> Vec<(usize, Decimal)> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && (bytes[at].is_ascii_digit() || (matches!(bytes[at], b',' | b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit))) {
            at += 1;
        }
        let in_word = text[..start].chars().next_back().is_some_and(char::is_alphabetic) || text[at..].chars().next().is_some_and(char::is_alphabetic);
        if !in_word && let Some(value) = number(&text[start..at]) {
            found.push((start, value));
        }
    }
    found
}

#[cfg(test)]
mod tests;
