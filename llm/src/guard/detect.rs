//! Finds personal data and secrets in a text.
//!
//! Start at [`find`]: one pass over the bytes, which tries a detector only where its kind of thing can begin. Written by hand rather
//! than as regular expressions, because most of what is looked for has a checksum, and because every request pays for it.
//!
//! What is absent: names and addresses of people, which no pattern knows. A tenant lists those as rules of its own.
//!
//! **Invariant:** whether something is found depends only on itself, on the byte on either side and on a cue right before it, so
//! that a stream can be looked at piece by piece (see `output`).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use serde::{Deserialize, Serialize};

mod iban;
mod national;
mod numbers;
mod secrets;

pub(super) use secrets::{CUES as SECRET_CUES, names_a_secret};

pub(super) use self::numbers::PHONE_CUES;

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// An account number with a valid checksum.
    Iban,
    /// A payment card with a valid checksum.
    Card,
    /// An IPv4 or IPv6 address of somebody else than the machine itself.
    Ip,
    /// A national or tax id of a person.
    Id,
    /// A password, key or token.
    Secret,
    /// What a tenant's own rule names.
    Term,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 8] = [Self::Email, Self::Phone, Self::Iban, Self::Card, Self::Ip, Self::Id, Self::Secret, Self::Term];

    /// The word in placeholders.
    pub fn label(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::Iban => "IBAN",
            Self::Card => "CARD",
            Self::Ip => "IP",
            Self::Id => "ID",
            Self::Secret => "SECRET",
            Self::Term => "TERM",
        }
    }

    /// The stable code, for flags, refusals and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Iban => "iban",
            Self::Card => "card",
            Self::Ip => "ip",
            Self::Id => "id",
            Self::Secret => "secret",
            Self::Term => "term",
        }
    }
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) range: Range<usize>,
    pub(super) class: Class,
}

/// Adds what is found in `text`, in no order and with overlaps.
pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    let known = found.len();
    pass(text, found);
    // Detectors work on bytes; nothing may be cut within a character.
    for found in &mut found[known..] {
        found.range = text.floor_char_boundary(found.range.start)..text.ceil_char_boundary(found.range.end);
    }
}

fn pass(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hit = match byte {
            b'0'..=b'9' => first_of(&[numbers::card, national::id, ipv6, ipv4, numbers::phone], bytes, at),
            b'a'..=b'z' | b'A'..=b'Z' => {
                let (end, has_digit) = word(bytes, at);
                // Each of these has a digit in its first word or a colon right behind it.
                let may_be = has_digit || bytes.get(end) == Some(&b':');
                let hit = if may_be { first_of(&[iban::iban, national::lettered, ipv6], bytes, at) } else { None };
                let hit = if secrets::may_begin(bytes, at) {
                    // The cue itself may be the beginning of something else.
                    found.extend(secrets::assignment(bytes, at));
                    hit.or_else(|| first_of(&[secrets::token, numbers::after_a_cue], bytes, at))
                } else {
                    hit
                };
                if hit.is_none() {
                    at = end;
                    continue;
                }
                hit
            }
            b'+' | b'(' => first_of(&[numbers::phone], bytes, at),
            b'@' => email(text, at),
            b':' => first_of(&[secrets::credentials_in_a_url, ipv6], bytes, at),
            b'-' => secrets::private_key(bytes, at),
            _ => None,
        };
        at = match hit {
            // An address is found from its middle, and something else may begin in its right half.
            Some(hit) if hit.class == Class::Email => {
                found.push(hit);
                at + 1
            }
            Some(hit) => {
                let end = hit.range.end.max(at + 1);
                found.push(hit);
                end
            }
            None => word_end(bytes, at),
        };
    }
}

type Detector = fn(&[u8], usize) -> Option<Found>;

fn first_of(detectors: &[Detector], bytes: &[u8], at: usize) -> Option<Found> {
    detectors.iter().find_map(|detector| detector(bytes, at))
}

/// How long the character is that begins here, and whether it is a letter or digit. The bytes are those of a text.
fn character(bytes: &[u8], at: usize) -> (usize, bool) {
    let Some(first) = bytes.get(at) else { return (1, false) };
    let length = match first {
        0..=0x7f => return (1, first.is_ascii_alphanumeric()),
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    };
    let c = bytes.get(at..at + length).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|text| text.chars().next());
    (length, c.is_some_and(char::is_alphanumeric))
}

/// The end of the word that begins here, or of the character if none does.
fn word_end(bytes: &[u8], at: usize) -> usize {
    word(bytes, at).0
}

/// The end of the word that begins here, or of the character if none does, and whether a digit of ASCII is in it.
fn word(bytes: &[u8], at: usize) -> (usize, bool) {
    let (length, is_word) = character(bytes, at);
    let mut has_digit = bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = at + length;
    while is_word && end < bytes.len() {
        let (length, is_word) = character(bytes, end);
        if !is_word {
            break;
        }
        has_digit |= bytes[end].is_ascii_digit();
        end += length;
    }
    (end, has_digit)
}

fn word_before(bytes: &[u8], at: usize) -> bool {
    let start = (0..at).rev().take(4).find(|before| bytes[*before] & 0xc0 != 0x80);
    start.is_some_and(|start| character(bytes, start).1)
}

fn word_after(bytes: &[u8], at: usize) -> bool {
    character(bytes, at).1
}

fn found(range: Range<usize>, class: Class) -> Option<Found> {
    Some(Found { range, class })
}

/// The address around an `@`.
fn email(text: &str, at: usize) -> Option<Found> {
    let local_char = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'');
    let mut start = at;
    for (offset, c) in text[..at].char_indices().rev() {
        if !local_char(c) || at - offset > 128 {
            break;
        }
        start = offset;
    }
    start += text[start..at].len() - text[start..at].trim_start_matches(['.', '-', '\'', '%', '+']).len();
    if start == at {
        return None;
    }
    let domain = &text[at + 1..];
    let length =
        domain.char_indices().find(|(offset, c)| !(c.is_alphanumeric() || matches!(c, '.' | '-')) || *offset > 253).map_or(domain.len(), |(end, _)| end);
    let domain = domain[..length].trim_end_matches(['.', '-']);
    let last = domain.rsplit('.').next()?;
    let named = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    let top = last.chars().count() >= 2 && (last.chars().all(char::is_alphabetic) || last.starts_with("xn--"));
    if named && top { found(start..at + 1 + domain.len(), Class::Email) } else { None }
}

fn ipv4(bytes: &[u8], at: usize) -> Option<Found> {
    let joined = |byte: u8| matches!(byte, b'.' | b'-' | b'_' | b',');
    if word_before(bytes, at) || at.checked_sub(1).is_some_and(|before| joined(bytes[before])) || is_a_version(&bytes[..at]) {
        return None;
    }
    let length = bytes[at..].iter().take(16).take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let text = std::str::from_utf8(&bytes[at..at + length]).ok()?;
    let text = text.strip_suffix('.').unwrap_or(text);
    let end = at + text.len();
    let address: Ipv4Addr = text.parse().ok()?;
    if word_after(bytes, end) || address.is_loopback() || address.is_unspecified() || address.is_broadcast() {
        return None;
    }
    found(at..end, Class::Ip)
}

pub(super) const VERSION_CUES: [&str; 5] = ["version", "v", "release", "build", "firmware"];

/// Programs have versions of four numbers as well.
fn is_a_version(before: &[u8]) -> bool {
    let before = before.strip_suffix(b" ").unwrap_or(before);
    let start = before.len() - before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let word = if word_before(before, start) { &[] } else { &before[start..] };
    VERSION_CUES.iter().any(|cue| word.eq_ignore_ascii_case(cue.as_bytes()))
}

fn ipv6(bytes: &[u8], at: usize) -> Option<Found> {
    let inside = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
    if word_before(bytes, at) || at.checked_sub(1).is_some_and(|before| matches!(bytes[before], b':' | b'.')) {
        return None;
    }
    let length = bytes[at..].iter().take(46).take_while(|byte| inside(**byte) || **byte == b'.').count();
    let run = &bytes[at..at + length];
    if run.iter().filter(|byte| **byte == b':').count() < 2 {
        return None;
    }
    let text = std::str::from_utf8(run).ok()?.trim_end_matches('.');
    let text = if text.ends_with("::") { text } else { text.trim_end_matches(':') };
    let end = at + text.len();
    let address: Ipv6Addr = text.parse().ok()?;
    // Paths of programs, such as `add::bad`, are written with the same letters.
    let groups = text.split(':').filter(|group| !group.is_empty()).count();
    let plain = groups >= 3 || text.contains('.') || text.split(':').next().is_some_and(|first| first.bytes().any(|byte| byte.is_ascii_digit()));
    if !plain || word_after(bytes, end) || address.is_loopback() || address.is_unspecified() {
        return None;
    }
    found(at..end, Class::Ip)
}

#[cfg(test)]
mod tests;
