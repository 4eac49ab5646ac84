//! What a handler has to say to a person: the id of a message with its arguments, put into words for whoever asked.
//!
//! Handlers do not know the language, and what they say is compared between a preview and its execution: two people who
//! read different languages confirm the same thing.

use crate::labels::Labels;
use fluent_bundle::FluentValue;
use std::borrow::Cow;

/// An argument of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    Text(Cow<'static, str>),
    /// May choose the form of a word: one line, two lines.
    Count(i64),
}

impl From<&'static str> for Arg {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}
impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}
impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        Self::Text(text.clone().into())
    }
}
impl From<usize> for Arg {
    fn from(count: usize) -> Self {
        Self::Count(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

pub(crate) type Args = Vec<(&'static str, Arg)>;

/// The id of a Fluent message and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    id: &'static str,
    args: Args,
}

impl Message {
    pub fn new(id: &'static str) -> Self {
        Self { id, args: Vec::new() }
    }
    #[must_use]
    pub fn arg(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        self.args.push((name, value.into()));
        self
    }
    /// In words.
    pub fn told(&self, labels: &Labels, language: &str) -> String {
        told(labels, language, self.id, &self.args).unwrap_or_else(|| self.id.to_owned())
    }
    /// The same whatever the language: for a digest.
    pub(crate) fn canonical(&self) -> String {
        let args: Vec<String> = self.args.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        format!("{} {}", self.id, args.join(" "))
    }
}

/// `None` where no language has the message.
pub(crate) fn told(labels: &Labels, language: &str, id: &str, args: &Args) -> Option<String> {
    let args: Vec<(&str, FluentValue<'_>)> = args
        .iter()
        .map(|(name, value)| match value {
            Arg::Text(text) => (*name, FluentValue::from(text.as_ref())),
            Arg::Count(count) => (*name, FluentValue::from(*count)),
        })
        .collect();
    labels.knows(language, id).then(|| labels.with_args(language, id, &args))
}
