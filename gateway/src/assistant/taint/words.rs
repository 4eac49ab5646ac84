//! Texts as words, so that what stands in another text is found whatever the writing, and at the borders of words only.

use crate::assistant::check::numbers_of;
use rust_decimal::Decimal;
use std::collections::HashSet;

/// How many words in a row make a passage of another text.
const RUN: usize = 4;

/// A text in lower case, its words with one blank between and around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::assistant) struct Text(String);

impl Text {
    pub(in crate::assistant) fn of(text: &str) -> Self {
        let mut words = String::with_capacity(text.len() + 2);
        words.push(' ');
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            words.extend(word.chars().flat_map(char::to_lowercase));
            words.push(' ');
        }
        Self(words)
    }

    pub(in crate::assistant) fn is_empty(&self) -> bool {
        self.0.len() <= 1
    }

    /// Whether all words of `other` stand here in a row.
    pub(in crate::assistant) fn holds(&self, other: &Self) -> bool {
        !other.is_empty() && self.0.contains(&other.0)
    }

    /// Whether `other` says something that stands here and not in `own`: several words in a row, or one that can only be
    /// copied, such as a number of an account.
    pub(super) fn lends(&self, other: &Self, own: &Self) -> bool {
        let words: Vec<&str> = other.0.split_whitespace().collect();
        let lent = |run: &[&str]| {
            let run = Self(format!(" {} ", run.join(" ")));
            self.holds(&run) && !own.holds(&run)
        };
        words.windows(RUN).any(lent) || words.iter().any(|word| word.len() >= 6 && word.contains(|c: char| c.is_ascii_digit()) && lent(&[word]))
    }
}

pub(super) fn numbers(text: &str) -> HashSet<Decimal> {
    numbers_of(&text.to_lowercase()).collect()
}

/// Whether the text is an address: of mail, of a page, or of a bank account.
pub(super) fn is_address(text: &str) -> bool {
    let text = text.trim();
    let lower = text.to_lowercase();
    let is_mail = !text.contains(char::is_whitespace) && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let is_page = lower.contains("://") || lower.starts_with("www.") || lower.starts_with("mailto:");
    let bare: String = lower.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let is_account = (15..=34).contains(&bare.len())
        && bare.chars().all(|c| c.is_ascii_alphanumeric())
        && bare.chars().take(2).all(|c| c.is_ascii_alphabetic())
        && bare.chars().skip(2).take(2).all(|c| c.is_ascii_digit());
    is_mail || is_page || is_account
}
