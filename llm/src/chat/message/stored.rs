//! Messages as they may have been written down: with parts, or with mere text as long as messages had nothing else.

use serde::Deserialize;

use super::{Authority, Message, Part, ToolCall, ToolStatus};

#[derive(Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub(super) enum Stored {
    System {
        #[serde(default)]
        authority: Authority,
        #[serde(alias = "text")]
        content: Content,
    },
    User {
        #[serde(alias = "text")]
        content: Content,
    },
    Assistant {
        #[serde(alias = "text")]
        content: Content,
        #[serde(default)]
        tool_calls: Vec<ToolCall>,
    },
    Tool {
        call_id: String,
        content: Content,
        #[serde(default)]
        status: ToolStatus,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

impl Content {
    fn parts(self) -> Vec<Part> {
        match self {
            Self::Text(text) => vec![Part::text(text)],
            Self::Parts(parts) => parts,
        }
    }
}

impl From<Stored> for Message {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::System { authority, content } => Self::System { authority, content: content.parts() },
            Stored::User { content } => Self::User { content: content.parts() },
            Stored::Assistant { content: Content::Text(text), tool_calls } => Self::assistant(text, tool_calls),
            Stored::Assistant { content: Content::Parts(mut content), tool_calls } => {
                content.extend(tool_calls.into_iter().map(Part::ToolCall));
                Self::Assistant { content }
            }
            Stored::Tool { call_id, content, status } => Self::Tool { call_id, content: content.parts(), status },
        }
    }
}
