//! The OpenAPI 3.1 document, made from the catalogue, and a page to browse it.
//!
//! [`paths`] and [`assistant`] say what can be called, [`schemas`] what goes in and comes out. With a log-in the document is the tenant's,
//! with the fields that the tenant added; without one it is what the modules declare.

mod assistant;
mod paths;
mod schemas;
mod search;

use crate::error::Answer;
use crate::http::assets;
use crate::http::auth::MaybeAuthenticated;
use crate::state::AppState;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;
use steward_kernel::Catalogue;
use steward_kernel::labels::Labels;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/api/v1/openapi.json", get(serve)).route("/api/docs", get(docs)).route("/api", get(async || Redirect::temporary("/api/docs")))
}

async fn serve(State(state): State<AppState>, MaybeAuthenticated(asker): MaybeAuthenticated) -> Answer {
    let (catalogue, language) = match asker {
        Some(asker) => {
            let read = state.kernel.read(&asker).await?;
            let known = (Arc::clone(read.catalogue()), read.rights().language.clone());
            read.finish().await?;
            known
        }
        None => (Arc::clone(&state.kernel.registry.catalogue), "en".to_owned()),
    };
    Ok(Json(document(&catalogue, &state.kernel.labels, &language)).into_response())
}

/// The document of a catalogue, in a language.
pub(crate) fn document(catalogue: &Catalogue, labels: &Labels, language: &str) -> Value {
    let told = Teller { catalogue, labels, language };
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Steward",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Lists take `filter[field][op]=value`, `sort`, `fields`, `limit` and `cursor`. Every write is a command: it takes `Idempotency-Key`, \
                            and `?preview=true` shows what it would do without doing it. Errors are `application/problem+json` with a stable `code`.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }],
        "tags": told.tags(),
        "paths": told.paths(),
        "components": told.components(),
    })
}

/// What the parts of the document are made from.
struct Teller<'a> {
    catalogue: &'a Catalogue,
    labels: &'a Labels,
    language: &'a str,
}

/// The page to browse the document. Its script draws icons from data URLs, which the usual policy allows.
async fn docs() -> Answer {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Steward API</title>\
         <link rel=\"stylesheet\" href=\"{}\"><link rel=\"stylesheet\" href=\"{}\"></head><body><div id=\"docs\"></div>\
         <script src=\"{}\"></script><script src=\"{}\"></script></body></html>",
        assets::url("vendor/swagger-ui/swagger-ui.css"),
        assets::url("api/docs.css"),
        assets::url("vendor/swagger-ui/swagger-ui-bundle.js"),
        assets::url("api/docs.js"),
    );
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response())
}
