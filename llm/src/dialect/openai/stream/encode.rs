//! The stream of a chat completion for a caller.

use bytes::Bytes;
use serde::Serialize;

use super::super::usage::WireUsage;
use super::without_usage;
use crate::chat::{Chunk, Delta, Dialect, FinishReason, Usage};
use crate::dialect::{Frames, Head, Told};
use crate::error::Error;

pub(super) const DONE_EVENT: &[u8] = b"data: [DONE]\n\n";

#[derive(Serialize)]
struct Frame<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: &'a [Choice<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WireUsage>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    delta: WireDelta<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'a str>,
}

#[derive(Default, Serialize)]
struct WireDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[WireCall<'a>; 1]>,
}

#[derive(Serialize)]
struct WireCall<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: WireFunction<'a>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

/// Writes the stream for a caller.
pub struct Encoder {
    id: String,
    model: String,
    created: i64,
    shows_usage: bool,
    has_started: bool,
    usage: Option<Usage>,
}

impl Encoder {
    /// For an answer with this head.
    pub fn new(head: Head) -> Self {
        Self { id: format!("chatcmpl-{}", head.id), model: head.model, created: head.created, shows_usage: head.shows_usage, has_started: false, usage: None }
    }

    fn frame(&self, out: &mut Vec<u8>, choices: &[Choice<'_>], usage: Option<WireUsage>) {
        out.extend_from_slice(b"data: ");
        let frame = Frame { id: &self.id, object: "chat.completion.chunk", created: self.created, model: &self.model, choices, usage };
        // Writing to memory what has only textual keys cannot fail.
        let _ = serde_json::to_writer(&mut *out, &frame);
        out.extend_from_slice(b"\n\n");
    }

    fn says(&self, out: &mut Vec<u8>, delta: WireDelta<'_>, finish_reason: Option<&str>) {
        self.frame(out, &[Choice { index: 0, delta, logprobs: None, finish_reason }], None);
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        if let Delta::Start { model: Some(model), .. } = delta {
            self.model.clone_from(model);
        }
        if !std::mem::replace(&mut self.has_started, true) {
            self.says(out, WireDelta { role: Some("assistant"), content: Some(""), ..WireDelta::default() }, None);
        }
        match delta {
            // What proves reasoning has no place in this dialect.
            Delta::Start { .. } | Delta::Opaque(_) => {}
            Delta::Text(text) => self.says(out, WireDelta { content: Some(text), ..WireDelta::default() }, None),
            Delta::Refusal(text) => self.says(out, WireDelta { refusal: Some(text), ..WireDelta::default() }, None),
            Delta::Reasoning(text) => self.says(out, WireDelta { reasoning_content: Some(text), ..WireDelta::default() }, None),
            Delta::ToolCall { index, id, name, arguments_fragment } => {
                let function = WireFunction { name: name.as_deref(), arguments: arguments_fragment };
                let call = WireCall { index: *index, id: id.as_deref(), kind: id.as_ref().map(|_| "function"), function };
                self.says(out, WireDelta { tool_calls: Some([call]), ..WireDelta::default() }, None);
            }
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Finish(reason) => {
                self.says(out, WireDelta::default(), Some(word(reason)));
                if let Some(usage) = self.usage.as_ref().filter(|_| self.shows_usage) {
                    self.frame(out, &[], Some(usage.into()));
                }
                out.extend_from_slice(DONE_EVENT);
            }
        }
    }
}

impl Frames for Encoder {
    fn chunk(&mut self, chunk: &Chunk) -> Bytes {
        if let Some(raw) = &chunk.raw {
            let tells_usage = chunk.deltas.iter().any(|delta| matches!(delta, Delta::Usage(_)));
            return if tells_usage && !self.shows_usage { without_usage(raw) } else { raw.clone() };
        }
        let mut out = Vec::with_capacity(256);
        for delta in &chunk.deltas {
            self.delta(delta, &mut out);
        }
        out.into()
    }

    fn failure(&mut self, error: &Error) -> Bytes {
        [b"data: ", &Told::of(error).body(Dialect::OpenAiChat, None)[..], b"\n\n"].concat().into()
    }
}

/// A reason in OpenAI's words; one that nobody here knows goes on as it came.
pub(in crate::dialect::openai) fn word(reason: &FinishReason) -> &str {
    reason.as_str()
}
