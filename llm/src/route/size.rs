//! How large a request is, before anybody counted its tokens.

use serde_json::Value;

use crate::chat::{ChatRequest, Format, ImageSource, Opaque, Part};
use crate::embed::{EmbedInput, EmbedRequest};
use crate::price::Request;

/// What a provider may add to a message or to a tool: roles, separators, the frame of a call.
const FRAME_BYTES: u64 = 64;
/// What a provider may add to a whole request: its instructions about tools and formats.
const ENVELOPE_BYTES: u64 = 2_048;

/// The bytes of a conversation that are text for certain, so that its tokens are bounded by them from below.
pub(super) fn text_bytes(request: &ChatRequest) -> u64 {
    let of_part = |part: &Part| match part {
        Part::Text { text, .. } | Part::Refusal { text } => text.len(),
        Part::ToolCall(call) => call.arguments.len(),
        Part::Image { .. } | Part::Reasoning { .. } | Part::Other { .. } => 0,
    };
    request.messages.iter().flat_map(|message| message.content()).map(|part| of_part(part) as u64).sum()
}

impl Request {
    /// The size of a conversation. Its bytes bound its tokens from above.
    pub fn of_chat(request: &ChatRequest) -> Self {
        let parts = || request.messages.iter().flat_map(|message| message.content());
        let images = || parts().filter_map(image_bytes);
        let frames = FRAME_BYTES * (request.messages.len() + request.tools.len()) as u64;
        let said = match &request.wire {
            Some(wire) => (wire.body.len() as u64).saturating_sub(images().sum()),
            None => {
                let tools = request.tools.iter().map(|tool| (tool.name.len() + tool.description.len()) as u64 + json_bytes(&tool.parameters));
                let format = match &request.format {
                    Format::JsonSchema(schema) => json_bytes(&schema.schema),
                    Format::Text | Format::JsonObject => 0,
                };
                parts().map(part_bytes).chain(tools).fold(format, u64::saturating_add)
            }
        };
        let bytes = said.saturating_add(frames).saturating_add(ENVELOPE_BYTES);
        Self { bytes, images: images().count() as u64, output_max: request.max_tokens.into() }
    }

    /// The size of texts that become vectors.
    pub fn of_embeddings(request: &EmbedRequest) -> Self {
        let bytes = |input: &EmbedInput| match input {
            EmbedInput::Text(text) => text.len() as u64,
            EmbedInput::Tokens(tokens) => tokens.len() as u64,
        };
        let inputs = request.inputs.iter().map(|input| bytes(input).saturating_add(FRAME_BYTES));
        Self { bytes: inputs.fold(0, u64::saturating_add), images: 0, output_max: 0 }
    }
}

fn image_bytes(part: &Part) -> Option<u64> {
    match part {
        Part::Image { source: ImageSource::Url { url }, .. } => Some(url.len() as u64),
        Part::Image { source: ImageSource::Base64 { data, .. }, .. } => Some(data.len() as u64),
        _ => None,
    }
}

fn part_bytes(part: &Part) -> u64 {
    let bytes = match part {
        Part::Text { text, .. } | Part::Refusal { text } => text.len(),
        Part::Image { .. } => 0,
        Part::Reasoning { text, opaque } => {
            let opaque = opaque.as_ref().map_or(0, |opaque| match opaque {
                Opaque::Signature { data, .. } | Opaque::Hidden { data, .. } => data.len(),
            });
            text.len() + opaque
        }
        Part::ToolCall(call) => call.id.len() + call.name.len() + call.arguments.len(),
        Part::Other { value, .. } => return json_bytes(value),
    };
    bytes as u64
}

/// The length of the JSON, without writing it down.
fn json_bytes(value: &Value) -> u64 {
    struct Count(u64);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len() as u64);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}
