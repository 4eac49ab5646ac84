//! `GET /v1/models`: the names that the caller may ask for, in the form of his dialect.

use super::key::{self, dialect_of};
use super::problem::Refusal;
use super::{Answered, assistant};
use crate::state::AppState;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use steward_ai::access::Caller;
use steward_llm::Dialect;

/// Aliases are configuration and have no birthday; clients want one.
const CREATED: i64 = 0;
const CREATED_AT: &str = "1970-01-01T00:00:00Z";

pub(super) async fn all(State(state): State<AppState>, headers: HeaderMap) -> Answered {
    let dialect = dialect_of(&headers);
    let listed = async {
        let caller = key::caller(&state, &headers).await?;
        Ok::<_, Refusal>(names(&state, &caller))
    };
    let told = listed.await.map(|names| Json(list(dialect, &names)).into_response());
    Answered::named(|id| told.unwrap_or_else(|refusal| refusal.response(dialect, id)))
}

pub(super) async fn one(State(state): State<AppState>, Path(name): Path<String>, headers: HeaderMap) -> Answered {
    let dialect = dialect_of(&headers);
    let found = async {
        let caller = key::caller(&state, &headers).await?;
        if names(&state, &caller).contains(&name) { Ok(()) } else { Err(Refusal::no_model(&name)) }
    };
    let told = found.await.map(|()| Json(model(dialect, &name)).into_response());
    Answered::named(|id| told.unwrap_or_else(|refusal| refusal.response(dialect, id)))
}

/// In the order of their names, the assistant first.
fn names(state: &AppState, caller: &Caller) -> Vec<String> {
    let mut names: Vec<String> = state.models.live().snapshot().aliases().map(|alias| alias.name().to_owned()).filter(|alias| caller.may_use(alias)).collect();
    names.sort_unstable();
    if caller.may_act() && caller.may_use(assistant::ALIAS) {
        names.insert(0, assistant::ALIAS.to_owned());
    }
    names
}

fn model(dialect: Dialect, name: &str) -> Value {
    match dialect {
        Dialect::Anthropic => json!({ "type": "model", "id": name, "display_name": name, "created_at": CREATED_AT }),
        Dialect::OpenAiChat | Dialect::OpenAiResponses => json!({ "id": name, "object": "model", "created": CREATED, "owned_by": "steward" }),
    }
}

fn list(dialect: Dialect, names: &[String]) -> Value {
    let data: Vec<Value> = names.iter().map(|name| model(dialect, name)).collect();
    match dialect {
        Dialect::Anthropic => json!({ "data": data, "has_more": false, "first_id": names.first(), "last_id": names.last() }),
        Dialect::OpenAiChat | Dialect::OpenAiResponses => json!({ "object": "list", "data": data }),
    }
}
