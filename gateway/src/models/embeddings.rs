//! `POST /v1/embeddings`: texts as vectors, in the form of OpenAI's clients.
//!
//! Texts are masked like those of a conversation. A vector tells much of its text, so it is neither kept nor logged.

use super::account::Account;
use super::call::{Kept, begin, failed, read, tell_served, whole};
use super::key::{self, Door};
use super::problem::Refusal;
use super::record::Record;
use super::{Answered, request_id};
use crate::state::AppState;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use std::borrow::Cow;
use std::time::{Duration, Instant};
use steward_ai::access::Caller;
use steward_ai::ledger::Outcome;
use steward_llm::dialect::openai::embed;
use steward_llm::dialect::{Defaults, Head};
use steward_llm::dispatch::Call;
use steward_llm::embed::{EmbedInput, EmbedRequest};
use steward_llm::guard::{self, Piece, sanitise};

const LONGEST: Duration = Duration::from_secs(120);

pub(super) async fn create(State(state): State<AppState>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Answered {
    let id = request_id();
    let response = match answer(&state, &headers, body, &id).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(Door::Embeddings.dialect(), &id),
    };
    Answered::with_name(&id, response)
}

async fn answer(state: &AppState, headers: &HeaderMap, body: Result<Bytes, BytesRejection>, id: &str) -> Result<Response, Refusal> {
    let caller = key::caller_at(state, headers, Door::Embeddings).await?;
    let body = read(body)?;
    let defaults = Defaults { max_tokens: 0, deadline: Instant::now() + LONGEST };
    let mut request = embed::decode(body.clone(), defaults).map_err(|invalid| Refusal::of_form(&invalid))?;
    let alias = request.model.clone().filter(|alias| !alias.is_empty()).ok_or_else(|| Refusal::of_field("model", "the name of a model is expected"))?;
    if state.models.live().snapshot().alias(&alias).is_none() || !caller.may_use(&alias) {
        return Err(Refusal::no_model(&alias));
    }
    let keeping = match begin(state, &caller, headers, &body).await? {
        Kept::New(keeping) => keeping,
        Kept::Before(response) => return Ok(response),
    };
    let mut record = Record::begin(state, &caller, Door::Embeddings.name(), &alias);
    if let Err(refused) = mask(&caller, &mut request) {
        record.end(Outcome::Refused, Some(refused.code()));
        return Err(Refusal::of_guard(&refused));
    }
    let account = Account::of(state, &caller, record.totals());
    let now = state.kernel.clock.now().timestamp_millis();
    let call = Call { alias: &alias, meter: &account, last_resort: None };
    let served = match state.models.embed(&call, &request).await {
        Ok(served) => served,
        Err(error) => return Err(failed(record, &account, &error, now)),
    };
    record.served_by(&served.provider, &served.model);
    let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    let head = Head { id, model: alias, created: now / 1_000, shows_usage: true };
    let body = served.answer.raw.clone().unwrap_or_else(|| embed::write(&served.answer, request.encoding, &head));
    record.end(Outcome::Answered, None);
    if let Some(keeping) = keeping {
        keeping.finish(200, "application/json", Some(body.clone())).await;
    }
    let mut response = whole(body, "application/json");
    tell_served(&mut response, &served);
    Ok(response)
}

/// Cleans and masks the texts. Where something is found anywhere in the caller's own body, it is given up. Tokens cannot be looked at: they are
/// refused where anything is masked.
fn mask(caller: &Caller, request: &mut EmbedRequest) -> Result<(), guard::Refused> {
    let guard = caller.guard();
    let mut cleaned: Vec<Cow<'_, str>> = Vec::with_capacity(request.inputs.len());
    let mut is_changed = false;
    for input in &request.inputs {
        match input {
            EmbedInput::Text(text) => {
                let (text, removed) = sanitise::text(text, usize::MAX)?;
                is_changed |= removed.total() > 0;
                cleaned.push(text);
            }
            EmbedInput::Tokens(_) if caller.settings().masking => return Err(guard::Refused::Unreadable),
            EmbedInput::Tokens(_) => cleaned.push(Cow::Borrowed("")),
        }
    }
    let pieces: Vec<Piece<'_>> = cleaned.iter().map(|text| Piece::Text(text)).collect();
    let masked = guard.mask(&pieces)?;
    is_changed |= !masked.placeholders.is_empty();
    if let Some(wire) = &request.wire {
        // A field beside the texts may name somebody.
        let body = std::str::from_utf8(&wire.body).map_err(|_| guard::Refused::Unreadable)?;
        is_changed |= !guard.mask(&[Piece::Json(body)])?.placeholders.is_empty();
    }
    if !is_changed {
        return Ok(());
    }
    let texts: Vec<String> = masked.texts.into_iter().map(Cow::into_owned).collect();
    request.wire = None;
    for (input, text) in request.inputs.iter_mut().zip(texts) {
        if let EmbedInput::Text(old) = input {
            *old = text;
        }
    }
    Ok(())
}
