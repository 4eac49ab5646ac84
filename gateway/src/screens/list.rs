//! A list: its filters, its columns, its order, one page of it.
//!
//! The parameters are those of REST (`filter[field][op]`, `sort`, `cursor`), and `columns`. The script asks for the same
//! page and takes the table out of it, so there is one way to render.

mod filters;

use super::picker::TYPED;
use super::shell::{html_headers, icon, page as frame};
use super::view::{Of, View, id_of, list_path, record_path, with_query};
use super::visitor::{At, Visitor};
use super::{format, picker};
use crate::error::Problem;
use crate::http::extract::Parameters;
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use steward_kernel::catalogue::last_of;
use steward_kernel::query::{ListQuery, Page, ops_of};
use steward_kernel::{Field, Kind, Resource};
use uuid::Uuid;

const COLUMNS: usize = 6;
const ROWS: u32 = 50;

pub(super) async fn page(State(state): State<AppState>, visitor: Visitor, At((module, plural)): At<(String, String)>, parameters: Parameters) -> Response {
    visitor.answer(build(&state, &visitor, &module, &plural, parameters.0).await)
}

/// What was asked for, cleaned of what a form sends without being filled in.
struct Asked {
    /// Filters and sort, as they stand in addresses.
    pairs: Vec<(String, String)>,
    /// Names of columns; empty for the usual ones.
    columns: Vec<String>,
    cursor: Option<String>,
    /// Titles of the records that filters name.
    titles: HashMap<Uuid, String>,
}

impl Asked {
    fn read(view: &View, resource: &Resource, given: Vec<(String, String)>) -> Self {
        let mut asked = Self { pairs: Vec::new(), columns: Vec::new(), cursor: None, titles: HashMap::new() };
        for (name, value) in given {
            let value = value.trim();
            if value.is_empty() || name.starts_with(TYPED) || name.starts_with('_') {
                continue;
            }
            match name.as_str() {
                "columns" => asked.columns.extend(value.split(',').map(str::to_owned)),
                "cursor" => asked.cursor = Some(value.to_owned()),
                _ => {
                    let numeric = filters::field_of(resource, &name).is_some_and(|field| format::is_numeric(&field.kind));
                    let value = if numeric { format::plain_number(&view.language, value) } else { value.to_owned() };
                    if !asked.pairs.iter().any(|(known, _)| *known == name) {
                        asked.pairs.push((name, value));
                    }
                }
            }
        }
        asked
    }

    fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }
    fn has_filters(&self) -> bool {
        self.pairs.iter().any(|(name, _)| name != "sort")
    }
    fn sort(&self) -> &str {
        self.get("sort")
    }

    /// The address with this sort and cursor.
    fn address(&self, path: &str, sort: Option<&str>, cursor: Option<&str>) -> String {
        let columns = self.columns.join(",");
        let kept = self.pairs.iter().filter(|(name, _)| name != "sort").map(|(name, value)| (name.as_str(), value.as_str()));
        let more = [("sort", sort.unwrap_or("")), ("columns", columns.as_str()), ("cursor", cursor.unwrap_or(""))];
        with_query(path, kept.chain(more.into_iter().filter(|(_, value)| !value.is_empty())))
    }
}

async fn build(state: &AppState, visitor: &Visitor, module: &str, plural: &str, given: Vec<(String, String)>) -> Result<Response, Problem> {
    let (mut read, view) = visitor.open(state).await?;
    let resource = Arc::clone(read.catalogue().resource_at(module, plural)?);
    let mut asked = Asked::read(&view, &resource, given);
    let mut query = ListQuery::parse(&view.catalogue, &resource.name, &asked.pairs)?;
    let columns = columns(&view, &resource, &asked.columns);
    if columns == self::columns(&view, &resource, &[]) {
        // The usual ones need not stand in every address.
        asked.columns.clear();
    }
    let mut fields: Vec<String> = columns.iter().map(|field| field.name.to_string()).collect();
    fields.extend(view.fields(&resource).find(|field| field.name == resource.title).map(|field| field.name.to_string()).filter(|name| !fields.contains(name)));
    query.fields = Some(fields);
    query.limit = ROWS;
    query.count = true;
    query.cursor = asked.cursor.clone();
    let page = read.list(&query).await?;
    for filter in &query.filters {
        if let Some(Kind::Reference(referred)) = resource.find_field(&filter.path).map(|field| &field.kind)
            && let Some(id) = filter.values.first().and_then(|text| Uuid::try_parse(text).ok())
            && let Some(title) = picker::title_of(&mut read, &view, referred, id).await
        {
            asked.titles.insert(id, title);
        }
    }
    read.finish().await?;

    let path = list_path(&resource);
    let address = asked.address(&path, Some(asked.sort()), asked.cursor.as_deref());
    if view.is_partial {
        // The address in the browser is the clean one, not that of the form with all that is empty.
        let mut response = (html_headers(), html! { (table(&view, &resource, &asked, &columns, &page)) }.into_string()).into_response();
        if let Ok(value) = HeaderValue::from_str(&address) {
            response.headers_mut().insert(HeaderName::from_static("hx-push-url"), value);
        }
        return Ok(response);
    }
    let title = view.plural(&resource).into_owned();
    Ok(frame(&view, &title, body(&view, &resource, &asked, &columns, &page)))
}

/// The columns that were picked, else those that the module shows in lists, else the first few.
fn columns<'a>(view: &'a View, resource: &'a Resource, picked: &[String]) -> Vec<&'a Field> {
    let all: Vec<&Field> = view.fields(resource).collect();
    let wanted: Vec<&Field> = all.iter().copied().filter(|field| picked.iter().any(|name| *name == field.name)).collect();
    if !wanted.is_empty() {
        return wanted;
    }
    let usual: Vec<&Field> = all.iter().copied().filter(|field| field.in_list).collect();
    if !usual.is_empty() {
        return usual;
    }
    let stamps = |field: &&Field| !matches!(field.name.as_ref(), "created_at" | "updated_at");
    all.into_iter().filter(stamps).take(COLUMNS).collect()
}

fn body(view: &View, resource: &Resource, asked: &Asked, columns: &[&Field], page: &Page) -> Markup {
    let path = list_path(resource);
    let others: Vec<_> = view
        .catalogue
        .commands_of(&resource.name)
        .filter(|spec| spec.target.is_none() && resource.create.as_deref() != Some(spec.name.as_ref()) && view.may_run(spec))
        .collect();
    html! {
        div class="page-header" {
            div class="row g-2 align-items-center" {
                div class="col" {
                    div class="page-pretitle" { (view.labels.module(&view.language, steward_kernel::catalogue::module_of(&resource.name))) }
                    h1 class="page-title" { (view.plural(resource)) }
                }
                div class="col-auto d-flex gap-2 flex-wrap" {
                    @if !others.is_empty() {
                        details class="steward-drop" {
                            summary class="btn" { (view.t("more")) (icon("chevron-down")) }
                            div class="dropdown-menu show" {
                                @for spec in &others {
                                    @let to = format!("{path}/do/{}", last_of(&spec.name));
                                    a class="dropdown-item" href=(to) data-command=(spec.name) { (view.command(spec)) }
                                }
                            }
                        }
                    }
                    @if let Some(spec) = view.runnable(resource.create.as_deref()) {
                        a class="btn btn-primary" href=(format!("{path}/new")) data-command=(spec.name) { (icon("plus")) (view.t("new")) }
                    }
                }
            }
        }
        div class="card" {
            (filters::bar(view, resource, asked, columns))
            (table(view, resource, asked, columns, page))
        }
    }
}

/// The part that filters and headings replace.
fn table(view: &View, resource: &Resource, asked: &Asked, columns: &[&Field], page: &Page) -> Markup {
    let path = list_path(resource);
    let of = Of::Resource(&resource.name);
    let sort = if asked.sort().is_empty() { resource.sort.as_ref() } else { asked.sort() };
    // The record is reached through its title; without that column, through the first.
    let link_at = columns.iter().position(|field| field.name == resource.title).unwrap_or(0);
    let export_fields = if asked.columns.is_empty() { String::new() } else { columns.iter().map(|field| field.name.as_ref()).collect::<Vec<_>>().join(",") };
    let export = with_query(
        &format!("/api/v1/{}/export", resource.path()),
        asked
            .pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(Some(("fields", export_fields.as_str())).filter(|(_, value)| !value.is_empty())),
    );
    html! {
        div id="list" {
            @if page.items.is_empty() {
                div class="empty" {
                    div class="empty-icon" { (icon("search")) }
                    p class="empty-title" { @if asked.has_filters() { (view.t("nothing-found")) } @else { (view.t("nothing-yet")) } }
                    p class="empty-subtitle text-secondary" { @if asked.has_filters() { (view.t("nothing-found-hint")) } @else { (view.t("nothing-yet-hint")) } }
                    @if asked.has_filters() { a class="btn" href=(path) { (icon("x")) (view.t("clear")) } }
                }
            } @else {
                div class="table-responsive" {
                    table class="table table-vcenter card-table table-hover" data-rows {
                        thead { tr { @for field in columns { (heading(view, resource, asked, field, sort)) } } }
                        tbody {
                            @for item in &page.items {
                                @let id = id_of(item);
                                tr {
                                    @for (index, field) in columns.iter().enumerate() {
                                        @let value = item.get(field.name.as_ref()).unwrap_or(&Value::Null);
                                        td class=(format::align(&field.kind)) {
                                            @match id {
                                                Some(id) if index == link_at => (title(resource, id, value)),
                                                _ => (format::cell(view, of, field, value)),
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            div class="card-footer d-flex align-items-center gap-2 flex-wrap" {
                p class="m-0 text-secondary flex-fill" { @if let Some(count) = page.count { strong { (format::count(view, count)) } " " (if count.value == 1 { view.singular(resource) } else { view.plural(resource) }) } }
                a class="btn btn-sm" href=(export) download { (icon("download")) (view.t("export")) }
                @if asked.cursor.is_some() { a class="btn btn-sm" href=(asked.address(&path, Some(asked.sort()), None)) { (view.t("first")) } }
                @if let Some(next) = &page.next { a class="btn btn-sm" rel="next" href=(asked.address(&path, Some(asked.sort()), Some(next))) { (view.t("next")) (icon("chevron-right")) } }
            }
        }
    }
}

/// The way to the record. A number is not broken at its dash.
fn title(resource: &Resource, id: Uuid, value: &Value) -> Markup {
    let text = format::plain(value).unwrap_or_else(|| id.to_string().chars().take(8).collect());
    html! { a class=(if text.chars().count() <= 16 { "steward-title text-nowrap" } else { "steward-title" }) href=(record_path(resource, id)) { (text) } }
}

fn heading(view: &View, resource: &Resource, asked: &Asked, field: &Field, sort: &str) -> Markup {
    let label = view.label(Of::Resource(&resource.name), field);
    let ends = if format::is_numeric(&field.kind) { "text-end" } else { "" };
    if !field.sortable {
        return html! { th scope="col" class=(ends) { (label) } };
    }
    let first = sort.split(',').next().unwrap_or("");
    let (ascending, descending) = (first == field.name, first.strip_prefix('-') == Some(field.name.as_ref()));
    let to = if ascending { format!("-{}", field.name) } else { field.name.to_string() };
    let state = if ascending {
        Some("ascending")
    } else if descending {
        Some("descending")
    } else {
        None
    };
    html! {
        th scope="col" class=(ends) aria-sort=[state] {
            a class="steward-sort" href=(asked.address(&list_path(resource), Some(&to), None)) hx-get=(asked.address(&list_path(resource), Some(&to), None)) hx-target="#list" hx-swap="outerHTML" {
                (label)
                @if ascending { (icon("arrow-up")) } @else if descending { (icon("arrow-down")) }
            }
        }
    }
}

/// Whether a list can be narrowed by this field.
fn is_filterable(view: &View, field: &Field) -> bool {
    !ops_of(&view.catalogue, field).is_empty()
}
