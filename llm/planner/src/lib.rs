//! The built-in planner: a provider that needs no model.
//!
//! It answers like any provider, with tool calls or with text, by rules over the tool definitions that it is handed and
//! the results of earlier calls: [`lexicon`] reads names, labels and synonyms out of the tools, [`reading`] marks what
//! of the question they explain, [`question`] and [`command`] turn that into calls, [`words`] phrases the answer.
//!
//! It plans anew at each call. What it needs to know it asks of the [`turn::Turn`], which answers from the tool results
//! so far or says which call is missing. It never guesses: a word that it cannot place is named, not ignored.
//!
//! Deliberately absent: any knowledge of the ERP beyond those definitions, and any state between calls.

mod command;
mod dates;
mod lexicon;
mod question;
mod reading;
mod select;
mod turn;
mod words;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream;
use serde_json::Value;
use steward_llm::{ChatRequest, ChatStream, Delta, Error, FinishReason, Provider};
use turn::{Stop, Turn};

/// The provider. Without state, so one serves everybody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planner;

/// Calls that one question may need before the planner gives up.
const CALLS_MAX: usize = 16;

impl Provider for Planner {
    fn name(&self) -> &str {
        "planner"
    }

    fn chat<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, Error>> {
        let deltas: Vec<Result<Delta, Error>> = match answer(request) {
            Next::Say(text) => vec![Ok(Delta::Text(text)), Ok(Delta::Finish(FinishReason::Stop))],
            Next::Call { name, arguments, number } => vec![
                Ok(Delta::ToolCall { index: 0, id: Some(format!("call_{number}")), name: Some(name.to_owned()), arguments_fragment: arguments.to_string() }),
                Ok(Delta::Finish(FinishReason::ToolCalls)),
            ],
        };
        async move { Ok(Box::pin(stream::iter(deltas)) as ChatStream) }.boxed()
    }
}

/// What the planner does next.
#[derive(Debug)]
enum Next {
    Say(String),
    Call { name: &'static str, arguments: Value, number: usize },
}

fn answer(request: &ChatRequest) -> Next {
    let turn = Turn::of(request);
    let words = words::Words::of(turn.language());
    if turn.calls() > CALLS_MAX {
        return Next::Say(words.too_much());
    }
    let lexicon = lexicon::Lexicon::of(&request.tools);
    let said = command::plan(&turn, &lexicon, &words).unwrap_or_else(|| question::plan(&turn, &lexicon, &words));
    match said {
        Ok(text) => Next::Say(text),
        Err(Stop::Call(name, arguments)) => Next::Call { name, arguments, number: turn.calls() + 1 },
        Err(Stop::Say(text)) => Next::Say(text),
    }
}

#[cfg(test)]
mod tests;
