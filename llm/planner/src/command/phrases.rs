//! The words by which a command's inputs are called.

use crate::lexicon::{Command, Field, alike, fold, stem, words as split};
use crate::reading::Reading;

/// How many words from `at` on call the input: by the longest of its label and synonyms.
pub(super) fn length(input: &Field, reading: &Reading, at: usize) -> Option<usize> {
    // "Payment term (days)" is the payment term.
    let bare = input.label.split('(').next().unwrap_or_default().to_owned();
    let calls = |text: &String| {
        let words: Vec<String> = split(text).map(|word| stem(&fold(word))).collect();
        let fits = !words.is_empty() && words.iter().enumerate().all(|(n, word)| reading.is_free(at + n) && alike(word, &reading.tokens[at + n].stem));
        fits.then_some(words.len())
    };
    input.phrases().chain([&bare]).filter_map(calls).max()
}

/// The input that is called at `at`, with the number of words; of several the longest, and of those the first.
pub(super) fn input<'a>(command: &'a Command, reading: &Reading, at: usize) -> Option<(&'a Field, usize)> {
    let mut best: Option<(&Field, usize)> = None;
    for input in &command.inputs {
        let Some(len) = length(input, reading, at) else { continue };
        // A silent word is a noun behind an article: "raise the pay".
        let is_noun = at.checked_sub(1).is_some_and(|before| Reading::is_article(reading.fold_at(before)));
        let says = is_noun || (at..at + len).any(|word| !Reading::is_silent(reading.fold_at(word)));
        if says && best.is_none_or(|(_, known)| len > known) {
            best = Some((input, len));
        }
    }
    best
}
