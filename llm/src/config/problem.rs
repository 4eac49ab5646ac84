//! What is wrong with a configuration, and where.

use std::fmt;

use serde::Serialize;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Problem {
    /// The key, such as `aliases.fast.tiers[0].targets[1].model`; the line, if the text is not of the form at all.
    pub path: String,
    /// What is wrong with it. Never quotes what could be a secret.
    pub message: String,
}

/// All mistakes of a configuration, at least one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Problem {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }

    /// The parser's own words without the values that it quotes: somebody may have written a key where its variable belongs.
    pub(super) fn of_form(text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.lines().count().max(1));
        let mut message = String::new();
        for (at, piece) in error.message().split('"').enumerate() {
            message.push_str(if at % 2 == 0 { piece } else { "\"…\"" });
        }
        Self::new(format!("line {line}"), message)
    }
}
