//! A piece of a passage that shows why it was found. Made only of text that was read again under the asker's rights.

use super::words::Words;
use std::ops::Range;

/// Bytes of a snippet.
pub const SNIPPET_MAX: usize = 320;
/// What is shown before the first word that was asked for, in bytes.
const LEAD: usize = 60;
/// Words that are marked.
const SPANS_MAX: usize = 24;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// A slice of the passage.
    pub text: String,
    /// Bytes of `text` that are words of the question, in their order, without overlap.
    pub spans: Vec<Range<usize>>,
    /// There is text before and after it.
    pub cut_before: bool,
    pub cut_after: bool,
}

impl Snippet {
    /// The part of `text` with the most words of the question, cut between words.
    pub(super) fn of(text: &str, words: &Words) -> Self {
        let spans = words.spans(text);
        let window = window(text, &spans);
        let mut within: Vec<Range<usize>> = spans
            .into_iter()
            .filter(|span| window.start <= span.start && span.end <= window.end)
            .map(|span| span.start - window.start..span.end - window.start)
            .collect();
        within.truncate(SPANS_MAX);
        Self {
            text: text[window.clone()].to_owned(),
            spans: within,
            cut_before: !text[..window.start].trim().is_empty(),
            cut_after: !text[window.end..].trim().is_empty(),
        }
    }

    /// The text in pieces, each with whether it is a word of the question: for doors that mark them.
    pub fn pieces(&self) -> Vec<(&str, bool)> {
        pieces(&self.text, &self.spans)
    }
}

/// `text` in pieces, each with whether it lies in one of the spans.
pub fn pieces<'a>(text: &'a str, spans: &[Range<usize>]) -> Vec<(&'a str, bool)> {
    let mut pieces = Vec::with_capacity(spans.len() * 2 + 1);
    let mut at = 0;
    for span in spans {
        pieces.push((&text[at..span.start], false));
        pieces.push((&text[span.clone()], true));
        at = span.end;
    }
    pieces.push((&text[at..], false));
    pieces.retain(|(piece, _)| !piece.is_empty());
    pieces
}

/// Bytes of the text to show.
fn window(text: &str, spans: &[Range<usize>]) -> Range<usize> {
    let blank = text.len() - text.trim_start().len();
    let trimmed = blank..blank + text.trim().len();
    if trimmed.len() <= SNIPPET_MAX {
        return trimmed;
    }
    // The earliest of the best beginnings.
    let fits = |start: usize| spans.iter().filter(|span| start <= span.start && span.end <= start + SNIPPET_MAX).count();
    let mut best = (0, trimmed.start);
    for span in spans {
        let start = span.start.saturating_sub(LEAD).max(trimmed.start);
        let count = fits(start);
        if count > best.0 {
            best = (count, start);
        }
    }
    let start = begin_at_word(text, best.1, trimmed.start, spans);
    let end = end_at_word(text, start, (start + SNIPPET_MAX).min(trimmed.end));
    start..end
}

/// The next beginning of a word, but never beyond the word that is to be shown.
fn begin_at_word(text: &str, wanted: usize, first: usize, spans: &[Range<usize>]) -> usize {
    if wanted <= first {
        return first;
    }
    let wanted = text.ceil_char_boundary(wanted);
    let shown = spans.iter().map(|span| span.start).find(|start| *start >= wanted).unwrap_or(text.len());
    let blank = text[wanted..shown].find(char::is_whitespace).map(|at| wanted + at);
    match blank {
        Some(blank) => blank + (text[blank..].len() - text[blank..].trim_start().len()),
        None => wanted,
    }
}

/// The last end of a word that fits; within a word where it alone is too long.
fn end_at_word(text: &str, start: usize, wanted: usize) -> usize {
    let wanted = text.floor_char_boundary(wanted);
    if text[wanted..].trim().is_empty() || text[wanted..].starts_with(char::is_whitespace) {
        return start + text[start..wanted].trim_end().len();
    }
    match text[start..wanted].rfind(char::is_whitespace) {
        Some(blank) if !text[start..start + blank].trim().is_empty() => start + text[start..start + blank].trim_end().len(),
        _ => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_text_is_shown_whole() {
        let snippet = Snippet::of("  Pays late, always late. ", &Words::of("late", false));
        assert_eq!(snippet, Snippet { text: "Pays late, always late.".into(), spans: vec![5..9, 18..22], cut_before: false, cut_after: false });
        assert_eq!(snippet.pieces(), [("Pays ", false), ("late", true), (", always ", false), ("late", true), (".", false)]);
    }

    #[test]
    fn of_a_long_text_the_part_with_most_of_the_words_is_shown() {
        let text = format!("whale {}the white whale swims {}", "nothing here ".repeat(60), "nothing there ".repeat(60));
        let snippet = Snippet::of(&text, &Words::of("white whale", false));
        let marked: Vec<&str> = snippet.spans.iter().map(|span| &snippet.text[span.clone()]).collect();
        assert_eq!(marked, ["white", "whale"]);
        assert!(snippet.cut_before && snippet.cut_after && snippet.text.len() <= SNIPPET_MAX, "{snippet:?}");
        assert!(snippet.text.starts_with("nothing") || snippet.text.starts_with("here"), "{snippet:?}");
    }

    proptest! {
        #[test]
        fn a_snippet_is_a_bounded_slice_with_spans_inside_it(text in "[\\PC\\s]{0,900}", asked in "\\PC{0,20}", taken in 0_usize..900) {
            // Also words that are in the text.
            let asked = format!("{asked} {}", text.chars().skip(taken).take(12).collect::<String>());
            let words = Words::of(&asked, true);
            let snippet = Snippet::of(&text, &words);
            prop_assert!(text.contains(&snippet.text) && snippet.text.len() <= SNIPPET_MAX);
            prop_assert_eq!(snippet.text.trim().is_empty(), text.trim().is_empty());
            let mut end = 0;
            for span in &snippet.spans {
                prop_assert!(span.start >= end && span.start < span.end && snippet.text.get(span.clone()).is_some());
                end = span.end;
            }
            let again: String = snippet.pieces().into_iter().map(|(piece, _)| piece).collect();
            prop_assert_eq!(again, snippet.text);
        }
    }
}
