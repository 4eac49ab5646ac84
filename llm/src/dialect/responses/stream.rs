//! The stream of a response for a caller.
//!
//! A response is a list of items: thoughts, messages, calls. Each is announced, told in pieces, and told again as a whole when it is
//! complete; the last event holds all of them.

mod item;

use bytes::Bytes;
use serde_json::{Value, json};

use self::item::{Item, Said};
use super::sealed;
use crate::chat::{Chunk, Delta, Dialect, FinishReason, Opaque, Usage};
use crate::dialect::{Frames, Head, Told};
use crate::error::Error;

/// Writes the stream for a caller.
pub struct Encoder {
    head: Head,
    sequence: u64,
    has_started: bool,
    items: Vec<Item>,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    failure: Option<Value>,
}

impl Encoder {
    /// For an answer with this head.
    pub fn new(head: Head) -> Self {
        Self { head, sequence: 0, has_started: false, items: Vec::new(), usage: None, finish: None, failure: None }
    }

    pub(super) fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { model, .. } => {
                if let Some(model) = model {
                    self.head.model.clone_from(model);
                }
            }
            Delta::Usage(usage) => self.usage = Some(*usage),
            _ => self.start(out),
        }
        match delta {
            Delta::Start { .. } | Delta::Usage(_) => {}
            Delta::Text(text) => self.say(Said::Text, text, out),
            Delta::Refusal(text) => self.say(Said::Refusal, text, out),
            Delta::Reasoning(text) => self.think(text, out),
            Delta::Opaque(opaque) => self.seal(opaque, out),
            Delta::ToolCall { index, id, name, arguments_fragment } => self.call(*index, id.as_deref(), name.as_deref(), arguments_fragment, out),
            Delta::Finish(reason) => {
                self.close_all(out);
                self.finish = Some(reason.clone());
                let name = if self.status() == "completed" { "response.completed" } else { "response.incomplete" };
                self.event(name, json!({"response": self.response()}), out);
            }
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_started, true) {
            for name in ["response.created", "response.in_progress"] {
                self.event(name, json!({"response": self.response()}), out);
            }
        }
    }

    fn say(&mut self, said: Said, text: &str, out: &mut Vec<u8>) {
        let at = match self.items.last() {
            Some(Item::Message { is_done: false, .. }) => self.items.len() - 1,
            _ => self.begin(Item::message(&self.head.id, self.items.len()), out),
        };
        self.close_part(at, Some(said), out);
        let Some(Item::Message { id, parts, .. }) = self.items.get_mut(at) else { return };
        let id = id.clone();
        if parts.last().is_none_or(|(last, _)| *last != said) {
            parts.push((said, String::new()));
            let part = json!({"item_id": id, "output_index": at, "content_index": parts.len() - 1, "part": said.part("")});
            self.event("response.content_part.added", part, out);
        }
        let Some(Item::Message { parts, .. }) = self.items.get_mut(at) else { return };
        let place = parts.len() - 1;
        parts[place].1.push_str(text);
        let mut data = json!({"item_id": id, "output_index": at, "content_index": place, "delta": text});
        if said == Said::Text {
            data["logprobs"] = json!([]);
        }
        self.event(said.delta(), data, out);
    }

    fn think(&mut self, text: &str, out: &mut Vec<u8>) {
        let at = match self.items.last() {
            Some(Item::Reasoning { is_done: false, .. }) => self.items.len() - 1,
            _ => self.begin(Item::reasoning(&self.head.id, self.items.len()), out),
        };
        let Some(Item::Reasoning { id, text: all, .. }) = self.items.get_mut(at) else { return };
        let (id, is_first) = (id.clone(), all.is_empty());
        all.push_str(text);
        let place = json!({"item_id": id, "output_index": at, "summary_index": 0});
        if is_first {
            self.event("response.reasoning_summary_part.added", with(&place, "part", json!({"type": "summary_text", "text": ""})), out);
        }
        self.event("response.reasoning_summary_text.delta", with(&place, "delta", text.into()), out);
    }

    fn seal(&mut self, opaque: &Opaque, out: &mut Vec<u8>) {
        let open = matches!((opaque, self.items.last()), (Opaque::Signature { .. }, Some(Item::Reasoning { is_done: false, .. })));
        let at = if open { self.items.len() - 1 } else { self.begin(Item::reasoning(&self.head.id, self.items.len()), out) };
        if let Some(Item::Reasoning { sealed: place, .. }) = self.items.get_mut(at) {
            *place = Some(sealed(opaque));
        }
        self.close(at, out);
    }

    fn call(&mut self, index: u32, id: Option<&str>, name: Option<&str>, fragment: &str, out: &mut Vec<u8>) {
        // Some servers number all calls 0 and tell them apart only by id.
        let known =
            self.items.iter().rposition(|item| matches!(item, Item::Call { index: at, call_id, .. } if *at == index && id.is_none_or(|id| id == call_id)));
        let at = known.unwrap_or_else(|| {
            let call_id = id.map_or_else(|| format!("call_{}", self.items.len()), str::to_owned);
            self.begin(Item::call(&self.head.id, self.items.len(), index, call_id, name.unwrap_or_default()), out)
        });
        if let Some(Item::Call { id, arguments, .. }) = self.items.get_mut(at)
            && !fragment.is_empty()
        {
            arguments.push_str(fragment);
            let data = json!({"item_id": id, "output_index": at, "delta": fragment});
            self.event("response.function_call_arguments.delta", data, out);
        }
    }

    /// Announces an item. Calls may come interleaved, so only the others end when the next item begins.
    fn begin(&mut self, item: Item, out: &mut Vec<u8>) -> usize {
        for at in 0..self.items.len() {
            if !matches!((&self.items[at], &item), (Item::Call { .. }, Item::Call { .. })) {
                self.close(at, out);
            }
        }
        let at = self.items.len();
        self.event("response.output_item.added", json!({"output_index": at, "item": item.told()}), out);
        self.items.push(item);
        at
    }

    /// Ends the part of a message that is being told, unless it goes on in the same way.
    fn close_part(&mut self, at: usize, next: Option<Said>, out: &mut Vec<u8>) {
        let Some(Item::Message { id, parts, .. }) = self.items.get(at) else { return };
        let Some((said, text)) = parts.last().filter(|(said, _)| next != Some(*said)) else { return };
        let place = json!({"item_id": id, "output_index": at, "content_index": parts.len() - 1});
        let mut done = with(&place, said.field(), text.as_str().into());
        if *said == Said::Text {
            done["logprobs"] = json!([]);
        }
        let (name, part) = (said.done(), with(&place, "part", said.part(text)));
        self.event(name, done, out);
        self.event("response.content_part.done", part, out);
    }

    fn close(&mut self, at: usize, out: &mut Vec<u8>) {
        if self.items[at].is_done() {
            return;
        }
        self.close_part(at, None, out);
        match &self.items[at] {
            Item::Message { .. } => {}
            Item::Reasoning { id, text, .. } => {
                let place = json!({"item_id": id, "output_index": at, "summary_index": 0});
                if !text.is_empty() {
                    let part = with(&place, "part", json!({"type": "summary_text", "text": text}));
                    let done = with(&place, "text", text.as_str().into());
                    self.event("response.reasoning_summary_text.done", done, out);
                    self.event("response.reasoning_summary_part.done", part, out);
                }
            }
            Item::Call { id, name, arguments, .. } => {
                let done = json!({"item_id": id, "output_index": at, "name": name, "arguments": arguments});
                self.event("response.function_call_arguments.done", done, out);
            }
        }
        self.items[at].end();
        let done = json!({"output_index": at, "item": self.items[at].told()});
        self.event("response.output_item.done", done, out);
    }

    fn close_all(&mut self, out: &mut Vec<u8>) {
        for at in 0..self.items.len() {
            self.close(at, out);
        }
    }

    fn status(&self) -> &'static str {
        match (&self.failure, &self.finish) {
            (Some(_), _) => "failed",
            (None, None) => "in_progress",
            (None, Some(FinishReason::Stop | FinishReason::ToolCalls)) => "completed",
            (None, Some(_)) => "incomplete",
        }
    }

    /// The whole response as far as it has come.
    pub(super) fn response(&self) -> Value {
        let incomplete = match &self.finish {
            None | Some(FinishReason::Stop | FinishReason::ToolCalls) => Value::Null,
            Some(FinishReason::Length) => json!({"reason": "max_output_tokens"}),
            Some(other) => json!({"reason": other.as_str()}),
        };
        let usage = self.usage.map(|usage| {
            json!({
                "input_tokens": usage.input_tokens,
                "input_tokens_details": {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": usage.cache_write_tokens + usage.cache_write_long_tokens},
                "output_tokens": usage.output_tokens,
                "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
                "total_tokens": usage.input_tokens + usage.output_tokens,
            })
        });
        json!({
            "id": format!("resp_{}", self.head.id),
            "object": "response",
            "created_at": self.head.created,
            "status": self.status(),
            "error": self.failure,
            "incomplete_details": incomplete,
            "instructions": null,
            "max_output_tokens": null,
            "model": self.head.model,
            "output": self.items.iter().map(Item::told).collect::<Vec<_>>(),
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "store": false,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage.unwrap_or_default(),
            "metadata": {},
        })
    }

    fn event(&mut self, name: &str, data: Value, out: &mut Vec<u8>) {
        let mut event = json!({"type": name, "sequence_number": self.sequence});
        self.sequence += 1;
        if let (Some(event), Value::Object(data)) = (event.as_object_mut(), data) {
            event.extend(data);
        }
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        // Writing to memory what has only textual keys cannot fail.
        let _ = serde_json::to_writer(&mut *out, &event);
        out.extend_from_slice(b"\n\n");
    }
}

fn with(place: &Value, name: &str, value: Value) -> Value {
    let mut whole = place.clone();
    whole[name] = value;
    whole
}

impl Frames for Encoder {
    fn chunk(&mut self, chunk: &Chunk) -> Bytes {
        let mut out = Vec::with_capacity(512);
        for delta in &chunk.deltas {
            self.delta(delta, &mut out);
        }
        out.into()
    }

    fn failure(&mut self, error: &Error) -> Bytes {
        let mut out = Vec::new();
        self.start(&mut out);
        self.failure = Some(Told::of(error).error(Dialect::OpenAiResponses));
        self.event("response.failed", json!({"response": self.response()}), &mut out);
        out.into()
    }
}
