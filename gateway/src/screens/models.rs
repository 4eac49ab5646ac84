//! Models, for administrators: which names are offered, how well providers are, what failed last, and a box to try a name.
//!
//! Names, codes and times only: no key, no prompt and no answer but the one that was just asked for.

use super::format;
use super::shell::{icon, page as frame};
use super::view::View;
use super::visitor::Visitor;
use crate::error::Problem;
use crate::models;
use crate::state::AppState;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use chrono::DateTime;
use maud::{Markup, html};
use serde::Deserialize;
use steward_kernel::Error;
use steward_llm::health::{BreakerState, Line};
use steward_llm::snapshot;

pub(super) const PATH: &str = "/app/models";
/// Whoever may read what the tenant wants of models.
const PERMISSION: &str = "ai:settings:read";
const TEXT_CHARS_MAX: usize = 2_000;

pub(super) fn may_see(view: &View) -> bool {
    view.rights.entitled(steward_ai::NAME, None) && view.rights.may(PERMISSION)
}

pub(super) async fn page(State(state): State<AppState>, visitor: Visitor) -> Response {
    visitor.answer(build(&state, &visitor, None).await)
}

/// What the box sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tried {
    alias: String,
    text: String,
}

/// Asks a model once, as the person: with his limits, the tenant's guard, and an entry in the ledger.
pub(super) async fn attempt(State(state): State<AppState>, visitor: Visitor, Form(tried): Form<Tried>) -> Response {
    visitor.answer(build(&state, &visitor, Some(tried)).await)
}

async fn build(state: &AppState, visitor: &Visitor, tried: Option<Tried>) -> Result<Response, Problem> {
    let (read, view) = visitor.open(state).await?;
    if !may_see(&view) {
        return Err(Error::forbidden(PERMISSION).into());
    }
    let (tenant, user) = (read.tenant(), read.user());
    // No transaction stays open while a model is asked.
    read.finish().await?;
    let outcome = match &tried {
        Some(tried) if tried.text.trim().is_empty() || tried.text.chars().count() > TEXT_CHARS_MAX => {
            return Err(Error::field("text", format!("1 to {TEXT_CHARS_MAX} characters are expected")).into());
        }
        Some(tried) => Some(models::attempt(state, tenant, user, &tried.alias, &tried.text).await),
        None => None,
    };
    let aliases: Vec<(String, String)> = state.models.live().snapshot().aliases().map(|alias| (alias.name().to_owned(), targets(alias))).collect();
    let told = state.models.live().state();
    let title = view.t("models");
    Ok(frame(&view, &title, body(&view, &aliases, &told, tried.as_ref(), outcome.as_ref())))
}

fn targets(alias: &snapshot::Alias) -> String {
    alias.targets().map(|(provider, model)| format!("{provider}/{model}")).collect::<Vec<_>>().join(", ")
}

fn body(view: &View, aliases: &[(String, String)], told: &snapshot::State, tried: Option<&Tried>, outcome: Option<&models::Attempt>) -> Markup {
    html! {
        div class="page-header" { h1 class="page-title" { (view.t("models")) } }
        p class="text-secondary" { (view.t("models-hint")) }
        @if let Some(failed) = &told.loaded.failed {
            div class="alert alert-danger" role="alert" data-models="problems" {
                div {
                    (view.t("models-not-loaded"))
                    ul class="mb-0" { @for problem in &failed.problems.0 { li { code { (problem.path) } ": " (problem.message) } } }
                }
            }
        }
        @if aliases.is_empty() { div class="empty" { p class="empty-title" { (view.t("models-none")) } } }
        @else {
            section class="card mb-3" aria-label=(view.t("models-aliases")) {
                div class="card-header" { h2 class="card-title" { (view.t("models-aliases")) } }
                div class="table-responsive" { table class="table card-table" { tbody { @for (name, targets) in aliases { tr data-alias=(name) { td { code { (name) } } td { (targets) } } } } } }
            }
            (attempt_card(view, aliases, tried, outcome))
        }
        @if !told.health.is_empty() { (health_card(view, &told.health)) }
    }
}

fn attempt_card(view: &View, aliases: &[(String, String)], tried: Option<&Tried>, outcome: Option<&models::Attempt>) -> Markup {
    html! {
        form class="card mb-3" method="post" action=(PATH) data-models="attempt" {
            div class="card-header" { h2 class="card-title" { (view.t("models-try")) } }
            div class="card-body" {
                div class="mb-3" {
                    label class="form-label" for="alias" { (view.t("models-alias")) }
                    select class="form-select" id="alias" name="alias" { @for (name, _) in aliases { option value=(name) selected[tried.is_some_and(|tried| tried.alias == *name)] { (name) } } }
                }
                div class="mb-3" {
                    label class="form-label" for="text" { (view.t("models-text")) }
                    textarea class="form-control" id="text" name="text" rows="2" maxlength=(TEXT_CHARS_MAX) required { (tried.map_or("", |tried| tried.text.as_str())) }
                }
                button type="submit" class="btn btn-primary" { (icon("message-circle")) (view.t("models-ask")) }
                @match outcome {
                    Some(models::Attempt::Answered { text, provider, model, milliseconds }) => {
                        div class="alert alert-success mt-3" role="status" data-models="answer" { div { p class="steward-text mb-1" { (text) } small class="text-secondary" { (provider) "/" (model) " · " (format::number(&view.language, &milliseconds.to_string())) " ms" } } }
                    }
                    Some(models::Attempt::Refused { code, message }) => {
                        div class="alert alert-warning mt-3" role="alert" data-models="refusal" { div { (message) " " code { (code) } } }
                    }
                    None => {}
                }
            }
        }
    }
}

fn health_card(view: &View, lines: &[Line]) -> Markup {
    html! {
        section class="card" aria-label=(view.t("models-health")) data-models="health" {
            div class="card-header" { h2 class="card-title" { (view.t("models-health")) } }
            div class="table-responsive" {
                table class="table card-table" {
                    thead { tr { th { (view.t("models-provider")) } th { (view.t("models-about")) } th { (view.t("models-state")) } th { (view.t("models-last")) } } }
                    tbody { @for line in lines { tr {
                        td { (line.provider) }
                        td { (about(view, line)) }
                        td { (state(view, line)) }
                        td { @if let Some(failure) = &line.last_failure {
                            code { (failure.code) @if let Some(code) = &failure.upstream_code { " " (code) } }
                            @if let Some(at) = DateTime::from_timestamp_millis(failure.at) { " " (format::moment(view, at)) }
                        } @else { "–" } }
                    } } }
                }
            }
        }
    }
}

fn about(view: &View, line: &Line) -> String {
    let credential = line.credential.as_ref().map(|name| format!("{} {name}", view.t("models-credential")));
    let parts = [line.model.clone(), credential, line.endpoint.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn state(view: &View, line: &Line) -> Markup {
    let (class, word) = match line.breaker {
        Some(BreakerState::Open) => ("bg-red-lt", "models-open"),
        Some(BreakerState::HalfOpen) => ("bg-yellow-lt", "models-half-open"),
        _ if line.resting.is_some() => ("bg-yellow-lt", "models-resting"),
        _ => ("bg-green-lt", "models-well"),
    };
    html! {
        span class={ "badge " (class) } { (view.t(word)) }
        @if let Some(rest) = &line.resting { " " code { (rest.code) } " " (rest.seconds) " s" }
    }
}
