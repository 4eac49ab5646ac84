//! Search over everything that the asker may read.
//!
//! The answer is the same whether something is not there or not his to see: not found. Scores are not part of it.

use crate::error::Answer;
use crate::http::auth::Authenticated;
use crate::http::extract::{Parameters, short};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use std::ops::Range;
use steward_kernel::bus::{Executed, Kernel};
use steward_kernel::{Error, Principal};
use steward_rag::retrieve::{Found, Position, Query};

/// Names a write in its answer, and in the question that is to know of it.
pub(crate) const POSITION: HeaderName = HeaderName::from_static("steward-position");
pub(crate) const LIMIT_MAX: u32 = 50;
pub(crate) const LIMIT_DEFAULT: u32 = 20;
/// Characters of a question.
pub(crate) const TEXT_MAX: usize = 1_000;
/// Resources that a question can be narrowed to.
const RESOURCES_MAX: usize = 50;

/// `GET /api/v1/search?q=…`.
pub(super) async fn search(State(state): State<AppState>, Authenticated(asker): Authenticated, mut parameters: Parameters, headers: HeaderMap) -> Answer {
    let text = parameters.take("q")?;
    let limit = parameters.take_number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT);
    let resources = parameters.take_list("resource")?;
    let prefix = parameters.take_flag("prefix")?;
    parameters.finish()?;
    let text = asked(text.as_deref())?;
    if let Some(many) = resources.as_ref().filter(|names| names.len() > RESOURCES_MAX) {
        return Err(Error::field("resource", format!("at most {RESOURCES_MAX} resources can be named, not {}", many.len())).into());
    }
    let position = position(&state.kernel, &asker, &headers)?;
    let query = Query { resources, prefix, position, ..Query::new(text, limit as usize) };
    let answer = Box::pin(state.retriever.search(&state.kernel, &asker, &query)).await?;
    let degraded: Vec<&str> = answer.degraded.iter().map(|how| how.as_str()).collect();
    let items: Vec<Value> = answer.items.iter().map(item).collect();
    Ok(Json(json!({ "items": items, "partial": answer.partial, "degraded": degraded })).into_response())
}

/// What was asked, without the blanks around it.
pub(crate) fn asked(text: Option<&str>) -> Result<String, Error> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Err(Error::field("q", "is required: what to look for"));
    }
    if text.chars().count() > TEXT_MAX {
        return Err(Error::field("q", format!("has at most {TEXT_MAX} characters")));
    }
    if text.contains('\0') {
        return Err(Error::field("q", "holds a character that no text has"));
    }
    Ok(text.to_owned())
}

fn item(found: &Found) -> Value {
    let spans = |spans: &[Range<usize>]| spans.iter().map(|span| json!([span.start, span.end])).collect::<Vec<_>>();
    json!({
        "resource": found.record.resource,
        "id": found.record.id,
        "version": found.version,
        "title": found.title,
        "snippet": found.snippet.text,
        "highlights": { "title": spans(&found.title_spans), "snippet": spans(&found.snippet.spans) },
        "citation": { "field": found.citation.field, "span": [found.citation.span.start, found.citation.span.end] },
    })
}

/// The write that a question is to know of.
fn position(kernel: &Kernel, asker: &Principal, headers: &HeaderMap) -> Result<Option<Position>, Error> {
    let Some(given) = headers.get(POSITION) else { return Ok(None) };
    let text = given.to_str().map_err(|_| Error::bad_request(format!("the header {} cannot be read", short(POSITION.as_str()))))?;
    Position::open(kernel, asker.tenant, text).map(Some)
}

/// The position of a write, for its answer.
pub(super) fn position_of(kernel: &Kernel, tenant: uuid::Uuid, done: &Executed) -> Option<HeaderValue> {
    let position = Position::of(done.transaction?).seal(kernel, tenant);
    HeaderValue::from_str(&position).ok()
}
