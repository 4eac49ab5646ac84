//! The door of the assistant: a conversation in which a model asks the catalogue and proposes commands.
//!
//! Start at [`conversation`], the loop between the model and its tools; [`tools`] makes the tools' definitions from the
//! catalogue and the asker's rights, [`calls`] runs them ([`query`], [`report`], [`search`], [`propose`], [`screen`]), [`check`] holds
//! every sentence of an answer against what they returned, and [`taint`] every argument of a proposal against where it comes
//! from. [`live`] records the events of a turn, so that a dropped stream can be picked up, [`memory`] masks what is read
//! again without the rights to it, and [`http`] is what clients reach.
//!
//! Deliberately absent: any way to write. A proposal is executed by `steward_actions` when a person confirms it.
//!
//! **Invariants:** a turn ends with exactly one terminal event, `done` or `error`, whatever happens to the client, the
//! model or the code in between; one that its person stopped ends with `done`, what was told so far and `stopped`. What is
//! shown was checked before, and stored.

mod calls;
mod check;
mod conversation;
mod http;
mod live;
mod memory;
mod propose;
mod query;
mod report;
mod screen;
mod search;
mod store;
mod taint;
pub(crate) mod talk;
mod tools;

pub(crate) use self::http::{CONFIRMATION_TOKEN, LAST_EVENT_ID};
pub(crate) use search::digest;

use crate::state::AppState;
use axum::Router;
use steward_kernel::{Code, Error, Principal, Result};

pub(crate) fn router() -> Router<AppState> {
    http::router()
}

/// What this process keeps for the assistant between requests.
#[derive(Default)]
pub(crate) struct Assistant {
    turns: live::Turns,
    definitions: tools::Definitions,
}

impl Assistant {
    pub(crate) fn new() -> Self {
        Self::default()
    }
}

/// An error as a tool's result: its stable code and its text, which the answer shows as they are.
fn tool_error(error: Error) -> serde_json::Value {
    let (code, message) = shown(error);
    serde_json::json!({ "error": { "code": code, "message": message } })
}

/// What was refused, in the language of whoever asked: outside of the bus nobody else looks for the words.
async fn told<T>(state: &AppState, asker: &Principal, done: Result<T, Error>) -> Result<T, Error> {
    match done {
        Err(error) if error.reason.is_some() => Err(match state.kernel.read(asker).await {
            Ok(read) => error.told_in(&state.labels, &read.rights().language),
            Err(_) => error,
        }),
        done => done,
    }
}

/// The code and the text that a person may see. What is ours is logged and told without its inside.
fn shown(error: Error) -> (&'static str, String) {
    let code = error.reason.unwrap_or(error.code.as_str());
    if error.code == Code::Internal {
        crate::error::Problem::from(error).log();
        return (code, "something went wrong on our side".to_owned());
    }
    let message = match error.fields.as_slice() {
        [] | [_] => error.message.to_string(),
        many => many.iter().map(|one| format!("{}: {}", one.field, one.message)).collect::<Vec<_>>().join("; "),
    };
    (code, message)
}
