//! What clients of the assistant reach: questions as streams of events, conversations, proposals.

use super::conversation::{self, Question};
use super::live::{Next, Tail};
use super::store::Cursor;
use super::{memory, propose, store, told};
use crate::error::{Answer, Problem};
use crate::http::auth::Authenticated;
use crate::http::extract::{Json, Object, Parameters, Path, short};
use crate::http::position;
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json as JsonBody, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::time::Duration;
use steward_actions::Duplicates;
use steward_kernel::{Door, Error, Principal};
use steward_rag::retrieve::Position;
use uuid::Uuid;

const TEXT_CHARS_MAX: usize = 4_000;
/// Messages of a conversation that are shown at once.
const MESSAGES_MAX: u32 = 200;
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
pub(crate) const CONFIRMATION_TOKEN: HeaderName = HeaderName::from_static("x-confirmation-token");

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/api/v1/assistant/messages", post(ask))
        .route("/api/v1/assistant/messages/{id}/events", get(events))
        .route("/api/v1/assistant/messages/{id}/stop", post(stop))
        .route("/api/v1/assistant/conversations", get(conversations))
        .route("/api/v1/assistant/conversations/{id}", get(conversation).delete(forget))
        .route("/api/v1/assistant/proposals/{id}", get(proposal))
        .route("/api/v1/assistant/proposals/{id}/confirm", post(confirm))
        .route("/api/v1/assistant/proposals/{id}/reject", post(reject))
        .route("/api/v1/assistant/proposals/{id}/undo", post(undo))
}

/// An id that is none is one that nothing has.
fn id_of(kind: &str, text: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(text).map_err(|_| Error::not_found(kind).into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    text: String,
    #[serde(default)]
    conversation_id: Option<String>,
    /// A write that the answer should know of, as its answer named it.
    #[serde(default)]
    position: Option<String>,
}

/// `POST /api/v1/assistant/messages`.
async fn ask(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    parameters: Parameters,
    headers: HeaderMap,
    Json(asked): Json<Asked>,
) -> Answer {
    parameters.finish()?;
    let asker = asker.through(Door::Assistant);
    let text = asked.text.trim();
    if text.is_empty() || text.chars().count() > TEXT_CHARS_MAX || text.contains('\0') {
        return Err(Error::field("text", format!("1 to {TEXT_CHARS_MAX} characters are expected")).into());
    }
    let conversation = asked.conversation_id.as_deref().map(|id| id_of("conversation", id)).transpose()?;
    let position = match asked.position.as_deref() {
        Some(given) => Some(Position::open(&state.kernel, asker.tenant, given)?),
        None => position::of_cookie(&state.kernel, &asker, &headers),
    };
    let place = state.assistant.turns.take_place(&asker)?;
    let (begun, start) = store::begin(&state.kernel, &asker, conversation, text).await?;
    let live = state.assistant.turns.begin(&asker, begun.conversation, begun.message, start);
    let tail = Tail::of_live(state.clone(), asker.clone(), begun.message, std::sync::Arc::clone(&live), 0);
    let question = Question { conversation: begun.conversation, message: begun.message, text: text.to_owned(), position, counted: None };
    conversation::start(&state, asker, question, live, place);
    Ok(stream(&state, tail))
}

/// `GET /api/v1/assistant/messages/{id}/events`, from behind the header `Last-Event-ID`.
async fn events(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Answer {
    parameters.finish()?;
    let message = id_of("message", &id)?;
    let after = match headers.get(&LAST_EVENT_ID) {
        None => 0,
        Some(value) => value
            .to_str()
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok())
            .filter(|sequence| i32::try_from(*sequence).is_ok())
            .ok_or_else(|| Problem::bad_request("Last-Event-ID takes the id of an event of this message"))?,
    };
    let tail = Tail::of(state.clone(), asker.through(Door::Assistant), message, after).await?;
    Ok(stream(&state, tail))
}

/// `POST /api/v1/assistant/messages/{id}/stop`: ends the turn, wherever it runs. The stream ends with what was told so far.
async fn stop(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path(id): Path<String>,
    parameters: Parameters,
    Object(body): Object,
) -> Answer {
    parameters.finish()?;
    nothing_in(&body)?;
    let (asker, message) = (asker.through(Door::Assistant), id_of("message", &id)?);
    store::stop(&state.kernel, &asker, message).await?;
    state.assistant.turns.stop(&asker, message);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn nothing_in(body: &Map<String, Value>) -> Result<(), Problem> {
    body.keys().next().map_or(Ok(()), |unknown| Err(Error::field(short(unknown), "is not known here").into()))
}

fn stream(state: &AppState, tail: Tail) -> Response {
    let heartbeat = Duration::from_secs(state.config.assistant.heartbeat_seconds);
    let events = futures::stream::unfold(tail, async |mut tail| {
        let next = tail.next().await?;
        Some((Ok::<_, Infallible>(wire(next)), tail))
    });
    let mut response = Sse::new(Box::pin(events)).keep_alive(KeepAlive::new().interval(heartbeat).text("heartbeat")).into_response();
    // Proxies that collect an answer before they pass it on would hold the events back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

fn wire(next: Next) -> sse::Event {
    match next {
        // JSON in one line has no line break that could end the field.
        Next::Event(event) => sse::Event::default().id(event.sequence.to_string()).event(event.name).data(event.data.to_string()),
        Next::Step(tool) => sse::Event::default().comment(format!("step {tool}")),
    }
}

async fn conversations(State(state): State<AppState>, Authenticated(asker): Authenticated, mut parameters: Parameters) -> Answer {
    let limit = parameters.take_number("limit", 1, 200)?.unwrap_or(50);
    let cursor = parameters.take("cursor")?;
    parameters.finish()?;
    let cursor = cursor.map(|text| Cursor::parse(&text).ok_or_else(|| Problem::bad_request("the cursor was not given out here"))).transpose()?;
    let (items, next) = store::conversations(&state.kernel, &asker, limit, cursor).await?;
    Ok(JsonBody(json!({ "items": items, "next": next })).into_response())
}

/// The newest messages, or those before one.
async fn conversation(State(state): State<AppState>, Authenticated(asker): Authenticated, Path(id): Path<String>, mut parameters: Parameters) -> Answer {
    let limit = parameters.take_number("limit", 1, MESSAGES_MAX)?.unwrap_or(MESSAGES_MAX);
    let before = parameters.take("before")?;
    parameters.finish()?;
    let before = before.map(|text| Uuid::try_parse(&text).map_err(|_| Problem::bad_request("before takes the id of a message"))).transpose()?;
    let found = store::conversation(&state.kernel, &asker, id_of("conversation", &id)?, limit, before).await?;
    Ok(JsonBody(found).into_response())
}

async fn forget(State(state): State<AppState>, Authenticated(asker): Authenticated, Path(id): Path<String>, parameters: Parameters) -> Answer {
    parameters.finish()?;
    let conversation = id_of("conversation", &id)?;
    store::delete(&state.kernel, &asker, conversation).await?;
    // Nobody is left to hear what is being worked out.
    state.assistant.turns.stop_conversation(&asker, conversation);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/v1/assistant/proposals/{id}`: with the token that confirms it, for interactive sessions only.
async fn proposal(State(state): State<AppState>, Authenticated(asker): Authenticated, Path(id): Path<String>, parameters: Parameters) -> Answer {
    parameters.finish()?;
    let found = steward_actions::find(&state.kernel, &asker, id_of("proposal", &id)?).await?;
    let mut body = found.shown(state.kernel.clock.now());
    let mut read = state.kernel.read(&asker).await?;
    memory::mask_proposal(&mut read, &found.provenance.sources, &mut body).await?;
    propose::name_references(&mut read, &mut body).await?;
    read.finish().await?;
    if let Some(token) = steward_actions::token(&state.kernel, &asker, &found) {
        body["token"] = Value::String(token);
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], JsonBody(body)).into_response())
}

/// `POST …/confirm` with the token in the body or in the header, and with `allow_duplicate` where the card asks for it.
async fn confirm(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
    Object(mut body): Object,
) -> Answer {
    parameters.finish()?;
    let duplicates = match body.remove("allow_duplicate") {
        Some(Value::Bool(true)) => Duplicates::Allowed,
        None | Some(Value::Null | Value::Bool(false)) => Duplicates::Refused,
        Some(_) => return Err(Error::field("allow_duplicate", "true or false is expected").into()),
    };
    let token = token_of(&asker, &headers, body)?;
    let (asker, proposal) = (asker.through(Door::Assistant), id_of("proposal", &id)?);
    let confirmed = steward_actions::confirm(&state.kernel, &asker, proposal, &token, duplicates).await;
    let results = told(&state, &asker, confirmed).await?;
    let mut response = JsonBody(results).into_response();
    let done = steward_actions::find(&state.kernel, &asker, proposal).await?;
    position::tell(&state.kernel, &asker, done.results.iter().flatten(), &mut response);
    Ok(response)
}

/// `POST …/reject`, with the token like a confirmation: only who could confirm a proposal may put it away.
async fn reject(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
    Object(body): Object,
) -> Answer {
    parameters.finish()?;
    let token = token_of(&asker, &headers, body)?;
    let asker = asker.through(Door::Assistant);
    let rejected = steward_actions::reject(&state.kernel, &asker, id_of("proposal", &id)?, &token).await;
    let results = told(&state, &asker, rejected).await?;
    Ok(JsonBody(results).into_response())
}

fn token_of(asker: &Principal, headers: &HeaderMap, mut body: Map<String, Value>) -> Result<String, Problem> {
    let given = body.remove("token");
    nothing_in(&body)?;
    match (given, headers.get(&CONFIRMATION_TOKEN)) {
        (Some(Value::String(token)), _) => Ok(token),
        (Some(_), _) => Err(Error::field("token", "a text is expected").into()),
        (None, Some(value)) => Ok(value.to_str().unwrap_or("").to_owned()),
        // An API key has no token to bring: it is told why it cannot decide.
        (None, None) if !asker.interactive => Ok(String::new()),
        (None, None) => Err(Error::field("token", "is needed: the proposal hands it to a person who is logged in").into()),
    }
}

/// `POST …/undo`: all that the proposal did and that can be taken back, or nothing of it.
async fn undo(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path(id): Path<String>,
    parameters: Parameters,
    Object(body): Object,
) -> Answer {
    parameters.finish()?;
    nothing_in(&body)?;
    let undone = steward_actions::undo(&state.kernel, &asker, id_of("proposal", &id)?).await;
    let outcome = told(&state, &asker, undone).await?;
    Ok(JsonBody(outcome).into_response())
}
