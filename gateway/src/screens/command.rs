//! Commands: a form with the inputs, the preview of what would happen, the confirmation, and the way back.
//!
//! Creating, editing and every other command are one thing here ([`Job`]): [`show`] renders the form, [`submit`] decodes
//! what came back and previews or executes it. The key that makes a repeated click harmless is made with the form.
//! A confirmation after a preview binds the digest of what was shown: what would do something else does nothing.

mod render;

use super::decode::{self, Values, name_of_path};
use super::form::inputs;
use super::picker::{self, TYPED};
use super::view::{View, id_of, list_path, record_path};
use super::visitor::{At, Flash, Visitor, is_own_path};
use super::{format, shell};
use crate::error::Problem;
use crate::http::extract::Parameters;
use crate::http::position;
use crate::http::rest;
use crate::state::AppState;
use axum::Form as FormBody;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use steward_kernel::bus::{Executed, Plan, Preview, Step};
use steward_kernel::catalogue::Sensitivity;
use steward_kernel::error::FieldError;
use steward_kernel::query::TRUNCATED;
use steward_kernel::{Catalogue, Code, CommandSpec, Error, Field, Kind, Read, Resource, ids};
use uuid::Uuid;

/// Records of a preview that are looked up by their titles.
const TITLES_MAX: usize = 30;

type Pairs = Vec<(String, String)>;

/// How the command came to be.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Create,
    Edit,
    Run,
}

/// A command on its way: what it is, on which record, and what the page knows of that record.
struct Job {
    spec: Arc<CommandSpec>,
    resource: Arc<Resource>,
    mode: Mode,
    target: Option<Uuid>,
    /// The record that it acts on, as it is now.
    record: Option<Value>,
    fields: Vec<Field>,
    /// Lines that the form leaves alone: it does not have all of them, and what it sent back would stand for the whole.
    withheld: Vec<Field>,
    /// Offered for amounts.
    currency: String,
    /// Where the form is sent to.
    action: String,
}

/// What the form is shown with.
#[derive(Default)]
struct Shown {
    values: Values,
    /// By names of fields.
    errors: HashMap<String, String>,
    /// What is wrong with the whole.
    message: Option<String>,
    preview: Option<Preview>,
    /// Of the records that the preview names.
    titles: HashMap<Uuid, String>,
    may_be_duplicate: bool,
    key: String,
    version: Option<i64>,
}

pub(super) async fn create_form(
    State(state): State<AppState>,
    visitor: Visitor,
    At((module, plural)): At<(String, String)>,
    parameters: Parameters,
) -> Response {
    let pick = |catalogue: &Catalogue| at(catalogue, &module, &plural, |resource| resource.create.clone());
    visitor.answer(show(&state, &visitor, pick, Mode::Create, None, parameters.0).await)
}

pub(super) async fn create(
    State(state): State<AppState>,
    visitor: Visitor,
    At((module, plural)): At<(String, String)>,
    FormBody(pairs): FormBody<Pairs>,
) -> Response {
    let pick = |catalogue: &Catalogue| at(catalogue, &module, &plural, |resource| resource.create.clone());
    visitor.answer(submit(&state, &visitor, pick, Mode::Create, None, pairs).await)
}

pub(super) async fn edit_form(
    State(state): State<AppState>,
    visitor: Visitor,
    At((module, plural, id)): At<(String, String, Uuid)>,
    parameters: Parameters,
) -> Response {
    let pick = |catalogue: &Catalogue| at(catalogue, &module, &plural, |resource| resource.update.clone());
    visitor.answer(show(&state, &visitor, pick, Mode::Edit, Some(id), parameters.0).await)
}

pub(super) async fn edit(
    State(state): State<AppState>,
    visitor: Visitor,
    At((module, plural, id)): At<(String, String, Uuid)>,
    FormBody(pairs): FormBody<Pairs>,
) -> Response {
    let pick = |catalogue: &Catalogue| at(catalogue, &module, &plural, |resource| resource.update.clone());
    visitor.answer(submit(&state, &visitor, pick, Mode::Edit, Some(id), pairs).await)
}

pub(super) async fn record_form(
    State(state): State<AppState>,
    visitor: Visitor,
    At((module, plural, id, word)): At<(String, String, Uuid, String)>,
    parameters: Parameters,
) -> Response {
    let pick = |catalogue: &Catalogue| named(catalogue, &module, &plural, &word, true);
    visitor.answer(show(&state, &visitor, pick, Mode::Run, Some(id), parameters.0).await)
}

pub(super) async fn record(
    State(state): State<AppState>,
    visitor: Visitor,
    At((module, plural, id, word)): At<(String, String, Uuid, String)>,
    FormBody(pairs): FormBody<Pairs>,
) -> Response {
    let pick = |catalogue: &Catalogue| named(catalogue, &module, &plural, &word, true);
    visitor.answer(submit(&state, &visitor, pick, Mode::Run, Some(id), pairs).await)
}

pub(super) async fn collection_form(
    State(state): State<AppState>,
    visitor: Visitor,
    At((module, plural, word)): At<(String, String, String)>,
    parameters: Parameters,
) -> Response {
    let pick = |catalogue: &Catalogue| named(catalogue, &module, &plural, &word, false);
    visitor.answer(show(&state, &visitor, pick, Mode::Run, None, parameters.0).await)
}

pub(super) async fn collection(
    State(state): State<AppState>,
    visitor: Visitor,
    At((module, plural, word)): At<(String, String, String)>,
    FormBody(pairs): FormBody<Pairs>,
) -> Response {
    let pick = |catalogue: &Catalogue| named(catalogue, &module, &plural, &word, false);
    visitor.answer(submit(&state, &visitor, pick, Mode::Run, None, pairs).await)
}

type Picked = Result<(Arc<Resource>, Arc<CommandSpec>), Error>;

fn at(catalogue: &Catalogue, module: &str, plural: &str, name: impl Fn(&Resource) -> Option<steward_kernel::catalogue::Name>) -> Picked {
    let resource = catalogue.resource_at(module, plural)?;
    let name = name(resource).ok_or_else(|| Error::unknown("command", &resource.name))?;
    Ok((Arc::clone(resource), Arc::clone(catalogue.command(&name)?)))
}

fn named(catalogue: &Catalogue, module: &str, plural: &str, word: &str, has_target: bool) -> Picked {
    let resource = catalogue.resource_at(module, plural)?;
    let spec = rest::command_at(catalogue, &resource.name, word).filter(|spec| spec.target.is_some() == has_target);
    let spec = spec.ok_or_else(|| Error::unknown("command", &format!("{}.{word}", resource.name)))?;
    Ok((Arc::clone(resource), Arc::clone(spec)))
}

/// Looks everything up that the form and the decoding need, in one snapshot.
async fn job(read: &mut Read, view: &View, pick: impl Fn(&Catalogue) -> Picked, mode: Mode, target: Option<Uuid>) -> Result<Job, Problem> {
    let (resource, spec) = pick(&view.catalogue)?;
    if !view.may_run(&spec) {
        return Err(Error::forbidden(&spec.permission).into());
    }
    let record = match target {
        Some(id) => Some(read.detail(&resource.name, id, None).await?),
        None => None,
    };
    let currency = currency(read, view).await;
    let is_withheld = |field: &Field| mode == Mode::Edit && record.as_ref().is_some_and(|record| is_truncated(record, &field.name));
    let (withheld, fields) = inputs(view, &spec).into_iter().partition(is_withheld);
    Ok(Job { fields, withheld, action: view.uri.path().to_owned(), spec, resource, mode, target, record, currency })
}

/// Whether a record has more rows of a child than came with it.
pub(super) fn is_truncated(record: &Value, child: &str) -> bool {
    record.get(TRUNCATED).and_then(Value::as_array).is_some_and(|names| names.iter().any(|name| name == child))
}

/// The currency of the reader's own company.
async fn currency(read: &mut Read, view: &View) -> String {
    let Some(company) = view.rights.company else { return String::new() };
    if view.readable("identity.company").is_none() {
        return String::new();
    }
    let fields = ["currency".to_owned()];
    let record = read.detail("identity.company", company, Some(&fields)).await.ok();
    record.and_then(|record| record.get("currency").and_then(Value::as_str).map(str::to_owned)).unwrap_or_default()
}

impl Job {
    fn version(&self) -> Option<i64> {
        self.record.as_ref()?.get("version")?.as_i64()
    }
    /// What the form shows before anybody typed: the record for a change, else what is offered.
    fn initial(&self, view: &View) -> Values {
        let mut values = Values::default();
        for field in &self.fields {
            let name = decode::name_in("", field);
            let known = self.record.as_ref().filter(|_| self.mode == Mode::Edit).and_then(|record| record.get(field.name.as_ref()));
            match (known, field.default.as_deref()) {
                (Some(value), _) => decode::fill(view, &mut values, field, &name, value),
                (None, Some("today")) => values.set(name, view.today.to_string()),
                (None, Some(offered)) if self.mode != Mode::Edit => values.set(name, offered),
                _ => {}
            }
        }
        values
    }
}

async fn show(
    state: &AppState,
    visitor: &Visitor,
    pick: impl Fn(&Catalogue) -> Picked,
    mode: Mode,
    target: Option<Uuid>,
    given: Pairs,
) -> Result<Response, Problem> {
    let (mut read, view) = visitor.open(state).await?;
    let job = job(&mut read, &view, pick, mode, target).await?;
    let mut shown = Shown { values: job.initial(&view), key: ids::fresh().to_string(), version: job.version(), ..Shown::default() };
    for (name, value) in given {
        // An address may say what is filled in: a new record for this customer. A secret has no place in one, and nobody
        // sends what he cannot read and did not type.
        if let Some(field) = job.fields.iter().find(|field| field.name == name && field.sensitivity != Sensitivity::Secret) {
            if let (Kind::Reference(referred), Ok(id)) = (&field.kind, Uuid::try_parse(&value)) {
                let title = picker::title_of(&mut read, &view, referred, id).await.unwrap_or_default();
                shown.values.set(format!("{TYPED}{name}"), title);
            }
            shown.values.set(name, value);
        } else if name == "_back" && is_own_path(&value) {
            shown.values.set(name, value);
        }
    }
    read.finish().await?;
    // Nothing to fill in: what would happen is shown at once.
    if mode == Mode::Run && job.fields.is_empty() && target.is_some() {
        let input = with_target(&job, Map::new());
        match state.kernel.preview(&visitor.principal, &[step(&job, input, shown.version)]).await {
            Ok(preview) => see(state, visitor, &mut shown, preview).await?,
            Err(error) => return refused(&view, &job, shown, error),
        }
    }
    Ok(render::answer(&view, &job, &shown, StatusCode::OK))
}

/// Puts the preview on the page, with the titles of the records that it names.
async fn see(state: &AppState, visitor: &Visitor, shown: &mut Shown, preview: Preview) -> Result<(), Problem> {
    let (mut read, view) = visitor.open(state).await?;
    for change in &preview.changes {
        if shown.titles.len() < TITLES_MAX && !shown.titles.contains_key(&change.id) {
            let title = picker::title_of(&mut read, &view, &change.resource, change.id).await;
            shown.titles.insert(change.id, title.unwrap_or_default());
        }
    }
    read.finish().await?;
    shown.preview = Some(preview);
    Ok(())
}

fn with_target(job: &Job, mut input: Map<String, Value>) -> Map<String, Value> {
    if let (Some(name), Some(id)) = (job.spec.target.as_deref(), job.target) {
        input.insert(name.to_owned(), json!(id));
    }
    input
}

fn step(job: &Job, input: Map<String, Value>, expected_version: Option<i64>) -> Step {
    Step { command: job.spec.name.to_string(), input: Value::Object(input), name: None, expected_version }
}

async fn submit(
    state: &AppState,
    visitor: &Visitor,
    pick: impl Fn(&Catalogue) -> Picked,
    mode: Mode,
    target: Option<Uuid>,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let (mut read, view) = visitor.open(state).await?;
    let job = job(&mut read, &view, pick, mode, target).await?;
    let mut values = Values::of(pairs);
    for field in &job.fields {
        values.compact(field, &decode::name_in("", field));
    }
    find_typed(&mut read, &view, &job.fields, &mut values, "").await?;
    read.finish().await?;

    let key = values.get("_key").to_owned();
    let key = if (1..=100).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) { key } else { ids::fresh().to_string() };
    let mut shown = Shown { version: values.get("_version").parse().ok(), key, values, ..Shown::default() };
    let mut errors = Vec::new();
    let mut input = decode::decode(&view, &job.fields, &shown.values, "", &mut errors);
    if !errors.is_empty() {
        return refused(&view, &job, shown, Error::fields(errors));
    }
    if mode == Mode::Edit {
        let before = decode::decode(&view, &job.fields, &job.initial(&view), "", &mut Vec::new());
        input = decode::difference(&before, input);
        if input.is_empty() && shown.version == job.version() {
            return Ok(visitor.go(&back(&view, &job, &shown, None), None));
        }
    }
    if shown.values.get("allow_duplicate") == "true" {
        input.insert("allow_duplicate".into(), Value::Bool(true));
    }
    let step = step(&job, with_target(&job, input), shown.version);
    if shown.values.get("_do") == "preview" {
        return match state.kernel.preview(&visitor.principal, &[step]).await {
            Ok(preview) => {
                see(state, visitor, &mut shown, preview).await?;
                Ok(render::answer(&view, &job, &shown, StatusCode::OK))
            }
            Err(error) => refused(&view, &job, shown, error),
        };
    }
    let digest = shown.values.get("_digest");
    let expected_digest = (shown.values.get("_do") == "confirm" && !digest.is_empty()).then(|| digest.to_owned());
    let plan = Plan { steps: vec![step], idempotency_key: Some(shown.key.clone()), detail: json!({}), expected_digest };
    match state.kernel.execute_plan(&visitor.principal, plan).await {
        Ok(mut done) => {
            let done = done.pop().ok_or_else(|| Error::internal("a plan of one step had no result"))?;
            let mut response = finished(visitor, &view, &job, &shown, &done)?;
            position::tell(&state.kernel, &visitor.principal, [&done], &mut response);
            Ok(response)
        }
        Err(error) => refused(&view, &job, shown, error),
    }
}

/// Looks for the one record that the text of a picker names, where no script did.
async fn find_typed(read: &mut Read, view: &View, fields: &[Field], values: &mut Values, prefix: &str) -> Result<(), Problem> {
    for field in fields {
        let name = decode::name_in(prefix, field);
        match &field.kind {
            Kind::Reference(referred) if values.get(&name).is_empty() => {
                let typed = values.typed(&name).trim().to_owned();
                let Some(referred) = view.readable(referred).filter(|_| !typed.is_empty()) else { continue };
                let found = picker::matching(read, view, referred, &typed, 2).await?;
                let exact = found.iter().find(|(_, title, _)| title.to_lowercase() == typed.to_lowercase());
                if let Some((id, title, _)) = exact.or_else(|| found.first().filter(|_| found.len() == 1)) {
                    values.set(name.clone(), id.to_string());
                    values.set(format!("{TYPED}{name}"), title.clone());
                }
            }
            Kind::Lines(inner) => {
                for row in 0..values.rows(&name) {
                    Box::pin(find_typed(read, view, inner, values, &format!("{name}[{row}]"))).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Shows the form again with what is wrong, and with all that was typed. What no change of the form could mend is a page.
fn refused(view: &View, job: &Job, mut shown: Shown, error: Error) -> Result<Response, Problem> {
    let mends = matches!(
        error.code,
        Code::InvalidInput
            | Code::Conflict
            | Code::Duplicate
            | Code::VersionMismatch
            | Code::IdempotencyMismatch
            | Code::BadRequest
            | Code::Busy
            | Code::ConfirmationRequired
    );
    if !mends {
        return Err(error.into());
    }
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    shown.message = Some(match error.code {
        Code::VersionMismatch => view.t("changed-meanwhile"),
        Code::InvalidInput if !error.fields.is_empty() => view.t("check-fields"),
        _ => error.message.to_string(),
    });
    for FieldError { field, message } in &error.fields {
        let name = name_of_path(field);
        // Parts of an amount and values of no field of the form are told at what is there.
        let at = job.fields.iter().any(|known| name.starts_with(decode::name_in("", known).as_str()));
        let text = match message.as_str() {
            "is required" => view.t("required"),
            "no such record" => view.t("no-such-record"),
            "at least one line is needed" => view.t("line-needed"),
            other => other.to_owned(),
        };
        if at {
            shown.errors.insert(name, text);
        } else {
            shown.message = Some(format!("{field}: {text}"));
        }
    }
    shown.may_be_duplicate = error.code == Code::Duplicate && job.spec.inputs.iter().any(|field| field.name == "allow_duplicate");
    if error.code == Code::IdempotencyMismatch {
        shown.key = ids::fresh().to_string();
    }
    shown.preview = None;
    Ok(render::answer(view, job, &shown, status))
}

/// Where one goes when it is done: where the form was come to from, else the record, else the list.
fn back(view: &View, job: &Job, shown: &Shown, done: Option<&Executed>) -> String {
    let wanted = shown.values.get("_back");
    if !wanted.is_empty() && is_own_path(wanted) {
        return wanted.to_owned();
    }
    let primary = done.and_then(|done| done.outcome.primary.as_ref());
    if let Some((resource, id)) = primary.and_then(|primary| Some((view.readable(&primary.resource)?, primary.id))) {
        return record_path(resource, id);
    }
    match job.target {
        Some(id) => record_path(&job.resource, id),
        None => list_path(&job.resource),
    }
}

fn finished(visitor: &Visitor, view: &View, job: &Job, shown: &Shown, done: &Executed) -> Result<Response, Problem> {
    let to = back(view, job, shown, Some(done));
    if let Some(secret) = &done.outcome.secret {
        // Shown once and never again: it must not go through an address or a cookie.
        return Ok(render::secret(view, job, secret, &to));
    }
    let flash = Flash { command: job.spec.name.to_string(), undo: done.undoable.then_some(done.execution) };
    Ok(visitor.go(&to, Some(&flash)))
}

/// Takes an execution back.
pub(super) async fn undo(State(state): State<AppState>, visitor: Visitor, At(execution): At<Uuid>, FormBody(pairs): FormBody<Pairs>) -> Response {
    let values = Values::of(pairs);
    let undone = async {
        // The language of an error is that of the person.
        let (read, view) = visitor.open(&state).await?;
        read.finish().await?;
        let done = state.kernel.undo(&visitor.principal, execution).await?;
        let primary = done.outcome.primary.as_ref().and_then(|primary| Some(record_path(view.readable(&primary.resource)?, primary.id)));
        let back = Some(values.get("_back")).filter(|path| is_own_path(path)).map(str::to_owned);
        let flash = Flash { command: shell::UNDONE.into(), undo: None };
        let mut response = visitor.go(&primary.or(back).unwrap_or_else(|| "/".into()), Some(&flash));
        position::tell(&state.kernel, &visitor.principal, [&done], &mut response);
        Ok::<_, Problem>(response)
    };
    visitor.answer(undone.await)
}

/// What the record that a command acts on is called.
fn title_of(job: &Job) -> Option<String> {
    let record = job.record.as_ref()?;
    record.get(job.resource.title.as_ref()).and_then(format::plain).or_else(|| id_of(record).map(|id| id.to_string()))
}

/// A part of a page or a page, as it was asked for.
fn framed(view: &View, status: StatusCode, title: &str, body: maud::Markup) -> Response {
    let mut response = if view.is_partial { shell::fragment(body) } else { shell::page(view, title, body) };
    *response.status_mut() = status;
    response.into_response()
}
