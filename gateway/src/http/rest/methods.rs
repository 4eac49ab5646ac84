//! Which methods an address of the generic routes has: a route stands for all resources, but not every resource can be
//! created, changed or archived, and an address may name a record or a command.

use super::command_at;
use crate::error::{Answer, Problem};
use crate::http::extract::Path;
use crate::state::AppState;
use axum::extract::{MatchedPath, State};
use axum::http::{Method, StatusCode, header};
use axum::response::IntoResponse;
use std::collections::HashMap;
use steward_kernel::{Catalogue, Error, Resource};
use uuid::Uuid;

const READ: &str = "GET, HEAD";

/// `…/{resources}`.
pub(super) fn of_collection(resource: &Resource) -> &'static str {
    if resource.create.is_some() { "GET, HEAD, POST" } else { READ }
}

/// `…/{resources}/{id}` with an id.
fn of_record(resource: &Resource) -> &'static str {
    match (resource.update.is_some(), resource.archive.is_some()) {
        (true, true) => "GET, HEAD, PATCH, DELETE",
        (true, false) => "GET, HEAD, PATCH",
        (false, true) => "GET, HEAD, DELETE",
        (false, false) => READ,
    }
}

/// The word after `…/{resources}/`: the id of a record, or the name of a command without a target.
pub(super) enum Word {
    Record(Uuid),
    Command,
    Unknown,
}

pub(super) fn word(catalogue: &Catalogue, resource: &Resource, text: &str) -> Word {
    match Uuid::try_parse(text) {
        Ok(id) => Word::Record(id),
        Err(_) if command_at(catalogue, &resource.name, text).is_some_and(|spec| spec.target.is_none()) => Word::Command,
        Err(_) => Word::Unknown,
    }
}

/// The record that an address names, for a method that records have.
pub(super) fn record(catalogue: &Catalogue, resource: &Resource, text: &str) -> Result<Uuid, Problem> {
    match word(catalogue, resource, text) {
        Word::Record(id) => Ok(id),
        Word::Command => Err(Problem::method_not_allowed("POST")),
        // What is no id is the id of no record.
        Word::Unknown => Err(Error::not_found(&resource.name).into()),
    }
}

pub(super) fn not_for_record(resource: &Resource) -> Problem {
    Problem::method_not_allowed(of_record(resource))
}

/// The fallback of every generic route: a method that it does not have.
pub(super) async fn unsupported(State(state): State<AppState>, route: MatchedPath, method: Method, Path(parts): Path<HashMap<String, String>>) -> Answer {
    let catalogue = &state.kernel.registry.catalogue;
    let part = |name: &str| parts.get(name).map_or("", String::as_str);
    let allowed = match route.as_str().strip_prefix("/api/v1/{module}/").unwrap_or_default() {
        "reports/{name}" => catalogue.report(&format!("{}.{}", part("module"), part("name"))).map(|_| READ)?,
        rest => {
            let resource = catalogue.resource_at(part("module"), part("resources"))?;
            let command = |with_target: Option<bool>| {
                let found = command_at(catalogue, &resource.name, part("command"));
                found.is_some_and(|spec| with_target.is_none_or(|wanted| spec.target.is_some() == wanted))
            };
            match rest {
                "{resources}" => of_collection(resource),
                "{resources}/{id}" => match word(catalogue, resource, part("id")) {
                    Word::Record(_) => of_record(resource),
                    Word::Command => "POST",
                    Word::Unknown => return Err(Problem::no_route()),
                },
                "{resources}/{id}/{command}" if command(Some(true)) => "POST",
                "{resources}/{command}/batch" if command(None) => "POST",
                "{resources}/{id}/{command}" | "{resources}/{command}/batch" => return Err(Problem::no_route()),
                _ => READ,
            }
        }
    };
    if method == Method::OPTIONS {
        return Ok((StatusCode::NO_CONTENT, [(header::ALLOW, allowed)]).into_response());
    }
    Err(Problem::method_not_allowed(allowed))
}
