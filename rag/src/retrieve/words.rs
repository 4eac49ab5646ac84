//! Where the words of a question stand in a text: by the same folding and the same stems as the text index, so that what
//! is found there is highlighted here.

use crate::engine::tantivy::analysis::{Token, is_unspaced, question, tokens};
use std::collections::HashSet;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

pub(super) struct Words {
    exact: HashSet<String>,
    stems: HashSet<String>,
    /// Beginnings of words that count as the last one.
    prefixes: Vec<String>,
}

impl Words {
    /// `prefix`: the last word may be the beginning of one.
    pub(super) fn of(text: &str, prefix: bool) -> Self {
        let mut words = Self { exact: HashSet::new(), stems: HashSet::new(), prefixes: Vec::new() };
        for word in question(text, prefix) {
            words.exact.extend(word.exact);
            words.stems.extend(word.stems);
            words.prefixes.extend(word.prefixes);
        }
        words
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty()
    }

    /// Whether any word of the question stands in the text.
    pub(super) fn stand_in(&self, text: &str) -> bool {
        text.split_whitespace().any(|run| self.any(&tokens(run)))
    }

    /// Bytes of the words in `text` that are words of the question, in their order, without overlap.
    pub(super) fn spans(&self, text: &str) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        for run in runs(text) {
            let raw = &text[run.clone()];
            if !self.any(&tokens(raw)) {
                continue;
            }
            let before = spans.len();
            for part in parts(raw).into_iter().filter(|part| self.any(&tokens(&raw[part.clone()]))) {
                spans.push(run.start + part.start..run.start + part.end);
            }
            // What counts only as a whole, such as a number with signs inside.
            if spans.len() == before {
                let parts = parts(raw);
                if let (Some(first), Some(last)) = (parts.first(), parts.last()) {
                    spans.push(run.start + first.start..run.start + last.end);
                }
            }
        }
        spans
    }

    fn any(&self, tokens: &[Token]) -> bool {
        tokens.iter().any(|token| {
            token.exact.iter().any(|form| self.exact.contains(form) || self.prefixes.iter().any(|beginning| form.starts_with(beginning.as_str())))
                || token.stems.iter().any(|stem| self.stems.contains(stem))
        })
    }
}

/// What stands between blanks.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    text.split(char::is_whitespace).filter_map(move |run| {
        let start = at;
        // A blank may be longer than one byte: the next run begins where the text says so.
        at = start + run.len() + text[start + run.len()..].chars().next().map_or(0, char::len_utf8);
        (!run.is_empty()).then(|| start..start + run.len())
    })
}

/// The words of a run as they are written: letters and digits with the marks upon them. Scripts without blanks give one
/// for each character.
fn parts(run: &str) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for (at, c) in run.char_indices() {
        let end = at + c.len_utf8();
        match parts.last_mut() {
            Some(last) if last.end == at && is_combining_mark(c) => last.end = end,
            Some(last) if open && last.end == at && is_word(c) && !is_unspaced(c) => last.end = end,
            _ if is_word(c) => {
                parts.push(at..end);
                open = !is_unspaced(c);
            }
            _ => open = false,
        }
    }
    parts
}

/// Whether folding makes letters or digits of it, as it does of `™` and `🄕`.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && std::iter::once(c).nfkd().any(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked<'a>(question: &str, text: &'a str) -> Vec<&'a str> {
        Words::of(question, false).spans(text).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn words_are_marked_as_they_are_written() {
        assert_eq!(marked("mueller", "An Müller, Mu\u{308}ller und Möller."), ["Müller", "Mu\u{308}ller"]);
        assert_eq!(marked("invoice", "Two INVOICES (invoiced)."), ["INVOICES", "invoiced"]);
        assert_eq!(marked("2026", "order SO-2026-00042"), ["2026"]);
        assert_eq!(marked("so2026", "order <SO-2026>!"), ["SO-2026"]);
        assert_eq!(marked("京", "\u{3000}東京\u{3000}"), ["京"]);
        // Signs that are folded to letters.
        assert_eq!(marked("f", "🄕 and x🄕"), ["🄕", "x🄕"]);
        assert_eq!(marked("stewardtm", "(Steward™)"), ["Steward™"]);
        assert_eq!(marked("absent", "nothing here"), Vec::<&str>::new());
    }

    #[test]
    fn the_beginning_of_the_last_word_marks_the_whole_word() {
        let text = "QUICK-Stop and a stopwatch";
        let spans = Words::of("stop", true).spans(text);
        assert_eq!(spans.into_iter().map(|span| &text[span]).collect::<Vec<_>>(), ["Stop", "stopwatch"]);
    }

    proptest! {
        #[test]
        fn spans_lie_in_the_text_in_order_and_each_is_a_word_of_the_question(question in "\\PC{0,40}", text in "[\\PC\\s]{0,200}", prefix in any::<bool>()) {
            let words = Words::of(&question, prefix);
            let spans = words.spans(&text);
            prop_assert_eq!(spans.is_empty(), !words.stand_in(&text));
            let mut end = 0;
            for span in spans {
                prop_assert!(span.start >= end && span.start < span.end, "{span:?} after {end}");
                end = span.end;
                let marked = text.get(span);
                prop_assert!(marked.is_some_and(|marked| words.stand_in(marked)), "{marked:?}");
            }
        }

        #[test]
        fn a_text_that_holds_the_question_has_it_marked(word in "[a-zA-ZäöüßéÄÖÜ0-9]{2,12}", before in "\\PC{0,30}", after in "\\PC{0,30}") {
            let text = format!("{before} {word} {after}");
            let marked = Words::of(&word, false).spans(&text).into_iter().map(|span| text[span].to_owned()).collect::<Vec<_>>();
            prop_assert!(marked.contains(&word), "{marked:?}");
        }
    }
}
