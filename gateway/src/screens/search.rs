//! Search from every page: a box that answers while one types, and the page that it leads to.
//!
//! The box offers links, so that a result opens as any record does. Without the script the form leads to the page.

use super::shell::{fragment, icon, page as frame};
use super::view::{View, record_path};
use super::visitor::Visitor;
use crate::error::Problem;
use crate::http::extract::Parameters;
use crate::http::position;
use crate::http::rest::search::{TEXT_MAX, asked};
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use maud::{Markup, html};
use std::ops::Range;
use std::sync::Arc;
use steward_kernel::Resource;
use steward_rag::retrieve::{Answer, Degraded, Found, Position, Query, Snippet, pieces};

/// Results below the box, and on the page.
const TYPED_MAX: usize = 8;
const PAGE_MAX: usize = 50;
pub(super) const PATH: &str = "/search";

/// The box in the head of every page.
pub(super) fn form(view: &View) -> Markup {
    let text = if view.uri.path() == PATH { asked_for(&view.uri) } else { String::new() };
    html! {
        form class="steward-find" role="search" action=(PATH) method="get" data-find {
            label class="visually-hidden" for="find" { (view.t("find")) }
            div class="input-icon" {
                span class="input-icon-addon" { (icon("search")) }
                input class="form-control" type="search" id="find" name="q" value=(text) placeholder=(view.t("find-placeholder")) maxlength=(TEXT_MAX) autocomplete="off"
                    role="combobox" aria-expanded="false" aria-autocomplete="list" aria-controls="found" aria-keyshortcuts="/"
                    hx-get=(PATH) hx-trigger="input changed delay:120ms, find" hx-target="#found" hx-sync="this:replace" data-find-text;
            }
            div class="dropdown-menu steward-found" id="found" role="listbox" aria-label=(view.t("find-results")) {}
        }
    }
}

/// What the page was opened for.
fn asked_for(uri: &Uri) -> String {
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri).map(|pairs| pairs.0).unwrap_or_default();
    pairs.into_iter().find(|(name, _)| name == "q").map(|(_, text)| text).unwrap_or_default()
}

pub(super) async fn page(State(state): State<AppState>, visitor: Visitor, parameters: Parameters, headers: HeaderMap) -> Response {
    // What the person has just written is found, also where the index does not know of it yet.
    let position = position::of_cookie(&state.kernel, &visitor.principal, &headers);
    visitor.answer(build(&state, &visitor, parameters, position).await)
}

async fn build(state: &AppState, visitor: &Visitor, mut parameters: Parameters, position: Option<Position>) -> Result<Response, Problem> {
    let text = parameters.take("q")?.unwrap_or_default();
    let partial = visitor.arrival.is_partial;
    let (read, view) = visitor.open(state).await?;
    read.finish().await?;
    // Nothing was typed yet, which is no mistake here.
    let answer = match asked(Some(&text)) {
        Err(_) if text.trim().is_empty() => None,
        Err(error) => return Err(error.into()),
        Ok(text) => {
            let query = if partial { Query::as_you_type(text, TYPED_MAX) } else { Query { prefix: true, ..Query::new(text, PAGE_MAX) } };
            let query = Query { position, ..query };
            Some(Box::pin(state.retriever.search(&state.kernel, &visitor.principal, &query)).await?)
        }
    };
    if partial {
        return Ok(fragment(answer.map(|answer| options(&view, &answer)).unwrap_or_default()));
    }
    Ok(frame(&view, &view.t("find"), body(&view, text.trim(), answer.as_ref())))
}

/// By resource, in the order of the best of each.
fn groups<'a>(view: &'a View, answer: &'a Answer) -> Vec<(&'a Arc<Resource>, Vec<&'a Found>)> {
    let mut groups: Vec<(&Arc<Resource>, Vec<&Found>)> = Vec::new();
    for found in &answer.items {
        // What was switched off since the answer was read has no page to lead to.
        let Some(resource) = view.readable(&found.record.resource) else { continue };
        match groups.iter_mut().find(|(known, _)| known.name == resource.name) {
            Some((_, items)) => items.push(found),
            None => groups.push((resource, vec![found])),
        }
    }
    groups
}

fn options(view: &View, answer: &Answer) -> Markup {
    let groups = groups(view, answer);
    html! {
        @for (resource, items) in &groups {
            div role="group" aria-label=(view.plural(resource)) {
                div class="dropdown-header" aria-hidden="true" { (view.plural(resource)) }
                @for found in items {
                    a class="dropdown-item steward-result" role="option" tabindex="-1" aria-selected="false" id=(format!("f-{}", found.record.id)) href=(record_path(resource, found.record.id)) {
                        span class="steward-title" { (marked(&found.title, &found.title_spans)) }
                        @if let Some(snippet) = worth_showing(found) { span class="text-secondary small text-truncate d-block" { (told(snippet)) } }
                    }
                }
            }
        }
        @if groups.is_empty() { div class="dropdown-item disabled" role="status" { (view.t("nothing-found")) } }
        (notes(view, answer))
    }
}

fn body(view: &View, text: &str, answer: Option<&Answer>) -> Markup {
    html! {
        div class="page-header" { h1 class="page-title" { (view.t("find")) @if !text.is_empty() { ": " (text) } } }
        @if let Some(answer) = answer {
            (notes(view, answer))
            @let groups = groups(view, answer);
            @if groups.is_empty() {
                div class="empty" { p class="empty-title" { (view.t("nothing-found")) } p class="empty-subtitle text-secondary" { (view.t("find-nothing-hint")) } }
            }
            @for (resource, items) in &groups {
                section class="card mb-3" aria-label=(view.plural(resource)) {
                    div class="card-header" { h2 class="card-title" { (view.plural(resource)) } }
                    div class="list-group list-group-flush" {
                        @for found in items {
                            a class="list-group-item list-group-item-action steward-result" href=(record_path(resource, found.record.id)) {
                                span class="steward-title" { (marked(&found.title, &found.title_spans)) }
                                @if let Some(snippet) = worth_showing(found) { span class="text-secondary d-block" { (told(snippet)) } }
                            }
                        }
                    }
                }
            }
        } @else {
            p class="text-secondary" { (view.t("find-hint")) }
        }
    }
}

/// A text that only repeats the title says nothing.
fn worth_showing(found: &Found) -> Option<&Snippet> {
    Some(&found.snippet).filter(|snippet| !snippet.text.trim().is_empty() && snippet.text != found.title)
}

fn told(snippet: &Snippet) -> Markup {
    html! { @if snippet.cut_before { "… " } (marked(&snippet.text, &snippet.spans)) @if snippet.cut_after { " …" } }
}

/// The text with the words of the question marked. Each piece is escaped on its own.
fn marked(text: &str, spans: &[Range<usize>]) -> Markup {
    html! { @for (piece, is_word) in pieces(text, spans) { @if is_word { mark { (piece) } } @else { (piece) } } }
}

/// What the answer lacks.
fn notes(view: &View, answer: &Answer) -> Markup {
    let of = |how: &Degraded| match how {
        Degraded::WordsOnly => None,
        Degraded::NamesOnly => Some("find-names-only"),
        Degraded::IndexBehind | Degraded::IndexBuilding => Some("find-incomplete"),
    };
    let words = answer.degraded.iter().filter_map(of).chain(answer.partial.then_some("find-partial"));
    html! { @for word in words { p class="text-secondary small px-3 my-2" role="note" { (icon("info-circle")) " " (view.t(word)) } } }
}
