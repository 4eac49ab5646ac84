//! The built-in planner: a provider that needs no model.
//!
//! It answers like any provider, with tool calls or with text, by rules over the tool definitions that it is handed and
//! the results of earlier calls. Start at [`question`]: a [`scene`] is what a question says (phrases of the [`lexicon`],
//! [`names`] of records, [`dates`], the [`shape`] of the answer), an [`interpret`]ation is what it says about one resource,
//! and of all readings the nearest that leaves no word unexplained is asked for and told by [`answer`]. [`command`] does
//! the same for imperative sentences, [`open`] for what is to be seen on a page, [`dialogue`] joins a question to the one before.
//!
//! It plans anew at each call. What it needs to know it asks of the [`turn::Turn`], which answers from the tool results
//! so far or says which call is missing. It never guesses: a word that it cannot place is named, not ignored.
//!
//! Deliberately absent: any knowledge of the ERP beyond those definitions, and any state between calls.

mod answer;
mod command;
mod dates;
mod dialogue;
mod interpret;
mod lexicon;
mod names;
mod open;
mod passages;
mod question;
mod ranking;
mod reading;
mod scene;
mod select;
mod shape;
mod target;
mod turn;
mod words;

pub use passages::is_not_known;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream;
use serde_json::Value;
use steward_llm::{Answer, Attempt, ChatRequest, Chunk, Delta, Error, FinishReason, Provider};
use turn::{Stop, Turn};

/// The provider. Without state, so one serves everybody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planner;

/// Calls that one question may need before the planner gives up.
const CALLS_MAX: usize = 36;

impl Provider for Planner {
    fn name(&self) -> &str {
        "planner"
    }

    fn chat<'a>(&'a self, attempt: Attempt<'a>) -> BoxFuture<'a, Result<Answer, Error>> {
        let deltas = match answer(attempt.request) {
            Next::Say(text) => vec![Delta::Text(text), Delta::Finish(FinishReason::Stop)],
            Next::Call { calls, number } => {
                let calls = (0_u32..).zip(calls).map(|(index, (name, arguments))| Delta::ToolCall {
                    index,
                    id: Some(format!("call_{number}_{index}")),
                    name: Some(name.to_owned()),
                    arguments_fragment: arguments.to_string(),
                });
                calls.chain([Delta::Finish(FinishReason::ToolCalls)]).collect()
            }
        };
        let chunks = deltas.into_iter().map(|delta| Ok(Chunk::from(delta)));
        async move { Ok(Answer::Stream(Box::pin(stream::iter(chunks)))) }.boxed()
    }
}

/// What the planner does next.
#[derive(Debug)]
enum Next {
    Say(String),
    /// Calls that do not depend on each other, and the number of the first of them.
    Call {
        calls: Vec<(&'static str, Value)>,
        number: usize,
    },
}

fn answer(request: &ChatRequest) -> Next {
    let turn = Turn::of(request);
    let words = words::Words::of(turn.language());
    if turn.calls() > CALLS_MAX {
        return Next::Say(words.too_much());
    }
    let lexicon = lexicon::Lexicon::of(&request.tools);
    let done = open::plan(&turn, &lexicon, &words).or_else(|| command::plan(&turn, &lexicon, &words));
    let said = done.unwrap_or_else(|| passages::instead(request, &turn, &words, dialogue::plan(&turn, &lexicon, &words)));
    match said {
        Ok(text) => Next::Say(text),
        Err(Stop::Call(calls)) => Next::Call { calls, number: turn.calls() + 1 },
        Err(Stop::Say(text)) => Next::Say(text),
    }
}

#[cfg(test)]
mod tests;
