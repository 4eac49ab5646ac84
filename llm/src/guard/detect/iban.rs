//! Account numbers: the country's length, and the checksum modulo 97.

use super::{Class, Found, found, word_after, word_before};

/// Countries and how long their numbers are.
const LENGTHS: [(&[u8; 2], usize); 78] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
];

/// An account number that begins here, in one piece or in groups.
pub(super) fn iban(bytes: &[u8], at: usize) -> Option<Found> {
    let head = bytes.get(at..at + 4)?;
    if word_before(bytes, at) || !head[0].is_ascii_alphabetic() || !head[1].is_ascii_alphabetic() || !head[2].is_ascii_digit() || !head[3].is_ascii_digit() {
        return None;
    }
    let country = [head[0].to_ascii_uppercase(), head[1].to_ascii_uppercase()];
    let length = LENGTHS.iter().find(|(code, _)| **code == country)?.1;
    let mut characters = [0; 34];
    let (mut read, mut next) = (0, at);
    while read < length {
        match bytes.get(next)? {
            // In small letters only in one piece: small groups of letters are words.
            byte if byte.is_ascii_digit() || byte.is_ascii_uppercase() || (byte.is_ascii_lowercase() && next == at + read) => {
                characters[read] = byte.to_ascii_uppercase();
                read += 1;
                next += 1;
            }
            b' ' | b'-' if read.is_multiple_of(4) && bytes[next - 1].is_ascii_alphanumeric() => next += 1,
            0xc2 if read.is_multiple_of(4) && bytes.get(next + 1) == Some(&0xa0) && bytes[next - 1].is_ascii_alphanumeric() => next += 2,
            _ => return None,
        }
    }
    if word_after(bytes, next) || remainder(&characters[..length]) != 1 { None } else { found(at..next, Class::Iban) }
}

/// The number with its head at the end, letters as two digits, modulo 97.
fn remainder(characters: &[u8]) -> u32 {
    let (head, account) = characters.split_at(4);
    account
        .iter()
        .chain(head)
        .fold(0, |rest, byte| if byte.is_ascii_digit() { (rest * 10 + u32::from(byte - b'0')) % 97 } else { (rest * 100 + u32::from(byte - b'A') + 10) % 97 })
}
