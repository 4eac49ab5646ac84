//! The words of a question, and which of them are explained.

use crate::lexicon::{Lexicon, Meaning, fold, stem, words};

/// Words that carry no condition of their own, in English and German. What is neither here nor explained is named to the
/// person instead of being ignored.
const SILENT: &str = "a an the of in on at to from for with and or by per is are was were be been has have had do does did what whats which who how many much me my we our us i you \
    can could would please show list give tell find get display see all there that this these those it its their them his her any every each number count total sum amount overall \
    place placed make made buy bought sell sold order ordered book booked place currently now so far still today about as than ever existing exist value within during while \
    der die das den dem des ein eine einen einem einer und oder von vom zu zum zur im in am an auf fur mit bei nach je pro ist sind war waren wurde wurden hat haben hatte hatten gibt es \
    was welche welcher welches welchen wer wie viele viel mir uns ich wir bitte zeige zeig liste nenne alle anzahl summe gesamt insgesamt betrag wert bestellt bestellte verkauft gekauft getatigt aufgegeben \
    hoch gross high large come came kommt machte gemacht derzeit aktuell jetzt noch ihre ihr ihren deren dies diese dieser";

/// Words before a noun that a phrase of the catalogue leaves out.
const DETERMINERS: [&str; 22] = [
    "a", "an", "the", "its", "their", "his", "her", "our", "my", "der", "die", "das", "dem", "den", "des", "ihr", "ihre", "ihrem", "ihren", "ihrer", "seinem",
    "seiner",
];

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) fold: String,
    pub(crate) stem: String,
    pub(crate) used: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) meanings: Vec<Meaning>,
}

#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) tokens: Vec<Token>,
    pub(crate) spans: Vec<Span>,
}

impl Reading {
    pub(crate) fn of(text: &str) -> Self {
        let tokens = words(text)
            .map(|word| {
                let fold = fold(word);
                Token { text: word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word).to_owned(), stem: stem(&fold), fold, used: false }
            })
            .collect();
        Self { tokens, spans: Vec::new() }
    }

    /// Finds the phrases that the lexicon knows among the words that nothing explained yet.
    pub(crate) fn mark(&mut self, lexicon: &Lexicon) {
        let mut i = 0;
        while i < self.tokens.len() {
            let free = self.tokens[i..].iter().take_while(|token| !token.used).enumerate();
            let exact: Vec<&str> = free.clone().map(|(_, token)| token.stem.as_str()).collect();
            // "Below their reorder level" is "below reorder level".
            let bare: Vec<(usize, &str)> =
                free.filter(|(at, token)| *at == 0 || !DETERMINERS.contains(&token.fold.as_str())).map(|(at, token)| (at, token.stem.as_str())).collect();
            let found = lexicon.longest(&exact);
            let loose =
                lexicon.longest(&bare.iter().map(|(_, stem)| *stem).collect::<Vec<_>>()).filter(|(len, _)| found.as_ref().is_none_or(|(known, _)| len > known));
            let loose = loose.and_then(|(len, meanings)| Some((bare.get(len.checked_sub(1)?)?.0 + 1, meanings)));
            match loose.or(found) {
                Some((len, meanings)) => {
                    self.spans.push(Span { start: i, len, meanings });
                    i += len;
                }
                None => i += 1,
            }
        }
    }

    pub(crate) fn fold_at(&self, i: usize) -> &str {
        self.tokens.get(i).map_or("", |token| token.fold.as_str())
    }

    pub(crate) fn take(&mut self, start: usize, len: usize) {
        self.tokens.iter_mut().skip(start).take(len).for_each(|token| token.used = true);
    }

    pub(crate) fn is_silent(fold: &str) -> bool {
        SILENT.split_ascii_whitespace().any(|word| word == fold)
    }

    /// Runs of words that nothing explains: names, or what the planner does not understand. A silent word inside a run
    /// that has capitals on both sides belongs to it ("Save a lot").
    pub(crate) fn runs(&self) -> Vec<(usize, usize)> {
        let free = |i: usize| self.tokens.get(i).is_some_and(|token| !token.used && !Self::is_silent(&token.fold));
        let inner = |i: usize| {
            self.tokens.get(i).is_some_and(|token| !token.used) && free(i + 1) && self.tokens[i + 1].text.chars().next().is_some_and(char::is_uppercase)
        };
        let mut runs = Vec::new();
        let mut i = 0;
        while i < self.tokens.len() {
            if !free(i) {
                i += 1;
                continue;
            }
            let start = i;
            while free(i) || (i > start && inner(i)) {
                i += 1;
            }
            runs.push((start, i - start));
        }
        runs
    }

    pub(crate) fn text_of(&self, start: usize, len: usize) -> String {
        self.tokens.iter().skip(start).take(len).map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// A number as people write it: `1,000.50`, `1.000,50`, `12`, or a small number word.
pub(crate) fn number(fold: &str) -> Option<rust_decimal::Decimal> {
    const SMALL: [&[&str]; 13] = [
        &["zero", "null"],
        &["one", "eins", "ein"],
        &["two", "zwei"],
        &["three", "drei"],
        &["four", "vier"],
        &["five", "funf"],
        &["six", "sechs"],
        &["seven", "sieben"],
        &["eight", "acht"],
        &["nine", "neun"],
        &["ten", "zehn"],
        &["eleven", "elf"],
        &["twelve", "zwolf"],
    ];
    if let Some(n) = SMALL.iter().position(|names| names.contains(&fold)) {
        return Some(rust_decimal::Decimal::from(n));
    }
    if !fold.starts_with(|c: char| c.is_ascii_digit()) || fold.chars().any(|c| !(c.is_ascii_digit() || c == '.' || c == ',')) {
        return None;
    }
    let (comma, dot) = (fold.rfind(','), fold.rfind('.'));
    let decimal = match (comma, dot) {
        (Some(c), Some(d)) => Some(c.max(d)),
        // One separator with three digits after it groups thousands, else it is the decimal one.
        (Some(at), None) | (None, Some(at)) => (fold.len() - at - 1 != 3).then_some(at),
        (None, None) => None,
    };
    let plain: String = fold
        .char_indices()
        .filter_map(|(i, c)| {
            if c.is_ascii_digit() {
                Some(c)
            } else if Some(i) == decimal {
                Some('.')
            } else {
                None
            }
        })
        .collect();
    plain.parse().ok()
}
