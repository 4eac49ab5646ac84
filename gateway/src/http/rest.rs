//! REST, generated from the catalogue: handlers know resources, commands and reports by their declarations only.
//!
//! [`read`] answers questions, [`write`] runs commands, [`export`] streams a list as CSV, [`describe`] tells what the
//! asker may see and do. Query strings are understood by the kernel ([`steward_kernel::query::ListQuery::parse`]).
//!
//! ```text
//! GET    /api/v1/search?q=…                              records by words and by meaning
//! GET    /api/v1/{module}/{resources}                    list
//! POST   /api/v1/{module}/{resources}                    the resource's create command
//! GET    /api/v1/{module}/{resources}/aggregate          measures by groups
//! GET    /api/v1/{module}/{resources}/export             the list as CSV
//! GET    /api/v1/{module}/{resources}/{id}               detail, with ETag
//! PATCH  /api/v1/{module}/{resources}/{id}               the update command, with If-Match
//! DELETE /api/v1/{module}/{resources}/{id}               the archive command
//! GET    /api/v1/{module}/{resources}/{id}/history       what changed
//! POST   /api/v1/{module}/{resources}/{id}/{command}     a command with this record as its target
//! POST   /api/v1/{module}/{resources}/{command}          a command without a target
//! POST   /api/v1/{module}/{resources}/{command}/batch    any command, many rows
//! GET    /api/v1/{module}/reports/{name}                 a report
//! POST   /api/v1/commands/{id}/undo                      takes an execution back
//! ```
//! A command's word in a path is the last part of its name: `sales.order.confirm` → `confirm`.

mod describe;
pub(crate) mod export;
mod methods;
mod read;
pub(crate) mod search;
pub(crate) mod write;

pub(crate) use read::HISTORY_MAX;

use crate::state::AppState;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use methods::unsupported;
use std::collections::HashSet;
use std::sync::Arc;
use steward_kernel::catalogue::{last_of, module_of};
use steward_kernel::{Catalogue, CommandSpec, Error, Result};

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/api/v1/catalogue", get(describe::catalogue))
        .route("/api/v1/me", get(describe::me))
        .route("/api/v1/search", get(search::search))
        .route("/api/v1/commands/{id}/undo", post(write::undo))
        .route("/api/v1/{module}/reports/{name}", get(read::report).fallback(unsupported))
        .route("/api/v1/{module}/{resources}", get(read::list).post(write::create).fallback(unsupported))
        .route("/api/v1/{module}/{resources}/aggregate", get(read::aggregate).fallback(unsupported))
        .route("/api/v1/{module}/{resources}/export", get(export::export).fallback(unsupported))
        .route(
            "/api/v1/{module}/{resources}/{id}",
            get(read::detail).post(write::collection_command).patch(write::update).delete(write::archive).fallback(unsupported),
        )
        .route("/api/v1/{module}/{resources}/{id}/history", get(read::history).fallback(unsupported))
        .route("/api/v1/{module}/{resources}/{id}/{command}", post(write::record_command).fallback(unsupported))
        // The limit of bulk bodies is the one of the whole server.
        .route("/api/v1/{module}/{resources}/{command}/batch", post(write::batch).layer(DefaultBodyLimit::disable()).fallback(unsupported))
}

/// The command of a resource that a word in a path means.
pub(crate) fn command_at<'a>(catalogue: &'a Catalogue, resource: &'a str, word: &str) -> Option<&'a Arc<CommandSpec>> {
    catalogue.commands_of(resource).find(|spec| last_of(&spec.name) == word)
}

/// Holds every command to an address of its own; refused at start, because REST must be able to do what any door can.
pub(crate) fn check(catalogue: &Catalogue) -> Result<()> {
    let mut taken = HashSet::new();
    for spec in catalogue.commands.values().filter(|spec| !spec.internal) {
        let word = last_of(&spec.name);
        if !catalogue.resources.contains_key(spec.resource.as_ref()) {
            return Err(Error::internal(format!("the command {} is about the resource {}, which does not exist", spec.name, spec.resource)));
        }
        if matches!(word, "batch" | "history" | "aggregate" | "export" | "import") || !taken.insert((spec.resource.as_ref(), word)) {
            return Err(Error::internal(format!("the command {} has no address of its own: the word {word:?} is taken for {}", spec.name, spec.resource)));
        }
    }
    Ok(())
}

/// Where a command is posted to: with `{id}` in it if it has a target. `None` for a command that no route reaches.
pub(crate) fn command_path(catalogue: &Catalogue, spec: &CommandSpec) -> Option<String> {
    let resource = catalogue.resources.get(spec.resource.as_ref())?;
    let base = format!("/api/v1/{}", resource.path());
    Some(match &spec.target {
        Some(_) => format!("{base}/{{id}}/{}", last_of(&spec.name)),
        None => format!("{base}/{}", last_of(&spec.name)),
    })
}

/// Where a record is read.
pub(crate) fn record_path(catalogue: &Catalogue, resource: &str, id: uuid::Uuid) -> Option<String> {
    let resource = catalogue.resources.get(resource)?;
    Some(format!("/api/v1/{}/{id}", resource.path()))
}

/// Where a report is read.
pub(crate) fn report_path(name: &str) -> String {
    let module = module_of(name);
    let rest = name.strip_prefix(module).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name);
    format!("/api/v1/{module}/reports/{rest}")
}
