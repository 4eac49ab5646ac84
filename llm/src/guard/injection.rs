//! How much a text looks like instructions to the model that reads it.
//!
//! Start at [`assess`]. It is a signal for people and logs, never the defence: what holds is that a model may do nothing that its
//! user may not, and nothing at all without a person's confirmation. The score is deterministic, and says by [`Feature`] where it
//! comes from; a feature counts once, however often it stands in the text.
//!
//! **Invariant:** an assessment holds names of features, never a word of the text.

use std::borrow::Cow;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::Regex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::sanitise::{self, Removed};

mod patterns;

/// More of a text is not looked at: an assessment is no reason to refuse.
const BYTES_MAX: usize = 256 * 1024;

/// One reason for suspicion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its stable name.
    pub name: &'static str,
    /// How much it tells by itself, of 1,000.
    pub weight: u32,
}

/// What a text looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// From 0 to 1,000.
    pub score: u32,
    /// The reasons, the heaviest first.
    pub features: Vec<Feature>,
}

/// From here on a text is worth a person's look: measured in the tests on published attacks and on ordinary letters.
pub const SUSPICIOUS: u32 = 500;

/// Assesses a text.
pub fn assess(text: &str) -> Assessment {
    let text = &text[..text.floor_char_boundary(BYTES_MAX)];
    let mut features = Vec::new();
    let (visible, removed) = sanitise::text(text, BYTES_MAX).unwrap_or((Cow::Borrowed(text), Removed::default()));
    hidden(removed, &mut features);
    if mixes_scripts(&visible) {
        add(&mut features, Feature { name: "mixed_scripts", weight: 250 });
    }
    plain(&visible, &mut features);
    // A message in tag characters is read as the letters that they stand for.
    for inner in decoded(text, &visible) {
        let mut within = Vec::new();
        plain(&inner, &mut within);
        if !within.is_empty() {
            add(&mut features, Feature { name: "encoded_instructions", weight: 500 });
            within.into_iter().for_each(|feature| add(&mut features, feature));
        }
    }
    features.sort_by_key(|feature| (std::cmp::Reverse(feature.weight), feature.name));
    let doubt = features.iter().fold(1_000_u64, |doubt, feature| doubt * u64::from(1_000 - feature.weight.min(1_000)) / 1_000);
    Assessment { score: 1_000 - u32::try_from(doubt).unwrap_or(0), features }
}

fn add(features: &mut Vec<Feature>, feature: Feature) {
    if features.iter().all(|known| known.name != feature.name) {
        features.push(feature);
    }
}

fn hidden(removed: Removed, features: &mut Vec<Feature>) {
    if removed.tags > 3 {
        add(features, Feature { name: "tag_characters", weight: 700 });
    }
    if removed.directions > 0 {
        add(features, Feature { name: "direction_overrides", weight: 250 });
    }
    if removed.invisible > 16 {
        add(features, Feature { name: "invisible_characters", weight: 250 });
    }
}

fn plain(text: &str, features: &mut Vec<Feature>) {
    patterns::find(&folded(text)).into_iter().for_each(|feature| add(features, feature));
}

/// Small letters without marks, letters that only look like Latin ones as those, single spaces.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    if text.is_ascii() {
        text.chars().for_each(|c| fold(c.to_ascii_lowercase(), &mut folded));
        return folded;
    }
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        fold(c, &mut folded);
    }
    folded
}

fn fold(c: char, folded: &mut String) {
    match c {
        'ß' => folded.push_str("ss"),
        '’' | '‘' | '`' | '´' => folded.push('\''),
        c if c.is_whitespace() && c != '\n' => {
            if !folded.ends_with([' ', '\n']) {
                folded.push(' ');
            }
        }
        c => folded.push(latin(c)),
    }
}

/// The Latin letter that a Cyrillic or Greek one looks like.
fn latin(c: char) -> char {
    match c {
        'а' | 'α' => 'a',
        'с' => 'c',
        'е' | 'ε' => 'e',
        'һ' => 'h',
        'і' | 'ι' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'ν' => 'v',
        'х' | 'χ' => 'x',
        'у' => 'y',
        c => c,
    }
}

/// Whether a word holds Latin letters beside Cyrillic or Greek ones.
fn mixes_scripts(text: &str) -> bool {
    !text.is_ascii()
        && text.split(|c: char| !c.is_alphabetic()).any(|word| {
            let is_foreign = |c: char| matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}');
            // Units and symbols, such as µm or Ω, stand alone.
            word.chars().count() > 3 && word.chars().any(|c| c.is_ascii_alphabetic()) && word.chars().any(is_foreign)
        })
}

static BASE64: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/_-]{24,}").ok());
static HEX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b(?:[0-9A-Fa-f]{2}[ :]?){16,}").ok());
static ESCAPES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?:(?:%|\\x|\\u00|&#x?0*)[0-9A-Fa-f]{2,3};?[A-Za-z ]{0,3}){6,}").ok());
static ESCAPE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(%|\\x|\\u00|&#x|&#)0*([0-9A-Fa-f]{2,3});?").ok());

/// Texts within the text: tag characters, base64, hexadecimal, escapes.
fn decoded(text: &str, visible: &str) -> Vec<String> {
    let mut inner = Vec::new();
    let tags: String =
        text.chars().filter_map(|c| u32::from(c).checked_sub(0xe0000).filter(|code| (0x20..0x7f).contains(code)).and_then(char::from_u32)).collect();
    inner.push(tags);
    let runs = |pattern: &LazyLock<Option<Regex>>| -> Vec<&str> {
        pattern.as_ref().map(|pattern| pattern.find_iter(visible).take(64).map(|run| run.as_str()).collect()).unwrap_or_default()
    };
    for run in runs(&BASE64) {
        inner.extend(STANDARD_NO_PAD.decode(run).or_else(|_| URL_SAFE_NO_PAD.decode(run)).ok().and_then(readable));
    }
    for run in runs(&HEX) {
        let digits: Vec<u8> = run.bytes().filter(u8::is_ascii_hexdigit).collect();
        let bytes = digits.chunks_exact(2).filter_map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect();
        inner.extend(readable(bytes));
    }
    if let Some(escape) = ESCAPE.as_ref() {
        for run in runs(&ESCAPES) {
            let replaced = escape.replace_all(run, |found: &regex::Captures<'_>| {
                let radix = if &found[1] == "&#" { 10 } else { 16 };
                u32::from_str_radix(&found[2], radix).ok().and_then(char::from_u32).map(String::from).unwrap_or_default()
            });
            inner.push(replaced.into_owned());
        }
    }
    inner.retain(|text| !text.is_empty());
    inner
}

/// Bytes that are words, not pictures or keys.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let letters = text.chars().filter(|c| c.is_alphabetic() || *c == ' ').count();
    (letters * 10 >= text.chars().count() * 8).then_some(text)
}

#[cfg(test)]
mod tests;
