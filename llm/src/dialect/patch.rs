//! Changes fields of a JSON object and leaves every other byte as it was.
//!
//! A body that only needs another model name or one more option is not read and written anew: numbers keep their digits, fields
//! their order, and unknown ones their place.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Value;

/// What is to become of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It has this value, wherever it stood; at the end if it was not there.
    Set(Value),
    /// It is not there.
    Remove,
}

/// The text is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is no JSON object")]
pub struct NotAnObject;

/// A field of the outermost object.
struct Field {
    name: String,
    /// From the quote of the name to the end of the value.
    whole: Range<usize>,
    value: Range<usize>,
}

/// The text with these changes of its outermost fields. A field that stands there twice is changed in both places.
pub fn patch(text: &str, changes: &[(&str, Change)]) -> Result<String, NotAnObject> {
    let (fields, close) = fields(text).ok_or(NotAnObject)?;
    let change_of = |name: &str| changes.iter().find(|(changed, _)| *changed == name).map(|(_, change)| change);
    let kept: Vec<&Field> = fields.iter().filter(|field| change_of(&field.name) != Some(&Change::Remove)).collect();
    let mut patched = String::with_capacity(text.len() + 64);
    match fields.first() {
        None => patched.push_str(&text[..close]),
        Some(first) => {
            patched.push_str(&text[..first.whole.start]);
            for (place, field) in kept.iter().enumerate() {
                if place > 0 {
                    patched.push_str(&text[before(&fields, field)..field.whole.start]);
                }
                match change_of(&field.name) {
                    Some(Change::Set(value)) => {
                        patched.push_str(&text[field.whole.start..field.value.start]);
                        patched.push_str(&value.to_string());
                    }
                    _ => patched.push_str(&text[field.whole.clone()]),
                }
            }
            patched.push_str(&text[fields.last().map_or(close, |last| last.whole.end)..close]);
        }
    }
    let mut is_empty = kept.is_empty();
    let mut end = patched.trim_end().len();
    for (name, change) in changes {
        if let Change::Set(value) = change
            && fields.iter().all(|field| field.name != *name)
        {
            let field = format!("{}{}:{value}", if is_empty { "" } else { "," }, Value::from(*name));
            patched.insert_str(end, &field);
            end += field.len();
            is_empty = false;
        }
    }
    patched.push_str(&text[close..]);
    Ok(patched)
}

/// Where what stands between a field and the one before it begins; the comma is part of it.
fn before(fields: &[Field], field: &Field) -> usize {
    fields.iter().rev().find(|other| other.whole.end <= field.whole.start).map_or(0, |other| other.whole.end)
}

/// The outermost fields, and where the object closes.
fn fields(text: &str) -> Option<(Vec<Field>, usize)> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let bytes = text.as_bytes();
    let mut at = skip_space(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at += 1;
    let mut fields = Vec::new();
    loop {
        at = skip_space(bytes, at);
        match bytes.get(at)? {
            b'}' => return Some((fields, at)),
            b',' => at += 1,
            _ => {
                let start = at;
                at = value_end(bytes, at);
                let name = serde_json::from_str(text.get(start..at)?).ok()?;
                at = skip_space(bytes, at);
                // The colon.
                let from = skip_space(bytes, at + 1);
                at = value_end(bytes, from);
                fields.push(Field { name, whole: start..at, value: from..at });
            }
        }
    }
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    at + bytes[at.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Where the value ends that begins here, in a text that is known to be JSON.
fn value_end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests;
