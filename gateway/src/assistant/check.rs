//! Whether an answer says only what the tools returned: every sentence of it is held against the results of its turn.
//!
//! Start at [`Checker`], which takes an answer as it comes and gives back what of it may be shown. A sentence stands when
//! - each of its figures has a source, in a row that it names where it names any ([`evidence`]),
//! - and it cites a passage that says it ([`passages`]), or has a figure of a result, or is in the words of the results,
//!   or is of the closed set of sentences that claim nothing ([`kinds`]).
//!
//! What does not is left out and its place says so. Introductions and the frames of tables are shown only before something
//! that stands. Names of records and the dates and numbers that the person asked with are no figures. A figure that has a
//! source is told with the query that it comes from.
//!
//! **Invariant:** without a result of a tool nothing is said about the company.
//!
//! Deliberately absent: arithmetic, and understanding. A sum that a model computed has no source, however right it may be;
//! and a sentence in the words of its source may still turn them round, which its citation lets the person see.

mod evidence;
mod figures;
mod kinds;
mod passages;
mod words;

pub(super) use evidence::{Evidence, Used};
use evidence::{Known, Named};
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Checked {
    /// Sentence by sentence with the white space after each: put together they are the text.
    pub(super) pieces: Vec<String>,
    pub(super) figures: Vec<Figure>,
    /// References of the passages that the text rests on.
    pub(super) cited: Vec<usize>,
    /// Sentences that were left out.
    pub(super) dropped: usize,
}

impl Checked {
    /// Nothing is left that says anything.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// The numbers that a text in lower case says.
pub(super) fn numbers_of(text: &str) -> impl Iterator<Item = Decimal> {
    figures::find(text).into_iter().flat_map(|found| match found {
        Found::Number(token) => token.readings,
        Found::Date(_) | Found::DayOfMonth(..) => Vec::new(),
    })
}

/// The dates that a text in lower case says, and the days whose year stands elsewhere.
pub(super) fn dates_of(text: &str) -> (Vec<chrono::NaiveDate>, Vec<(u32, u32)>) {
    let (mut dates, mut days) = (Vec::new(), Vec::new());
    for found in figures::find(text) {
        match found {
            Found::Date(readings) => dates.extend(readings),
            Found::DayOfMonth(day, month) => days.push((day, month)),
            Found::Number(_) => {}
        }
    }
    (dates, days)
}

/// Holds an answer against the evidence while it comes.
#[derive(Debug)]
pub(super) struct Checker {
    /// What came and is not judged yet.
    buffer: String,
    /// Stands once where something was left out.
    notice: String,
    /// What is shown only before something that stands.
    held: Vec<String>,
    checked: Checked,
}

impl Checker {
    pub(super) fn new(notice: impl Into<String>) -> Self {
        Self { buffer: String::new(), notice: notice.into(), held: Vec::new(), checked: Checked::default() }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.buffer.push_str(text);
    }

    /// Sentences that are complete and wait for their judgement.
    pub(super) fn waiting(&self) -> Option<&str> {
        let length: usize = complete(&self.buffer, false).iter().map(|(piece, _)| piece.len()).sum();
        (length > 0).then(|| &self.buffer[..length])
    }

    pub(super) fn rest(&self) -> &str {
        &self.buffer
    }

    /// Lets go of what was not judged yet.
    pub(super) fn forget(&mut self) {
        self.buffer.clear();
        self.held.clear();
    }

    /// Judges the complete sentences, at the end all that there is, and gives back what may be shown now.
    pub(super) fn take(&mut self, evidence: &Evidence, is_end: bool) -> Vec<String> {
        let before = self.checked.pieces.len();
        let buffer = std::mem::take(&mut self.buffer);
        let mut judged = 0;
        for (piece, is_head) in complete(&buffer, is_end) {
            judged += piece.len();
            match supported(piece, evidence, is_head) {
                Some(support) => self.keep(piece, support),
                None => self.leave_out(piece),
            }
        }
        self.buffer = buffer[judged..].to_owned();
        self.checked.pieces[before..].to_vec()
    }

    fn keep(&mut self, piece: &str, support: Support) {
        let Support { figures, cited, is_frame } = support;
        if is_frame {
            self.say(piece.to_owned());
            return;
        }
        self.checked.pieces.append(&mut self.held);
        self.checked.pieces.push(piece.to_owned());
        for figure in figures {
            if !self.checked.figures.contains(&figure) {
                self.checked.figures.push(figure);
            }
        }
        for reference in cited {
            if !self.checked.cited.contains(&reference) {
                self.checked.cited.push(reference);
            }
        }
    }

    fn leave_out(&mut self, piece: &str) {
        let space = &piece[piece.trim_end().len()..];
        let last = self.held.last().or(self.checked.pieces.last());
        if self.checked.dropped == 0 {
            self.say(format!("{}{space}", self.notice));
        } else if space.contains('\n') && last.is_some_and(|last| !last.ends_with('\n')) {
            // A line that was left out still ends the one before it.
            self.say("\n".to_owned());
        }
        self.checked.dropped += 1;
    }

    fn say(&mut self, text: String) {
        let list = if self.checked.is_empty() { &mut self.held } else { &mut self.checked.pieces };
        list.push(text);
    }

    pub(super) fn checked(&self) -> &Checked {
        &self.checked
    }
}

/// The passages that a text names.
pub(super) fn references_of(text: &str) -> Vec<usize> {
    passages::references(text).0
}

/// The whole text at once.
#[cfg(test)]
fn check(text: &str, evidence: &Evidence, notice: &str) -> Checked {
    let mut checker = Checker::new(notice);
    checker.push(text);
    checker.take(evidence, true);
    checker.checked
}

/// The pieces of a text that nothing which follows can change, each with whether it is the head of a table.
fn complete(text: &str, is_end: bool) -> Vec<(&str, bool)> {
    let pieces = sentences(text);
    let is_head = |at: usize| pieces.get(at + 1).is_some_and(|next| is_rule(next));
    let is_settled = |at: usize| {
        let piece = pieces[at];
        let (ends_line, has_more) = (|piece: &str| piece.ends_with('\n'), pieces.len() > at + 2);
        if is_end {
            return true;
        }
        match pieces.get(at + 1) {
            // Whether a row is the head of its table is said by the whole line below it.
            next if is_row(piece) => next.is_some_and(|next| has_more || ends_line(next)),
            _ if ends_line(piece) => true,
            // "On 31. D" goes on if a month follows.
            Some(next) => has_more || next.trim_start().contains(char::is_whitespace),
            None => false,
        }
    };
    (0..pieces.len()).take_while(|at| is_settled(*at)).map(|at| (pieces[at], is_head(at))).collect()
}

fn is_row(piece: &str) -> bool {
    piece.trim_start().starts_with('|')
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
    /// It announces or divides, and says nothing by itself.
    is_frame: bool,
}

impl Support {
    fn frame() -> Option<Self> {
        Some(Self { is_frame: true, ..Self::default() })
    }
}

/// A line between the head of a table and its rows.
fn is_rule(piece: &str) -> bool {
    let piece = piece.trim();
    piece.starts_with('|') && piece.contains('-') && piece.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// What a sentence rests on; `None` if it says what has no source.
fn supported(piece: &str, evidence: &Evidence, is_head: bool) -> Option<Support> {
    if !piece.contains(char::is_alphanumeric) {
        return Support::frame();
    }
    let (references, piece) = match evidence.has_searched {
        true => passages::references(piece),
        false => (Vec::new(), piece.to_owned()),
    };
    let cited: Vec<&Told> = references.iter().map(|number| evidence.passages.iter().find(|told| told.reference == *number)).collect::<Option<_>>()?;
    if !cited.is_empty() && !passages::quotes_stand(&piece, &cited) {
        return None;
    }
    let (figures, told) = figures_of(&piece, evidence, &cited)?;
    let support = Support { figures, cited: references, is_frame: false };
    if evidence.is_trusted || kinds::stands(&piece, evidence) {
        return Some(support);
    }
    let stems: Vec<String> = words::content(&piece).map(|word| words::stem(&word)).collect();
    if !cited.is_empty() {
        let known = told.by_passages + stems.iter().filter(|stem| evidence.told.contains(*stem) || cited.iter().any(|told| told.uses(stem))).count();
        return is_mostly(known, stems.len() + told.by_passages).then_some(support);
    }
    if is_head && evidence.has_results() {
        return Support::frame();
    }
    if piece.trim_end().ends_with(':') {
        // It stands before what stands, so that each of its words must be one that is known: "Ernst Handel is bankrupt:".
        return if words::content(&piece).all(|word| kinds::is_given(&word, evidence)) { Support::frame() } else { None };
    }
    let in_words_of_results = |text: &str| {
        let stems: Vec<String> = words::content(text).map(|word| words::stem(&word)).collect();
        is_mostly(stems.iter().filter(|stem| evidence.told.contains(*stem)).count(), stems.len())
    };
    let stands = match is_row(&piece) {
        // Each cell says something of its own.
        true => evidence.has_results() && piece.split('|').all(|cell| cell.contains(|c: char| c.is_ascii_digit()) || in_words_of_results(cell)),
        false => told.by_results > 0 || in_words_of_results(&piece),
    };
    stands.then_some(support)
}

/// Whether at least half of what is said is known. What says nothing is.
fn is_mostly(known: usize, of: usize) -> bool {
    2 * known >= of
}

/// How many figures of a sentence have which source.
#[derive(Default)]
struct Sourced {
    by_passages: usize,
    by_results: usize,
}

/// The figures of a sentence with their queries; `None` if one has no source.
fn figures_of(piece: &str, evidence: &Evidence, cited: &[&Told]) -> Option<(Vec<Figure>, Sourced)> {
    let named = if evidence.is_trusted { Named::default() } else { evidence.rows.named(&piece.to_lowercase()) };
    let bare = evidence.without_names(&piece[figures::ordinal(piece)..]);
    let (mut figures, mut sourced) = (Vec::new(), Sourced::default());
    for found in figures::find(&bare) {
        if cited.iter().any(|told| told.says(&found)) {
            sourced.by_passages += 1;
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
                if let Some(known) = source(&token, evidence, &named) {
                    sourced.by_results += 1;
                    figures.extend(known.query.as_ref().map(|query| Figure { value: known.plain.clone(), query: query.to_string() }));
                } else if !is_of_the_question(&token, evidence) {
                    return None;
                }
            }
        }
    }
    Some((figures, sourced))
}

/// The newest result that says the number, of those that may say it of the records that the sentence names.
fn source<'a>(token: &Token, evidence: &'a Evidence, named: &Named) -> Option<&'a Known> {
    let says =
        |known: &&Known| evidence.rows.may_tell(named, known.row) && token.readings.iter().any(|reading| matches(*reading, known.value, token.is_percentage));
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
        || token.counts_rows && token.readings.iter().any(|value| evidence.rows_shown.contains(value))
}

#[cfg(test)]
mod tests;
