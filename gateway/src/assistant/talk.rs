//! The assistant for other doors than its own: a question in, what is said out.
//!
//! Start at [`ask`]. It is the same turn as in the chat: stored, checked sentence by sentence, with proposals that only the person
//! can confirm, in a session of his. Whoever drops the [`Talk`] ends the turn.

use super::conversation::{self, Question};
use super::live::{Next, Tail};
use super::store;
use crate::state::AppState;
use futures::stream::{BoxStream, StreamExt};
use serde_json::Value;
use std::sync::Arc;
use steward_ai::access::Caller;
use steward_kernel::{Principal, Result};
use uuid::Uuid;

/// One thing that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// More words of the answer.
    Words(String),
    /// A question back, whole.
    Asks(String),
    /// Something was proposed; it waits in the chat.
    Proposes,
    /// Everything was said.
    Done,
    /// There is no answer, or no more of it.
    Failed { code: String, message: String },
}

/// A turn that runs.
pub(crate) struct Talk {
    pub(crate) conversation: Uuid,
    pub(crate) said: BoxStream<'static, Said>,
}

/// Ends a turn that nobody listens to any more.
struct Ends {
    state: AppState,
    asker: Principal,
    message: Uuid,
}

impl Drop for Ends {
    fn drop(&mut self) {
        // Of a turn that has ended nothing is left to stop.
        self.state.assistant.turns.stop(&self.asker, self.message);
    }
}

/// Asks, as a new conversation or as the next turn of one. The question has counted as a request of the caller's; what models cost is
/// his as well.
pub(crate) async fn ask(state: &AppState, asker: Principal, conversation: Option<Uuid>, text: &str, caller: &Caller) -> Result<Talk> {
    let place = state.assistant.turns.take_place(&asker)?;
    let (begun, start) = store::begin(&state.kernel, &asker, conversation, text).await?;
    let live = state.assistant.turns.begin(&asker, begun.conversation, begun.message, start);
    let tail = Tail::of_live(state.clone(), asker.clone(), begun.message, Arc::clone(&live), 0);
    let question = Question { conversation: begun.conversation, message: begun.message, text: text.to_owned(), position: None, counted: Some(caller.clone()) };
    conversation::start(state, asker.clone(), question, live, place);
    let ends = Ends { state: state.clone(), asker, message: begun.message };
    let said = futures::stream::unfold((tail, ends), async |(mut tail, ends)| {
        loop {
            let Next::Event(event) = tail.next().await? else { continue };
            if let Some(said) = said(&event.name, &event.data) {
                return Some((said, (tail, ends)));
            }
        }
    });
    Ok(Talk { conversation: begun.conversation, said: said.boxed() })
}

fn said(name: &str, data: &Value) -> Option<Said> {
    let part = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match name {
        "text" => Some(Said::Words(part("delta"))),
        "ask" => Some(Said::Asks(part("text"))),
        "proposal" => Some(Said::Proposes),
        "done" => Some(Said::Done),
        "error" => Some(Said::Failed { code: part("code"), message: part("message") }),
        _ => None,
    }
}
