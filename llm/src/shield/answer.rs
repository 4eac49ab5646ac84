//! What comes back: filtered first, then the values are put in, so that a value cannot leave in an address that the model made up.
//!
//! The arguments of a tool call are held until they are complete, because only then it can be told what is in them. Words go on as
//! soon as they cannot become something that is found.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::stream;

use super::{Shield, refused};
use crate::chat::{ChatStream, Chunk, Delta, Part, ToolCall};
use crate::error::Error;
use crate::guard::output::Filtering;
use crate::guard::stream::Restoring;
use crate::guard::{Flag, Refused, arguments};
use crate::reply::Reply;

/// Which words a text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    Text,
    Refusal,
    Reasoning,
}

impl Voice {
    fn says(self, text: String) -> Delta {
        match self {
            Self::Text => Delta::Text(text),
            Self::Refusal => Delta::Refusal(text),
            Self::Reasoning => Delta::Reasoning(text),
        }
    }
}

/// One text of the answer while it arrives.
struct Words {
    voice: Voice,
    filtering: Filtering,
    restoring: Restoring,
}

/// One tool call while it arrives.
struct Call {
    index: u32,
    id: Option<String>,
    name: Option<String>,
    arguments: String,
}

struct Watch {
    shield: Shield,
    words: Option<Words>,
    calls: VecDeque<Call>,
}

pub(super) fn stream(shield: Shield, upstream: ChatStream) -> ChatStream {
    let watch = Watch { shield, words: None, calls: VecDeque::new() };
    let state = Some((upstream, watch));
    stream::unfold(state, |state| async move {
        let (mut upstream, mut watch) = state?;
        loop {
            let chunk = match upstream.next().await? {
                Ok(chunk) => chunk,
                // What is held is not shown: nobody knows how it would have gone on.
                Err(error) => return Some((Err(error), None)),
            };
            match watch.pass(chunk) {
                Ok(chunk) if chunk.deltas.is_empty() => {}
                Ok(chunk) => return Some((Ok(chunk), Some((upstream, watch)))),
                Err(error) => return Some((Err(error), None)),
            }
        }
    })
    .boxed()
}

impl Watch {
    fn pass(&mut self, chunk: Chunk) -> Result<Chunk, Error> {
        // All frames of a stream go on as they came, or none: one that was held changes those behind it.
        let mut passed = Chunk::default();
        for delta in chunk.deltas {
            self.take(delta, &mut passed).map_err(refused)?;
        }
        Ok(passed)
    }

    fn take(&mut self, delta: Delta, passed: &mut Chunk) -> Result<(), Refused> {
        match delta {
            Delta::Text(text) => self.say(Voice::Text, &text, passed),
            Delta::Refusal(text) => self.say(Voice::Refusal, &text, passed),
            Delta::Reasoning(text) => self.say(Voice::Reasoning, &text, passed),
            Delta::ToolCall { index, id, name, arguments_fragment } => {
                self.end_words(passed)?;
                // Some servers number all calls 0 and tell them apart only by id.
                let is_same = |call: &Call| call.index == index && (id.is_none() || call.id.is_none() || call.id == id);
                match self.calls.back_mut().filter(|call| is_same(call)) {
                    Some(call) => {
                        call.arguments.push_str(&arguments_fragment);
                        call.id = call.id.take().or(id);
                        call.name = call.name.take().or(name);
                    }
                    None => match self.calls.iter_mut().find(|call| is_same(call)) {
                        // Calls that take turns.
                        Some(call) => call.arguments.push_str(&arguments_fragment),
                        None => self.calls.push_back(Call { index, id, name, arguments: arguments_fragment }),
                    },
                }
                Ok(())
            }
            Delta::Opaque(_) => {
                self.end_words(passed)?;
                passed.deltas.push(delta);
                Ok(())
            }
            Delta::Finish(_) => {
                self.end_words(passed)?;
                self.end_calls(passed)?;
                passed.deltas.push(delta);
                Ok(())
            }
            Delta::Start { .. } | Delta::Usage(_) => {
                passed.deltas.push(delta);
                Ok(())
            }
        }
    }

    fn say(&mut self, voice: Voice, text: &str, passed: &mut Chunk) -> Result<(), Refused> {
        if self.words.as_ref().is_some_and(|words| words.voice != voice) {
            self.end_words(passed)?;
        }
        let shield = &self.shield;
        let words = self.words.get_or_insert_with(|| Words {
            voice,
            filtering: Filtering::new(shield.guard.clone(), shield.placeholders.clone()),
            restoring: Restoring::new(shield.placeholders.clone()),
        });
        let shown = words.restoring.push(&words.filtering.push(text)?);
        if !shown.is_empty() {
            passed.deltas.push(voice.says(shown));
        }
        Ok(())
    }

    fn end_words(&mut self, passed: &mut Chunk) -> Result<(), Refused> {
        let Some(Words { voice, filtering, mut restoring }) = self.words.take() else { return Ok(()) };
        let (rest, _) = filtering.finish()?;
        let mut shown = restoring.push(&rest);
        shown.push_str(&restoring.finish()?);
        if !shown.is_empty() {
            passed.deltas.push(voice.says(shown));
        }
        Ok(())
    }

    fn end_calls(&mut self, passed: &mut Chunk) -> Result<(), Refused> {
        for call in std::mem::take(&mut self.calls) {
            let (arguments_fragment, _) = restored(&self.shield, &call.arguments)?;
            passed.deltas.push(Delta::ToolCall { index: call.index, id: call.id, name: call.name, arguments_fragment });
        }
        Ok(())
    }
}

fn restored(shield: &Shield, written: &str) -> Result<(String, Vec<Flag>), Refused> {
    let filtered = shield.guard.filter_arguments(written, &shield.placeholders)?;
    let text = arguments::restore(&filtered.text, &shield.placeholders).into_owned();
    Ok((text, filtered.flags))
}

/// A whole answer: what the stream of it would be.
pub(super) fn whole(shield: &Shield, reply: Reply) -> Result<(Reply, Vec<Flag>), Refused> {
    let mut flags = Vec::new();
    let mut said = |text: String| -> Result<String, Refused> {
        let filtered = shield.guard.filter(&text, &shield.placeholders)?;
        flags.extend(filtered.flags);
        Ok(shield.placeholders.restore(&filtered.text).into_owned())
    };
    let mut content = Vec::with_capacity(reply.content.len());
    let mut of_calls = Vec::new();
    for part in reply.content {
        content.push(match part {
            Part::Text { text, cache } => Part::Text { text: said(text)?, cache },
            Part::Refusal { text } => Part::Refusal { text: said(text)? },
            Part::Reasoning { text, opaque } => Part::Reasoning { text: said(text)?, opaque },
            Part::ToolCall(ToolCall { id, name, arguments }) => {
                let (arguments, found) = restored(shield, &arguments)?;
                of_calls.extend(found);
                Part::ToolCall(ToolCall { id, name, arguments })
            }
            other @ (Part::Image { .. } | Part::Other { .. }) => other,
        });
    }
    flags.extend(of_calls);
    Ok((Reply { content, ..reply }, flags))
}
