//! Who calls a model: the key, and what the request is known by.

use super::problem::Refusal;
use crate::http::extract::IDEMPOTENCY_KEY;
use crate::state::AppState;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use steward_ai::access::Caller;
use steward_llm::Dialect;

pub(super) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
pub(super) const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
pub(super) const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// A door, and what is spoken at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Chat,
    Responses,
    Messages,
    Embeddings,
}

impl Door {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Embeddings => "embeddings",
        }
    }

    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Chat | Self::Embeddings => Dialect::OpenAiChat,
            Self::Responses => Dialect::OpenAiResponses,
            Self::Messages => Dialect::Anthropic,
        }
    }
}

/// What a caller speaks where the route does not tell.
pub(super) fn dialect_of(headers: &HeaderMap) -> Dialect {
    if headers.contains_key(ANTHROPIC_VERSION) { Dialect::Anthropic } else { Dialect::OpenAiChat }
}

/// What the caller tries out of Anthropic's: it belongs to the body.
pub(super) fn betas(headers: &HeaderMap) -> Vec<String> {
    let listed = headers.get_all(ANTHROPIC_BETA).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    listed.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Whose key it is.
pub(super) async fn caller(state: &AppState, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let key = presented(headers).ok_or_else(Refusal::no_key)?;
    let caller = state.ai.access.authenticate(key).await?;
    tracing::Span::current().record("tenant.id", tracing::field::display(caller.tenant));
    Ok(caller)
}

/// The same, where he may come through this door.
pub(super) async fn caller_at(state: &AppState, headers: &HeaderMap, door: Door) -> Result<Caller, Refusal> {
    let caller = caller(state, headers).await?;
    if !caller.may_enter(door.name()) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "door_not_allowed", format!("this key may not be used for {}", door.name())));
    }
    Ok(caller)
}

/// OpenAI's clients send a bearer, Anthropic's a header of their own.
fn presented(headers: &HeaderMap) -> Option<&str> {
    if let Some(value) = headers.get(X_API_KEY) {
        return value.to_str().ok().map(str::trim).filter(|key| !key.is_empty());
    }
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

/// The client's own name of the call.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "bad_request", "Idempotency-Key holds characters that no header may hold"))
}
