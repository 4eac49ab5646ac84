//! Questions: list, detail, aggregate, history, report. Each is one snapshot of rights and rows.

use super::methods;
use crate::error::{Answer, Problem};
use crate::http::auth::Authenticated;
use crate::http::extract::{Parameters, Path, none_match};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use steward_kernel::query::{AggregateQuery, ListQuery};
use steward_kernel::{Error, Field, Kind};
use uuid::Uuid;

const HISTORY_DEFAULT: u32 = 50;
pub(crate) const HISTORY_MAX: u32 = 200;

pub(super) async fn list(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural)): Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let mut read = state.kernel.read(&asker).await?;
    let resource = Arc::clone(read.catalogue().resource_at(&module, &plural)?);
    let query = ListQuery::parse(read.catalogue(), &resource.name, &parameters.0)?;
    let page = read.list(&query).await?;
    read.finish().await?;
    Ok(Json(page).into_response())
}

pub(super) async fn detail(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural, id)): Path<(String, String, String)>,
    mut parameters: Parameters,
    headers: HeaderMap,
) -> Answer {
    let mut read = state.kernel.read(&asker).await?;
    let resource = Arc::clone(read.catalogue().resource_at(&module, &plural)?);
    let id = methods::record(&state.kernel.registry.catalogue, &resource, &id)?;
    let fields = parameters.take_list("fields")?;
    parameters.finish()?;
    let record = read.detail(&resource.name, id, fields.as_deref()).await?;
    read.finish().await?;
    let version = record.get("version").and_then(Value::as_i64).unwrap_or_default();
    let etag = [(header::ETAG, etag(version)?)];
    if none_match(&headers, version) {
        return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
    }
    Ok((etag, Json(record)).into_response())
}

pub(super) fn etag(version: i64) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&format!("\"{version}\"")).map_err(|error| Error::internal("a version is no ETag").with_source(error).into())
}

pub(super) async fn aggregate(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural)): Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let mut read = state.kernel.read(&asker).await?;
    let resource = Arc::clone(read.catalogue().resource_at(&module, &plural)?);
    let query = AggregateQuery::parse(read.catalogue(), &resource.name, &parameters.0)?;
    let items = read.aggregate(&query).await?;
    read.finish().await?;
    Ok(Json(json!({ "items": items })).into_response())
}

pub(super) async fn history(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural, id)): Path<(String, String, String)>,
    mut parameters: Parameters,
) -> Answer {
    let mut read = state.kernel.read(&asker).await?;
    let resource = Arc::clone(read.catalogue().resource_at(&module, &plural)?);
    let id = Uuid::try_parse(&id).map_err(|_| Error::not_found(&resource.name))?;
    let limit = parameters.take_number("limit", 1, HISTORY_MAX)?.unwrap_or(HISTORY_DEFAULT);
    let cursor = parameters.take("cursor")?;
    parameters.finish()?;
    let page = read.history(&resource.name, id, limit, cursor.as_deref()).await?;
    read.finish().await?;
    Ok(Json(page).into_response())
}

pub(super) async fn report(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, name)): Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let mut read = state.kernel.read(&asker).await?;
    let name = format!("{module}.{name}");
    let spec = Arc::clone(read.catalogue().report(&name)?);
    let (spec, table) = read.report(&name, report_input(&spec.parameters, parameters)?).await?;
    let labels = &state.kernel.labels;
    let language = read.rights().language.clone();
    read.finish().await?;
    let column = |field: &Field| json!({ "name": field.name, "kind": field.kind.name(), "label": labels.report_field(&language, &name, field) });
    let columns: Vec<Value> = spec.columns.iter().map(column).collect();
    let mut body = json!({ "name": name, "columns": columns, "rows": table.rows });
    if !table.totals.is_empty()
        && let Some(body) = body.as_object_mut()
    {
        body.insert("totals".into(), Value::Array(table.totals));
    }
    Ok(Json(body).into_response())
}

/// Parameters of a report come as text; the kernel's decoder understands each kind from a text, except lists.
fn report_input(fields: &[Field], parameters: Parameters) -> Result<Value, Problem> {
    let mut input = Map::new();
    for (name, text) in parameters.0 {
        let list = fields.iter().any(|field| field.name == name && matches!(field.kind, Kind::Texts));
        let value = if list { text.split(',').map(|item| Value::String(item.trim().to_owned())).collect() } else { Value::String(text) };
        if input.insert(name, value).is_some() {
            return Err(Problem::bad_request("a parameter is given twice"));
        }
    }
    Ok(Value::Object(input))
}
