//! Ids of persons that can be told from other numbers by a checksum or, for the American one, by its form.

use super::numbers::Digits;
use super::{Class, Found, found, word_after, word_before};

/// An id that begins with a digit.
pub(super) fn id(bytes: &[u8], at: usize) -> Option<Found> {
    let joined = |byte: u8| matches!(byte, b'-' | b'.' | b'_' | b'/' | b',');
    if word_before(bytes, at) || (at >= 2 && joined(bytes[at - 1]) && bytes[at - 2].is_ascii_alphanumeric()) {
        return None;
    }
    let end = american(bytes, at).or_else(|| german(bytes, at)).or_else(|| swiss(bytes, at)).or_else(|| french(bytes, at)).or_else(|| spanish(bytes, at, 0))?;
    found(at..end, Class::Id)
}

/// An id that begins with a letter.
pub(super) fn lettered(bytes: &[u8], at: usize) -> Option<Found> {
    if word_before(bytes, at) {
        return None;
    }
    let end = italian(bytes, at).or_else(|| match bytes[at].to_ascii_uppercase() {
        letter @ b'X'..=b'Z' => spanish(bytes, at + 1, letter - b'X'),
        _ => None,
    })?;
    found(at..end, Class::Id)
}

/// Social security number: three, two and four digits, of which some were never given out.
fn american(bytes: &[u8], at: usize) -> Option<usize> {
    let id = bytes.get(at..at + 11)?;
    let mark = id[3];
    let has_form = id.iter().enumerate().all(|(place, byte)| if place == 3 || place == 6 { *byte == mark } else { byte.is_ascii_digit() });
    let never = &id[..3] == b"000" || &id[..3] == b"666" || id[0] == b'9' || &id[4..6] == b"00" || &id[7..] == b"0000";
    let goes_on = word_after(bytes, at + 11) || (bytes.get(at + 11) == Some(&b'-') && word_after(bytes, at + 12));
    (matches!(mark, b'-' | b' ') && has_form && !never && !goes_on).then_some(at + 11)
}

/// Tax id: eleven digits; of the first ten exactly one digit comes twice or three times; ISO 7064 modulo 11, 10.
fn german(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = Digits::read(bytes, at, b" ");
    let end = digits.end_of(bytes, 11)?;
    let id = &digits.all()[..11];
    let grouped = digits.groups[0] == 11 || digits.groups[..4] == [2, 3, 3, 3];
    let times = |digit: u8| id[..10].iter().filter(|other| **other == digit).count();
    let repeated = (0..10).filter(|digit| times(*digit) > 1).count();
    if !grouped || id[0] == 0 || repeated != 1 || (0..10).any(|digit| times(digit) > 3) {
        return None;
    }
    let product = id[..10].iter().fold(10, |product, digit| {
        let sum = (u32::from(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    ((11 - product) % 10 == u32::from(id[10])).then_some(end)
}

/// Old-age insurance number: thirteen digits that begin with 756, with the checksum of article numbers.
fn swiss(bytes: &[u8], at: usize) -> Option<usize> {
    if !bytes[at..].starts_with(b"756") {
        return None;
    }
    let digits = Digits::read(bytes, at, b". ");
    let end = digits.end_of(bytes, 13)?;
    let sum: u32 = digits.all()[..13].iter().enumerate().map(|(place, digit)| u32::from(*digit) * if place % 2 == 0 { 1 } else { 3 }).sum();
    sum.is_multiple_of(10).then_some(end)
}

/// Registration number: sex, year, month, place, number, and a key modulo 97.
fn french(bytes: &[u8], at: usize) -> Option<usize> {
    if !matches!(bytes[at], b'1' | b'2') {
        return None;
    }
    let digits = Digits::read(bytes, at, b" ");
    let end = digits.end_of(bytes, 15)?;
    let number = |from: usize, to: usize| digits.all()[from..to].iter().fold(0_u64, |number, digit| number * 10 + u64::from(*digit));
    let month = number(3, 5);
    let is_month = (1..=12).contains(&month) || (20..=42).contains(&month) || month >= 50;
    (is_month && 97 - number(0, 13) % 97 == number(13, 15)).then_some(end)
}

/// Identity number: eight digits, or a letter for the first, and a letter modulo 23.
fn spanish(bytes: &[u8], at: usize, first: u8) -> Option<usize> {
    let is_foreigners = bytes.get(at.wrapping_sub(1)).is_some_and(u8::is_ascii_alphabetic);
    let count = if is_foreigners { 7 } else { 8 };
    let id = bytes.get(at..at + count)?;
    if !id.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = id.iter().fold(u32::from(first), |number, digit| number * 10 + u32::from(digit - b'0'));
    let letter = at + count + usize::from(bytes.get(at + count) == Some(&b'-'));
    let expected = b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize];
    (bytes.get(letter) == Some(&expected) && !word_after(bytes, letter + 1)).then_some(letter + 1)
}

/// Tax code: letters and digits in fixed places, and a letter modulo 26 in which odd places count by a table.
fn italian(bytes: &[u8], at: usize) -> Option<usize> {
    const ODD: [u32; 26] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    const FORM: &[u8; 16] = b"AAAAAA00A00A000A";
    let code = bytes.get(at..at + 16)?;
    let fits = code.iter().zip(FORM).all(|(byte, form)| if *form == b'A' { byte.is_ascii_alphabetic() } else { byte.is_ascii_digit() });
    if !fits || word_after(bytes, at + 16) {
        return None;
    }
    let sum: u32 = code[..15]
        .iter()
        .enumerate()
        .map(|(place, byte)| {
            let value = if byte.is_ascii_digit() { byte - b'0' } else { byte.to_ascii_uppercase() - b'A' };
            if place % 2 == 0 { ODD[usize::from(value)] } else { u32::from(value) }
        })
        .sum();
    (sum % 26 == u32::from(code[15].to_ascii_uppercase() - b'A')).then_some(at + 16)
}
