//! The placeholders of one request, and how their values are put back into a text.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// Placeholders with their values. It holds what was masked, so it never leaves the process and shows nothing of itself.
#[derive(Clone, Default)]
pub struct Placeholders {
    values: BTreeMap<String, String>,
    longest: usize,
    /// What was found in the request, masked or not: a model may say it again.
    known: HashSet<String>,
}

impl Placeholders {
    pub(super) fn new(values: BTreeMap<String, String>, known: HashSet<String>) -> Self {
        let longest = values.keys().map(String::len).max().unwrap_or(0);
        Self { values, longest, known: known.iter().map(|value| bare(value)).collect() }
    }

    /// Whether nothing was masked.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many values were masked.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The text with the values in it. Only placeholders that were issued are replaced.
    pub fn restore<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.is_empty() || !text.contains('[') {
            return Cow::Borrowed(text);
        }
        let mut restored = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            restored.push_str(&rest[..open]);
            rest = &rest[open..];
            match self.at_start(rest) {
                Some((length, value)) => {
                    restored.push_str(value);
                    rest = &rest[length..];
                }
                None => {
                    restored.push('[');
                    rest = &rest[1..];
                }
            }
        }
        restored.push_str(rest);
        Cow::Owned(restored)
    }

    /// The placeholder with which a text begins: its length and its value.
    fn at_start(&self, text: &str) -> Option<(usize, &str)> {
        let close = text.bytes().take(self.longest).position(|byte| byte == b']')?;
        let value = self.values.get(&text[..=close])?;
        Some((close + 1, value))
    }

    pub(super) fn value(&self, placeholder: &str) -> Option<&str> {
        self.values.get(placeholder).map(String::as_str)
    }

    /// The placeholders that were issued.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Whether more text could make this the beginning of a placeholder into a whole one.
    pub(super) fn begins(&self, text: &str) -> bool {
        use std::ops::Bound::{Excluded, Unbounded};
        // Placeholders that begin with the text come right after it in order; a whole one is not a beginning.
        self.values.range::<str, _>((Excluded(text), Unbounded)).next().is_some_and(|(placeholder, _)| placeholder.starts_with(text))
    }

    /// Whether the request itself held this value, however it was grouped there.
    pub(super) fn knows(&self, value: &str) -> bool {
        self.known.contains(&bare(value))
    }
}

/// A value without the signs that only group it.
fn bare(value: &str) -> String {
    value.chars().filter(|c| c.is_alphanumeric() || *c == '@').flat_map(char::to_lowercase).collect()
}

impl fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placeholders").field("len", &self.len()).finish_non_exhaustive()
    }
}
