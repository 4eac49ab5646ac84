//! Where a text may be cut so that what is found on either side is what would be found in the whole.
//!
//! Start at [`safe`]. Between two words a text is cut unless something that is found may reach over the space: [`joins`] knows what the
//! detectors read across one, and a detector that reads more has to be told there. Only a run of words that all join, such as a line of
//! bare numbers, is held longer, until what stands further back can no longer reach its end.

use std::ops::Range;

use super::super::detect::{PHONE_CUES, SECRET_CUES, VERSION_CUES};
use super::{Finding, Refused};

/// Longer than a value with all that may announce it, in bytes.
const VALUE_MAX: usize = 320;
/// Longer than any number that is found across spaces, in letters and digits.
const NUMBER_MAX: usize = 40;
/// How many places are tried for a cut in a long run of numbers.
const TRIES_MAX: usize = 16;
/// A word or a framed key that has not ended by then is not waited for.
const HELD_MAX: usize = 64 * 1024;

/// What separates words. Spaces that do not break hold numbers together, so they are part of a word here.
const SPACE: [char; 5] = [' ', '\n', '\t', '\r', '\u{c}'];

/// Words that stand between a cue and its value.
const LINKS: [&str; 7] = ["is", "ist", "lautet", "api", "key", "bearer", "basic"];

/// What may stand between the digits of a number, beside a space.
const SEPARATORS: [char; 7] = ['-', '/', '.', '(', ')', '\u{a0}', '\u{202f}'];
/// Spaces and separators between two digits at most.
const SEPARATORS_MAX: usize = 3;
/// What may stand between a cue and its value, beside separators.
const SIGNS: [char; 8] = [':', '=', '"', '\'', '`', '*', '#', '+'];
/// An account number has groups of so many characters, some of which may be written together.
const GROUP: usize = 4;

/// How much of the text cannot change any more.
pub(super) fn safe(text: &str, find: impl Fn(&str) -> Vec<Finding>) -> Result<usize, Refused> {
    let frames = Frames::of(text);
    let words = &text[..frames.open.unwrap_or(text.len())];
    // The last word may go on.
    let mut cut = word_start(words);
    let mut is_settled = false;
    loop {
        while let Some(frame) = frames.closed.iter().find(|frame| frame.start < cut && cut < frame.end) {
            cut = word_start(&words[..frame.start]);
        }
        match last_word(&words[..cut]) {
            Some((start, word)) if joins(word, &words[start + word.len()..cut], words[cut..].chars().next()) => {
                is_settled = is_out_of_reach(word, &words[cut..]);
                if is_settled {
                    break;
                }
                cut = start;
            }
            _ => break,
        }
    }
    if is_settled {
        cut = settled(words, cut, find);
    }
    if text.len() - cut > HELD_MAX { Err(Refused::TooLong) } else { Ok(cut) }
}

/// Where the last word begins.
fn word_start(text: &str) -> usize {
    text.rfind(SPACE).map_or(0, |at| at + 1)
}

fn last_word(text: &str) -> Option<(usize, &str)> {
    let text = text.trim_end_matches(SPACE);
    let start = word_start(text);
    (!text.is_empty()).then(|| (start, &text[start..]))
}

/// Whether something that is found may reach from this word over the space behind it, of which `next` is the first character if it has
/// come. Only a private key, which has a frame, is found across the end of a line or a tab.
fn joins(word: &str, space: &str, next: Option<char>) -> bool {
    let is_one_line = space.bytes().all(|byte| byte == b' ');
    is_one_line && (announces(word) || number_goes_on(word, space, next) || account_goes_on(word, space, next))
}

/// Whether this word announces a value, or may stand between such a word and the value.
fn announces(word: &str) -> bool {
    let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    if bare.is_empty() {
        return word.chars().all(|c| SEPARATORS.contains(&c) || SIGNS.contains(&c));
    }
    let ends = |cue: &&str| bare.len().checked_sub(cue.len()).and_then(|at| bare.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(cue));
    SECRET_CUES.iter().chain(&PHONE_CUES).chain(&VERSION_CUES).chain(&LINKS).any(ends)
}

/// Whether the digits at the end of this word may go on: those of a card, a telephone or a person. They begin no word of letters.
fn number_goes_on(word: &str, space: &str, next: Option<char>) -> bool {
    let number = word.trim_end_matches(SEPARATORS);
    let before = number.trim_end_matches(|c: char| c.is_ascii_digit());
    let ends_in_digits = before.len() < number.len() && !before.ends_with(char::is_alphanumeric);
    ends_in_digits && space.len() <= SEPARATORS_MAX && next.is_none_or(|c| c.is_ascii_digit() || SEPARATORS.contains(&c))
}

/// Whether this word ends with whole groups of an account number, of which more may come.
fn account_goes_on(word: &str, space: &str, next: Option<char>) -> bool {
    let groups = word.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().as_bytes();
    // Before the first space small letters are written as well.
    let is_head = matches!(groups, [a, b, c, d, ..] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit());
    let is_middle = !groups.is_empty() && groups.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let is_whole = groups.len().is_multiple_of(GROUP) && (is_head || is_middle);
    is_whole && space.len() == 1 && next.is_none_or(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
}

/// Whether nothing that begins with this word or before it can reach the end of what follows: then it is known what is found of it.
fn is_out_of_reach(word: &str, rest: &str) -> bool {
    rest.len() > VALUE_MAX || !announces(word) && rest.chars().filter(|c| c.is_alphanumeric()).take(NUMBER_MAX + 1).count() > NUMBER_MAX
}

/// A place in a long run of numbers, there or further back, on both sides of which the same is found as without a cut; 0 if none is near.
fn settled(text: &str, mut cut: usize, find: impl Fn(&str) -> Vec<Finding>) -> usize {
    let places = |findings: Vec<Finding>, from: usize| findings.into_iter().map(move |found| (found.range.start + from, found.range.end + from, found.class));
    let whole = find(text);
    for _ in 0..TRIES_MAX {
        let Some((start, word)) = last_word(&text[..cut]) else { return 0 };
        let is_known = is_out_of_reach(word, &text[cut..]);
        if is_known && places(find(&text[..cut]), 0).chain(places(find(&text[cut..]), cut)).eq(places(whole.clone(), 0)) {
            return cut;
        }
        cut = start;
    }
    0
}

/// The private keys of a text, by their frames.
struct Frames {
    closed: Vec<Range<usize>>,
    /// Where one begins that is not closed yet.
    open: Option<usize>,
}

impl Frames {
    fn of(text: &str) -> Self {
        let mut frames = Self { closed: Vec::new(), open: None };
        let mut from = 0;
        while let Some(at) = text[from..].find("-----BEGIN ").map(|at| from + at) {
            let rest = &text[at + 11..];
            from = match rest.find("-----") {
                Some(name) if rest[..name].ends_with("PRIVATE KEY") => match closing(&rest[name + 5..]) {
                    Some(length) => {
                        let end = at + 11 + name + 5 + length;
                        frames.closed.push(at..end);
                        end
                    }
                    None => return Self { open: Some(at), ..frames },
                },
                // Its name has not come yet.
                None if rest.len() <= 64 => return Self { open: Some(at), ..frames },
                _ => at + 11,
            };
        }
        frames
    }
}

/// How far the closing line of a frame reaches.
fn closing(body: &str) -> Option<usize> {
    let end = body.find("-----END ")? + 9;
    Some(end + body[end..].find("-----")? + 5)
}
