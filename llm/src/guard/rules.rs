//! A tenant's own rules: words and patterns, what is done with them, and what is let through.
//!
//! One search takes time linear in the text and in the pattern. The size of a pattern is checked when it is compiled, the bytes that a
//! request may have searched are counted, and because many matches mean many searches, there is a time after which a request is
//! refused.

use std::time::Instant;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::detect::Class;
use super::{Action, Finding, Refused};

const RULES_MAX: usize = 200;
const WORDS_MAX: usize = 20_000;
const WORD_BYTES_MAX: usize = 200;
const PATTERN_BYTES_MAX: usize = 1_000;
/// Of one compiled pattern, and again of what it caches while it runs.
const COMPILED_BYTES_MAX: usize = 256 * 1024;

/// One rule: either words or a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, which flags and refusals show: letters, digits, `_` and `-`.
    pub name: String,
    /// Whole words or phrases, in any case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// A regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// What is done with what it finds.
    pub action: Action,
}

/// Why rules cannot take effect.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// Too many of something.
    #[error("there are too many {0}")]
    TooMany(&'static str),
    /// A name that cannot be shown.
    #[error("the name of rule {0} is not made of letters, digits, '_' and '-'")]
    Name(usize),
    /// Neither words nor a pattern, or both.
    #[error("the rule {0} needs either words or a regex")]
    Form(String),
    /// A word that is empty or too long.
    #[error("the rule {0} has a word that is empty or too long")]
    Word(String),
    /// A pattern that is no regular expression, too large, or true of nothing at all.
    #[error("the regex of the rule {0} is wrong, too large or matches the empty text")]
    Regex(String),
    /// The words cannot be compiled together.
    #[error("the words cannot be compiled")]
    Words,
    /// The configuration cannot be written down, so it has no fingerprint.
    #[error("the configuration cannot be written down")]
    Unreadable,
}

/// Compiled rules.
pub(super) struct Rules {
    rules: Vec<(String, Action)>,
    words: Option<AhoCorasick>,
    /// Which rule each word belongs to.
    owners: Vec<usize>,
    patterns: Vec<(usize, Regex)>,
    allowed: Vec<String>,
}

impl Rules {
    pub(super) fn compile(rules: &[Rule], allow: &[String]) -> Result<Self, Invalid> {
        if rules.len() > RULES_MAX {
            return Err(Invalid::TooMany("rules"));
        }
        let mut words = Vec::new();
        let (mut owners, mut patterns) = (Vec::new(), Vec::new());
        for (place, rule) in rules.iter().enumerate() {
            if rule.name.is_empty() || rule.name.len() > 64 || !rule.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
                return Err(Invalid::Name(place));
            }
            if rule.words.is_empty() == rule.regex.is_none() {
                return Err(Invalid::Form(rule.name.clone()));
            }
            for word in &rule.words {
                let word = word.trim();
                if word.is_empty() || word.len() > WORD_BYTES_MAX {
                    return Err(Invalid::Word(rule.name.clone()));
                }
                // The search folds the case of ASCII alone.
                for form in forms(word) {
                    words.push(form);
                    owners.push(place);
                }
            }
            if let Some(pattern) = &rule.regex {
                patterns.push((place, compile(pattern).ok_or_else(|| Invalid::Regex(rule.name.clone()))?));
            }
        }
        if words.len() > WORDS_MAX || allow.len() > WORDS_MAX {
            return Err(Invalid::TooMany("words"));
        }
        let words = if words.is_empty() {
            None
        } else {
            Some(AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(&words).map_err(|_| Invalid::Words)?)
        };
        let allowed = allow.iter().map(|value| value.trim().to_lowercase()).filter(|value| !value.is_empty()).collect();
        Ok(Self { rules: rules.iter().map(|rule| (rule.name.clone(), rule.action)).collect(), words, owners, patterns, allowed })
    }

    /// How often the regular expressions read every text.
    pub(super) fn patterns(&self) -> usize {
        self.patterns.len()
    }

    pub(super) fn name(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or("", |(name, _)| name)
    }

    /// Adds what the rules find, as long as there is time.
    pub(super) fn find(&self, text: &str, until: Instant, found: &mut Vec<Finding>) -> Result<(), Refused> {
        let mut add = |rule: usize, start: usize, end: usize| {
            let action = self.rules.get(rule).map_or(Action::Refuse, |(_, action)| *action);
            found.push(Finding { range: start..end, class: Class::Term, rule: Some(rule), action });
        };
        if let Some(words) = &self.words {
            for found in words.find_overlapping_iter(text) {
                let joined = |c: char| c.is_alphanumeric() || c == '_';
                if !text[..found.start()].ends_with(joined) && !text[found.end()..].starts_with(joined) {
                    add(self.owners[found.pattern().as_usize()], found.start(), found.end());
                }
            }
        }
        for (rule, pattern) in &self.patterns {
            let mut matches = pattern.find_iter(text);
            loop {
                if Instant::now() >= until {
                    return Err(Refused::TooLong);
                }
                let Some(found) = matches.next() else { break };
                if !found.is_empty() {
                    add(*rule, found.start(), found.end());
                }
            }
        }
        Ok(())
    }

    /// Whether a tenant lets this value through: the value itself, or the domain of an address.
    pub(super) fn allows(&self, value: &str, class: Class) -> bool {
        if self.allowed.is_empty() {
            return false;
        }
        let value = value.to_lowercase();
        let domain = value.rfind('@').filter(|_| class == Class::Email).map(|at| &value[at..]);
        self.allowed.iter().any(|allowed| *allowed == value || domain == Some(allowed))
    }
}

fn forms(word: &str) -> Vec<String> {
    let mut forms = vec![word.to_owned(), word.to_lowercase(), word.to_uppercase()];
    if word.is_ascii() {
        forms.truncate(1);
    }
    forms.dedup();
    forms
}

fn compile(pattern: &str) -> Option<Regex> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return None;
    }
    let regex = RegexBuilder::new(pattern).size_limit(COMPILED_BYTES_MAX).dfa_size_limit(COMPILED_BYTES_MAX).nest_limit(50).build().ok()?;
    (!regex.is_match("")).then_some(regex)
}

#[cfg(test)]
mod tests;
