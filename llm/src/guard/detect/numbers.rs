//! Payment cards and telephone numbers, and how their digits are read.

use super::{Class, Found, found, word_after, word_before};

/// Digits with the separators between them left out.
pub(super) struct Digits {
    values: [u8; 24],
    ends: [usize; 24],
    /// Sizes of the groups that separators make.
    pub(super) groups: [usize; 24],
    groups_count: usize,
    count: usize,
}

impl Digits {
    /// Reads from a digit on: single separators may stand between digits.
    pub(super) fn read(bytes: &[u8], at: usize, separators: &[u8]) -> Self {
        let mut digits = Self { values: [0; 24], ends: [0; 24], groups: [0; 24], groups_count: 1, count: 0 };
        let mut next = at;
        while digits.count < digits.values.len() {
            let skip = separator(bytes, next, separators);
            match bytes.get(next + skip) {
                Some(byte) if byte.is_ascii_digit() => {
                    if skip > 0 && digits.count > 0 {
                        digits.groups_count += 1;
                    }
                    digits.groups[digits.groups_count - 1] += 1;
                    digits.values[digits.count] = byte - b'0';
                    next += skip + 1;
                    digits.ends[digits.count] = next;
                    digits.count += 1;
                }
                _ => break,
            }
        }
        digits
    }

    pub(super) fn all(&self) -> &[u8] {
        &self.values[..self.count]
    }

    /// Where the first `count` digits end, if a group ends there.
    pub(super) fn end_of(&self, bytes: &[u8], count: usize) -> Option<usize> {
        let end = *self.ends[..self.count].get(count.checked_sub(1)?)?;
        (!word_after(bytes, end)).then_some(end)
    }
}

fn separator(bytes: &[u8], at: usize, separators: &[u8]) -> usize {
    match bytes.get(at) {
        Some(byte) if separators.contains(byte) => 1,
        Some(0xc2) if bytes.get(at + 1) == Some(&0xa0) => 2,
        // The narrow space that typography asks for.
        Some(0xe2) if bytes.get(at + 1..at + 3) == Some(&[0x80, 0xaf]) => 3,
        _ => 0,
    }
}

/// A payment card: the issuer's prefix, its lengths and the checksum.
pub(super) fn card(bytes: &[u8], at: usize) -> Option<Found> {
    if word_before(bytes, at) || !matches!(bytes[at], b'2'..=b'6' | b'8') {
        return None;
    }
    let digits = Digits::read(bytes, at, b" -");
    lengths(digits.all()).iter().find_map(|count| {
        let end = digits.end_of(bytes, *count)?;
        if passes_luhn(&digits.all()[..*count]) { found(at..end, Class::Card) } else { None }
    })
}

fn lengths(digits: &[u8]) -> &'static [usize] {
    let prefix = |count: usize| digits.iter().take(count).fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    match (prefix(2), prefix(3), prefix(4)) {
        (40..=49, ..) => &[19, 16, 13],
        (51..=55, ..) | (_, _, 2221..=2720) => &[16],
        (34 | 37, ..) => &[15],
        (36 | 38 | 39, ..) | (_, 300..=305, _) => &[14, 16, 19],
        (_, _, 3528..=3589) | (65, ..) | (_, 644..=649, _) | (_, _, 6011) => &[19, 16],
        (62 | 81, ..) => &[19, 18, 17, 16],
        (50 | 56..=58, ..) | (_, _, 6304 | 6759 | 6761..=6763) => &[19, 18, 16],
        _ => &[],
    }
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match u32::from(*digit) {
            digit if place % 2 == 0 => digit,
            digit if digit > 4 => digit * 2 - 9,
            digit => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != digits[0])
}

/// Words after which any number is taken for a telephone number.
pub(in crate::guard) const PHONE_CUES: [&str; 13] =
    ["tel", "telefon", "telephone", "phone", "mobil", "mobile", "mobilnummer", "handy", "handynummer", "fon", "cell", "fax", "durchwahl"];

/// A number after a word that announces one.
pub(super) fn after_a_cue(bytes: &[u8], at: usize) -> Option<Found> {
    if word_before(bytes, at) {
        return None;
    }
    let length = bytes[at..].iter().take(16).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let word = &bytes[at..at + length];
    if word_after(bytes, at + length) || !PHONE_CUES.iter().any(|cue| cue.len() == length && word.eq_ignore_ascii_case(cue.as_bytes())) {
        return None;
    }
    let mut next = at + length;
    next += bytes[next..].iter().take(3).take_while(|byte| matches!(byte, b'.' | b':' | b' ' | b'#')).count();
    let dialled = dialled(bytes, next)?;
    if dialled.count >= 5 { found(next..dialled.end, Class::Phone) } else { None }
}

/// A telephone number by its own form: international, or national with separators.
pub(super) fn phone(bytes: &[u8], at: usize) -> Option<Found> {
    let joined = |byte: u8| matches!(byte, b'-' | b'_' | b'.' | b'/' | b',' | b'+' | b'#' | b'=');
    if word_before(bytes, at) || at.checked_sub(1).is_some_and(|before| joined(bytes[before])) {
        return None;
    }
    // A bracket or sign apart from its digits belongs to the words before.
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_attached = match bytes[at] {
        b'(' => is_digit(at + 1),
        b'+' => is_digit(at + 1) || (bytes.get(at + 1) == Some(&b'(') && is_digit(at + 2)),
        _ => true,
    };
    if !is_attached {
        return None;
    }
    let dialled = dialled(bytes, at)?;
    let is_phone = match (bytes[at], dialled.digits()) {
        (b'+', [1..=9, ..]) => dialled.is_international(),
        (b'0', [0, 0, 1..=9, ..]) => (11..=17).contains(&dialled.count) && !dialled.has(b'.'),
        (b'0' | b'(', [0, 1..=9, ..]) => dialled.is_national(),
        (b'2'..=b'9' | b'(', _) => dialled.is_american(),
        _ => false,
    };
    if is_phone { found(at..dialled.end, Class::Phone) } else { None }
}

/// Digits as people write them into a telephone number.
struct Dialled {
    values: [u8; 17],
    count: usize,
    groups: [usize; 17],
    groups_count: usize,
    /// Which separators stand between the groups.
    between: Vec<u8>,
    end: usize,
}

impl Dialled {
    fn digits(&self) -> &[u8] {
        &self.values[..self.count]
    }

    fn groups(&self) -> &[usize] {
        &self.groups[..self.groups_count]
    }

    fn has(&self, separator: u8) -> bool {
        self.between.contains(&separator)
    }

    /// Not an amount such as +100.000.000.
    fn is_international(&self) -> bool {
        let is_amount = self.has(b'.') && self.groups()[1..].iter().all(|size| *size == 3);
        (8..=15).contains(&self.count) && !is_amount
    }

    /// A dialling code of its own group, then the rest; not a date.
    fn is_national(&self) -> bool {
        let is_date = matches!(self.groups(), [2, 2, 4] | [2, 2, 2]);
        let is_grouped = self.groups_count >= 2 && (3..=5).contains(&self.groups[0]) && self.groups()[1..].iter().all(|size| *size >= 2);
        (8..=13).contains(&self.count) && is_grouped && !is_date && !self.has(b'.')
    }

    /// With hyphens or dots: with spaces alone, amounts and article numbers are written as well.
    fn is_american(&self) -> bool {
        self.groups() == [3, 3, 4] && self.values[0] >= 2 && !self.has(b'/') && (self.has(b'-') || self.has(b'.'))
    }
}

fn dialled(bytes: &[u8], at: usize) -> Option<Dialled> {
    let mut dialled = Dialled { values: [0; 17], count: 0, groups: [0; 17], groups_count: 1, between: Vec::new(), end: at };
    let mut next = at + usize::from(bytes.get(at) == Some(&b'+'));
    loop {
        let before = next;
        for _ in 0..3 {
            next += separator(bytes, next, b" -/.()");
        }
        let is_apart = next > before && dialled.count > 0;
        let size = bytes[next.min(bytes.len())..].iter().take(18).take_while(|byte| byte.is_ascii_digit()).count();
        // A single digit far behind is a quantity, not an extension.
        let is_quantity = is_apart && size == 1 && dialled.count >= 8;
        if size == 0 || dialled.count + size > dialled.values.len() || is_quantity || word_after(bytes, next + size) {
            return (dialled.count > 0).then_some(dialled);
        }
        if is_apart {
            dialled.groups_count += 1;
            dialled.between.extend_from_slice(&bytes[before..next]);
        }
        dialled.groups[dialled.groups_count - 1] += size;
        for digit in &bytes[next..next + size] {
            dialled.values[dialled.count] = digit - b'0';
            dialled.count += 1;
        }
        next += size;
        dialled.end = next;
    }
}
