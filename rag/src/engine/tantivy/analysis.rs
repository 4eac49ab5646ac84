//! How text becomes words, for passages and for questions alike.
//!
//! A word is folded: compatibility forms, case and diacritics are gone, `ß` is `ss`; an umlaut also counts in its
//! transcription, so that `Müller`, `Muller` and `Mueller` find each other. Beside the folded form stand its English and
//! German stems. What is written together with signs inside (`SO-2026-00042`, `QUICK-Stop`, `1,234.50`, an e-mail
//! address) counts by its parts and as a whole without the signs, so that it does not matter which signs were typed.
//!
//! Nothing here is a query language: quotes, operators and brackets are signs between words. There are no stop words;
//! frequent words weigh little by themselves.

use frostem::{Algorithm, Stemmer};
use std::collections::HashSet;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longer words are cut, in passages and questions alike, so that they still find each other.
const WORD_BYTES_MAX: usize = 64;
/// More of a question is not read.
const QUESTION_BYTES_MAX: usize = 16 * 1024;
/// Further words of a question do not count.
pub(super) const WORDS_MAX: usize = 64;
/// A shorter beginning is no beginning: too much starts with a single letter.
const PREFIX_CHARACTERS_MIN: usize = 2;

/// A word as it stands in a text. Its forms are alternatives: any of them is the word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub exact: Vec<String>,
    pub stems: Vec<String>,
    /// Which run of characters between blanks it comes from, and whether it reaches to the end of it.
    run: usize,
    last: bool,
}

/// A word of a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub exact: Vec<String>,
    pub stems: Vec<String>,
    /// Beginnings of words that count as this one; empty unless it may be incomplete.
    pub prefixes: Vec<String>,
}

/// The distinct words of a question, the first [`WORDS_MAX`] of them.
pub(crate) fn question(text: &str, prefix: bool) -> Vec<Word> {
    let tokens = tokens(&text[..text.floor_char_boundary(QUESTION_BYTES_MAX)]);
    let end = tokens.last().map(|token| token.run);
    let mut seen = HashSet::new();
    let mut words = Vec::new();
    for token in tokens {
        let begun = prefix && token.last && Some(token.run) == end;
        // A word that is repeated at the end may be the beginning of another one there.
        if !seen.insert((token.exact.clone(), begun)) {
            continue;
        }
        let prefixes = token.exact.iter().filter(|form| begun && form.chars().count() >= PREFIX_CHARACTERS_MIN).cloned().collect();
        words.push(Word { exact: token.exact, stems: token.stems, prefixes });
        if words.len() == WORDS_MAX {
            break;
        }
    }
    words
}

pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (run, raw) in text.split_whitespace().enumerate() {
        let (plain, transcribed) = fold(without_possessive(raw));
        let (parts, joined) = parts(&plain);
        let transcribed = transcribed.map(|form| self::parts(&form).0.into_iter().map(str::to_owned).collect::<Vec<_>>());
        let alternative = |at: usize| transcribed.as_ref().and_then(|parts| parts.get(at)).map(String::as_str);
        for (at, part) in parts.iter().enumerate() {
            tokens.push(token(part, alternative(at), run, at + 1 == parts.len()));
        }
        if joined {
            let whole = transcribed.as_ref().map(|parts| parts.concat());
            tokens.push(token(&parts.concat(), whole.as_deref(), run, true));
        }
    }
    tokens
}

fn token(plain: &str, transcribed: Option<&str>, run: usize, last: bool) -> Token {
    let mut exact: Vec<String> = Vec::with_capacity(1);
    let mut stems: Vec<String> = Vec::with_capacity(2);
    for form in [Some(plain), transcribed].into_iter().flatten() {
        let form = &form[..form.floor_char_boundary(WORD_BYTES_MAX)];
        if !exact.iter().any(|known| known == form) {
            exact.push(form.to_owned());
        }
        if form.contains(|c: char| !c.is_alphabetic()) {
            stems.push(form.to_owned());
            continue;
        }
        for algorithm in [Algorithm::English, Algorithm::German] {
            let stem = Stemmer::new(algorithm).stem(form);
            if !stems.iter().any(|known| *known == stem) {
                stems.push(stem.into_owned());
            }
        }
    }
    Token { exact, stems, run, last }
}

fn without_possessive(raw: &str) -> &str {
    let word = raw.trim_end_matches(|c: char| !c.is_alphanumeric());
    let bare = word.strip_suffix(['s', 'S']).and_then(|word| word.strip_suffix(['\'', '’']));
    bare.filter(|bare| !bare.is_empty()).unwrap_or(raw)
}

/// The folded form, and the one with transcribed umlauts where there are any.
fn fold(raw: &str) -> (String, Option<String>) {
    if raw.is_ascii() {
        return (raw.to_ascii_lowercase(), None);
    }
    let mut plain = String::with_capacity(raw.len());
    let mut transcribed = String::with_capacity(raw.len());
    let mut umlauts = false;
    for c in raw.nfkd().flat_map(char::to_lowercase) {
        if is_combining_mark(c) {
            if c == '\u{308}' && transcribed.ends_with(['a', 'o', 'u']) {
                transcribed.push('e');
                umlauts = true;
            }
            continue;
        }
        let letters = match c {
            'ß' => "ss",
            'æ' => "ae",
            'œ' => "oe",
            'ø' => "o",
            'đ' | 'ð' => "d",
            'þ' => "th",
            'ł' => "l",
            'ı' => "i",
            _ => {
                plain.push(c);
                transcribed.push(c);
                continue;
            }
        };
        plain.push_str(letters);
        transcribed.push_str(letters);
    }
    (plain, umlauts.then_some(transcribed))
}

/// The runs of letters and digits, and whether signs joined them. Scripts that are written without blanks give a part
/// for each character.
fn parts(folded: &str) -> (Vec<&str>, bool) {
    let mut parts = Vec::new();
    let mut joined = false;
    for run in folded.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        joined |= !parts.is_empty();
        let mut start = 0;
        for (at, c) in run.char_indices().filter(|(_, c)| is_unspaced(*c)) {
            if start < at {
                parts.push(&run[start..at]);
            }
            start = at + c.len_utf8();
            parts.push(&run[at..start]);
        }
        if start < run.len() {
            parts.push(&run[start..]);
        }
    }
    (parts, joined)
}

/// Han, Hiragana, Katakana and Thai.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests;
