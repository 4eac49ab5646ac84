//! Commands: every write of REST ends in [`perform`], which runs it, or previews it with `?preview=true`.

use super::read::etag;
use super::search::{POSITION, position_of};
use super::{command_at, methods, record_path};
use crate::error::{Answer, Problem};
use crate::http::auth::Authenticated;
use crate::http::extract::{Expected, Object, Parameters, Path, REPLAYED, idempotency_key, if_match};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use steward_kernel::bus::{Executed, Kernel, Preview, Request, Step, Undo};
use steward_kernel::{Code, CommandSpec, Error, Principal, Resource};
use uuid::Uuid;

/// Steps of one preview at most; a preview of a batch shows what all of its rows do.
const PREVIEW_ROWS_MAX: usize = 50;

/// What the headers and the query string say of a write.
struct Options {
    preview: bool,
    key: Option<String>,
    expected: Expected,
}

impl Options {
    fn of(headers: &HeaderMap, mut parameters: Parameters) -> Result<Self, Problem> {
        let options = Self { preview: parameters.take_flag("preview")?, key: idempotency_key(headers)?, expected: if_match(headers)? };
        parameters.finish()?;
        Ok(options)
    }

    fn version(&self) -> Option<i64> {
        match self.expected {
            Expected::Version(version) => Some(version),
            Expected::Absent | Expected::Any => None,
        }
    }
}

/// The routes follow from what the modules declare; a tenant adds fields, not resources or commands.
fn resource_at(state: &AppState, module: &str, plural: &str) -> Result<Arc<Resource>, Problem> {
    Ok(Arc::clone(state.kernel.registry.catalogue.resource_at(module, plural)?))
}

fn command(state: &AppState, name: &str) -> Result<Arc<CommandSpec>, Problem> {
    Ok(Arc::clone(state.kernel.registry.catalogue.command(name)?))
}

pub(super) async fn create(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural)): Path<(String, String)>,
    parameters: Parameters,
    headers: HeaderMap,
    Object(input): Object,
) -> Answer {
    let resource = resource_at(&state, &module, &plural)?;
    let name = resource.create.as_deref().ok_or_else(|| Problem::method_not_allowed(methods::of_collection(&resource)))?;
    perform(&state, &asker, &*command(&state, name)?, input, Options::of(&headers, parameters)?, StatusCode::CREATED).await
}

pub(super) async fn update(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural, id)): Path<(String, String, String)>,
    parameters: Parameters,
    headers: HeaderMap,
    Object(input): Object,
) -> Answer {
    let resource = resource_at(&state, &module, &plural)?;
    let id = methods::record(&state.kernel.registry.catalogue, &resource, &id)?;
    let name = resource.update.as_deref().ok_or_else(|| methods::not_for_record(&resource))?;
    let spec = command(&state, name)?;
    let options = Options::of(&headers, parameters)?;
    // Without the version that was seen, somebody else's change would be overwritten unseen.
    if options.expected == Expected::Absent {
        return Err(Problem::precondition_required());
    }
    let input = with_target(&spec, id, input)?;
    perform(&state, &asker, &spec, input, options, StatusCode::OK).await
}

pub(super) async fn archive(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural, id)): Path<(String, String, String)>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Answer {
    let resource = resource_at(&state, &module, &plural)?;
    let id = methods::record(&state.kernel.registry.catalogue, &resource, &id)?;
    let name = resource.archive.as_deref().ok_or_else(|| methods::not_for_record(&resource))?;
    let spec = command(&state, name)?;
    let input = with_target(&spec, id, Map::new())?;
    perform(&state, &asker, &spec, input, Options::of(&headers, parameters)?, StatusCode::OK).await
}

/// `POST …/{id}/{command}`.
pub(super) async fn record_command(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural, id, word)): Path<(String, String, String, String)>,
    parameters: Parameters,
    headers: HeaderMap,
    Object(input): Object,
) -> Answer {
    let resource = resource_at(&state, &module, &plural)?;
    let spec = command_at(&state.kernel.registry.catalogue, &resource.name, &word)
        .filter(|spec| spec.target.is_some())
        .map(Arc::clone)
        .ok_or_else(|| Error::unknown("command", &format!("{}.{word}", resource.name)))?;
    let id = Uuid::try_parse(&id).map_err(|_| Error::not_found(&resource.name))?;
    let input = with_target(&spec, id, input)?;
    perform(&state, &asker, &spec, input, Options::of(&headers, parameters)?, StatusCode::OK).await
}

/// `POST …/{command}` for a command without a target.
pub(super) async fn collection_command(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural, word)): Path<(String, String, String)>,
    parameters: Parameters,
    headers: HeaderMap,
    Object(input): Object,
) -> Answer {
    let resource = resource_at(&state, &module, &plural)?;
    if Uuid::try_parse(&word).is_ok() {
        return Err(methods::not_for_record(&resource));
    }
    let spec = command_at(&state.kernel.registry.catalogue, &resource.name, &word)
        .filter(|spec| spec.target.is_none())
        .map(Arc::clone)
        .ok_or_else(|| Error::unknown("command", &format!("{}.{word}", resource.name)))?;
    perform(&state, &asker, &spec, input, Options::of(&headers, parameters)?, StatusCode::OK).await
}

/// `POST …/{command}/batch` with `{"rows": […]}`: rows that pass are done, each of the others has its error.
pub(super) async fn batch(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural, word)): Path<(String, String, String)>,
    parameters: Parameters,
    headers: HeaderMap,
    Object(mut input): Object,
) -> Answer {
    let resource = resource_at(&state, &module, &plural)?;
    let spec = command_at(&state.kernel.registry.catalogue, &resource.name, &word)
        .map(Arc::clone)
        .ok_or_else(|| Error::unknown("command", &format!("{}.{word}", resource.name)))?;
    let options = Options::of(&headers, parameters)?;
    let rows = match input.remove("rows") {
        Some(Value::Array(rows)) if !rows.is_empty() => rows,
        _ => return Err(Error::field("rows", "a list of at least one row is expected").into()),
    };
    if let Some(unknown) = input.keys().next() {
        return Err(Error::field(crate::http::extract::short(unknown), "is not known here").into());
    }
    if rows.len() > state.config.limits.batch_rows {
        return Err(Error::new(Code::TooLarge, format!("a batch has at most {} rows", state.config.limits.batch_rows)).into());
    }
    if options.preview {
        if rows.len() > PREVIEW_ROWS_MAX {
            return Err(Error::new(Code::TooLarge, format!("at most {PREVIEW_ROWS_MAX} rows can be previewed at once")).into());
        }
        let step = |input| Step { command: spec.name.to_string(), input, name: None, expected_version: None };
        let steps: Vec<Step> = rows.into_iter().map(step).collect();
        let preview = state.kernel.preview(&asker, &steps).await?;
        return Ok(Json(preview_body(&preview)).into_response());
    }
    let results = state.kernel.execute_many(&asker, &spec.name, rows, options.key.as_deref()).await?;
    let results: Vec<Value> = results
        .into_iter()
        .map(|result| match result {
            Ok(done) => json!({ "ok": executed_body(&done) }),
            Err(error) => {
                let problem = Problem::from(error);
                problem.log();
                json!({ "error": problem.body() })
            }
        })
        .collect();
    Ok(Json(json!({ "results": results })).into_response())
}

/// `POST /api/v1/commands/{id}/undo`: a write like any other, with its key, its version and its preview.
pub(super) async fn undo(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
    Object(input): Object,
) -> Answer {
    let execution = Uuid::try_parse(&id).map_err(|_| Error::not_found("execution"))?;
    let options = Options::of(&headers, parameters)?;
    if let Some(unknown) = input.keys().next() {
        return Err(Error::field(crate::http::extract::short(unknown), "is not known here").into());
    }
    let undo = Undo { execution, expected_version: options.version(), idempotency_key: options.key };
    if options.preview {
        return Ok(Json(preview_body(&state.kernel.preview_undo(&asker, undo).await?)).into_response());
    }
    let done = state.kernel.undo_with(&asker, undo).await?;
    answer(&state.kernel, asker.tenant, &done, StatusCode::OK)
}

/// The record in the path is the command's target; a body that names another one is a mistake.
fn with_target(spec: &CommandSpec, id: Uuid, mut input: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let target = spec.target.as_deref().ok_or_else(|| Error::internal(format!("{} has no target", spec.name)))?;
    let same = |given: &Value| given.as_str().and_then(|text| Uuid::try_parse(text).ok()) == Some(id);
    if input.get(target).is_some_and(|given| !same(given)) {
        return Err(Error::field(target, "another record than the one in the address").into());
    }
    input.insert(target.to_owned(), Value::String(id.to_string()));
    Ok(input)
}

async fn perform(state: &AppState, asker: &Principal, spec: &CommandSpec, input: Map<String, Value>, options: Options, success: StatusCode) -> Answer {
    let expected_version = options.version();
    if options.preview {
        let step = Step { command: spec.name.to_string(), input: Value::Object(input), name: None, expected_version };
        let preview = state.kernel.preview(asker, &[step]).await?;
        return Ok(Json(preview_body(&preview)).into_response());
    }
    let request = Request { idempotency_key: options.key, expected_version, ..Request::new(spec.name.as_ref(), Value::Object(input)) };
    let done = state.kernel.execute(asker, request).await?;
    answer(&state.kernel, asker.tenant, &done, success)
}

fn answer(kernel: &Kernel, tenant: Uuid, done: &Executed, success: StatusCode) -> Answer {
    let mut response = (success, Json(executed_body(done))).into_response();
    let headers = response.headers_mut();
    if let Some(primary) = &done.outcome.primary {
        if let Some(version) = done.version {
            headers.insert(header::ETAG, etag(version)?);
        }
        let location = record_path(&kernel.registry.catalogue, &primary.resource, primary.id).and_then(|path| HeaderValue::from_str(&path).ok());
        if success == StatusCode::CREATED
            && let Some(location) = location
        {
            headers.insert(header::LOCATION, location);
        }
    }
    if let Some(position) = position_of(kernel, tenant, done) {
        headers.insert(POSITION, position);
    }
    if done.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// What a command did, on the wire. The assistant's results have the same form.
pub(crate) fn executed_body(done: &Executed) -> Value {
    let mut body = Map::new();
    if let Some(primary) = &done.outcome.primary {
        body.insert("id".into(), json!(primary.id));
        body.insert("version".into(), json!(done.version));
        body.insert("resource".into(), json!(primary.resource));
    }
    body.insert("execution".into(), json!(done.execution));
    body.insert("undoable".into(), json!(done.undoable));
    if !done.outcome.data.is_null() {
        body.insert("data".into(), done.outcome.data.clone());
    }
    if let Some(secret) = &done.outcome.secret {
        body.insert("secret".into(), secret.clone());
    }
    if done.replayed {
        body.insert("replayed".into(), Value::Bool(true));
    }
    Value::Object(body)
}

/// A preview, on the wire. The assistant's cards have the same form.
pub(crate) fn preview_body(preview: &Preview) -> Value {
    json!({ "changes": preview.changes, "effects": preview.effects, "follows": preview.follows, "warnings": preview.warnings, "irreversible": preview.irreversible,
            "risk": preview.risk.as_str() })
}
