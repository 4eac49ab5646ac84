//! Values come back into the arguments of tool calls, which are JSON and arrive in fragments.
//!
//! A placeholder is looked for in what the JSON means, not in how it is written: a model may escape any character of it. The value
//! is written as JSON strings need it, so that arguments that were valid stay valid.
//!
//! What is absent: JSON within a string of JSON. A value with quotes or line ends would need to be escaped twice there, and a stream
//! cannot tell; values of most classes hold neither.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Placeholders, json};

/// Restores the arguments of one tool call.
#[derive(Debug)]
pub struct Restoring {
    placeholders: Arc<Placeholders>,
    state: State,
    /// What may still become a placeholder: as it is written, and as it is meant.
    written: String,
    meant: String,
    /// An escape that is not complete.
    escape: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    Escape,
}

impl Restoring {
    /// Nothing has arrived yet.
    pub fn new(placeholders: Arc<Placeholders>) -> Self {
        Self { placeholders, state: State::Outside, written: String::new(), meant: String::new(), escape: String::new() }
    }

    /// Takes the next fragment and gives what may be passed on of it and of what was held.
    pub fn push(&mut self, fragment: &str) -> String {
        let mut out = String::with_capacity(fragment.len() + 16);
        if self.placeholders.is_empty() {
            out.push_str(fragment);
            return out;
        }
        for c in fragment.chars() {
            match (self.state, c) {
                (State::Outside, _) => {
                    out.push(c);
                    if c == '"' {
                        self.state = State::Inside;
                    }
                }
                (State::Inside, '"') => {
                    self.release(&mut out);
                    out.push('"');
                    self.state = State::Outside;
                }
                (State::Inside, '\\') => {
                    self.escape.push('\\');
                    self.state = State::Escape;
                }
                (State::Inside, _) => self.meet(Some(c), c.encode_utf8(&mut [0; 4]), &mut out),
                (State::Escape, _) => {
                    self.escape.push(c);
                    let needed = if self.escape.as_bytes()[1] == b'u' { 6 } else { 2 };
                    if self.escape.chars().count() >= needed {
                        let escape = std::mem::take(&mut self.escape);
                        self.state = State::Inside;
                        self.meet(unescaped(&escape), &escape, &mut out);
                    }
                }
            }
        }
        out
    }

    /// The end: what was held, which has not become a placeholder.
    pub fn finish(self) -> String {
        self.written + &self.escape
    }

    /// One character of a string, as it is meant and as it is written.
    fn meet(&mut self, meant: Option<char>, written: &str, out: &mut String) {
        let Some(c) = meant.filter(char::is_ascii) else {
            self.release(out);
            out.push_str(written);
            return;
        };
        if c == '[' {
            self.release(out);
        } else if self.meant.is_empty() {
            out.push_str(written);
            return;
        }
        self.meant.push(c);
        self.written.push_str(written);
        if let Some(value) = self.placeholders.value(&self.meant) {
            json::escape_into(value, out);
            self.meant.clear();
            self.written.clear();
        } else if !self.placeholders.begins(&self.meant) {
            self.release(out);
        }
    }

    /// What was held is no placeholder.
    fn release(&mut self, out: &mut String) {
        out.push_str(&self.written);
        self.written.clear();
        self.meant.clear();
    }
}

/// The character that an escape means; `None` for half a surrogate pair or nonsense, which is passed on as it stands.
fn unescaped(escape: &str) -> Option<char> {
    match escape.as_bytes().get(1)? {
        b'u' => u32::from_str_radix(escape.get(2..)?, 16).ok().and_then(char::from_u32),
        b'/' => Some('/'),
        b'"' => Some('"'),
        b'\\' => Some('\\'),
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        _ => None,
    }
}

/// Whole arguments with the values in them.
pub fn restore<'t>(arguments: &'t str, placeholders: &Arc<Placeholders>) -> Cow<'t, str> {
    if placeholders.is_empty() {
        return Cow::Borrowed(arguments);
    }
    let mut restoring = Restoring::new(placeholders.clone());
    let mut restored = restoring.push(arguments);
    restored.push_str(&restoring.finish());
    Cow::Owned(restored)
}

#[cfg(test)]
mod tests;
