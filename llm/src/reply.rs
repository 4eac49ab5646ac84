//! A whole answer, put together from its parts.
//!
//! Start at [`collect`]; a consumer that shows the words while they come feeds a [`Collector`] itself.

use std::borrow::Cow;

use futures::StreamExt;
use serde_json::Value;

use crate::chat::{ChatStream, Chunk, Delta, FinishReason, Message, Opaque, Part, ToolCall, Usage};
use crate::chat::{text, tool_calls};
use crate::error::{Error, Kind};

/// A complete answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The upstream's name of the answer, if it has one.
    pub id: Option<String>,
    /// The model that answered, by the upstream's own name.
    pub model: Option<String>,
    /// Words, reasoning and tool calls in the order in which they began; the arguments of each call are a valid JSON object.
    pub content: Vec<Part>,
    /// What it used, if the provider said so.
    pub usage: Option<Usage>,
    /// Why it ended.
    pub finish: FinishReason,
}

impl Reply {
    /// All words.
    pub fn text(&self) -> Cow<'_, str> {
        text(&self.content, "")
    }

    /// All tool calls.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        tool_calls(&self.content)
    }

    /// The answer as a message of the conversation that goes on.
    pub fn into_message(self) -> Message {
        Message::Assistant { content: self.content }
    }

    /// The answer in pieces, as if it had come as a stream.
    pub fn into_deltas(self) -> impl Iterator<Item = Delta> {
        let start = Delta::Start { id: self.id, model: self.model };
        let usage = self.usage.map(Delta::Usage);
        let mut calls = 0..;
        let parts = self.content.into_iter().flat_map(move |part| {
            let (shown, opaque) = match part {
                Part::Text { text, .. } => (Some(Delta::Text(text)), None),
                Part::Refusal { text } => (Some(Delta::Refusal(text)), None),
                Part::Reasoning { text, opaque } => (Some(Delta::Reasoning(text)), opaque.map(Delta::Opaque)),
                Part::ToolCall(ToolCall { id, name, arguments }) => {
                    let call = Delta::ToolCall { index: calls.next().unwrap_or_default(), id: Some(id), name: Some(name), arguments_fragment: arguments };
                    (Some(call), None)
                }
                Part::Image { .. } | Part::Other { .. } => (None, None),
            };
            let is_empty = |delta: &Delta| matches!(delta, Delta::Text(text) | Delta::Refusal(text) | Delta::Reasoning(text) if text.is_empty());
            [shown.filter(|delta| !is_empty(delta)), opaque].into_iter().flatten()
        });
        [start].into_iter().chain(parts).chain(usage).chain([Delta::Finish(self.finish)])
    }
}

/// Reads a stream to its end.
///
/// # Errors
/// The stream's own error; [`Kind::Cut`] if it ends without a finish reason; [`Kind::InvalidToolCall`] if a call has no name or
/// its arguments are not a JSON object.
pub async fn collect(mut stream: ChatStream) -> Result<Reply, Error> {
    let mut collector = Collector::default();
    while let Some(chunk) = stream.next().await {
        collector.add_all(&chunk?);
    }
    collector.finish()
}

/// Puts an answer together while its parts are used elsewhere as well.
#[derive(Debug, Default)]
pub struct Collector {
    id: Option<String>,
    model: Option<String>,
    parts: Vec<(Option<u32>, Part)>,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
}

impl Collector {
    /// Adds the next frame.
    pub fn add_all(&mut self, chunk: &Chunk) {
        for delta in &chunk.deltas {
            self.add(delta);
        }
    }

    /// Adds the next part.
    pub fn add(&mut self, delta: &Delta) {
        match delta {
            Delta::Start { id, model } => (self.id, self.model) = (id.clone(), model.clone()),
            Delta::Text(more) => match self.parts.last_mut() {
                Some((_, Part::Text { text, .. })) => text.push_str(more),
                _ => self.parts.push((None, Part::text(more.as_str()))),
            },
            Delta::Refusal(more) => match self.parts.last_mut() {
                Some((_, Part::Refusal { text })) => text.push_str(more),
                _ => self.parts.push((None, Part::Refusal { text: more.clone() })),
            },
            Delta::Reasoning(more) => match self.parts.last_mut() {
                Some((_, Part::Reasoning { text, opaque: None })) => text.push_str(more),
                _ => self.parts.push((None, Part::Reasoning { text: more.clone(), opaque: None })),
            },
            Delta::Opaque(opaque) => self.add_opaque(opaque),
            Delta::ToolCall { index, id, name, arguments_fragment } => {
                self.add_call(*index, id.as_deref(), name.as_deref(), arguments_fragment);
            }
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Finish(reason) => self.finish = Some(reason.clone()),
        }
    }

    /// A signature belongs to the thoughts before it; hidden thoughts stand alone.
    fn add_opaque(&mut self, more: &Opaque) {
        match (more, self.parts.last_mut()) {
            (Opaque::Signature { .. }, Some((_, Part::Reasoning { opaque: opaque @ None, .. }))) => *opaque = Some(more.clone()),
            _ => self.parts.push((None, Part::Reasoning { text: String::new(), opaque: Some(more.clone()) })),
        }
    }

    /// Some servers number all calls 0 and tell them apart only by id, so a second id at one index begins a new call.
    fn add_call(&mut self, index: u32, id: Option<&str>, name: Option<&str>, fragment: &str) {
        let id = id.unwrap_or_default();
        let open = self.parts.iter_mut().rev().find_map(|(at, part)| match part {
            Part::ToolCall(call) if *at == Some(index) => Some(call),
            _ => None,
        });
        match open.filter(|call| id.is_empty() || call.id.is_empty() || call.id == id) {
            Some(call) => {
                if call.id.is_empty() {
                    call.id.push_str(id);
                }
                if call.name.is_empty() {
                    call.name.push_str(name.unwrap_or_default());
                }
                call.arguments.push_str(fragment);
            }
            None => {
                let call = ToolCall { id: id.to_owned(), name: name.unwrap_or_default().to_owned(), arguments: fragment.to_owned() };
                self.parts.push((Some(index), Part::ToolCall(call)));
            }
        }
    }

    /// The whole answer.
    ///
    /// # Errors
    /// As [`collect`].
    pub fn finish(self) -> Result<Reply, Error> {
        let finish = self.finish.ok_or(Kind::Cut)?;
        let content = checked(self.parts.into_iter().map(|(_, part)| part))?;
        Ok(Reply { id: self.id, model: self.model, content, usage: self.usage, finish })
    }
}

/// Parts of which every call can be read.
///
/// # Errors
/// [`Kind::InvalidToolCall`] if a call has no name or its arguments are not a JSON object.
pub(crate) fn checked(parts: impl Iterator<Item = Part>) -> Result<Vec<Part>, Error> {
    let mut calls = 0;
    parts
        .map(|part| match part {
            Part::ToolCall(call) => {
                calls += 1;
                checked_call(calls - 1, call).map(Part::ToolCall)
            }
            other => Ok(other),
        })
        .collect()
}

/// A call without arguments or id is completed; some servers leave both out.
fn checked_call(position: usize, mut call: ToolCall) -> Result<ToolCall, Error> {
    if call.name.is_empty() {
        return Err(Kind::InvalidToolCall.into());
    }
    if call.arguments.trim().is_empty() {
        call.arguments = "{}".to_owned();
    }
    match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(_)) => {}
        // The cause is left out: it could quote the arguments.
        _ => return Err(Kind::InvalidToolCall.into()),
    }
    if call.id.is_empty() {
        call.id = format!("call_{position}");
    }
    Ok(call)
}
