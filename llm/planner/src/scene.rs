//! What a question says, before it is decided what it is about: phrases of the catalogue, names, periods, comparisons.

use crate::dates::{self, Period};
use crate::lexicon::{Lexicon, Meaning};
use crate::names::{self, Name};
use crate::reading::{Reading, Span};
use crate::select::comparison;
use crate::shape::{self, Shape};
use crate::turn::{Planned, Turn};
use rust_decimal::Decimal;

#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) op: &'static str,
    pub(crate) number: Decimal,
    pub(crate) at: usize,
}

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) reading: Reading,
    pub(crate) shape: Shape,
    pub(crate) spans: Vec<Span>,
    pub(crate) names: Vec<Name>,
    pub(crate) periods: Vec<(usize, Period)>,
    /// Words that periods took.
    dated: Vec<bool>,
    pub(crate) compared: Vec<Comparison>,
    /// Words that neither the catalogue nor the language explains, whether or not a record is called so.
    pub(crate) unexplained: Vec<usize>,
}

impl Span {
    pub(crate) fn means_resource(&self, r: usize) -> bool {
        self.meanings.iter().any(|meaning| match meaning {
            Meaning::Resource(of) | Meaning::Field(of, _) | Meaning::Choice(of, ..) | Meaning::Measure(of, _) | Meaning::Filter(of, _) => *of == r,
        })
    }
}

impl Scene {
    pub(crate) fn of(turn: &Turn, lexicon: &Lexicon, text: &str) -> Planned<Self> {
        let mut reading = Reading::of(text);
        let mut compared = Vec::new();
        for i in 0..reading.tokens.len() {
            if let Some((op, number, len)) = comparison(&reading, i) {
                reading.take(i, len);
                compared.push(Comparison { op, number, at: i });
            }
        }
        let before: Vec<bool> = reading.tokens.iter().map(|token| token.used).collect();
        let periods = dates::take(&mut reading, turn.today());
        let dated = reading.tokens.iter().zip(before).map(|(token, before)| token.used && !before).collect();
        let shape = shape::read(&mut reading, lexicon);
        // Names come before phrases: any word may stand in one.
        reading.mark(lexicon);
        let open = open(&reading, &shape);
        let unexplained = (0..reading.tokens.len()).filter(|at| is_unexplained(&reading, &shape, *at)).collect();
        let names = names::find(turn, lexicon, &reading, &open)?;
        for name in &names {
            reading.take(name.start, name.len);
        }
        reading.spans.clear();
        reading.mark(lexicon);
        let spans = std::mem::take(&mut reading.spans);
        Ok(Self { reading, shape, spans, names, periods, dated, compared, unexplained })
    }

    pub(crate) fn is_dated(&self, at: usize) -> bool {
        self.dated.get(at).copied().unwrap_or(false)
    }

    /// Words that something must explain.
    pub(crate) fn wanted(&self) -> Vec<bool> {
        let mut wanted: Vec<bool> = self.reading.tokens.iter().map(|token| !token.used && !Reading::is_silent(&token.fold)).collect();
        let mut mark = |start: usize, end: usize, value: bool| wanted.iter_mut().take(end).skip(start).for_each(|wanted| *wanted = value);
        for span in &self.spans {
            mark(span.start, span.end(), !span.is_weak);
        }
        for name in &self.names {
            mark(name.start, name.end(), true);
        }
        for (at, _) in &self.periods {
            mark(*at, at + 1, true);
        }
        for one in &self.compared {
            mark(one.at, one.at + 1, true);
        }
        for at in &self.shape.negations {
            if !self.spans.iter().any(|span| span.start <= *at && *at < span.end()) && !self.names.iter().any(|name| name.start <= *at && *at < name.end()) {
                mark(*at, at + 1, true);
            }
        }
        wanted
    }
}

fn in_span(reading: &Reading, i: usize) -> bool {
    reading.spans.iter().any(|span| span.start <= i && i < span.end())
}

fn is_unexplained(reading: &Reading, shape: &Shape, i: usize) -> bool {
    let token = &reading.tokens[i];
    !token.used && !in_span(reading, i) && !Reading::is_silent(&token.fold) && !shape.negations.contains(&i)
}

/// Words at which a name may begin: those that nothing explains, and silent ones written like a name ("The Cracker Box").
fn open(reading: &Reading, shape: &Shape) -> Vec<bool> {
    let in_span = |i: usize| in_span(reading, i);
    let capital = |i: usize| reading.tokens.get(i).is_some_and(|token| !token.used && token.text.chars().next().is_some_and(char::is_uppercase));
    (0..reading.tokens.len())
        .map(|i| {
            let token = &reading.tokens[i];
            let article = i > 0
                && capital(i)
                && Reading::is_silent(&token.fold)
                && !in_span(i)
                && reading.tokens.get(i + 1).is_some()
                && plain_at(reading, i + 1, &in_span);
            // A plain number is a name only behind the noun that it numbers.
            let numeral = token.fold.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',');
            let numbered = i > 0 && (in_span(i - 1) || matches!(reading.fold_at(i - 1), "no" | "nr" | "number" | "nummer"));
            (is_unexplained(reading, shape, i) && (!numeral || numbered)) || article
        })
        .collect()
}

fn plain_at(reading: &Reading, i: usize, in_span: &impl Fn(usize) -> bool) -> bool {
    reading
        .tokens
        .get(i)
        .is_some_and(|token| !token.used && (!in_span(i) || token.text.chars().next().is_some_and(char::is_uppercase)) && !Reading::is_silent(&token.fold))
}
