//! A conversation with a model, through whichever door.
//!
//! Start at [`serve`]. The order is fixed: key, form, alias, idempotency, guard, cache, dispatch with reservation. A refusal on the way
//! is told in the dialect of the door, before a byte of an answer.

use super::account::Account;
use super::key::{self, Door};
use super::problem::Refusal;
use super::record::Record;
use super::speak::{Keeping, Speech};
use super::{Answered, assistant, request_id};
use crate::http::extract::REPLAYED;
use crate::state::AppState;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use std::sync::Arc;
use std::time::{Duration, Instant};
use steward_ai::access::Caller;
use steward_ai::idempotency::{self, Begun};
use steward_ai::ledger::Outcome;
use steward_llm::cache::{self, Key, Principal};
use steward_llm::chat::Delivery;
use steward_llm::dialect::{self, Defaults, Head};
use steward_llm::dispatch::{Call, Served};
use steward_llm::shield::Shield;
use steward_llm::{Answer, ChatRequest, Dialect, Kind};

/// What an answer may be long where the caller does not say it: it is always said to the provider, because money is reserved for it.
const MAX_TOKENS: u32 = 4_096;
/// No caller can say it, so it stands for a bound that was not said.
const UNSAID: u32 = 0;
/// No call may take longer, whatever its alias says.
const LONGEST: Duration = Duration::from_secs(600);
const JSON: &str = "application/json";
pub(super) const X_CACHE: HeaderName = HeaderName::from_static("x-steward-cache");
pub(super) const X_PROVIDER: HeaderName = HeaderName::from_static("x-steward-provider");
pub(super) const X_MODEL: HeaderName = HeaderName::from_static("x-steward-model");
pub(super) const X_ATTEMPTS: HeaderName = HeaderName::from_static("x-steward-attempts");

type Given = Result<Bytes, BytesRejection>;

pub(super) async fn chat(State(state): State<AppState>, headers: HeaderMap, body: Given) -> Answered {
    serve(&state, Door::Chat, &headers, body).await
}

pub(super) async fn responses(State(state): State<AppState>, headers: HeaderMap, body: Given) -> Answered {
    serve(&state, Door::Responses, &headers, body).await
}

pub(super) async fn messages(State(state): State<AppState>, headers: HeaderMap, body: Given) -> Answered {
    serve(&state, Door::Messages, &headers, body).await
}

async fn serve(state: &AppState, door: Door, headers: &HeaderMap, body: Given) -> Answered {
    let id = request_id();
    let response = match answer(state, door, headers, body, &id).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(door.dialect(), &id),
    };
    Answered::with_name(&id, response)
}

async fn answer(state: &AppState, door: Door, headers: &HeaderMap, body: Given, id: &str) -> Result<Response, Refusal> {
    let caller = key::caller_at(state, headers, door).await?;
    let body = read(body)?;
    let defaults = Defaults { max_tokens: UNSAID, deadline: Instant::now() + LONGEST };
    let mut request = dialect::decode(door.dialect(), body.clone(), defaults).map_err(|invalid| Refusal::of_form(&invalid))?;
    let alias = request.model.clone().filter(|alias| !alias.is_empty()).ok_or_else(|| Refusal::of_field("model", "the name of a model is expected"))?;
    let offered = state.models.live().snapshot().alias(&alias).cloned();
    if (offered.is_none() && alias != assistant::ALIAS) || !caller.may_use(&alias) {
        return Err(Refusal::no_model(&alias));
    }
    if request.max_tokens == UNSAID {
        request.max_tokens = usual_bound(offered.map(|alias| alias.max_output()));
    }
    if let Some(wire) = &mut request.wire {
        Arc::make_mut(wire).betas = key::betas(headers);
    }
    let keeping = match begin(state, &caller, headers, &body).await? {
        Kept::New(keeping) => keeping,
        Kept::Before(response) => return Ok(response),
    };
    let shows_usage = request.wire.as_ref().is_none_or(|wire| wire.shows_usage);
    let asked = Asked { state, door, caller: &caller, alias: &alias, id, shows_usage };
    let mut record = Record::begin(state, &caller, door.name(), &alias);
    record.keep(&caller, &request);
    if alias == assistant::ALIAS {
        return Box::pin(asked.assistant(request, record, keeping)).await;
    }
    asked.model(request, &body, record, keeping).await
}

/// What an answer may be long whose caller does not say it: the usual, or the longest that there is if that is less.
fn usual_bound(longest: Option<u64>) -> u32 {
    let longest = longest.filter(|longest| *longest > 0).and_then(|longest| u32::try_from(longest).ok());
    longest.map_or(MAX_TOKENS, |longest| longest.min(MAX_TOKENS))
}

/// A body, or why there is none.
pub(super) fn read(body: Given) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the request is too large"),
        _ => Refusal::new(StatusCode::BAD_REQUEST, "bad_request", "the body could not be read"),
    })
}

pub(super) enum Kept {
    New(Option<Keeping>),
    Before(Response),
}

/// Takes the client's own name of the call, if it has one.
pub(super) async fn begin(state: &AppState, caller: &Caller, headers: &HeaderMap, body: &Bytes) -> Result<Kept, Refusal> {
    let Some(key) = key::idempotency_key(headers)? else { return Ok(Kept::New(None)) };
    // Boxed, as all that few calls need: a future is as large as the largest thing that it may wait for.
    match Box::pin(state.ai.idempotency.begin(caller, key, blake3::hash(body).as_bytes())).await? {
        Begun::Run(ticket) => Ok(Kept::New(Some(Keeping::new(state, ticket)))),
        Begun::Answered(idempotency::Answer { status, content_type, body }) => {
            let mut response = whole(body, &content_type);
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(Kept::Before(response))
        }
    }
}

pub(super) fn whole(body: Bytes, content_type: &str) -> Response {
    let mut response = Response::new(Body::from(body));
    let kind = HeaderValue::from_str(content_type).unwrap_or_else(|_| HeaderValue::from_static(JSON));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Why a call came to nothing, written down.
pub(super) fn failed(mut record: Record, account: &Account, error: &steward_llm::Error, now: i64) -> Refusal {
    let refused = account.refused().filter(|_| error.kind() == Kind::Refused);
    let Some(refused) = refused else { return ended(record, error) };
    record.refused_by(refused.counter().copied());
    let refusal = Refusal::of_limit(&refused, now);
    record.end(Outcome::Refused, Some(refusal.code()));
    refusal
}

/// The request as it may leave, for whichever door: what the tenant's guard and his threshold say of it.
pub(super) fn shielded(caller: &Caller, request: ChatRequest, record: Record) -> Result<(ChatRequest, Shield, Record), Refusal> {
    let looked = Shield::request(Arc::clone(caller.guard()), request).map_err(|refused| Refusal::of_guard(&refused)).and_then(|looked| {
        let score = i64::from(looked.2.injection.score);
        let is_suspicious = caller.settings().injection_threshold.is_some_and(|threshold| score >= threshold);
        let message = "a text of this request reads like instructions to the model";
        if is_suspicious { Err(Refusal::new(StatusCode::BAD_REQUEST, "injection_suspected", message)) } else { Ok(looked) }
    });
    match looked {
        Ok((request, shield, seen)) => {
            let (masked, removed, flags, injection) = (seen.masked, seen.removed, seen.flags.len(), seen.injection.score);
            tracing::debug!(masked, removed, flags, injection, "a request to a model was looked at");
            Ok((request, shield, record))
        }
        Err(refusal) => {
            record.end(Outcome::Refused, Some(refusal.code()));
            Err(refusal)
        }
    }
}

/// An answer that came to no good end, written down.
pub(super) fn ended(record: Record, error: &steward_llm::Error) -> Refusal {
    let refusal = Refusal::of_call(error);
    record.end(if error.kind() == Kind::Refused { Outcome::Refused } else { Outcome::Failed }, Some(refusal.code()));
    refusal
}

/// Who served, for whoever looks at the headers.
pub(super) fn tell_served<A>(response: &mut Response, served: &Served<A>) {
    for (name, value) in [(X_PROVIDER, served.provider.to_string()), (X_MODEL, served.model.to_string()), (X_ATTEMPTS, served.attempts.to_string())] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
}

struct Asked<'a> {
    state: &'a AppState,
    door: Door,
    caller: &'a Caller,
    alias: &'a str,
    id: &'a str,
    /// Whether a stream tells what it used.
    shows_usage: bool,
}

impl Asked<'_> {
    fn dialect(&self) -> Dialect {
        self.door.dialect()
    }

    fn now(&self) -> i64 {
        self.state.kernel.clock.now().timestamp_millis()
    }

    fn head(&self) -> Head {
        let id: String = self.id.chars().filter(char::is_ascii_alphanumeric).collect();
        Head { id, model: self.alias.to_owned(), created: self.now() / 1_000, shows_usage: self.shows_usage }
    }

    async fn assistant(&self, request: ChatRequest, record: Record, keeping: Option<Keeping>) -> Result<Response, Refusal> {
        let account = Account::of(self.state, self.caller, record.totals());
        let mut record = self.counted(&account, record).await?;
        let stream = match assistant::serve(self.state, &self.state.doors.conversations, self.caller, &request).await {
            Ok(stream) => stream,
            Err(refusal) => {
                record.end(Outcome::Refused, Some(refusal.code()));
                return Err(refusal);
            }
        };
        record.served_by("steward", assistant::ALIAS);
        self.spoken(&request, Answer::Stream(stream), record, keeping).await
    }

    /// A call that costs nothing is a request all the same.
    async fn counted(&self, account: &Account, mut record: Record) -> Result<Record, Refusal> {
        let Err(refused) = account.count().await else { return Ok(record) };
        record.refused_by(refused.counter().copied());
        let refusal = Refusal::of_limit(&refused, self.now());
        record.end(Outcome::Refused, Some(refusal.code()));
        Err(refusal)
    }

    async fn model(&self, request: ChatRequest, body: &Bytes, record: Record, keeping: Option<Keeping>) -> Result<Response, Refusal> {
        let account = Account::of(self.state, self.caller, record.totals());
        let cache_key = self.cache_key(&request, body);
        let (request, shield, mut record) = shielded(self.caller, request, record)?;
        if let Some(key) = &cache_key
            && let Some(known) = self.cached(key).await
        {
            return Box::pin(self.again(known, account, record, keeping)).await;
        }
        let call = Call { alias: self.alias, meter: &account, last_resort: None };
        let served = match self.state.models.chat(&call, &request).await {
            Ok(served) => served,
            Err(error) => return Err(failed(record, &account, &error, self.now())),
        };
        record.served_by(&served.provider, &served.model);
        let mut told = Response::new(Body::empty());
        tell_served(&mut told, &served);
        let answer = match served.answer {
            Answer::Stream(stream) => Answer::Stream(shield.stream(stream)),
            Answer::Whole { reply, raw } => match shield.reply(reply.clone()) {
                // Only an answer in which nothing was changed may go on as it came.
                Ok((shown, _)) => Answer::Whole { raw: raw.filter(|_| shown == reply), reply: shown },
                Err(error) => return Err(ended(record, &error)),
            },
        };
        let mut response = self.spoken(&request, answer, record, keeping).await?;
        if let Some(key) = cache_key {
            response = self.remember(key, response).await;
        }
        response.headers_mut().extend(told.headers_mut().drain());
        Ok(response)
    }

    async fn spoken(&self, request: &ChatRequest, answer: Answer, mut record: Record, keeping: Option<Keeping>) -> Result<Response, Refusal> {
        let head = self.head();
        let (reply, raw) = match (request.delivery, answer) {
            (Delivery::Stream, answer) => {
                let frames = dialect::frames(self.dialect(), head);
                return Ok(Speech { stream: answer.into_stream(), frames, record, keeping }.response());
            }
            (Delivery::Whole, Answer::Whole { reply, raw }) => (reply, raw),
            (Delivery::Whole, stream) => match stream.into_reply().await {
                Ok(reply) => (reply, None),
                Err(error) => return Err(ended(record, &error)),
            },
        };
        record.first_token();
        record.said(&reply.text());
        let body = raw.unwrap_or_else(|| dialect::whole(self.dialect(), &reply, &head));
        record.end(Outcome::Answered, None);
        if let Some(keeping) = keeping {
            Box::pin(keeping.finish(200, JSON, Some(body.clone()))).await;
        }
        Ok(whole(body, JSON))
    }

    /// Of a question whose answer may be kept: whole ones, where the tenant wants it.
    fn cache_key(&self, request: &ChatRequest, body: &Bytes) -> Option<Key> {
        if !self.caller.settings().cache || request.delivery != Delivery::Whole {
            return None;
        }
        let principal = self.caller.key.map_or(Principal::User(self.caller.user), Principal::Key);
        let body = serde_json::from_slice(body).ok()?;
        // The door is part of the name: the same question through another one is answered in another form.
        let alias = format!("{}\n{}", self.door.name(), self.alias);
        Some(Key::new(self.caller.tenant, principal, self.caller.guard().version(), &alias, &body))
    }

    async fn cached(&self, key: &Key) -> Option<cache::Answer> {
        let within = Duration::from_secs(u64::try_from(self.caller.settings().cache_seconds).unwrap_or(0));
        self.state.doors.cache.get(key, within).await
    }

    /// The answer that was given before. It costs nothing, but is a request.
    async fn again(&self, known: cache::Answer, account: Account, record: Record, keeping: Option<Keeping>) -> Result<Response, Refusal> {
        self.counted(&account, record).await?.end(Outcome::Cached, None);
        if let Some(keeping) = keeping {
            keeping.finish(200, &known.content_type, Some(known.body.clone())).await;
        }
        let mut response = whole(known.body, &known.content_type);
        response.headers_mut().insert(X_CACHE, HeaderValue::from_static("hit"));
        Ok(response)
    }

    async fn remember(&self, key: Key, response: Response) -> Response {
        let (mut parts, body) = response.into_parts();
        parts.headers.insert(X_CACHE, HeaderValue::from_static("miss"));
        // It was put together from bytes that are all there.
        let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else { return Response::from_parts(parts, Body::empty()) };
        self.state.doors.cache.put(key, cache::Answer { content_type: JSON.into(), body: bytes.clone() }).await;
        Response::from_parts(parts, Body::from(bytes))
    }
}
