//! Keys, tokens and passwords: by the prefixes that their issuers give them, or by the word before them.

use super::numbers::PHONE_CUES;
use super::{Class, Found, found, word_after, word_before};

/// Prefixes and how many characters follow at least.
const PREFIXES: [(&[u8], usize); 38] = [
    (b"sk-ant-", 16),
    (b"sk-proj-", 16),
    (b"sk-or-", 16),
    (b"sk-", 20),
    (b"sk_live_", 12),
    (b"sk_test_", 12),
    (b"rk_live_", 12),
    (b"pk_live_", 12),
    (b"whsec_", 16),
    (b"AKIA", 16),
    (b"ASIA", 16),
    (b"AIza", 30),
    (b"ya29.", 20),
    (b"GOCSPX-", 16),
    (b"ghp_", 30),
    (b"gho_", 30),
    (b"ghu_", 30),
    (b"ghs_", 30),
    (b"ghr_", 30),
    (b"github_pat_", 30),
    (b"glpat-", 16),
    (b"xoxb-", 16),
    (b"xoxp-", 16),
    (b"xoxa-", 16),
    (b"xoxr-", 16),
    (b"xoxs-", 16),
    (b"xapp-", 16),
    (b"hf_", 24),
    (b"gsk_", 24),
    (b"xai-", 24),
    (b"npm_", 30),
    (b"pypi-", 30),
    (b"SG.", 30),
    (b"shpat_", 24),
    (b"dop_v1_", 30),
    (b"hvs.", 20),
    (b"AGE-SECRET-KEY-", 30),
    (b"lin_api_", 24),
];

/// Words after which comes something that nobody else may know.
pub(in crate::guard) const CUES: [&str; 27] = [
    "password",
    "passwort",
    "kennwort",
    "passphrase",
    "passwd",
    "pwd",
    "pw",
    "secret",
    "geheimnis",
    "apikey",
    "api_key",
    "api-key",
    "api key",
    "token",
    "access_token",
    "refresh_token",
    "client_secret",
    "clientsecret",
    "access_key",
    "secret_key",
    "private_key",
    "authorization",
    "zugangscode",
    "pin",
    "tan",
    "bearer",
    "credential",
];

/// Whether a field of this name holds a secret, whatever it looks like.
pub(in crate::guard) fn names_a_secret(field: &str) -> bool {
    const NAMES: [&str; 17] = [
        "password",
        "passwort",
        "kennwort",
        "passphrase",
        "passwd",
        "pwd",
        "secret",
        "apikey",
        "clientsecret",
        "accesstoken",
        "refreshtoken",
        "privatekey",
        "secretkey",
        "accesskey",
        "authorization",
        "newpassword",
        "oldpassword",
    ];
    let mut name = [0; 16];
    let mut length = 0;
    for byte in field.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')) {
        let Some(place) = name.get_mut(length) else { return false };
        *place = byte.to_ascii_lowercase();
        length += 1;
    }
    NAMES.iter().any(|known| known.as_bytes() == &name[..length])
}

/// For each first letter the letters that may come second in any prefix or cue; the last bit stands for everything else. Most words
/// of a text are told by this alone to be no beginning of anything.
const BEGINNINGS: [u32; 26] = {
    let mut table = [0; 26];
    let mut at = 0;
    while at < PREFIXES.len() {
        table[letter(PREFIXES[at].0[0])] |= 1 << letter(PREFIXES[at].0[1]);
        at += 1;
    }
    at = 0;
    while at < CUES.len() {
        table[letter(CUES[at].as_bytes()[0])] |= 1 << letter(CUES[at].as_bytes()[1]);
        at += 1;
    }
    at = 0;
    while at < PHONE_CUES.len() {
        table[letter(PHONE_CUES[at].as_bytes()[0])] |= 1 << letter(PHONE_CUES[at].as_bytes()[1]);
        at += 1;
    }
    // A signed token.
    table[letter(b'e')] |= 1 << letter(b'y');
    table
};

const fn letter(byte: u8) -> usize {
    if byte.is_ascii_alphabetic() { (byte.to_ascii_lowercase() - b'a') as usize } else { 26 }
}

/// Whether the letters here may begin a prefix or a cue of a secret or a telephone number.
pub(super) fn may_begin(bytes: &[u8], at: usize) -> bool {
    let second = bytes.get(at + 1).map_or(26, |byte| letter(*byte));
    BEGINNINGS.get(letter(bytes[at])).is_some_and(|seconds| seconds >> second & 1 == 1)
}

fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'=' | b'/' | b'+')
}

/// A key by its prefix, or a signed token.
pub(super) fn token(bytes: &[u8], at: usize) -> Option<Found> {
    if word_before(bytes, at) {
        return None;
    }
    let rest = &bytes[at..];
    if let Some(length) = signed(rest) {
        return found(at..at + length, Class::Secret);
    }
    let (prefix, least) = PREFIXES.iter().find(|(prefix, _)| prefix[0] == rest[0] && rest.starts_with(prefix))?;
    let tail = &rest[prefix.len()..];
    let length = tail.iter().take_while(|byte| in_token(**byte)).count();
    let length = length - tail[..length].iter().rev().take_while(|byte| matches!(byte, b'.' | b'=' | b'-' | b'/')).count();
    // Words with hyphens, such as the names of files, hold no digits.
    let is_key = length >= *least && tail[..length].iter().any(u8::is_ascii_digit);
    if is_key { found(at..at + prefix.len() + length, Class::Secret) } else { None }
}

/// A JSON Web Token: two parts that begin like JSON in base64, and a signature.
fn signed(rest: &[u8]) -> Option<usize> {
    let part = |from: usize| rest[from..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
    if !rest.starts_with(b"eyJ") {
        return None;
    }
    let head = part(0);
    if head < 10 || rest.get(head) != Some(&b'.') || !rest[head + 1..].starts_with(b"eyJ") {
        return None;
    }
    let body = head + 1 + part(head + 1);
    Some(if rest.get(body) == Some(&b'.') { body + 1 + part(body + 1) } else { body })
}

/// What may stand between such a word and its value.
const SIGNS: [&[u8]; 6] = [b":=", b":", b"=", b"is ", b"ist ", b"lautet "];

/// `password: …`, `api_key=…`, `Bearer …`, `das Kennwort lautet …`.
pub(super) fn assignment(bytes: &[u8], at: usize) -> Option<Found> {
    if word_before(bytes, at) {
        return None;
    }
    let rest = &bytes[at..];
    let first = rest.first()?.to_ascii_lowercase();
    let begins = |cue: &&&str| cue.as_bytes()[0] == first && rest.get(..cue.len()).is_some_and(|word| word.eq_ignore_ascii_case(cue.as_bytes()));
    let cue = CUES.iter().filter(begins).map(|cue| cue.len()).max()?;
    let scheme = rest[..cue].eq_ignore_ascii_case(b"bearer");
    if word_after(rest, cue) {
        return None;
    }
    let mut start = cue + rest[cue..].iter().take(3).take_while(|byte| matches!(byte, b' ' | b'"' | b'\'' | b'`' | b'*')).count();
    let sign = SIGNS.iter().find(|sign| rest[start..].get(..sign.len()).is_some_and(|is| is.eq_ignore_ascii_case(sign)));
    match sign {
        Some(sign) => start += sign.len(),
        None if scheme && rest.get(cue) == Some(&b' ') => {}
        None => return None,
    }
    start += rest[start..].iter().take(3).take_while(|byte| matches!(byte, b' ' | b'"' | b'\'' | b'`' | b'*')).count();
    for scheme in [&b"Bearer "[..], b"Basic "] {
        if rest[start..].get(..scheme.len()).is_some_and(|word| word.eq_ignore_ascii_case(scheme)) {
            start += scheme.len();
        }
    }
    let value = value(&rest[start..])?;
    let least = if scheme { 16 } else { 4 };
    // Ordinary words, such as "password: required", are no passwords.
    let odd = value.iter().any(|byte| !byte.is_ascii_alphabetic());
    if value.len() >= least && odd { found(at + start..at + start + value.len(), Class::Secret) } else { None }
}

fn value(rest: &[u8]) -> Option<&[u8]> {
    if matches!(rest.first()?, b'[' | b'{' | b'<' | b'$' | b'(') {
        return None;
    }
    let length =
        rest.iter().take(256).take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b',' | b';' | b'&')).count();
    let value = &rest[..length];
    let trailing = value.iter().rev().take_while(|byte| matches!(byte, b'.' | b')' | b']' | b'}' | b'*' | b'\\' | b':')).count();
    let value = &value[..length - trailing];
    // A word that only holds letters beyond ASCII, or a hyphen or apostrophe between letters, is still a word.
    let is_word = value.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80 || matches!(byte, b'-' | b'_' | b'/' | b'\''));
    (!is_word).then_some(value)
}

/// `://user:password@host`.
pub(super) fn credentials_in_a_url(bytes: &[u8], at: usize) -> Option<Found> {
    let rest = bytes[at..].strip_prefix(b"://")?;
    let length =
        rest.iter().take(256).take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'@' | b'"' | b'<' | b'>' | b'?' | b'#')).count();
    if rest.get(length) != Some(&b'@') || !rest[..length].contains(&b':') {
        return None;
    }
    found(at + 3..at + 3 + length, Class::Secret)
}

/// A private key with its frame; to the end of the text if it is cut off.
pub(super) fn private_key(bytes: &[u8], at: usize) -> Option<Found> {
    let rest = bytes[at..].strip_prefix(b"-----BEGIN ")?;
    let name = rest.iter().take(40).take_while(|byte| byte.is_ascii_uppercase() || **byte == b' ').count();
    if !rest[..name].ends_with(b"PRIVATE KEY") || !rest[name..].starts_with(b"-----") {
        return None;
    }
    let start = name + 5;
    let end = find(&rest[start..], b"-----END ").map(|end| start + end + 9);
    let end = end.map_or(rest.len(), |end| end + find(&rest[end..], b"-----").map_or(rest.len() - end, |close| close + 5));
    found(at..at + 11 + end, Class::Secret)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
