//! Streams of chat completions: a provider's read by [`Decoder`], a caller's written by [`Encoder`].

mod encode;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::usage::WireUsage;
use super::{BROKE_DOWN, finish_reason};
use crate::chat::{Chunk, Delta, FinishReason, Usage};
use crate::dialect::classify;
use crate::dialect::sse::Event;
use crate::dialect::stream::{Decode, Step};
use crate::error::{Error, Kind};

pub use encode::Encoder;
pub(super) use encode::word as finish_word;

const DONE: &[u8] = b"[DONE]";

/// One frame of the answer. Everything may be absent.
#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    delta: Option<WireDelta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct WireDelta {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    // Two spellings of the same, and some servers send both.
    #[serde(default)]
    reasoning: Option<Value>,
    #[serde(default)]
    reasoning_content: Option<Value>,
    #[serde(default)]
    tool_calls: Option<Vec<WireCall>>,
}

#[derive(Deserialize)]
struct WireCall {
    #[serde(default)]
    index: Option<u32>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<WireFunction>,
}

#[derive(Default, Deserialize)]
struct WireFunction {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

/// Reads the stream of a provider.
#[derive(Default)]
pub(crate) struct Decoder {
    has_started: bool,
    has_called: bool,
    finish: Option<FinishReason>,
}

impl Decode for Decoder {
    fn event(&mut self, event: &Event, chunk: &mut Chunk) -> Result<Step, Error> {
        let data = event.data.trim_ascii();
        if data == DONE {
            return Ok(Step::Ends);
        }
        let Ok(frame) = serde_json::from_slice::<Frame>(data) else { return Ok(Step::Malformed) };
        if let (Some(error), None) = (&frame.error, &self.finish) {
            return Err(classify::in_stream(error));
        }
        if !self.has_started && (frame.id.is_some() || frame.model.is_some() || frame.choices.is_some()) {
            self.has_started = true;
            chunk.deltas.push(Delta::Start { id: frame.id, model: frame.model });
        }
        let mut is_progress = false;
        // Only one answer was asked for.
        for choice in frame.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            is_progress |= self.choice(choice, chunk)?;
        }
        chunk.deltas.extend(frame.usage.as_ref().map(|usage| Delta::Usage(Usage::from(usage))));
        Ok(Step::of(is_progress))
    }

    fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    fn finish(&mut self) -> Option<Chunk> {
        let finish = self.finish.take()?;
        // Some servers call it a stop when the model waits for its tools.
        let finish = if self.has_called && finish == FinishReason::Stop { FinishReason::ToolCalls } else { finish };
        Some(Delta::Finish(finish).into())
    }

    fn last_event(&self) -> &'static [u8] {
        encode::DONE_EVENT
    }
}

impl Decoder {
    fn choice(&mut self, choice: Choice, chunk: &mut Chunk) -> Result<bool, Error> {
        let delta = choice.delta.unwrap_or_default();
        let mut is_progress = false;
        if let Some(thought) = delta.reasoning_content.or(delta.reasoning).filter(|thought| thought.as_str() != Some("")) {
            // One in another form than text shows that the model works, and nothing more.
            is_progress = true;
            if let Value::String(text) = thought {
                chunk.deltas.push(Delta::Reasoning(text));
            }
        }
        let said = [delta.content.map(Delta::Text), delta.refusal.map(Delta::Refusal)];
        let is_something = |delta: &Delta| matches!(delta, Delta::Text(text) | Delta::Refusal(text) if !text.is_empty());
        for delta in said.into_iter().flatten().filter(is_something) {
            chunk.deltas.push(delta);
            is_progress = true;
        }
        for (position, call) in (0_u32..).zip(delta.tool_calls.into_iter().flatten()) {
            let function = call.function.unwrap_or_default();
            let id = call.id.filter(|id| !id.is_empty());
            let name = function.name.filter(|name| !name.is_empty());
            let arguments_fragment = function.arguments.unwrap_or_default();
            if id.is_none() && name.is_none() && arguments_fragment.is_empty() {
                continue;
            }
            self.has_called = true;
            is_progress = true;
            // Servers that leave the number out give several calls in one frame.
            chunk.deltas.push(Delta::ToolCall { index: call.index.unwrap_or(position), id, name, arguments_fragment });
        }
        match choice.finish_reason.as_deref() {
            None | Some("") => {}
            Some(BROKE_DOWN) => return Err(Kind::Upstream.into()),
            Some(reason) => {
                self.finish.get_or_insert_with(|| finish_reason(reason));
                is_progress = true;
            }
        }
        Ok(is_progress)
    }
}

/// The event without what it says of usage; nothing if it says nothing else.
fn without_usage(raw: &Bytes) -> Bytes {
    use crate::dialect::patch::{Change, patch};
    let text = std::str::from_utf8(raw).ok().and_then(|text| text.trim_end().strip_prefix("data:")).unwrap_or_default();
    #[derive(Deserialize)]
    struct Choices {
        #[serde(default)]
        choices: Option<Vec<serde::de::IgnoredAny>>,
    }
    let has_choices = serde_json::from_str(text).is_ok_and(|frame: Choices| frame.choices.is_some_and(|choices| !choices.is_empty()));
    match patch(text.trim(), &[("usage", Change::Remove)]) {
        Ok(rest) if has_choices => format!("data: {rest}\n\n").into(),
        _ => Bytes::new(),
    }
}
