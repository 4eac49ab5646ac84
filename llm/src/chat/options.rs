//! What a caller may ask for beside the conversation.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::Cache;

/// Something that a model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// The name by which it is called: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// A JSON Schema of its arguments. Keywords that begin with `x-` are annotations for providers inside this program and never
    /// leave it.
    pub parameters: Value,
    /// Whether the arguments must follow the schema to the letter; the provider's default if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Whether the provider's cache should hold everything up to this tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
}

impl Tool {
    /// A tool with nothing special about it.
    pub fn new(name: impl Into<String>, description: impl Into<String>, parameters: Value) -> Self {
        Self { name: name.into(), description: description.into(), parameters, strict: None, cache: None }
    }
}

/// Whether a model calls tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it thinks best.
    Auto,
    /// Not at all.
    None,
    /// At least one, whichever.
    Required,
    /// This one.
    Named(String),
}

/// The form of an answer's words.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// Any text.
    #[default]
    Text,
    /// A JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema(Schema),
}

/// What JSON has to look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// A name for it: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it is for, for the model.
    pub description: Option<String>,
    /// A JSON Schema.
    pub schema: Value,
    /// Whether it must be followed to the letter; the provider's default if absent.
    pub strict: Option<bool>,
}

/// How the next token is chosen; what is absent is the provider's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Randomness, from 0 to 2.
    pub temperature: Option<f64>,
    /// Only the likeliest tokens that together have this probability.
    pub top_p: Option<f64>,
    /// Only so many of the likeliest tokens.
    pub top_k: Option<u32>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// The same seed is meant to give the same answer.
    pub seed: Option<i64>,
    /// Against repetition, by how often a token was there; from -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// Against repetition, by whether a token was there; from -2 to 2.
    pub presence_penalty: Option<f64>,
}

/// How much a model thinks before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// In words.
    pub effort: Option<Effort>,
    /// At most so many tokens.
    pub budget_tokens: Option<u32>,
}

/// How hard a model thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as possible.
    Minimal,
    /// A little.
    Low,
    /// As usual.
    Medium,
    /// Thoroughly.
    High,
    /// As much as it can.
    Max,
}
