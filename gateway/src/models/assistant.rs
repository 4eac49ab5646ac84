//! The alias `steward-assistant`: behind it stands no model but the assistant of the house, so that any chat front end can be the chat.
//!
//! Start at [`serve`]. The answer is the assistant's own turn, with the rights of the user whose key it is. What it proposes waits in
//! the chat's pages: no front end and no key can confirm it. A front end sends the whole conversation each time; the turn that goes on
//! is recognised by what was said before, and a conversation that is not recognised begins anew.

use super::problem::Refusal;
use super::request_id;
use crate::assistant::talk::{self, Said, Talk};
use crate::state::AppState;
use axum::http::StatusCode;
use futures::stream::{self, StreamExt};
use moka::future::Cache;
use std::sync::Arc;
use std::time::Duration;
use steward_ai::access::Caller;
use steward_kernel::{Code, Door, Principal};
use steward_llm::{ChatRequest, ChatStream, Delta, Error, FinishReason, Kind, Message};
use uuid::Uuid;

/// What callers ask for.
pub(super) const ALIAS: &str = "steward-assistant";

const TEXT_CHARS_MAX: usize = 4_000;
const CONVERSATIONS_MAX: u64 = 10_000;
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// Conversations by what was said in them, each known to its key alone.
pub(super) struct Conversations(Cache<[u8; 32], Uuid>);

impl Default for Conversations {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CONVERSATIONS_MAX).time_to_live(REMEMBERED).build())
    }
}

/// Answers the last message of a user.
pub(super) async fn serve(state: &AppState, known: &Arc<Conversations>, caller: &Caller, request: &ChatRequest) -> Result<ChatStream, Refusal> {
    let Some(key) = caller.key.filter(|_| caller.may_act()) else {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "assistant_not_allowed", "this key may call models, but not act as its user; make one that may"));
    };
    let asked = request.messages.iter().rposition(|message| matches!(message, Message::User { .. }));
    let text = asked.and_then(|at| request.messages.get(at)).map(|message| message.text().trim().to_owned()).unwrap_or_default();
    if text.is_empty() || text.chars().count() > TEXT_CHARS_MAX || text.contains('\0') {
        return Err(Refusal::of_field("messages", format!("the last message of the user has 1 to {TEXT_CHARS_MAX} characters")));
    }
    let before = said(key, request.messages.get(..asked.unwrap_or_default()).unwrap_or_default());
    let correlation = Arc::from(request_id());
    let principal = Principal { tenant: caller.tenant, user: caller.user, session: key, interactive: false, door: Door::Assistant, correlation };
    let talk = begin(state, known, caller, principal, before.finalize().into(), &text).await?;

    let conversation = talk.conversation;
    let mut transcript = before;
    say(&mut transcript, b'u', &text);
    let place = format!("\n\n→ {}/app/chat/{conversation}", state.config.public_url());
    let telling = Telling { talk, known: Arc::clone(known), transcript, answer: String::new(), place, has_proposed: false, is_over: false };
    Ok(telling.stream())
}

async fn begin(state: &AppState, known: &Conversations, caller: &Caller, principal: Principal, before: [u8; 32], text: &str) -> Result<Talk, Refusal> {
    if let Some(conversation) = known.0.get(&before).await {
        match talk::ask(state, principal.clone(), Some(conversation), text, caller).await {
            // It was deleted in the chat.
            Err(error) if error.code == Code::NotFound => known.0.invalidate(&before).await,
            begun => return Ok(begun?),
        }
    }
    Ok(talk::ask(state, principal, None, text, caller).await?)
}

/// What people and assistant said so far.
fn said(key: Uuid, messages: &[Message]) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key.as_bytes());
    for message in messages {
        match message {
            Message::User { .. } => say(&mut hasher, b'u', message.text().trim()),
            Message::Assistant { .. } => say(&mut hasher, b'a', message.text().trim()),
            Message::System { .. } | Message::Tool { .. } => {}
        }
    }
    hasher
}

fn say(hasher: &mut blake3::Hasher, who: u8, text: &str) {
    hasher.update(&[who]).update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}

struct Telling {
    talk: Talk,
    known: Arc<Conversations>,
    transcript: blake3::Hasher,
    answer: String,
    /// Where a proposal waits.
    place: String,
    has_proposed: bool,
    is_over: bool,
}

impl Telling {
    fn stream(self) -> ChatStream {
        let start = Delta::Start { id: None, model: Some(ALIAS.to_owned()) };
        let rest = stream::unfold(self, async |mut telling| {
            let deltas = telling.next().await?;
            Some((deltas, telling))
        });
        let rest = rest.map(|deltas| deltas.map(|deltas| steward_llm::Chunk { deltas: deltas.into_iter().collect(), raw: None }));
        stream::iter([Ok(start.into())]).chain(rest).boxed()
    }

    async fn next(&mut self) -> Option<Result<Vec<Delta>, Error>> {
        while !self.is_over {
            match self.talk.said.next().await {
                Some(Said::Words(words) | Said::Asks(words)) if !words.is_empty() => {
                    self.answer.push_str(&words);
                    return Some(Ok(vec![Delta::Text(words)]));
                }
                Some(Said::Proposes) => self.has_proposed = true,
                Some(Said::Words(_) | Said::Asks(_)) => {}
                Some(Said::Done) => return Some(Ok(self.end().await)),
                Some(Said::Failed { code, .. }) => {
                    self.is_over = true;
                    return Some(Err(Error::new(Kind::Upstream).with_upstream_code(&code)));
                }
                None => {
                    self.is_over = true;
                    return Some(Err(Kind::Cut.into()));
                }
            }
        }
        None
    }

    async fn end(&mut self) -> Vec<Delta> {
        self.is_over = true;
        let mut deltas = Vec::new();
        if self.has_proposed {
            self.answer.push_str(&self.place);
            deltas.push(Delta::Text(self.place.clone()));
        }
        say(&mut self.transcript, b'a', self.answer.trim());
        self.known.0.insert(self.transcript.finalize().into(), self.talk.conversation).await;
        deltas.push(Delta::Finish(FinishReason::Stop));
        deltas
    }
}
