//! A report: its parameters as a form, its answer as a table with totals, and the same as CSV.

use super::decode::{Values, decode, fill, name_of_path};
use super::form::Form;
use super::format;
use super::picker::{self, TYPED};
use super::shell::{icon, page as frame};
use super::view::{Of, View, with_query};
use super::visitor::{At, Visitor};
use crate::error::Problem;
use crate::http::extract::Parameters;
use crate::http::rest::export::harmless;
use crate::state::AppState;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use steward_kernel::catalogue::module_of;
use steward_kernel::{Code, Error, Field, Kind, ReportSpec, Table};
use uuid::Uuid;

pub(super) async fn page(State(state): State<AppState>, visitor: Visitor, At(name): At<String>, parameters: Parameters) -> Response {
    visitor.answer(build(&state, &visitor, &name, parameters.0).await)
}

async fn build(state: &AppState, visitor: &Visitor, name: &str, pairs: Vec<(String, String)>) -> Result<Response, Problem> {
    let (mut read, view) = visitor.open(state).await?;
    let spec = Arc::clone(read.catalogue().report(name)?);
    if !view.may_report(&spec) {
        return Err(Error::forbidden(&spec.permission).into());
    }
    let is_csv = pairs.iter().any(|(name, value)| name == "format" && value == "csv");
    let mut values = Values::of(pairs.into_iter().filter(|(name, _)| name != "format").collect());
    for field in &spec.parameters {
        if values.get(&field.name).is_empty() && field.required {
            match field.default.as_deref() {
                Some("today") => values.set(field.name.as_ref(), view.today.to_string()),
                Some(offered) => fill(&view, &mut values, field, &field.name, &json!(offered)),
                None => {}
            }
        }
        if let (Kind::Reference(referred), Ok(id)) = (&field.kind, Uuid::try_parse(values.get(&field.name))) {
            let title = picker::title_of(&mut read, &view, referred, id).await.unwrap_or_default();
            values.set(format!("{TYPED}{}", field.name), title);
        }
    }
    let mut wrong = Vec::new();
    let mut input = decode(&view, &spec.parameters, &values, "", &mut wrong);
    // A box that nobody ticked is no parameter.
    for field in spec.parameters.iter().filter(|field| matches!(field.kind, Kind::Boolean) && values.get(&field.name).is_empty()) {
        input.remove(field.name.as_ref());
    }
    let lacks = spec.parameters.iter().any(|field| field.required && !input.contains_key(field.name.as_ref()));
    let result = match (wrong.is_empty(), lacks) {
        (false, _) => Err(Error::fields(wrong)),
        (true, true) => Ok(None),
        (true, false) => read.report(name, Value::Object(input.clone())).await.map(Some),
    };
    let mut errors = HashMap::new();
    let mut message = None;
    let answered = match result {
        Ok(answered) => answered,
        Err(error) if matches!(error.code, Code::InvalidInput | Code::Conflict) => {
            errors.extend(error.fields.iter().map(|field| (name_of_path(&field.field), field.message.clone())));
            message = Some(error.message.to_string());
            None
        }
        Err(error) => return Err(error.into()),
    };
    read.finish().await?;
    if let (true, Some((spec, table))) = (is_csv, &answered) {
        return csv(&view, spec, table);
    }
    let title = view.labels.report(&view.language, &spec.name).into_owned();
    let form = Form { view: &view, of: Of::Report(&spec.name), values: &values, errors: &errors, currency: "" };
    Ok(frame(&view, &title, body(&view, &spec, &form, &input, answered.as_ref(), message.as_deref())))
}

fn body(
    view: &View,
    spec: &ReportSpec,
    form: &Form<'_>,
    input: &serde_json::Map<String, Value>,
    answered: Option<&(Arc<ReportSpec>, Table)>,
    message: Option<&str>,
) -> Markup {
    let path = format!("/app/reports/{}", spec.name);
    let parameters: Vec<(String, String)> =
        input.iter().map(|(name, value)| (name.clone(), format::plain(value).unwrap_or_else(|| value.to_string()))).collect();
    let export = with_query(&path, parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([("format", "csv")]));
    html! {
        div class="page-header" {
            div class="row g-2 align-items-center" {
                div class="col" {
                    div class="page-pretitle" { (view.labels.module(&view.language, module_of(&spec.name))) }
                    h1 class="page-title" { (view.labels.report(&view.language, &spec.name)) }
                }
                @if answered.is_some() { div class="col-auto" { a class="btn" href=(export) download { (icon("download")) (view.t("export")) } } }
            }
        }
        @if let Some(text) = view.labels.report_description(&view.language, &spec.name) { p class="text-secondary" { (text) } }
        @if let Some(text) = message { div class="alert alert-danger" role="alert" { (icon("alert-triangle")) div { (text) } } }
        div class="card" {
            @if !spec.parameters.is_empty() {
                form class="card-body border-bottom" method="get" action=(path) {
                    (form.fields(&spec.parameters))
                    button class="btn btn-primary mt-3" type="submit" { (icon("report")) (view.t("show")) }
                }
            }
            @if let Some((spec, table)) = answered { (answer(view, spec, table)) }
        }
    }
}

fn answer(view: &View, spec: &ReportSpec, table: &Table) -> Markup {
    let of = Of::Report(&spec.name);
    let value = |row: &[Value], index: usize| row.get(index).cloned().unwrap_or(Value::Null);
    if table.rows.is_empty() {
        return html! { div class="empty" { p class="empty-title" { (view.t("nothing-found")) } } };
    }
    html! {
        div class="table-responsive" {
            table class="table table-vcenter card-table" data-report {
                thead { tr { @for column in &spec.columns { th scope="col" class=(if format::is_numeric(&column.kind) { "text-end" } else { "" }) { (view.label(of, column)) } } } }
                tbody { @for row in &table.rows { tr { @for (index, column) in spec.columns.iter().enumerate() { td class=(format::align(&column.kind)) { (format::cell(view, of, column, &value(row, index))) } } } } }
                @if !table.totals.is_empty() {
                    tfoot { tr {
                        @for (index, column) in spec.columns.iter().enumerate() {
                            @let total = value(&table.totals, index);
                            td class=(format::align(&column.kind)) { strong { @if !total.is_null() { (total_of(view, of, column, &total)) } @else if index == 0 { (view.t("total")) } } }
                        }
                    } }
                }
            }
        }
        div class="card-footer text-secondary" { strong { (format::number(&view.language, &table.rows.len().to_string())) } " " (view.t("rows")) }
    }
}

/// A total of money may be several: one for each currency.
fn total_of(view: &View, of: Of<'_>, column: &Field, total: &Value) -> Markup {
    match total.as_array().filter(|_| !matches!(column.kind, Kind::Texts)) {
        Some(parts) => html! { @for part in parts { div { (format::cell(view, of, column, part)) } } },
        None => format::cell(view, of, column, total),
    }
}

/// The table as it stands: amounts and quantities in two columns, a reference by its title.
fn csv(view: &View, spec: &ReportSpec, table: &Table) -> Result<Response, Problem> {
    let of = Of::Report(&spec.name);
    let failed = |error: csv::Error| Error::internal("could not write a report as CSV").with_source(error);
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let beside = |field: &Field| match field.kind {
        Kind::Money { .. } => Some(view.t("currency")),
        Kind::Quantity { .. } => Some(view.t("unit")),
        _ => None,
    };
    let names: Vec<String> = spec.columns.iter().flat_map(|column| [Some(view.label(of, column).into_owned()), beside(column)].into_iter().flatten()).collect();
    writer.write_record(&names).map_err(failed)?;
    for row in &table.rows {
        let mut cells: Vec<String> = Vec::with_capacity(names.len());
        for (column, value) in spec.columns.iter().zip(row) {
            let part = |name: &str| value.get(name).and_then(format::plain).unwrap_or_default();
            match column.kind {
                Kind::Money { .. } if value.is_object() => cells.extend([part("amount"), part("currency")]),
                Kind::Quantity { .. } if value.is_object() => cells.extend([part("value"), part("unit")]),
                Kind::Money { .. } | Kind::Quantity { .. } => cells.extend([format::plain(value).unwrap_or_default(), String::new()]),
                _ => cells.push(format::plain(value).unwrap_or_else(|| if value.is_null() { String::new() } else { value.to_string() })),
            }
        }
        writer.write_record(cells.iter().map(|cell| harmless(Cow::Borrowed(cell.as_str())).into_owned())).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::internal("could not write a report as CSV").with_source(error.into_error()))?;
    let file = format!("attachment; filename=\"{}.csv\"", spec.name.replace('.', "-"));
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, file)], bytes).into_response())
}
