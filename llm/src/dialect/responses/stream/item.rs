//! The items of a response.

use serde_json::{Value, json};

/// One item, as far as it has come.
pub(super) enum Item {
    Message { id: String, parts: Vec<(Said, String)>, is_done: bool },
    Reasoning { id: String, text: String, sealed: Option<String>, is_done: bool },
    Call { id: String, index: u32, call_id: String, name: String, arguments: String, is_done: bool },
}

/// How something was said in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Text,
    Refusal,
}

impl Said {
    pub(super) fn part(self, text: &str) -> Value {
        match self {
            Self::Text => json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []}),
            Self::Refusal => json!({"type": "refusal", "refusal": text}),
        }
    }

    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Refusal => "refusal",
        }
    }

    pub(super) fn delta(self) -> &'static str {
        match self {
            Self::Text => "response.output_text.delta",
            Self::Refusal => "response.refusal.delta",
        }
    }

    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Text => "response.output_text.done",
            Self::Refusal => "response.refusal.done",
        }
    }
}

impl Item {
    pub(super) fn message(id: &str, at: usize) -> Self {
        Self::Message { id: format!("msg_{id}{at}"), parts: Vec::new(), is_done: false }
    }

    pub(super) fn reasoning(id: &str, at: usize) -> Self {
        Self::Reasoning { id: format!("rs_{id}{at}"), text: String::new(), sealed: None, is_done: false }
    }

    pub(super) fn call(id: &str, at: usize, index: u32, call_id: String, name: &str) -> Self {
        Self::Call { id: format!("fc_{id}{at}"), index, call_id, name: name.to_owned(), arguments: String::new(), is_done: false }
    }

    pub(super) fn is_done(&self) -> bool {
        let (Self::Message { is_done, .. } | Self::Reasoning { is_done, .. } | Self::Call { is_done, .. }) = self;
        *is_done
    }

    pub(super) fn end(&mut self) {
        let (Self::Message { is_done, .. } | Self::Reasoning { is_done, .. } | Self::Call { is_done, .. }) = self;
        *is_done = true;
    }

    /// The item as it is told.
    pub(super) fn told(&self) -> Value {
        let status = if self.is_done() { "completed" } else { "in_progress" };
        match self {
            Self::Message { id, parts, .. } => {
                let content: Vec<Value> = parts.iter().map(|(said, text)| said.part(text)).collect();
                json!({"type": "message", "id": id, "status": status, "role": "assistant", "content": content})
            }
            Self::Reasoning { id, text, sealed, .. } => {
                let summary = if text.is_empty() { json!([]) } else { json!([{"type": "summary_text", "text": text}]) };
                json!({"type": "reasoning", "id": id, "status": status, "summary": summary, "encrypted_content": sealed})
            }
            Self::Call { id, call_id, name, arguments, .. } => {
                json!({"type": "function_call", "id": id, "status": status, "call_id": call_id, "name": name, "arguments": arguments})
            }
        }
    }
}
