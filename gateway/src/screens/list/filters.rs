//! The bar above a list: the search box, a filter for each field by its kind, named filters, and the picker of columns.

use super::super::form::reference_picker;
use super::super::shell::icon;
use super::super::view::{Of, View, list_path};
use super::super::{format, view};
use super::{Asked, is_filterable};
use maud::{Markup, html};
use steward_kernel::query::{Op, ops_of};
use steward_kernel::{Field, Kind, Resource};
use uuid::Uuid;

/// The field in the name of a filter: `filter[status][eq]` → `status`.
pub(super) fn field_of<'a>(resource: &'a Resource, parameter: &str) -> Option<&'a Field> {
    let path = parameter.strip_prefix("filter[")?.split(']').next()?;
    resource.find_field(path.strip_prefix("custom.").unwrap_or(path))
}

fn name(field: &Field, op: Op) -> String {
    format!("filter[{}{}][{}]", if field.custom { "custom." } else { "" }, field.name, op.as_str())
}

/// The search box looks at the beginning of titles.
fn search(view: &View, resource: &Resource) -> Option<(String, String)> {
    let field = view.fields(resource).find(|field| field.name == resource.title)?;
    let ops = ops_of(&view.catalogue, field);
    let op = [Op::Starts, Op::Eq].into_iter().find(|op| ops.contains(op)).filter(|_| matches!(field.kind, Kind::Text { .. }))?;
    Some((name(field, op), view.label(Of::Resource(&resource.name), field).into_owned()))
}

pub(super) fn bar(view: &View, resource: &Resource, asked: &Asked, columns: &[&Field]) -> Markup {
    let path = list_path(resource);
    let search = search(view, resource);
    let mut filterable: Vec<&Field> =
        view.fields(resource).filter(|field| is_filterable(view, field) && (search.is_none() || field.name != resource.title)).collect();
    filterable.sort_by_key(|field| matches!(field.name.as_ref(), "created_at" | "updated_at"));
    let used =
        filterable.iter().filter(|field| asked.pairs.iter().any(|(pair, _)| field_of(resource, pair).is_some_and(|found| found.name == field.name))).count();
    html! {
        form id="filters" class="card-body border-bottom steward-filters" role="search" aria-label=(view.t("filter")) method="get" action=(path)
            hx-get=(path) hx-target="#list" hx-swap="outerHTML" hx-trigger="submit, change delay:30ms, input changed delay:300ms from:#search" {
            @if !asked.sort().is_empty() { input type="hidden" name="sort" value=(asked.sort()); }
            div class="d-flex gap-2 flex-wrap align-items-center" {
                @if let Some((name, label)) = &search {
                    div class="input-icon steward-search" {
                        span class="input-icon-addon" { (icon("search")) }
                        input class="form-control" type="search" id="search" name=(name) value=(asked.get(name)) placeholder=(format!("{label} …")) aria-label=(format!("{}: {label}", view.t("search"))) autocomplete="off";
                    }
                }
                @for filter in &resource.filters {
                    (toggle(&format!("filter[{}]", filter.name), "true", &view.labels.filter(&view.language, &resource.name, &filter.name), asked))
                }
                @if resource.archivable { (toggle("filter[archived]", "any", &view.t("with-archived"), asked)) }
                button type="submit" class="visually-hidden-focusable btn btn-sm" { (view.t("filter")) }
                div class="ms-auto d-flex gap-2" {
                    @if asked.has_filters() { a class="btn btn-ghost-secondary" href=(path) { (icon("x")) (view.t("clear")) } }
                    (column_picker(view, resource, columns))
                }
            }
            details class="steward-more mt-2" open[used > 0] {
                summary class="btn btn-sm btn-ghost-secondary" { (icon("filter")) (view.t("filter")) @if used > 0 { span class="badge bg-blue text-blue-fg ms-2" { (used) } } }
                div class="row g-2 mt-1" { @for field in &filterable { div class="col-sm-6 col-xl-4" { (one(view, resource, asked, field)) } } }
            }
        }
    }
}

fn toggle(name: &str, value: &str, label: &str, asked: &Asked) -> Markup {
    let id = super::super::form::html_id(name);
    html! {
        span {
            input class="btn-check" type="checkbox" id=(id) name=(name) value=(value) checked[asked.get(name) == value];
            label class="btn btn-sm btn-pill" for=(id) { (label) }
        }
    }
}

fn column_picker(view: &View, resource: &Resource, columns: &[&Field]) -> Markup {
    html! {
        details class="steward-drop steward-columns" {
            summary class="btn" { (icon("columns-3")) span class="d-none d-md-inline" { (view.t("columns")) } span class="visually-hidden d-md-none" { (view.t("columns")) } }
            fieldset class="dropdown-menu show p-3" {
                legend class="visually-hidden" { (view.t("columns")) }
                @for field in view.fields(resource) {
                    label class="form-check mb-1" {
                        input class="form-check-input" type="checkbox" name="columns" value=(field.name) checked[columns.iter().any(|shown| shown.name == field.name)];
                        span class="form-check-label" { (view.label(Of::Resource(&resource.name), field)) }
                    }
                }
            }
        }
    }
}

fn one(view: &View, resource: &Resource, asked: &Asked, field: &Field) -> Markup {
    let of = Of::Resource(&resource.name);
    let label = view.label(of, field);
    let ops = ops_of(&view.catalogue, field);
    let eq = name(field, Op::Eq);
    let id = super::super::form::html_id(&eq);
    match &field.kind {
        Kind::Choice(choices) => html! {
            label class="form-label" for=(id) { (label) }
            select class="form-select" id=(id) name=(eq) {
                option value="" { (view.t("any")) }
                @for choice in choices { option value=(choice) selected[asked.get(&eq) == choice] { (view.choice(of, &field.name, choice)) } }
            }
        },
        Kind::Boolean => html! {
            label class="form-label" for=(id) { (label) }
            select class="form-select" id=(id) name=(eq) {
                option value="" { (view.t("any")) }
                option value="true" selected[asked.get(&eq) == "true"] { (view.t("yes")) }
                option value="false" selected[asked.get(&eq) == "false"] { (view.t("no")) }
            }
        },
        Kind::Reference(referred) => {
            let chosen = asked.get(&eq);
            let title = Uuid::try_parse(chosen).ok().and_then(|id| asked.titles.get(&id)).map_or("", String::as_str);
            html! {
                @if let Some(referred) = view.readable(referred) {
                    label class="form-label" for=(id) { (label) }
                    (reference_picker(view, referred, &eq, &id, chosen, title, false, None))
                }
            }
        }
        Kind::Date | Kind::Timestamp => range(view, &label, asked, field, "date", ""),
        kind if format::is_numeric(kind) => range(view, &label, asked, field, "text", "decimal"),
        _ => {
            let op = if ops.contains(&Op::Starts) { Op::Starts } else { Op::Eq };
            let name = name(field, op);
            html! {
                label class="form-label" for=(id) { (label) }
                input class="form-control" type="text" id=(id) name=(name) value=(asked.get(&name)) autocomplete="off" placeholder=(view.labels.text(&view.language, if op == Op::Starts { "kernel-op--starts" } else { "kernel-op--eq" }));
            }
        }
    }
}

/// From and to.
fn range(view: &view::View, label: &str, asked: &Asked, field: &Field, kind: &str, mode: &str) -> Markup {
    let (from, to) = (name(field, Op::Gte), name(field, Op::Lte));
    let shown = |name: &str| {
        if format::is_numeric(&field.kind) { format::typed_number(&view.language, asked.get(name)) } else { asked.get(name).chars().take(10).collect() }
    };
    html! {
        fieldset {
            legend class="form-label" { (label) }
            div class="input-group" {
                input class="form-control" type=(kind) inputmode=[Some(mode).filter(|mode| !mode.is_empty())] name=(from) value=(shown(&from)) aria-label=(format!("{label}: {}", view.t("from"))) placeholder=(view.t("from")) autocomplete="off";
                input class="form-control" type=(kind) inputmode=[Some(mode).filter(|mode| !mode.is_empty())] name=(to) value=(shown(&to)) aria-label=(format!("{label}: {}", view.t("to"))) placeholder=(view.t("to")) autocomplete="off";
            }
        }
    }
}
