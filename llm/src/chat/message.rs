//! The messages of a conversation and what they are made of.

mod stored;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::Dialect;

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case", from = "stored::Stored")]
pub enum Message {
    /// Instructions from the program.
    System {
        /// Whose they are.
        authority: Authority,
        /// The instructions.
        content: Vec<Part>,
    },
    /// What the person said.
    User {
        /// The words, with what else was shown to the model.
        content: Vec<Part>,
    },
    /// What the model answered.
    Assistant {
        /// Words, reasoning and tool calls in the order in which they came.
        content: Vec<Part>,
    },
    /// What a tool returned.
    Tool {
        /// The id of the call that this answers.
        call_id: String,
        /// The result, usually JSON as text.
        content: Vec<Part>,
        /// Whether the tool could do it.
        status: ToolStatus,
    },
}

impl Message {
    /// Instructions from the program.
    pub fn system(text: impl Into<String>) -> Self {
        Self::System { authority: Authority::System, content: vec![Part::text(text)] }
    }

    /// What the person said.
    pub fn user(text: impl Into<String>) -> Self {
        Self::User { content: vec![Part::text(text)] }
    }

    /// What the model answered: its words, if there were any, and the calls that followed them.
    pub fn assistant(text: impl Into<String>, calls: impl IntoIterator<Item = ToolCall>) -> Self {
        let text: String = text.into();
        let words = (!text.is_empty()).then(|| Part::text(text));
        Self::Assistant { content: words.into_iter().chain(calls.into_iter().map(Part::ToolCall)).collect() }
    }

    /// What a tool returned.
    pub fn tool(call_id: impl Into<String>, content: impl Into<String>) -> Self {
        Self::Tool { call_id: call_id.into(), content: vec![Part::text(content)], status: ToolStatus::Done }
    }

    /// Everything it is made of.
    pub fn content(&self) -> &[Part] {
        match self {
            Self::System { content, .. } | Self::User { content } | Self::Assistant { content } | Self::Tool { content, .. } => content,
        }
    }

    /// Its words, without anything else. The pieces of an answer follow each other directly, those of other messages on lines of
    /// their own.
    pub fn text(&self) -> Cow<'_, str> {
        text(self.content(), if matches!(self, Self::Assistant { .. }) { "" } else { "\n" })
    }

    /// The tool calls that it holds.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        tool_calls(self.content())
    }
}

/// The words among these parts.
pub(crate) fn text<'a>(parts: &'a [Part], between: &str) -> Cow<'a, str> {
    let mut pieces = parts.iter().filter_map(|part| match part {
        Part::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let first = pieces.next().unwrap_or_default();
    let mut joined = Cow::Borrowed(first);
    for piece in pieces {
        let joined = joined.to_mut();
        joined.push_str(between);
        joined.push_str(piece);
    }
    joined
}

/// The tool calls among these parts.
pub(crate) fn tool_calls(parts: &[Part]) -> impl Iterator<Item = &ToolCall> {
    parts.iter().filter_map(|part| match part {
        Part::ToolCall(call) => Some(call),
        _ => None,
    })
}

/// Whose instructions they are. A model follows the system before the developer; most dialects know only the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The operator's.
    #[default]
    System,
    /// The application's.
    Developer,
}

/// How a tool fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// The content is its result.
    #[default]
    Done,
    /// The content says what went wrong.
    Failed,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Words.
    Text {
        /// The words.
        text: String,
        /// Whether the provider's cache should hold everything up to here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<Cache>,
    },
    /// Words with which the model declined.
    Refusal {
        /// The words.
        text: String,
    },
    /// A picture.
    Image {
        /// Where it is.
        source: ImageSource,
        /// How closely it is to be looked at, in the words of the dialect.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// What the model thought.
    Reasoning {
        /// The thoughts, as far as they are shown.
        text: String,
        /// What proves or hides them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opaque: Option<Opaque>,
    },
    /// A call of a tool.
    ToolCall(ToolCall),
    /// Something that only its own dialect knows, as it stood there.
    Other {
        /// Whose it is.
        dialect: Dialect,
        /// The whole part.
        value: Value,
    },
}

impl Part {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), cache: None }
    }
}

/// A call that a model made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The id that the answer refers to.
    pub id: String,
    /// The name of the tool.
    pub name: String,
    /// The arguments, a JSON object as text.
    pub arguments: String,
}

/// Where a picture is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ImageSource {
    /// At an address that the provider can reach.
    Url {
        /// The address.
        url: String,
    },
    /// Here.
    Base64 {
        /// Such as `image/png`.
        media_type: String,
        /// The bytes.
        data: String,
    },
}

/// For how long a provider's cache should hold what was said up to a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cache {
    /// Five minutes.
    Minutes,
    /// An hour.
    Hour,
}

/// What a provider gives along with reasoning and wants back unchanged. No other provider can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Opaque {
    /// Proves that the thoughts beside it are the model's own.
    Signature {
        /// Who understands it.
        dialect: Dialect,
        /// As it came.
        data: String,
    },
    /// The thoughts themselves, which are not shown.
    Hidden {
        /// Who understands it.
        dialect: Dialect,
        /// As it came.
        data: String,
    },
}

impl Opaque {
    /// Who understands it.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Signature { dialect, .. } | Self::Hidden { dialect, .. } => *dialect,
        }
    }
}

#[cfg(test)]
mod tests;
