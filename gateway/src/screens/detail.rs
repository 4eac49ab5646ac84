//! A record: what it is, what can be done with it, its lines, what refers to it, and how it came to be so.

use super::command::is_truncated;
use super::mark::Mark;
use super::shell::{icon, page as frame};
use super::view::{Of, View, id_of, list_path, record_path, with_query};
use super::visitor::{At, Visitor};
use super::{format, picker};
use crate::error::Problem;
use crate::http::extract::Parameters;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use steward_kernel::catalogue::last_of;
use steward_kernel::query::{History, HistoryEntry};
use steward_kernel::{CommandSpec, Field, Kind, Read, Resource, Risk};
use uuid::Uuid;

const HISTORY: u32 = 30;
/// The parameter that leads to older changes: a cursor of the history.
const OLDER: &str = "older";
/// Records that a history names and that are looked up by their titles.
const TITLES_MAX: usize = 30;
/// Buttons beside the heading; further ones go into a menu.
const BUTTONS: usize = 4;

pub(super) async fn page(
    State(state): State<AppState>,
    visitor: Visitor,
    At((module, plural, id)): At<(String, String, Uuid)>,
    parameters: Parameters,
) -> Response {
    visitor.answer(build(&state, &visitor, &module, &plural, id, &parameters).await)
}

async fn build(state: &AppState, visitor: &Visitor, module: &str, plural: &str, id: Uuid, parameters: &Parameters) -> Result<Response, Problem> {
    let given = |wanted: &str| parameters.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let (mut read, view) = visitor.open(state).await?;
    let resource = Arc::clone(read.catalogue().resource_at(module, plural)?);
    let record = read.detail(&resource.name, id, None).await?;
    // Of the row itself: a history of any length may have begun before its newest page.
    let is_archived = resource.archivable && read.texts(&resource.name, &[id]).await?.iter().any(|row| row.archived);
    let mut history = read.history(&resource.name, id, HISTORY, given(OLDER)).await?;
    put_titles(&mut read, &view, &mut history.items).await;
    let mark = Mark::find(&mut read, &resource, id, given("mark")).await?;
    read.finish().await?;
    let title = title_of(&view, &resource, &record, id);
    let shown = Shown { id, title: &title, record: &record, is_archived, is_older: given(OLDER).is_some() };
    let body = body(&view, &resource, &shown, &history, mark.as_ref());
    Ok(frame(&view, &title, body))
}

fn title_of(view: &View, resource: &Resource, record: &Value, id: Uuid) -> String {
    record
        .get(resource.title.as_ref())
        .and_then(format::plain)
        .unwrap_or_else(|| format!("{} {}", view.singular(resource), id.to_string().chars().take(8).collect::<String>()))
}

/// A history names records by their ids: those that the reader may see get their titles.
async fn put_titles(read: &mut Read, view: &View, history: &mut [HistoryEntry]) {
    let mut titles: HashMap<Uuid, Option<String>> = HashMap::new();
    for entry in history {
        let Some(resource) = view.catalogue.resources.get(&entry.resource) else { continue };
        for change in &mut entry.changes {
            let Some(Kind::Reference(referred)) = resource.find_field(&change.field).map(|field| &field.kind) else { continue };
            for value in [&mut change.old, &mut change.new] {
                let Some(id) = id_of(value) else { continue };
                if !titles.contains_key(&id) && titles.len() < TITLES_MAX {
                    let title = picker::title_of(read, view, referred, id).await;
                    titles.insert(id, title);
                }
                if let Some(Some(title)) = titles.get(&id) {
                    *value = json!({ "id": id, "title": title });
                }
            }
        }
    }
}

/// What can be done with the record now: the right is there, and the state fits.
fn commands<'a>(view: &'a View, resource: &'a Resource, record: &Value, is_archived: bool) -> Vec<&'a Arc<CommandSpec>> {
    let archive = resource.archive.as_deref().and_then(|name| view.catalogue.commands.get(name));
    let is_archive = |spec: &CommandSpec| archive.is_some_and(|archive| archive.name == spec.name);
    let is_restore = |spec: &CommandSpec| archive.is_some_and(|archive| archive.undo.as_ref() == Some(&spec.name));
    let status = record.get("status").and_then(Value::as_str);
    let mut commands: Vec<_> = view
        .catalogue
        .commands_of(&resource.name)
        .filter(|spec| spec.target.is_some() && resource.update.as_deref() != Some(spec.name.as_ref()) && view.may_run(spec) && fits(spec, status))
        .filter(|spec| if is_archived { !is_archive(spec) } else { !is_restore(spec) })
        .collect();
    // What belongs to this state stands first, what is possible in all of them last.
    // What belongs to this state stands first, then what is possible in all of them, then what takes something back.
    commands.sort_by_key(|spec| (goes_back(view, spec), spec.when.is_empty(), spec.when.len(), resource.archive.as_deref() == Some(spec.name.as_ref())));
    commands
}

/// Whether the command is there to take another one back: of two of which one undoes the other, the one for the later states.
fn goes_back(view: &View, spec: &CommandSpec) -> bool {
    let status = view.catalogue.resources.get(spec.resource.as_ref()).and_then(|resource| resource.find_field("status"));
    let first = |spec: &CommandSpec| match status.map(|field| &field.kind) {
        Some(Kind::Choice(states)) => states.iter().position(|state| spec.when.contains(state)),
        _ => None,
    };
    view.catalogue.commands.values().any(|other| {
        other.name != spec.name && (other.undo.as_ref() == Some(&spec.name) || spec.undo.as_ref() == Some(&other.name)) && first(other) < first(spec)
    })
}

fn fits(spec: &CommandSpec, status: Option<&str>) -> bool {
    spec.when.is_empty() || status.is_none_or(|status| spec.when.iter().any(|state| state == status))
}

/// The record of the page.
struct Shown<'a> {
    id: Uuid,
    title: &'a str,
    record: &'a Value,
    is_archived: bool,
    /// Whether the history begins before its newest change.
    is_older: bool,
}

fn body(view: &View, resource: &Resource, shown: &Shown<'_>, history: &History, mark: Option<&Mark>) -> Markup {
    let Shown { id, title, record, is_archived, is_older } = *shown;
    let of = Of::Resource(&resource.name);
    let path = record_path(resource, id);
    let status = view.fields(resource).find(|field| field.name == "status" && matches!(field.kind, Kind::Choice(_)));
    let state = status.and_then(|field| Some((field, record.get("status")?.as_str()?)));
    let commands = commands(view, resource, record, is_archived);
    let (shown, more) = commands.split_at(commands.len().min(BUTTONS));
    let edit = view.runnable(resource.update.as_deref()).filter(|spec| fits(spec, state.map(|(_, value)| value)));
    html! {
        div class="page-header" {
            div class="row g-2 align-items-center" {
                div class="col" {
                    nav class="page-pretitle" aria-label=(view.t("where")) { a href=(list_path(resource)) { (view.plural(resource)) } }
                    h1 class="page-title" { (title) @if let Some((field, value)) = state { span class="ms-2" id="status" data-status=(value) { (format::badge(view, of, field, value)) } } @if is_archived { span class="badge bg-secondary-lt ms-2" { (view.labels.text(&view.language, "kernel--archived")) } } }
                }
                div class="col-auto d-flex gap-2 flex-wrap" {
                    @for (index, spec) in shown.iter().enumerate() { (button(view, &path, spec, if index == 0 && !spec.when.is_empty() && spec.risk == Risk::Low && !goes_back(view, spec) { "btn btn-primary" } else { "btn" })) }
                    @if let Some(spec) = edit { a class="btn" href=(format!("{path}/edit")) data-command=(spec.name) { (icon("pencil")) (view.t("edit")) } }
                    @if !more.is_empty() {
                        details class="steward-drop" {
                            summary class="btn" { (view.t("more")) (icon("chevron-down")) }
                            div class="dropdown-menu show" { @for spec in more { (button(view, &path, spec, "dropdown-item")) } }
                        }
                    }
                }
            }
        }
        div class="row row-cards" {
            @if let Some(mark) = mark { div class="col-12" { (mark.told(view)) } }
            div class="col-12" { (facts(view, resource, record, mark)) }
            @for child in view.catalogue.children_of(&resource.name).filter(|child| view.may_read(child)) { (children(view, resource, child, record, id)) }
            // Lists of what refers to the record come after the page: they are many, and seldom what one came for.
            div class="col-12" hx-get=(format!("{path}/related")) hx-trigger="load" hx-swap="outerHTML" { span class="visually-hidden" { (view.t("loading")) } }
            div class="col-12" { (changes(view, &path, history, is_older)) }
        }
    }
}

fn button(view: &View, path: &str, spec: &CommandSpec, class: &str) -> Markup {
    let to = format!("{path}/do/{}", last_of(&spec.name));
    html! { a class=(class) href=(to) hx-get=(to) hx-target="#dialog-body" data-command=(spec.name) title=[view.labels.description(&view.language, &spec.name)] { (view.command(spec)) } }
}

/// The fields that hold something, in the module's order; long texts at the end, over the whole width.
fn facts(view: &View, resource: &Resource, record: &Value, mark: Option<&Mark>) -> Markup {
    let of = Of::Resource(&resource.name);
    let has_value = |field: &&Field| {
        record
            .get(field.name.as_ref())
            .is_some_and(|value| !value.is_null() && value.as_str() != Some("") && value.as_array().is_none_or(|items| !items.is_empty()))
    };
    let stamps = |field: &Field| matches!(field.name.as_ref(), "created_at" | "updated_at");
    let mut fields: Vec<&Field> = view.fields(resource).filter(has_value).filter(|field| field.name != resource.title && field.name != "status").collect();
    fields.sort_by_key(|field| (matches!(field.kind, Kind::Text { multiline: true, .. }), stamps(field)));
    html! {
        section class="card" aria-label=(view.t("facts")) {
            div class="card-body" {
                dl class="datagrid" {
                    @for field in fields {
                        div class=(if matches!(field.kind, Kind::Text { multiline: true, .. }) { "datagrid-item steward-whole" } else { "datagrid-item" }) {
                            dt class="datagrid-title" title=[view.hint(of, &field.name)] { (view.label(of, field)) }
                            dd class="datagrid-content" data-field=(field.name) { @if let Some(cited) = mark.and_then(|mark| mark.shown(field)) { (cited) } @else { (format::cell(view, of, field, record.get(field.name.as_ref()).unwrap_or(&Value::Null))) } }
                        }
                    }
                }
            }
        }
    }
}

/// The rows of a child: they come with the record.
fn children(view: &View, resource: &Resource, child: &Resource, record: &Value, id: Uuid) -> Markup {
    let of = Of::Resource(&child.name);
    let short = child.plural.rsplit(['/', '-', '_']).next().unwrap_or(&child.plural);
    let rows =
        [short, child.plural.as_ref()].into_iter().find_map(|name| record.get(name).and_then(Value::as_array).filter(|rows| rows.iter().all(Value::is_object)));
    let rows = rows.map_or(&[][..], Vec::as_slice);
    let has_more = [short, child.plural.as_ref()].iter().any(|name| is_truncated(record, name));
    let parent = child.parent.as_ref().map_or("", |parent| parent.column.as_ref());
    let usual = |field: &&Field| field.column != parent && field.name != "position" && field.in_list;
    let mut fields: Vec<&Field> = view.fields(child).filter(usual).collect();
    if fields.is_empty() {
        fields = view
            .fields(child)
            .filter(|field| field.column != parent && !matches!(field.name.as_ref(), "created_at" | "updated_at" | "owner" | "department" | "company"))
            .take(8)
            .collect();
    }
    let add = view.runnable(child.create.as_deref()).and_then(|spec| {
        let input = spec.inputs.iter().find(|input| matches!(&input.kind, Kind::Reference(referred) if *referred == resource.name))?;
        let (id, back) = (id.to_string(), record_path(resource, id));
        Some((spec, with_query(&format!("{}/new", list_path(child)), [(input.name.as_ref(), id.as_str()), ("_back", back.as_str())])))
    });
    // A row of its own right has a page with its commands; a mere line has not.
    let has_page = view.catalogue.commands_of(&child.name).any(|spec| spec.target.is_some() && view.may_run(spec));
    html! {
        div class="col-12" {
            section class="card" aria-label=(view.plural(child)) {
                div class="card-header" {
                    h2 class="card-title" { (view.plural(child)) @if !rows.is_empty() { span class="badge bg-secondary-lt ms-2" { (rows.len()) @if has_more { "+" } } } }
                    @if let Some((spec, to)) = add { div class="card-actions" { a class="btn btn-sm" href=(to) data-command=(spec.name) { (icon("plus")) (view.t("new")) } } }
                }
                @if rows.is_empty() { div class="card-body text-secondary" { (view.t("nothing-yet")) } } @else {
                    div class="table-responsive" {
                        table class="table table-vcenter card-table" data-child=(child.name) {
                            thead { tr { @for field in &fields { th scope="col" class=(if format::is_numeric(&field.kind) { "text-end" } else { "" }) { (view.label(of, field)) } } @if has_page { th { span class="visually-hidden" { (view.t("open")) } } } } }
                            tbody { @for row in rows { tr {
                                @for field in &fields { td class=(format::align(&field.kind)) { (format::cell(view, of, field, row.get(field.name.as_ref()).unwrap_or(&Value::Null))) } }
                                @if has_page { td class="text-end" { @if let Some(id) = id_of(row) { a class="btn btn-sm btn-ghost-secondary" href=(record_path(child, id)) { (view.t("open")) } } } }
                            } } }
                        }
                    }
                    @if has_more { div class="card-footer text-secondary" data-truncated { (view.t("not-all-shown")) } }
                }
            }
        }
    }
}

fn changes(view: &View, path: &str, history: &History, is_older: bool) -> Markup {
    let page = |cursor: &str| format!("{}#history", with_query(path, [(OLDER, cursor)]));
    html! {
        section class="card" aria-label=(view.t("history")) id="history" {
            div class="card-header" { h2 class="card-title" { (icon("history")) " " (view.t("history")) } }
            @if history.items.is_empty() { div class="card-body text-secondary" { (view.t("nothing-yet")) } }
            ol class="list-group list-group-flush steward-history" { @for entries in history.items.chunk_by(is_one) { li class="list-group-item" { (changed(view, entries)) } } }
            @if is_older || history.next.is_some() {
                div class="card-footer d-flex gap-2" {
                    @if is_older { a class="btn btn-sm" href=(format!("{path}#history")) { (view.t("newest-changes")) } }
                    @if let Some(next) = &history.next { a class="btn btn-sm" href=(page(next)) rel="next" { (view.t("older-changes")) } }
                }
            }
        }
    }
}

/// What one command did at once is told once.
fn is_one(a: &HistoryEntry, b: &HistoryEntry) -> bool {
    a.at == b.at && a.command == b.command && a.actor == b.actor
}

fn changed(view: &View, entries: &[HistoryEntry]) -> Markup {
    let Some(entry) = entries.first() else { return html! {} };
    let command = entry.command.as_deref().and_then(|name| view.catalogue.commands.get(name));
    let operation = |entry: &HistoryEntry| {
        let id = match entry.operation {
            "created" => "kernel-operation--i",
            "deleted" => "kernel-operation--d",
            _ => "kernel-operation--u",
        };
        view.labels.text(&view.language, id).into_owned()
    };
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for entry in entries {
        let resource = view.catalogue.resources.get(&entry.resource);
        let kind = format!("{} {}", resource.map_or(std::borrow::Cow::Borrowed(entry.resource.as_str()), |resource| view.singular(resource)), operation(entry));
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let actor = match &entry.actor {
        None => view.labels.text(&view.language, "kernel-system").into_owned(),
        Some(actor) => actor.name.clone().unwrap_or_else(|| view.t("somebody")),
    };
    html! {
        div class="d-flex gap-2 flex-wrap align-items-baseline" {
            strong { (command.map_or_else(|| operation(entry), |spec| view.command(spec).into_owned())) }
            @for (kind, count) in &kinds { span class="badge bg-secondary-lt" { (kind) @if *count > 1 { " × " (count) } } }
            span class="text-secondary" { (actor) " · " time datetime=(entry.at.to_rfc3339()) { (format::moment(view, entry.at)) } }
        }
        // A new record is its own first value: only a change says what it was before.
        @for entry in entries.iter().filter(|entry| entry.operation == "changed" && !entry.changes.is_empty()) {
            @let resource = view.catalogue.resources.get(&entry.resource);
            @let of = Of::Resource(&entry.resource);
            ul class="steward-diff" {
                @for change in &entry.changes {
                    @let field = resource.and_then(|resource| resource.find_field(&change.field));
                    li {
                        span class="text-secondary" { (field.map_or(std::borrow::Cow::Borrowed(change.field.as_str()), |field| view.label(of, field))) ": " }
                        @match field {
                            Some(field) => { span class="steward-old" { (format::cell(view, of, field, &change.old)) } " → " span class="steward-new" { (format::cell(view, of, field, &change.new)) } },
                            None => { (format::plain(&change.old).unwrap_or_default()) " → " (format::plain(&change.new).unwrap_or_default()) },
                        }
                    }
                }
            }
        }
    }
}
