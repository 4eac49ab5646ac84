//! How a command's form, its preview and its secret look, as a dialog and as a page.

use super::super::form::Form;
use super::super::format;
use super::super::shell::icon;
use super::super::view::{Of, View, list_path, record_path};
use super::{Job, Mode, Shown, framed, title_of};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use std::borrow::Cow;
use steward_kernel::Risk;
use steward_kernel::bus::{Change, Preview};
use uuid::Uuid;

/// Changes of a preview that are shown; a change of thousands of rows is not read line by line.
const CHANGES_MAX: usize = 200;

pub(super) fn answer(view: &View, job: &Job, shown: &Shown, status: StatusCode) -> Response {
    let heading = heading(view, job);
    framed(view, status, &heading, body(view, job, shown, &heading))
}

fn heading<'a>(view: &'a View, job: &'a Job) -> Cow<'a, str> {
    match job.mode {
        Mode::Create => Cow::Owned(format!("{}: {}", view.singular(&job.resource), view.t("new"))),
        Mode::Edit | Mode::Run => view.command(&job.spec),
    }
}

fn body(view: &View, job: &Job, shown: &Shown, heading: &str) -> Markup {
    let cancel = job.target.map_or_else(|| list_path(&job.resource), |id| record_path(&job.resource, id));
    let back = shown.values.get("_back");
    let cancel = if back.is_empty() { cancel } else { back.to_owned() };
    if view.is_partial {
        return html! {
            form method="post" action=(job.action) hx-post=(job.action) hx-target="#dialog-body" data-command-form {
                div class="modal-header" {
                    h2 class="modal-title" { (heading) @if let Some(title) = title_of(job) { " " span class="text-secondary" { (title) } } }
                    button type="button" class="btn-close" data-close aria-label=(view.t("close")) {}
                }
                div class="modal-body" { (inside(view, job, shown)) }
                div class="modal-footer" {
                    button type="button" class="btn" data-close { (view.t("cancel")) }
                    (buttons(view, job, shown))
                }
            }
        };
    }
    html! {
        div class="page-header" {
            div class="page-pretitle" { a href=(list_path(&job.resource)) { (view.plural(&job.resource)) } }
            h1 class="page-title" { (heading) @if let Some(title) = title_of(job) { span class="text-secondary ms-2" { (title) } } }
        }
        form class="card" method="post" action=(job.action) data-command-form {
            div class="card-body" { (inside(view, job, shown)) }
            div class="card-footer d-flex gap-2 justify-content-end" {
                a class="btn" href=(cancel) { (view.t("cancel")) }
                (buttons(view, job, shown))
            }
        }
    }
}

fn inside(view: &View, job: &Job, shown: &Shown) -> Markup {
    let of = Of::Command(&job.spec);
    let form = Form { view, of, values: &shown.values, errors: &shown.errors, currency: &job.currency };
    let described = view.labels.description(&view.language, &job.spec.name).filter(|_| job.mode == Mode::Run);
    html! {
        input type="hidden" name="_key" value=(shown.key);
        @if let Some(version) = shown.version { input type="hidden" name="_version" value=(version); }
        @if !shown.values.get("_back").is_empty() { input type="hidden" name="_back" value=(shown.values.get("_back")); }
        @if let Some(text) = &shown.message {
            div class="alert alert-danger" role="alert" tabindex="-1" data-focus {
                (icon("alert-triangle"))
                div { (text) }
            }
        }
        @if shown.may_be_duplicate || shown.values.get("allow_duplicate") == "true" {
            label class="form-check mb-3" { input class="form-check-input" type="checkbox" name="allow_duplicate" value="true" checked[shown.values.get("allow_duplicate") == "true"]; span class="form-check-label" { (view.t("create-anyway")) } }
        }
        @if let Some(text) = described { p class="text-secondary" { (text) } }
        (form.fields(&job.fields))
        @for field in &job.withheld {
            div class="alert alert-info mt-3" role="status" data-withheld=(field.name) { (icon("info-circle")) div { strong { (view.label(of, field)) } ": " (view.t("not-all-shown")) " " (view.t("not-changed-here")) } }
        }
        @if let Some(preview) = &shown.preview { (show_preview(view, job, shown, preview)) }
    }
}

fn buttons(view: &View, job: &Job, shown: &Shown) -> Markup {
    let word = match job.mode {
        Mode::Create | Mode::Edit => view.t("save"),
        Mode::Run => view.command(&job.spec).into_owned(),
    };
    let primary = match (job.spec.risk, shown.preview.as_ref()) {
        (Risk::High | Risk::HumanOnly, _) => "btn btn-danger",
        (Risk::Low, preview) if preview.is_some_and(|preview| preview.risk != Risk::Low) => "btn btn-danger",
        (Risk::Low, _) => "btn btn-primary",
    };
    html! {
        @match &shown.preview {
            Some(preview) => {
                input type="hidden" name="_digest" value=(preview.digest) data-previewed;
                @if !job.fields.is_empty() { button type="submit" class="btn" name="_do" value="preview" { (view.t("preview")) } }
                button type="submit" class=(primary) name="_do" value="confirm" id="confirm" data-previewed { (icon("check")) (view.t("confirm")) }
            }
            None if job.mode == Mode::Run && shown.message.is_some() && job.fields.is_empty() => {}
            None => {
                button type="submit" class="btn" name="_do" value="preview" id="preview" { (view.t("preview")) }
                // Whatever else there is can be seen first; saving a form is what the form is for.
                @if job.mode != Mode::Run { button type="submit" class=(primary) name="_do" value="run" id="save" { (icon("check")) (word) } }
            }
        }
    }
}

/// Old and new values, record by record, the record that the command is about first; then what is said in words.
fn show_preview(view: &View, job: &Job, shown: &Shown, preview: &Preview) -> Markup {
    let mut records: Vec<Record<'_>> = Vec::new();
    for change in preview.changes.iter().take(CHANGES_MAX) {
        match records.iter_mut().find(|record| record.resource == change.resource && record.id == change.id) {
            Some(record) => record.changes.push(change),
            None => records.push(Record { resource: &change.resource, id: change.id, changes: vec![change] }),
        }
    }
    records.sort_by_key(|record| (Some(record.id) != job.target, record.resource != job.resource.name));
    html! {
        section class="steward-preview mt-3" data-previewed aria-label=(view.t("preview")) {
            h3 class="h3" tabindex="-1" data-focus[!view.is_partial] { (view.t("would-happen")) }
            @for warning in &preview.warnings { div class="alert alert-warning" role="alert" { (icon("alert-triangle")) div { (warning) } } }
            @if !preview.irreversible.is_empty() { div class="alert alert-warning" role="alert" data-irreversible { (icon("alert-triangle")) div { (view.t("irreversible")) } } }
            @if records.is_empty() && preview.effects.is_empty() { p class="text-secondary" { (view.t("no-change")) } }
            @if !records.is_empty() {
                div class="table-responsive mb-3" {
                    table class="table table-sm steward-changes" {
                        thead { tr { th scope="col" { (view.t("field")) } th scope="col" { (view.t("before")) } th scope="col" { (view.t("after")) } } }
                        @for record in &records { (changed(view, shown, record)) }
                    }
                }
            }
            @if preview.changes.len() > CHANGES_MAX { p class="text-secondary" { (view.t("and-more")) " (" (preview.changes.len() - CHANGES_MAX) ")" } }
            @if !preview.effects.is_empty() { h4 class="h4 mb-1" { (view.t("effects")) } ul { @for effect in &preview.effects { li { (effect) } } } }
            @if !preview.follows.is_empty() { h4 class="h4 mb-1" { (view.t("follows")) } ul { @for follows in &preview.follows { li { (follows) } } } }
        }
    }
}

struct Record<'a> {
    resource: &'a str,
    id: Uuid,
    changes: Vec<&'a Change>,
}

fn changed(view: &View, shown: &Shown, record: &Record<'_>) -> Markup {
    let of = Of::Resource(record.resource);
    let declared = view.catalogue.resources.get(record.resource);
    let is_new = record.changes.iter().all(|change| is_nothing(&change.old));
    let field = |name: &str| declared.and_then(|declared| declared.find_field(name));
    // What the house itself writes says nothing to a person.
    let is_told = |change: &&&Change| !(matches!(change.field.as_str(), "created_at" | "updated_at") || is_new && is_nothing(&change.new));
    let value = |name: &str, value: &Value| match field(name) {
        Some(field) => format::cell(view, of, field, value),
        None => html! { (format::plain(value).unwrap_or_default()) },
    };
    html! {
        tbody {
            tr class="steward-record" {
                th colspan="3" scope="rowgroup" {
                    (declared.map_or(Cow::Borrowed(record.resource), |declared| view.singular(declared)))
                    @if let Some(title) = shown.titles.get(&record.id).filter(|title| !title.is_empty()) { " · " (title) }
                    @if is_new { span class="badge bg-green-lt ms-2" { (view.t("new")) } }
                }
            }
            @for change in record.changes.iter().filter(is_told) {
                tr {
                    th scope="row" { (field(&change.field).map_or(Cow::Borrowed(change.field.as_str()), |field| view.label(of, field))) }
                    td class="steward-old" { @if !is_new { (value(&change.field, &change.old)) } }
                    td class="steward-new" { (value(&change.field, &change.new)) }
                }
            }
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("") || value.get("amount").is_some_and(Value::is_null)
}

/// What a command tells once.
pub(super) fn secret(view: &View, job: &Job, secret: &Value, to: &str) -> Response {
    let lines: Vec<(String, String)> = match secret {
        Value::Object(parts) => parts.iter().map(|(name, value)| (name.clone(), format::plain(value).unwrap_or_else(|| value.to_string()))).collect(),
        other => vec![(String::new(), format::plain(other).unwrap_or_else(|| other.to_string()))],
    };
    let of = Of::Command(&job.spec);
    let label = |name: &str| job.resource.find_field(name).map_or_else(|| name.to_owned(), |field| view.label(of, field).into_owned());
    let body = html! {
        div class="modal-header" { h2 class="modal-title" { (view.command(&job.spec)) } }
        div class="modal-body" {
            div class="alert alert-warning" role="alert" { (icon("info-circle")) div { (view.t("shown-once")) } }
            dl { @for (name, value) in &lines { @if !name.is_empty() { dt { (label(name)) } } dd { code class="user-select-all" { (value) } } } }
        }
        div class="modal-footer" { a class="btn btn-primary" href=(to) { (view.t("go-on")) } }
    };
    framed(
        view,
        StatusCode::OK,
        &view.command(&job.spec),
        if view.is_partial {
            body
        } else {
            html! { div class="card" { (body) } }
        },
    )
}
