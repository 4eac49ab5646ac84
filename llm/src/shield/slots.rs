//! The places of a request that hold texts, all of them.

use std::sync::Arc;

use serde_json::Value;

use crate::chat::{ChatRequest, Format, ImageSource, Message, Part, Tool};
use crate::guard::{Piece, Refused};

/// One place.
pub(super) enum Slot<'a> {
    /// Words.
    Text(&'a mut String),
    /// JSON as text, or words if it is none.
    Json(&'a mut String),
    /// JSON as a value, with its text.
    Value(&'a mut Value, String),
    /// A text that means something only as a whole: it cannot be masked.
    Whole(&'a mut String),
}

impl Slot<'_> {
    pub(super) fn piece(&self) -> Piece<'_> {
        match self {
            Self::Text(text) | Self::Whole(text) => Piece::Text(text),
            Self::Json(text) => Piece::Json(text),
            Self::Value(_, text) => Piece::Json(text),
        }
    }

    pub(super) fn set(&mut self, cleaned: String) {
        match self {
            Self::Text(text) | Self::Json(text) | Self::Whole(text) => **text = cleaned,
            Self::Value(_, text) => *text = cleaned,
        }
    }

    /// Writes what is there now, or the masked text.
    pub(super) fn put(self, masked: Option<String>) -> Result<(), Refused> {
        match (self, masked) {
            (Self::Text(text) | Self::Json(text), Some(masked)) => *text = masked,
            (Self::Whole(_), Some(_)) => return Err(Refused::Incomplete),
            (Self::Value(value, text), masked) => *value = serde_json::from_str(masked.as_deref().unwrap_or(&text)).map_err(|_| Refused::Unreadable)?,
            (_, None) => {}
        }
        Ok(())
    }
}

/// All places of a request. What a caller's body holds beyond them is not sent.
pub(super) fn of(request: &mut ChatRequest) -> Vec<Slot<'_>> {
    let ChatRequest { messages, tools, format, sampling, context, .. } = request;
    let mut slots = Vec::new();
    for message in messages {
        let is_result = matches!(message, Message::Tool { .. });
        let (Message::System { content, .. } | Message::User { content } | Message::Assistant { content } | Message::Tool { content, .. }) = message;
        slots.extend(content.iter_mut().flat_map(|part| of_part(part, is_result)));
    }
    for tool in tools {
        let Tool { description, parameters, .. } = Arc::make_mut(tool);
        slots.push(Slot::Text(description));
        slots.push(value(parameters));
    }
    if let Format::JsonSchema(schema) = format {
        slots.extend(schema.description.as_mut().map(Slot::Text));
        slots.push(value(&mut schema.schema));
    }
    slots.extend(sampling.stop.iter_mut().map(Slot::Text));
    // Providers tell it to the model.
    slots.extend(Some(context).filter(|context| !context.is_null()).map(value));
    slots
}

fn of_part(part: &mut Part, is_result: bool) -> Vec<Slot<'_>> {
    match part {
        Part::Text { text, .. } => vec![if is_result { Slot::Json(text) } else { Slot::Text(text) }],
        Part::Refusal { text } | Part::Reasoning { text, .. } => vec![Slot::Text(text)],
        Part::ToolCall(call) => vec![Slot::Json(&mut call.arguments)],
        Part::Image { source: ImageSource::Url { url }, .. } if !url.starts_with("data:") => vec![Slot::Whole(url)],
        Part::Image { .. } => Vec::new(),
        Part::Other { value: all, .. } => vec![value(all)],
    }
}

fn value(value: &mut Value) -> Slot<'_> {
    let text = value.to_string();
    Slot::Value(value, text)
}
