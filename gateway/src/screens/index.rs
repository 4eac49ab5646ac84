//! The index behind search, for administrators: how far it is behind, what waits, what failed, whether it agrees.

use super::format;
use super::shell::{icon, page as frame};
use super::view::View;
use super::visitor::Visitor;
use crate::error::Problem;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use steward_indexer::{Part, PartStatus, Status};
use steward_kernel::Error;

/// Whoever sees failed deliveries of events sees these.
const PERMISSION: &str = "platform:deliveries:read";

pub(super) fn may_see(view: &View) -> bool {
    view.rights.may(PERMISSION)
}

pub(super) async fn page(State(state): State<AppState>, visitor: Visitor) -> Response {
    visitor.answer(build(&state, &visitor).await)
}

async fn build(state: &AppState, visitor: &Visitor) -> Result<Response, Problem> {
    let (read, view) = visitor.open(state).await?;
    if !may_see(&view) {
        return Err(Error::forbidden(PERMISSION).into());
    }
    let tenant = read.tenant();
    read.finish().await?;
    // Counts of records are the tenant's; how far the outbox was read concerns all of them and says nothing of any.
    let status = state.indexer.status(Some(tenant)).await?;
    let title = view.t("index");
    Ok(frame(&view, &title, body(&view, &status)))
}

fn body(view: &View, status: &Status) -> Markup {
    html! {
        div class="page-header" { h1 class="page-title" { (view.t("index")) } }
        p class="text-secondary" { (view.t("index-hint")) }
        @if status.parts.is_empty() { div class="empty" { p class="empty-title" { (view.t("index-none")) } } }
        div class="row row-cards" { @for part in &status.parts { div class="col-md-6" { (card(view, part)) } } }
    }
}

fn card(view: &View, part: &PartStatus) -> Markup {
    let number = |value: i64| format::number(&view.language, &value.to_string());
    let name = match part.part {
        Part::Text => view.t("index-text"),
        Part::Vectors => view.t("index-vectors"),
    };
    let state = match (part.live, part.ready) {
        (_, false) => ("bg-azure-lt", view.t("index-building")),
        (true, true) => ("bg-green-lt", view.t("index-live")),
        (false, true) => ("bg-azure-lt", view.t("index-next")),
    };
    let rows = [
        ("index-lag", format!("{} · {} s", number(part.lag_rows), format::number(&view.language, &format!("{:.0}", part.lag_seconds)))),
        ("index-filled", format!("{} / {}", number(part.walks_done), number(part.walks))),
        ("index-records", number(part.records)),
        ("index-waiting", number(part.failures_waiting)),
        ("index-dead", number(part.failures_dead)),
        ("index-drift", number(part.drift.total())),
        ("index-compared", part.compared_at.map_or_else(|| "–".to_owned(), |at| format::moment(view, at))),
    ];
    html! {
        section class="card" aria-label=(name) data-index=(part.part.as_str()) {
            div class="card-header" { h2 class="card-title" { (icon("database")) " " (name) } div class="card-actions" { span class={ "badge " (state.0) } { (state.1) } } }
            div class="card-body" {
                dl class="row mb-0" { @for (word, value) in &rows { dt class="col-7" { (view.t(word)) } dd class="col-5 text-end steward-number" data-figure=(word) { (value) } } }
            }
            @if part.failures_waiting + part.failures_dead > 0 {
                div class="card-footer" { a href="/app/reports/platform.deliveries" { (view.t("index-failures")) } }
            }
        }
    }
}
