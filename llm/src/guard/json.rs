//! The strings and numbers of a JSON text, by their places, so that all else stays byte for byte as it was.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;

/// What a part of a JSON text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Key,
    String,
    Number,
}

/// One string, with its quotes, or one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) range: Range<usize>,
    pub(super) role: Role,
}

/// The parts of a JSON text in order; `None` if it is none.
pub(super) fn parts(text: &str) -> Option<Vec<Part>> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    // From here on the text is known to be JSON, so that a few characters tell what is what.
    let bytes = text.as_bytes();
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let end = match byte {
            b'"' => {
                let end = string_end(bytes, at + 1);
                let is_key = bytes[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                parts.push(Part { range: at..end, role: if is_key { Role::Key } else { Role::String } });
                end
            }
            b'-' | b'0'..=b'9' => {
                let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')).count();
                parts.push(Part { range: at..at + length, role: Role::Number });
                at + length
            }
            _ => at + 1,
        };
        at = end;
    }
    Some(parts)
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The text that a string with its quotes means; `None` if it is no text, such as half a surrogate pair.
pub(super) fn decoded(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?;
    if inner.contains('\\') { serde_json::from_str(quoted).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// A text as a JSON string with its quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    escape_into(text, &mut quoted);
    quoted.push('"');
    quoted
}

/// A text as the inside of a JSON string.
pub(super) fn escape_into(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                out.push_str("\\u00");
                for digit in [u32::from(c) >> 4, u32::from(c) & 15] {
                    out.push(char::from_digit(digit, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
    }
}

/// Whether a text that is no JSON holds escapes for characters of ASCII, behind which a value could hide.
pub(super) fn hides_ascii(text: &str) -> bool {
    text.match_indices("\\u00").any(|(at, _)| {
        let code = text.get(at + 4..at + 6).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        code.is_some_and(|code| (0x20..0x7f).contains(&code))
    })
}

/// Whether a string may itself be JSON worth looking into.
pub(super) fn is_nested(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('{') || text.starts_with('[') || text.starts_with('"')
}
