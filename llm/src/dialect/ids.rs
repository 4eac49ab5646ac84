//! The ids of tool calls, in the form that a dialect takes.
//!
//! Ids that have the form stay as they are. The others get a short hash, the same in every turn, so that a conversation reads alike
//! each time. Within one request no two ids become one, and each can be told from what it became.

use std::collections::HashMap;

use serde::Deserialize;

/// What ids look like in a dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// At most 64 characters.
    #[default]
    OpenAi,
    /// Letters, digits, `_` and `-`.
    Anthropic,
    /// Exactly nine letters and digits.
    Mistral,
}

impl Form {
    /// Whether an id can stay as it is.
    pub fn takes(self, id: &str) -> bool {
        match self {
            Self::OpenAi => (1..=64).contains(&id.chars().count()),
            Self::Anthropic => !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')),
            Self::Mistral => id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        }
    }
}

/// The ids of one request in another dialect, and back.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    outward: HashMap<String, String>,
    inward: HashMap<String, String>,
}

impl Ids {
    /// For the ids of a request in the order in which they appear; repetitions do no harm.
    pub fn new<'a>(form: Form, ids: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        let mut all = Self::default();
        // First those that stay, wherever they appear: no other may take their place.
        for id in ids.clone().into_iter().filter(|id| form.takes(id)) {
            all.add(id, id.to_owned());
        }
        for id in ids {
            if all.outward.contains_key(id) {
                continue;
            }
            // There are more hashes of nine characters than any request has ids.
            if let Some(short) = (0_u32..).map(|round| short(id, round)).find(|short| !all.inward.contains_key(short)) {
                all.add(id, short);
            }
        }
        all
    }

    fn add(&mut self, id: &str, outward: String) {
        self.inward.insert(outward.clone(), id.to_owned());
        self.outward.insert(id.to_owned(), outward);
    }

    /// Whether every id stays as it is.
    pub fn is_identity(&self) -> bool {
        self.outward.iter().all(|(id, outward)| id == outward)
    }

    /// The id as the other dialect takes it; an id that was not in the request stays.
    pub fn outward<'a>(&'a self, id: &'a str) -> &'a str {
        self.outward.get(id).map_or(id, String::as_str)
    }

    /// The id as the request had it; an id that the other side made stays.
    pub fn inward<'a>(&'a self, id: &'a str) -> &'a str {
        self.inward.get(id).map_or(id, String::as_str)
    }
}

/// Nine letters and digits, which every dialect takes.
fn short(id: &str, round: u32) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let hash = blake3::Hasher::new().update(&round.to_le_bytes()).update(id.as_bytes()).finalize();
    let mut rest = hash.as_bytes().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    (0..9)
        .map(|_| {
            let digit = DIGITS[(rest % 62) as usize];
            rest /= 62;
            char::from(digit)
        })
        .collect()
}

#[cfg(test)]
mod tests;
