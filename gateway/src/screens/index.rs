//! The index behind search, for administrators: how far it is behind, what waits, what failed, whether it agrees.

use super::format;
use super::shell::{icon, page as frame};
use super::view::{View, list_path, with_query};
use super::visitor::Visitor;
use crate::error::Problem;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};
use steward_indexer::{Part, PartStatus, Status};
use steward_kernel::catalogue::last_of;
use steward_kernel::{Error, Read};

/// Whoever sees failed deliveries of events sees these.
const PERMISSION: &str = "platform:deliveries:read";
const REPORT: &str = "platform.deliveries";
const RETRY: &str = "platform.delivery.retry";
/// What the indexer's deliveries are named after.
const INDEXER: &str = "indexer:";
/// Dead letters that are shown; the report has the others.
const SHOWN_MAX: usize = 50;

pub(super) fn may_see(view: &View) -> bool {
    view.rights.may(PERMISSION)
}

pub(super) async fn page(State(state): State<AppState>, visitor: Visitor) -> Response {
    visitor.answer(build(&state, &visitor).await)
}

async fn build(state: &AppState, visitor: &Visitor) -> Result<Response, Problem> {
    let (mut read, view) = visitor.open(state).await?;
    if !may_see(&view) {
        return Err(Error::forbidden(PERMISSION).into());
    }
    // Counts of records are the tenant's; how far the outbox was read concerns all of them and says nothing of any.
    let status = state.indexer.status(Some(read.tenant())).await?;
    let dead = if status.parts.iter().any(|part| part.failures_dead > 0) { dead_letters(&mut read).await? } else { Vec::new() };
    read.finish().await?;
    let title = view.t("index");
    Ok(frame(&view, &title, body(&view, &status, &dead)))
}

/// A record that is not tried again by itself.
struct Dead {
    delivery: String,
    resource: String,
    code: String,
}

async fn dead_letters(read: &mut Read) -> Result<Vec<Dead>, Error> {
    let (spec, table) = read.report(REPORT, json!({ "dead": true })).await?;
    let column = |name: &str| spec.columns.iter().position(|column| &*column.name == name);
    let text = |row: &[Value], name: &str| column(name).and_then(|at| row.get(at)?.as_str()).unwrap_or_default().to_owned();
    let dead = table.rows.iter().map(|row| Dead { delivery: text(row, "delivery"), resource: text(row, "event"), code: text(row, "code") });
    Ok(dead.filter(|dead| dead.delivery.starts_with(INDEXER)).take(SHOWN_MAX).collect())
}

fn body(view: &View, status: &Status, dead: &[Dead]) -> Markup {
    html! {
        div class="page-header" { h1 class="page-title" { (view.t("index")) } }
        p class="text-secondary" { (view.t("index-hint")) }
        @if status.parts.is_empty() { div class="empty" { p class="empty-title" { (view.t("index-none")) } } }
        div class="row row-cards" { @for part in &status.parts { div class="col-md-6" { (card(view, part)) } } }
        @if !dead.is_empty() { (dead_card(view, dead)) }
    }
}

/// Each with the command that gives it new attempts, for who may run it.
fn dead_card(view: &View, dead: &[Dead]) -> Markup {
    let retry = view.runnable(Some(RETRY)).and_then(|spec| {
        let resource = view.catalogue.resources.get(spec.resource.as_ref())?;
        Some(format!("{}/do/{}", list_path(resource), last_of(&spec.name)))
    });
    html! {
        section class="card mt-3" aria-label=(view.t("index-dead")) data-index="dead" {
            div class="card-header" { h2 class="card-title" { (view.t("index-dead")) } }
            div class="table-responsive" {
                table class="table card-table" {
                    tbody { @for letter in dead {
                        tr data-dead=(letter.delivery) {
                            td { (view.readable(&letter.resource).map_or_else(|| letter.resource.as_str().into(), |resource| view.plural(resource))) }
                            td { code { (letter.code) } }
                            td class="text-end" {
                                @if let Some(path) = &retry {
                                    a class="btn btn-sm" href=(with_query(path, [("delivery", letter.delivery.as_str())])) data-command=(RETRY) { (view.t("retry")) }
                                }
                            }
                        }
                    } }
                }
            }
        }
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
