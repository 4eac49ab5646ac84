//! A whole answer, put together from its parts.
//!
//! Start at [`collect`]; a consumer that shows the words while they come feeds a [`Collector`] itself.

use futures::StreamExt;
use serde_json::Value;

use crate::error::{Error, Kind};
use crate::provider::{ChatStream, Delta, FinishReason, ToolCall, Usage};

/// A complete answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// All words.
    pub text: String,
    /// All tool calls, in the order in which they began; the arguments of each are a valid JSON object.
    pub tool_calls: Vec<ToolCall>,
    /// What it used, if the provider said so.
    pub usage: Option<Usage>,
    /// Why it ended.
    pub finish: FinishReason,
}

/// Reads a stream to its end.
///
/// # Errors
/// The stream's own error; [`Kind::Cut`] if it ends without a finish reason; [`Kind::InvalidToolCall`] if a call has no name or
/// its arguments are not a JSON object.
pub async fn collect(mut stream: ChatStream) -> Result<Reply, Error> {
    let mut collector = Collector::default();
    while let Some(delta) = stream.next().await {
        collector.add(&delta?);
    }
    collector.finish()
}

/// Puts an answer together while its parts are used elsewhere as well.
#[derive(Debug, Default)]
pub struct Collector {
    text: String,
    calls: Vec<(u32, ToolCall)>,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
}

impl Collector {
    /// Adds the next part.
    pub fn add(&mut self, delta: &Delta) {
        match delta {
            Delta::Text(text) => self.text.push_str(text),
            Delta::ToolCall { index, id, name, arguments_fragment } => {
                self.add_call(*index, id.as_deref(), name.as_deref(), arguments_fragment);
            }
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Finish(reason) => self.finish = Some(*reason),
        }
    }

    /// Some servers number all calls 0 and tell them apart only by id, so a second id at one index begins a new call.
    fn add_call(&mut self, index: u32, id: Option<&str>, name: Option<&str>, fragment: &str) {
        let id = id.unwrap_or_default();
        let open =
            self.calls.iter().rposition(|(at, _)| *at == index).filter(|&at| id.is_empty() || self.calls[at].1.id.is_empty() || self.calls[at].1.id == id);
        let at = open.unwrap_or_else(|| {
            let call = ToolCall { id: String::new(), name: String::new(), arguments: String::new() };
            self.calls.push((index, call));
            self.calls.len() - 1
        });
        let call = &mut self.calls[at].1;
        if call.id.is_empty() {
            call.id.push_str(id);
        }
        if call.name.is_empty() {
            call.name.push_str(name.unwrap_or_default());
        }
        call.arguments.push_str(fragment);
    }

    /// The whole answer.
    ///
    /// # Errors
    /// As [`collect`].
    pub fn finish(self) -> Result<Reply, Error> {
        let finish = self.finish.ok_or(Kind::Cut)?;
        let tool_calls = self.calls.into_iter().enumerate().map(|(position, (_, call))| checked(position, call)).collect::<Result<_, _>>()?;
        Ok(Reply { text: self.text, tool_calls, usage: self.usage, finish })
    }
}

/// A call without arguments or id is completed; some servers leave both out.
fn checked(position: usize, mut call: ToolCall) -> Result<ToolCall, Error> {
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
