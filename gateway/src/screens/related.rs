//! Lists of what refers to a record: the newest few of each resource, with the way to all of them.

use super::format;
use super::shell::{self, icon};
use super::view::{Of, View, id_of, list_path, record_path, with_query};
use super::visitor::{At, Visitor};
use crate::error::Problem;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;
use steward_kernel::query::{Filter, ListQuery, Op, Page, ops_of};
use steward_kernel::{Field, Kind, Resource};
use uuid::Uuid;

const ROWS: u32 = 5;
const COLUMNS: usize = 5;
/// Kinds of records that are looked for; a user is referred to by nearly everything.
const LISTS_MAX: usize = 8;

struct Related<'a> {
    resource: &'a Arc<Resource>,
    field: &'a Field,
    page: Page,
}

async fn build(state: &AppState, visitor: &Visitor, module: &str, plural: &str, id: Uuid) -> Result<Response, Problem> {
    let (mut read, view) = visitor.open(state).await?;
    let resource = Arc::clone(read.catalogue().resource_at(module, plural)?);
    let mut found = Vec::new();
    for (other, field) in referring(&view, &resource) {
        let mut query = ListQuery { limit: ROWS, count: true, ..ListQuery::new(other.name.as_ref()) };
        query.filters.push(Filter::new(field.name.as_ref(), Op::Eq, id.to_string()));
        let page = read.list(&query).await?;
        if !page.items.is_empty() || prefilled(&view, other, &resource).is_some() {
            found.push(Related { resource: other, field, page });
        }
    }
    read.finish().await?;
    Ok(shell::fragment(html! { @for related in &found { (list(&view, &resource, id, related)) } }))
}

pub(super) async fn fragment(State(state): State<AppState>, visitor: Visitor, At((module, plural, id)): At<(String, String, Uuid)>) -> Response {
    visitor.answer(build(&state, &visitor, &module, &plural, id).await)
}

/// Readable resources of the menu with a reference that leads here, the first such reference of each.
fn referring<'a>(view: &'a View, resource: &'a Resource) -> Vec<(&'a Arc<Resource>, &'a Field)> {
    let leads_here = |field: &&Field| {
        matches!(&field.kind, Kind::Reference(referred) if *referred == resource.name) && !field.custom && !ops_of(&view.catalogue, field).is_empty()
    };
    let is_child = |other: &Resource| other.parent.as_ref().is_some_and(|parent| parent.resource == resource.name);
    view.catalogue
        .resources
        .values()
        .filter(|other| view.may_read(other) && !is_child(other) && (other.menu || other.parent.is_none()))
        .filter_map(|other| Some((other, view.fields(other).find(leads_here)?)))
        .take(LISTS_MAX)
        .collect()
}

/// The address of a new record that refers to this one.
fn prefilled(view: &View, other: &Resource, resource: &Resource) -> Option<(String, String)> {
    let spec = view.runnable(other.create.as_deref())?;
    let input = spec.inputs.iter().find(|input| matches!(&input.kind, Kind::Reference(referred) if *referred == resource.name) && input.required)?;
    Some((spec.name.to_string(), input.name.to_string()))
}

fn list(view: &View, resource: &Resource, id: Uuid, related: &Related<'_>) -> Markup {
    let Related { resource: other, field, page } = related;
    let of = Of::Resource(&other.name);
    let id = id.to_string();
    let columns: Vec<&Field> = view.fields(other).filter(|column| column.in_list && column.name != field.name).take(COLUMNS).collect();
    let link_at = columns.iter().position(|column| column.name == other.title).unwrap_or(0);
    let filter = format!("filter[{}][eq]", field.name);
    let all = with_query(&list_path(other), [(filter.as_str(), id.as_str())]);
    html! {
        div class="col-12" {
            section class="card" aria-label=(view.plural(other)) data-related=(other.name) {
                div class="card-header" {
                    h2 class="card-title" {
                        (view.plural(other)) @if let Some(count) = page.count { span class="badge bg-secondary-lt ms-2" { (format::count(view, count)) } }
                        span class="card-subtitle" { (view.label(of, field)) }
                    }
                    div class="card-actions d-flex gap-2" {
                        @if let Some((command, input)) = prefilled(view, other, resource) {
                            a class="btn btn-sm" href=(with_query(&format!("{}/new", list_path(other)), [(input.as_str(), id.as_str())])) data-command=(command) { (icon("plus")) (view.t("new")) }
                        }
                        @if !page.items.is_empty() { a class="btn btn-sm" href=(all) { (view.t("all")) (icon("chevron-right")) } }
                    }
                }
                @if page.items.is_empty() { div class="card-body text-secondary" { (view.t("nothing-yet")) } } @else {
                    div class="table-responsive" {
                        table class="table table-vcenter card-table" {
                            thead { tr { @for column in &columns { th scope="col" class=(if format::is_numeric(&column.kind) { "text-end" } else { "" }) { (view.label(of, column)) } } } }
                            tbody { @for item in &page.items { tr { @for (index, column) in columns.iter().enumerate() {
                                @let value = item.get(column.name.as_ref()).unwrap_or(&Value::Null);
                                td class=(format::align(&column.kind)) {
                                    @match id_of(item) {
                                        Some(id) if index == link_at => a href=(record_path(other, id)) { (format::plain(value).unwrap_or_else(|| "…".into())) },
                                        _ => (format::cell(view, of, column, value)),
                                    }
                                }
                            } } } }
                        }
                    }
                }
            }
        }
    }
}
