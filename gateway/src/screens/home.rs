//! The first page: what there is, how much of it, and a place to ask.

use super::shell::{icon, module_icon, page as frame};
use super::view::{View, list_path};
use super::visitor::Visitor;
use super::{format, shell};
use crate::error::Problem;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use std::collections::HashMap;
use steward_kernel::catalogue::module_of;
use steward_kernel::query::ListQuery;

pub(super) async fn page(State(state): State<AppState>, visitor: Visitor) -> Response {
    visitor.answer(build(&state, &visitor).await)
}

async fn build(state: &AppState, visitor: &Visitor) -> Result<Response, Problem> {
    let (mut read, view) = visitor.open(state).await?;
    let mut counts: HashMap<String, String> = HashMap::new();
    for (_, resources) in view.menu() {
        for resource in resources {
            let query = ListQuery { limit: 1, count: true, fields: Some(Vec::new()), ..ListQuery::new(resource.name.as_ref()) };
            if let Some(count) = read.list(&query).await?.count {
                counts.insert(resource.name.to_string(), format::count(&view, count));
            }
        }
    }
    read.finish().await?;
    let title = view.t("home");
    Ok(frame(&view, &title, body(&view, &counts)))
}

/// The box that begins a conversation; the script hands its text over to the chat.
pub(super) fn ask(view: &View) -> Markup {
    html! {
        form class="steward-ask" action="/app/chat" method="get" data-ask {
            label class="visually-hidden" for="ask" { (view.t("ask")) }
            div class="input-group input-group-lg" {
                input class="form-control" id="ask" name="q" placeholder=(view.t("ask-placeholder")) autocomplete="off" maxlength="4000";
                button class="btn btn-primary" type="submit" { (icon("send")) span class="d-none d-sm-inline" { (view.t("ask")) } }
            }
        }
    }
}

fn body(view: &View, counts: &HashMap<String, String>) -> Markup {
    let reports = view.reports();
    html! {
        div class="steward-hello" {
            h1 class="h1" { (view.t("hello")) ", " (view.rights.user_name) }
            (ask(view))
        }
        div class="steward-modules" {
            @for (module, resources) in view.menu() {
                section class="card" aria-label=(view.labels.module(&view.language, module)) {
                        div class="card-header" { h2 class="card-title" { (module_icon(module)) " " (view.labels.module(&view.language, module)) } }
                        div class="list-group list-group-flush" {
                            @for resource in resources {
                                a class="list-group-item list-group-item-action d-flex" href=(list_path(resource)) {
                                    span class="flex-fill" { (view.plural(resource)) }
                                    span class="text-secondary steward-number" { (counts.get(resource.name.as_ref()).map_or("", String::as_str)) }
                                }
                            }
                            @for spec in reports.iter().filter(|spec| module_of(&spec.name) == module) {
                                a class="list-group-item list-group-item-action" href=(format!("/app/reports/{}", spec.name)) { (shell::icon("chart-bar")) " " (view.labels.report(&view.language, &spec.name)) }
                            }
                        }
                }
            }
        }
    }
}
