//! Where a text may be cut so that what is found on either side is what would be found in the whole.

use std::ops::Range;

use super::super::detect::{PHONE_CUES, SECRET_CUES, VERSION_CUES};
use super::{Finding, Refused};

/// Longer than anything that is found across spaces.
const REACH: usize = 256;
/// How many places are tried for a cut in a long run of numbers.
const TRIES_MAX: usize = 16;
/// A word or a framed key that has not ended by then is not waited for.
const HELD_MAX: usize = 64 * 1024;

/// What separates words. Spaces that do not break hold numbers together, so they are part of a word here.
const SPACE: [char; 5] = [' ', '\n', '\t', '\r', '\u{c}'];

/// Words that stand between a cue and its value.
const LINKS: [&str; 7] = ["is", "ist", "lautet", "api", "key", "bearer", "basic"];

/// How much of the text cannot change any more.
pub(super) fn safe(text: &str, find: impl Fn(&str) -> Vec<Finding>) -> Result<usize, Refused> {
    let frames = Frames::of(text);
    let words = &text[..frames.open.unwrap_or(text.len())];
    // The last word may go on.
    let mut cut = word_start(words);
    let mut reached = false;
    loop {
        while let Some(frame) = frames.closed.iter().find(|frame| frame.start < cut && cut < frame.end) {
            cut = word_start(&words[..frame.start]);
        }
        match last_word(&words[..cut]) {
            Some((start, word)) if goes_on(word) => cut = start,
            _ => break,
        }
        if words.len() - cut > REACH {
            reached = true;
            break;
        }
    }
    if reached {
        // A long run of numbers, as in a table: what lies further back than anything reaches is settled.
        cut = settled(words, find);
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

/// Whether what begins with this word, or is announced by it, may go on behind the space.
fn goes_on(word: &str) -> bool {
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let is_group = word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    let announces = || {
        let ends = |cue: &str| bare.len().checked_sub(cue.len()).and_then(|at| bare.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(cue));
        SECRET_CUES.iter().chain(&PHONE_CUES).chain(&VERSION_CUES).chain(&LINKS).any(|cue| ends(cue))
    };
    has_digit || is_group || bare.is_empty() || announces()
}

/// A place further back than anything reaches, on both sides of which the same is found as without a cut.
fn settled(text: &str, find: impl Fn(&str) -> Vec<Finding>) -> usize {
    let whole = find(text);
    let mut end = text.floor_char_boundary(text.len().saturating_sub(REACH));
    for _ in 0..TRIES_MAX {
        let Some((start, _)) = last_word(&text[..end]) else { return 0 };
        let places =
            |findings: Vec<Finding>, from: usize| findings.into_iter().map(move |found| (found.range.start + from, found.range.end + from, found.class));
        if places(find(&text[..start]), 0).chain(places(find(&text[start..]), start)).eq(places(whole.clone(), 0)) {
            return start;
        }
        end = start;
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
