//! `POST /api/v1/{module}/{resources}/import`: a CSV file of one resource, as the asking user with his rights.
//!
//! The headers are the inputs of the resource's create command; parts are written with a dot (`sales_price.amount`), items
//! of a list with their place (`addresses[0].city`), several texts of one input with `|` between them. A reference is an
//! id, `ext:` and an external id of the same source, or a code, number or title that only one record has.
//!
//! `?dry_run=true` writes nothing. `?key=code` names the column of the external ids (of `?source=`, `import` unless given),
//! so that a second run changes nothing and changed rows run the resource's update command; without it every row is new.
//! The answer is the [`super::report::Report`]: rows that failed stand in it, and the others are done.
//!
//! The work goes on when the client leaves; `GET /api/v1/imports/{id}` says how far it is. With an `Idempotency-Key` the same
//! file is brought in once: sent again, it is answered with what was done, or goes on where it was cut off. Without one the
//! same holds for `?resume=` and the import's id. `Prefer: respond-async` does not wait for the end.
//!
//! A person has one running import, and a process as many as are configured ([`super::places`]). Both are looked at before
//! the file is.

use super::background::{self, Begun, Order};
use super::execute::{Mode, Progress, Run};
use super::record::{Batch, By, Part, Record, Reference, parse_path, put};
use super::report::{Report, RowError};
use super::resolve::Resolver;
use super::runs::{self, Known, Settled, path_of};
use super::table::Table;
use crate::error::{Answer, Problem};
use crate::http::auth::Authenticated;
use crate::http::extract::{Parameters, Path, REPLAYED, idempotency_key, short};
use crate::state::AppState;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use steward_kernel::{Catalogue, Code, CommandSpec, Door, Error, Field, Kind, Principal};
use uuid::Uuid;

const ROWS_MAX: usize = 100_000;
/// Longer ones fit no index.
const EXTERNAL_ID_CHARS_MAX: usize = 200;
const FILE_BYTES_MAX: usize = 32 << 20;
const PREFER: HeaderName = HeaderName::from_static("prefer");
const RESPOND_ASYNC: &str = "respond-async";

/// When somebody who found no place may look again.
const LOOK_AGAIN_SECONDS: &str = "10";
/// How often a call looks whether the one that works on its file has come to an end.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/api/v1/{module}/{resources}/import", post(receive).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
        .route("/api/v1/imports/{id}", get(progress))
}

async fn progress(State(state): State<AppState>, Authenticated(asker): Authenticated, Path(id): Path<String>, parameters: Parameters) -> Answer {
    parameters.finish()?;
    let id = Uuid::try_parse(&id).map_err(|_| Error::not_found("import"))?;
    Ok(Json(runs::find(&state.kernel, &asker, id).await?).into_response())
}

async fn receive(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural)): Path<(String, String)>,
    mut parameters: Parameters,
    request: Request,
) -> Answer {
    let mode = if parameters.take_flag("dry_run")? { Mode::DryRun } else { Mode::Apply };
    let source = parameters.take("source")?.unwrap_or_else(|| "import".to_owned());
    let column = parameters.take("key")?;
    let resume = parameters.take("resume")?;
    parameters.finish()?;
    let key = idempotency_key(request.headers())?;
    let known = known(key, resume.as_deref())?;
    let waits = !prefers_async(request.headers());
    if source.is_empty() || source.len() > 60 || source.chars().any(char::is_control) || source.starts_with(background::OWN_SOURCE) {
        return Err(Error::field("source", "1 to 60 characters are expected").into());
    }
    let resource = Arc::clone(state.kernel.registry.catalogue.resource_at(&module, &plural)?);
    let create = resource.create.as_ref().ok_or_else(|| Error::bad_request(format!("{} cannot be created one by one", resource.name)))?;
    let asker = asker.through(Door::Import);
    let kernel = &state.kernel;
    let (catalogue, language) = {
        let read = kernel.read(&asker).await?;
        let known = (Arc::clone(read.catalogue()), read.rights().language.clone());
        read.finish().await?;
        known
    };
    let spec = Arc::clone(catalogue.command(create)?);
    let update = resource.update.as_ref().map(ToString::to_string);
    // Whoever may not is told so before his file is read, and leaves no import behind.
    let progress = |_: &Progress<'_>| {};
    let run = Run { kernel, principal: &asker, source: &source, mode, progress: &progress, resolver: Resolver::default(), resumed: None };
    run.check_right(&spec.name, update.as_deref()).await?;
    let (name, bytes) = file(request).await?;
    let digest =
        digest(&state, &[resource.name.as_bytes(), &[u8::from(mode == Mode::DryRun)], source.as_bytes(), column.as_deref().unwrap_or("").as_bytes(), &bytes]);
    loop {
        let settled = match runs::settled(kernel, &asker, &known, &digest).await? {
            Some(settled) => settled,
            None => {
                let full = |error: Error| Problem::from(error.told_in(&state.labels, &language)).header(header::RETRY_AFTER, LOOK_AGAIN_SECONDS);
                let place = state.imports.take().map_err(full)?;
                let table = Table::parse(&name, &bytes, ROWS_MAX)?;
                let batch = Batch {
                    recorded_for: resource.name.to_string(),
                    command: spec.name.to_string(),
                    update: update.clone(),
                    ..batch(&catalogue, &spec, &table, column.as_deref())?
                };
                let order = Order {
                    asker: asker.clone(),
                    known: known.clone(),
                    digest: digest.clone(),
                    resource: resource.name.to_string(),
                    source: source.clone(),
                    file: table.file,
                    numbered: column.is_none() && mode == Mode::Apply,
                    batch,
                    mode,
                    language: language.clone(),
                    place,
                };
                match background::begin(&state, order).await? {
                    Begun::Settled(settled) => settled,
                    Begun::Working(id, ended) if waits => {
                        let ended = ended.await.map_err(|error| Error::internal("the task of an import has ended").with_source(error))?;
                        return Ok(done(id, &ended?));
                    }
                    Begun::Working(id, _) => return accepted(&state, &asker, id).await,
                }
            }
        };
        match settled {
            Settled::Done(id, report) => return Ok(([(REPLAYED, "true")], done(id, &report)).into_response()),
            Settled::Taken(other) => return Err(taken(&state, &language, other)),
            Settled::Running(id) if !waits => return accepted(&state, &asker, id).await,
            Settled::Running(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// By what the import is known: the key, or the id that `?resume=` names.
fn known(key: Option<String>, resume: Option<&str>) -> Result<Known, Error> {
    match (key, resume) {
        (None, None) => Ok(Known::Nothing),
        (Some(key), None) => Ok(Known::Key(key)),
        (None, Some(id)) => Uuid::try_parse(id).map(Known::Id).map_err(|_| Error::not_found("import")),
        (Some(_), Some(_)) => Err(Error::bad_request("an import is resumed by its Idempotency-Key or by its id, not by both")),
    }
}

/// One person has one running import: another one would take the place of somebody else's.
fn taken(state: &AppState, language: &str, other: Uuid) -> Problem {
    let refused = Error::rule("import.running", format!("the import {other} of yours is still running; wait for its end")).arg("import", other.to_string());
    Problem::from(refused.told_in(&state.labels, language)).header(header::LOCATION, &path_of(other))
}

/// Keyed, because from a plain digest one could tell whether a file is one that one has.
fn digest(state: &AppState, parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_keyed(&blake3::derive_key("steward import digest v1", &state.kernel.cursor_key));
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().as_bytes().to_vec()
}

fn prefers_async(headers: &HeaderMap) -> bool {
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split([',', ';'])).any(|wish| wish.trim().eq_ignore_ascii_case(RESPOND_ASYNC))
}

fn done(id: Uuid, report: &Report) -> Response {
    (StatusCode::OK, [(header::CONTENT_LOCATION, path_of(id))], Json(report)).into_response()
}

async fn accepted(state: &AppState, asker: &Principal, id: Uuid) -> Answer {
    let import = runs::find(&state.kernel, asker, id).await?;
    let headers = [(header::LOCATION, path_of(id)), (HeaderName::from_static("preference-applied"), RESPOND_ASYNC.to_owned())];
    Ok((StatusCode::ACCEPTED, headers, Json(import)).into_response())
}

/// The file: the body itself, or the part `file` of a form.
async fn file(request: Request) -> Result<(String, Bytes), Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let unreadable = |status: StatusCode| match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::from(Error::new(Code::TooLarge, format!("a file has at most {} MiB", FILE_BYTES_MAX >> 20))),
        _ => Problem::bad_request("the file could not be read"),
    };
    match kind {
        "text/csv" | "application/csv" => {
            let bytes = Bytes::from_request(request, &()).await.map_err(|refused| unreadable(refused.status()))?;
            Ok(("body".to_owned(), bytes))
        }
        "multipart/form-data" => {
            let mut form = Multipart::from_request(request, &()).await.map_err(|refused| unreadable(refused.status()))?;
            while let Some(part) = form.next_field().await.map_err(|refused| unreadable(refused.status()))? {
                if part.name() == Some("file") {
                    let name = part.file_name().map_or_else(|| "file".to_owned(), short);
                    let bytes = part.bytes().await.map_err(|refused| unreadable(refused.status()))?;
                    return Ok((name, bytes));
                }
            }
            Err(Error::field("file", "the form has no part of this name").into())
        }
        _ => Err(Problem::unsupported_media_type("text/csv or multipart/form-data")),
    }
}

/// A column and the input that it fills.
struct Column<'a> {
    at: usize,
    header: &'a str,
    path: Vec<Part>,
    kind: Option<&'a Kind>,
}

fn batch(catalogue: &Catalogue, spec: &CommandSpec, table: &Table, key: Option<&str>) -> Result<Batch, Error> {
    let customs: Vec<Field> = match catalogue.resources.get(spec.resource.as_ref()) {
        Some(resource) if spec.customizable => resource.fields.iter().filter(|field| field.custom).cloned().collect(),
        _ => Vec::new(),
    };
    let key_at = match key {
        Some(key) => Some(table.column(key).ok_or_else(|| Error::field("key", "the file has no column of this name"))?),
        None => None,
    };
    let mut columns = Vec::new();
    let mut unknown = Vec::new();
    for (at, header) in table.headers().iter().enumerate() {
        let path = parse_path(header);
        let kind = path.as_deref().and_then(|path| kind_at(&spec.inputs, &customs, path));
        match (path, kind) {
            (Some(path), Some(kind)) => columns.push(Column { at, header, path, kind }),
            // The key may be a column of its own.
            _ if key_at == Some(at) => {}
            _ => unknown.push(steward_kernel::error::FieldError { field: short(header), message: format!("is not an input of {}", spec.name) }),
        }
    }
    if !unknown.is_empty() {
        unknown.truncate(20);
        return Err(Error::fields(unknown));
    }
    let mut batch = Batch { file: table.file.clone(), refused: table.refused.clone(), ..Batch::default() };
    for column in &columns {
        if let Some(Part::Name(name)) = column.path.first() {
            batch.inputs.insert(name.clone());
        }
        batch.columns.insert(column.header.to_owned(), column.header.to_owned());
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    for row in table.rows() {
        let mut record = Record { row: row.number, ..Record::default() };
        for column in &columns {
            let cell = row.cell(column.at);
            if !cell.is_empty() {
                fill(&mut record, column, cell);
            }
        }
        drop_bare_currencies(&mut record.input, &columns);
        if let Some(at) = key_at {
            let name = row.cell(at);
            let wrong = if name.is_empty() {
                Some("the external id is empty".to_owned())
            } else if name.chars().count() > EXTERNAL_ID_CHARS_MAX {
                Some(format!("an external id has at most {EXTERNAL_ID_CHARS_MAX} characters"))
            } else {
                seen.insert(name.to_owned(), row.number).map(|first| format!("the external id stands in row {first} as well"))
            };
            if let Some(message) = wrong {
                let error = RowError::new(&table.file, row.number, Error::field("key", message)).column(key.map(str::to_owned));
                batch.refused.push(error);
                continue;
            }
            record.key = Some(name.to_owned());
        }
        batch.records.push(record);
    }
    Ok(batch)
}

/// The kind of the input at a path. `Some(None)` is a part of money or of a quantity.
fn kind_at<'a>(inputs: &'a [Field], customs: &'a [Field], path: &[Part]) -> Option<Option<&'a Kind>> {
    let (Part::Name(name), rest) = path.split_first()? else { return None };
    if name == "custom" {
        return match rest {
            [Part::Name(_)] => kind_at(customs, &[], rest),
            _ => None,
        };
    }
    let kind = &inputs.iter().find(|field| field.name == name.as_str())?.kind;
    match (kind, rest) {
        (Kind::Lines(_), []) => None,
        (_, []) => Some(Some(kind)),
        (Kind::Money { .. }, [Part::Name(part)]) if part == "amount" || part == "currency" => Some(None),
        (Kind::Quantity { .. }, [Part::Name(part)]) if part == "value" || part == "unit" => Some(None),
        (Kind::Lines(fields), [Part::Index(_), rest @ ..]) if !rest.is_empty() => kind_at(fields, &[], rest),
        _ => None,
    }
}

fn fill(record: &mut Record, column: &Column<'_>, cell: &str) {
    let value = match column.kind {
        Some(Kind::Boolean) => match cell.to_lowercase().as_str() {
            "true" | "1" | "yes" | "ja" => json!(true),
            "false" | "0" | "no" | "nein" => json!(false),
            _ => json!(cell),
        },
        Some(Kind::Texts) => json!(cell.split('|').map(str::trim).filter(|text| !text.is_empty()).collect::<Vec<_>>()),
        Some(Kind::Reference(resource)) => {
            if Uuid::try_parse(cell).is_err() {
                let (by, wanted) = match cell.strip_prefix("ext:") {
                    Some(external) => (By::ExternalId, external.trim()),
                    None => (By::Name, cell),
                };
                record.references.push(Reference { path: column.path.clone(), resource: resource.to_string(), by, wanted: wanted.to_owned() });
            }
            json!(cell)
        }
        _ => json!(cell),
    };
    put(&mut record.input, &column.path, value);
}

/// A currency or a unit beside an empty amount says nothing.
fn drop_bare_currencies(input: &mut Map<String, Value>, columns: &[Column<'_>]) {
    for column in columns {
        if let (None, [Part::Name(name), Part::Name(_)]) = (column.kind, column.path.as_slice())
            && let Some(Value::Object(parts)) = input.get(name)
            && !parts.contains_key("amount")
            && !parts.contains_key("value")
        {
            input.remove(name);
        }
    }
}
