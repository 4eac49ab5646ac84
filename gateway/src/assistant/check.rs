//! Whether an answer says only what the tools returned: every figure of it is looked for in the results of its turn.
//!
//! Start at [`check`]. A sentence with a figure that has no source is left out and its place says so. Names of records and
//! the dates and numbers that the person asked with are no figures. A figure that has one is told with the query that it
//! comes from. What comes from passages must cite them ([`passages`]): figures, dates and quotations of such a sentence
//! stand in what it cites, and where an answer has nothing but passages a sentence that cites none has no source.
//!
//! Deliberately absent: arithmetic. A sum or a percentage that a model computed has no source, however right it may be.

mod evidence;
mod figures;
mod passages;

use evidence::Known;
pub(super) use evidence::{Evidence, Used};
use figures::{Found, Token};
use passages::Told;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

/// A number of the answer and the query that it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Figure {
    /// Plain, with a point and without grouping.
    pub(super) value: String,
    pub(super) query: String,
}

/// What is left of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checked {
    /// Sentence by sentence with the white space after each: put together they are the text.
    pub(super) pieces: Vec<String>,
    pub(super) figures: Vec<Figure>,
    /// References of the passages that the text rests on.
    pub(super) cited: Vec<usize>,
    /// Sentences that were left out.
    pub(super) dropped: usize,
    /// Nothing is left but the notice.
    pub(super) is_empty: bool,
}

impl Checked {
    /// A text of the house, which claims nothing.
    pub(super) fn said(text: String) -> Self {
        Self { pieces: vec![text], figures: Vec::new(), cited: Vec::new(), dropped: 0, is_empty: false }
    }
}

/// The numbers that a text in lower case says.
pub(super) fn numbers_of(text: &str) -> impl Iterator<Item = Decimal> {
    figures::find(text).into_iter().flat_map(|found| match found {
        Found::Number(token) => token.readings,
        Found::Date(_) | Found::DayOfMonth(..) => Vec::new(),
    })
}

/// `notice` stands once where something was left out.
pub(super) fn check(text: &str, evidence: &Evidence, notice: &str) -> Checked {
    let mut checked = Checked { pieces: Vec::new(), figures: Vec::new(), cited: Vec::new(), dropped: 0, is_empty: true };
    let pieces = sentences(text);
    for (at, piece) in pieces.iter().copied().enumerate() {
        let is_head = pieces.get(at + 1).is_some_and(|next| is_rule(next));
        match supported(piece, evidence, is_head) {
            Some(Support { figures, cited }) => {
                for figure in figures {
                    if !checked.figures.contains(&figure) {
                        checked.figures.push(figure);
                    }
                }
                for reference in cited {
                    if !checked.cited.contains(&reference) {
                        checked.cited.push(reference);
                    }
                }
                checked.is_empty &= piece.trim().is_empty();
                checked.pieces.push(piece.to_owned());
            }
            None => {
                let space = &piece[piece.trim_end().len()..];
                if checked.dropped == 0 {
                    checked.pieces.push(format!("{notice}{space}"));
                } else if space.contains('\n')
                    && let Some(last) = checked.pieces.last_mut()
                    && !last.ends_with('\n')
                {
                    // A line that was left out still ends the one before it.
                    last.push('\n');
                }
                checked.dropped += 1;
            }
        }
    }
    checked
}

/// The text in pieces: a line is one or more, a sentence ends with its mark and the white space after it.
fn sentences(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    for line in text.split_inclusive('\n') {
        let mut start = 0;
        // A number at the start of a line counts it and ends no sentence.
        let from = figures::ordinal(line);
        let is_table = line.trim_start().starts_with('|');
        let mut chars = line.char_indices().skip_while(|(at, _)| *at < from).peekable();
        while let Some((at, c)) = chars.next() {
            let ends = matches!(c, '.' | '!' | '?') && !is_table && chars.peek().is_some_and(|(_, next)| next.is_whitespace());
            // German writes days with a point: "31. Dezember".
            let ends = ends && !figures::is_before_month(&line[at..]);
            if !ends {
                continue;
            }
            while chars.peek().is_some_and(|(_, next)| next.is_whitespace()) {
                chars.next();
            }
            let end = chars.peek().map_or(line.len(), |(at, _)| *at);
            pieces.push(&line[start..end]);
            start = end;
        }
        if start < line.len() {
            pieces.push(&line[start..]);
        }
    }
    pieces
}

/// What a sentence rests on.
#[derive(Default)]
struct Support {
    figures: Vec<Figure>,
    cited: Vec<usize>,
}

/// A line between the head of a table and its rows.
fn is_rule(piece: &str) -> bool {
    let piece = piece.trim();
    piece.starts_with('|') && piece.contains('-') && piece.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// What a sentence rests on; `None` if it says what has no source.
fn supported(piece: &str, evidence: &Evidence, is_head: bool) -> Option<Support> {
    let (references, piece) = match evidence.has_searched {
        true => passages::references(piece),
        false => (Vec::new(), piece.to_owned()),
    };
    let cited: Vec<&Told> = references.iter().map(|number| evidence.passages.iter().find(|told| told.reference == *number)).collect::<Option<_>>()?;
    // Introductions and the frame of a table claim nothing by themselves.
    let claims = piece.contains(char::is_alphanumeric) && !piece.trim_end().ends_with(':') && !is_head;
    if cited.is_empty() && claims && evidence.has_searched && !evidence.is_trusted && evidence.used.is_empty() && !evidence.has_other {
        return None;
    }
    if !cited.is_empty() && !passages::quotes_stand(&piece, &cited) {
        return None;
    }
    let bare = evidence.without_names(&piece[figures::ordinal(&piece)..]);
    let mut figures = Vec::new();
    for found in figures::find(&bare) {
        if cited.iter().any(|told| told.says(&found)) {
            continue;
        }
        match found {
            Found::Date(readings) => {
                if !readings.iter().any(|date| evidence.dates.contains(date)) {
                    return None;
                }
            }
            Found::DayOfMonth(day, month) => {
                if !evidence.has_day(day, month) {
                    return None;
                }
            }
            Found::Number(token) => {
                if let Some(known) = source(&token, evidence) {
                    figures.extend(known.query.as_ref().map(|query| Figure { value: known.plain.clone(), query: query.to_string() }));
                } else if !is_of_the_question(&token, evidence) {
                    return None;
                }
            }
        }
    }
    Some(Support { figures, cited: references })
}

/// The newest result that says the number.
fn source<'a>(token: &Token, evidence: &'a Evidence) -> Option<&'a Known> {
    let says = |known: &&Known| token.readings.iter().any(|reading| matches(*reading, known.value, token.is_percentage));
    // What was asked for comes before what an answer's scope says of itself.
    evidence.known.iter().rev().filter(|known| !known.is_scope).find(says).or_else(|| evidence.known.iter().rev().filter(|known| known.is_scope).find(says))
}

fn matches(shown: Decimal, known: Decimal, is_percentage: bool) -> bool {
    let known = if shown.is_sign_negative() { known } else { known.abs() };
    if shown == known || is_percentage && shown.checked_div(Decimal::ONE_HUNDRED) == Some(known) {
        return true;
    }
    // An amount may be rounded to cents, a large one to units.
    let places = shown.scale();
    let is_coarser = known.scale() > places && (places >= 2 || known.abs() >= Decimal::ONE_THOUSAND);
    is_coarser && known.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero) == shown
}

/// Numbers that the person asked with and that a query was made with ("orders over 1,000", "top 3"), years of periods,
/// and how many rows are shown.
fn is_of_the_question(token: &Token, evidence: &Evidence) -> bool {
    let asked = |value: &Decimal| evidence.asked.contains(value) && evidence.filtered.contains(value);
    token.readings.iter().any(asked)
        || token.year.is_some_and(|year| evidence.years.contains(&year))
        || token.counts_rows && token.readings.iter().any(|value| evidence.rows.contains(value))
}

#[cfg(test)]
mod tests;
