//! The doors to language models, for any client of OpenAI or Anthropic, with keys of our own.
//!
//! Start at [`router`]. A call comes in with a key ([`key`]), is read by its dialect, cleaned and masked, and dispatched
//! ([`call`]); [`account`] reserves and settles what it costs, [`record`] notes how it ended, [`speak`] writes the answer down as it
//! comes. [`problem`] says what goes wrong in the words of each dialect. Behind the alias `steward-assistant` stands the assistant
//! of the house ([`assistant`]); what that asks of models goes the same way ([`house`]).
//!
//! What is absent: routing, which is `steward_llm`'s, and keys, limits and rules, which are `steward_ai`'s.
//!
//! **Invariants:** whatever is answered was reserved before it was asked for; what a tenant masks does not leave; nothing of a prompt
//! or an answer reaches a log.

mod account;
mod assistant;
mod attempt;
mod call;
mod embeddings;
mod house;
mod key;
mod listed;
mod problem;
mod record;
mod speak;

pub(crate) use attempt::{Attempt, attempt};
pub(crate) use house::{Asked, Payer, Why};

use self::problem::Refusal;
use crate::state::AppState;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use std::sync::Arc;
use steward_kernel::ids;
use steward_llm::cache::{Answers, CacheConfig};
use steward_llm::limit::Clock;
use steward_llm::price::{Invalid, Prices, Unknown};

/// Where OpenAI's clients look for the name of a request.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Where Anthropic's do.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// What a client may send here and nowhere else.
pub(crate) const READ: [HeaderName; 3] = [key::X_API_KEY, key::ANTHROPIC_VERSION, key::ANTHROPIC_BETA];
/// What an answer of the doors tells in headers of its own.
pub(crate) const TOLD: [HeaderName; 7] = [X_REQUEST_ID, REQUEST_ID, problem::SHOULD_RETRY, call::X_CACHE, call::X_PROVIDER, call::X_MODEL, call::X_ATTEMPTS];

/// Answers may be kept so long at most; a tenant's own time is shorter.
const CACHED_SECONDS_MAX: u32 = 86_400;

/// Bodies are bounded by `body_bytes`: they may hold pictures.
pub(crate) fn router(body_bytes: usize) -> Router<AppState> {
    Router::new()
        .route("/v1/chat/completions", post(call::chat))
        .route("/v1/responses", post(call::responses))
        .route("/v1/messages", post(call::messages))
        .route("/v1/embeddings", post(embeddings::create))
        .route("/v1/models", get(listed::all))
        .route("/v1/models/{*name}", get(listed::one))
        .route("/v1/{*rest}", any(nothing_here))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(body_bytes))
}

/// What the vendors' clients ask for and is not offered is refused in their own form.
async fn nothing_here(headers: HeaderMap) -> Answered {
    let refusal = Refusal::new(StatusCode::NOT_FOUND, "unknown_name", "this gateway has no such endpoint");
    Answered::named(|id| refusal.response(key::dialect_of(&headers), id))
}

async fn wrong_method(headers: HeaderMap) -> Answered {
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this endpoint takes another method");
    Answered::named(|id| refusal.response(key::dialect_of(&headers), id))
}

/// What this process keeps for the doors between requests.
pub(crate) struct Doors {
    prices: Prices,
    cache: Answers,
    conversations: Arc<assistant::Conversations>,
}

impl Doors {
    /// `prices` is a table in TOML that goes before the built-in one.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub(crate) fn new(prices: Option<&str>, clock: Clock) -> Result<Self, Invalid> {
        let built_in = Prices::built_in(Unknown::Free)?;
        let prices = prices.map_or(Ok(built_in), |table| Prices::built_in(Unknown::Free)?.with(table))?;
        let cache = Answers::new(&CacheConfig { ttl_seconds: CACHED_SECONDS_MAX, ..CacheConfig::default() }, clock);
        Ok(Self { prices, cache, conversations: Arc::default() })
    }
}

/// An answer in a caller's dialect, which already has its final form.
struct Answered(Response);

impl Answered {
    /// Made with the name of the request, which both vendors' clients find in it.
    fn named(answer: impl FnOnce(&str) -> Response) -> Self {
        let id = request_id();
        Self::with_name(&id, answer(&id))
    }

    /// The same, where the name was needed before. Nobody but the caller may keep it.
    fn with_name(id: &str, mut response: Response) -> Self {
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if let Ok(value) = HeaderValue::from_str(id) {
            headers.insert(X_REQUEST_ID, value.clone());
            headers.insert(REQUEST_ID, value);
        }
        Self(response)
    }
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        self.0
    }
}

/// A name for a request: that of its log lines.
fn request_id() -> String {
    crate::error::correlation().unwrap_or_else(|| ids::fresh().to_string())
}
