//! The tool `open_screen`: leads the person to a record, a list or a form of our own pages. Nothing changes by it.
//!
//! A model names what is to be seen in the catalogue's words; the address is made here. So it never leads anywhere else.
//! A form is one button away from a change: it is opened for what may be proposed only, filled in only with what a
//! proposal might say, and whoever opens it is told which of its values are not his own.

use super::memory::Sources;
use super::query::{self, FilterArguments};
use super::taint::{Mark, Provenance};
use super::tools;
use crate::screens::{list_path, record_path, with_query};
use crate::state::AppState;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use steward_kernel::bus::Step;
use steward_kernel::catalogue::{Name, Sensitivity, last_of};
use steward_kernel::query::{Filter, ListQuery, Op, SortKey};
use steward_kernel::{Code, CommandSpec, Error, Kind, Principal, Read, Resource, Result};
use uuid::Uuid;

/// Characters of a value that a form is filled in with: it stands in an address.
const VALUE_CHARS_MAX: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    filters: Option<Vec<FilterArguments>>,
    #[serde(default)]
    sort: Option<String>,
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    values: Map<String, Value>,
}

/// Runs the tool: where it leads, and what of records that shows.
pub(super) async fn run(state: &AppState, principal: &Principal, arguments: Value, known: &Provenance, language: &str) -> Result<(Value, Sources)> {
    let arguments: Arguments = serde_json::from_value(arguments)
        .map_err(|error| Error::new(Code::InvalidInput, format!("the arguments of open_screen are not what they should be: {error}")))?;
    if let Some(command) = &arguments.command {
        // Like a proposal of it: the person learns why, and it is written down.
        state.kernel.check_proposable(principal, &[step(command, &Map::new())], &json!({ "policy": "open_screen" })).await?;
    }
    let mut read = state.kernel.read(principal).await?;
    let screen = match arguments.command.as_deref() {
        Some(command) => form(&mut read, command, &arguments, known).await?,
        None => page(&mut read, &arguments).await?,
    };
    read.finish().await?;
    let Screen { resource, id, title, command, path, marks, notices } = screen;
    let label = match &command {
        Some(command) => state.labels.command(language, command),
        None if id.is_some() => state.labels.resource(language, &resource.name),
        None => state.labels.plural(language, &resource.name),
    };
    let mut sources = Sources::default();
    if let Some(id) = id {
        sources.record(&resource.name, Some(id), Some(&resource.title));
    }
    let shown = json!({ "resource": resource.name, "id": id, "command": command, "label": label, "title": title, "path": path,
                        "tainted": marks, "notices": notices });
    Ok((shown, sources))
}

struct Screen {
    resource: Arc<Resource>,
    id: Option<Uuid>,
    title: Option<String>,
    command: Option<String>,
    path: String,
    /// The values in it that are not the person's own.
    marks: Vec<Mark>,
    notices: Vec<String>,
}

impl Screen {
    /// A page that shows something and fills in nothing.
    fn page(resource: Arc<Resource>, id: Option<Uuid>, title: Option<String>, path: String) -> Self {
        Self { resource, id, title, command: None, path, marks: Vec::new(), notices: Vec::new() }
    }
}

fn step(command: &str, values: &Map<String, Value>) -> Step {
    Step { command: command.to_owned(), input: Value::Object(values.clone()), name: None, expected_version: None }
}

/// The record as the person sees it; not there and not his to see read alike.
async fn record(read: &mut Read, resource: &Resource, id: &str) -> Result<(Uuid, Option<String>)> {
    let id = Uuid::try_parse(id).map_err(|_| Error::not_found("record"))?;
    let fields = [resource.title.to_string()];
    let is_visible = read.fields_of(resource).iter().any(|field| field.name == resource.title);
    let shown: &[String] = if is_visible { &fields } else { &[] };
    let found = read.detail(&resource.name, id, Some(shown)).await?;
    let title = match found.get(resource.title.as_ref()) {
        Some(Value::String(title)) => Some(title.clone()),
        Some(Value::Object(reference)) => reference.get("title").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    Ok((id, title))
}

async fn page(read: &mut Read, arguments: &Arguments) -> Result<Screen> {
    let name = arguments.resource.as_deref().ok_or_else(|| Error::field("resource", "is required, unless a command is named"))?;
    let resource = Arc::clone(read.catalogue().resource(name)?);
    if let Some(id) = &arguments.id {
        let (id, title) = record(read, &resource, id).await?;
        let path = record_path(&resource, id);
        return Ok(Screen::page(resource, Some(id), title, path));
    }
    let filters = arguments.filters.iter().flatten().map(FilterArguments::filter).collect::<Result<Vec<Filter>>>()?;
    for filter in &filters {
        query::not_secret(read.catalogue(), &resource, &filter.path)?;
    }
    let sort = arguments.sort.clone().filter(|sort| !sort.is_empty());
    // What the list would refuse is told here.
    let asked = ListQuery {
        filters: filters.clone(),
        sort: sort.as_deref().map(SortKey::parse_list).unwrap_or_default(),
        limit: 1,
        fields: Some(Vec::new()),
        ..ListQuery::new(resource.name.as_ref())
    };
    read.list(&asked).await?;
    let mut pairs: Vec<(String, String)> = filters
        .iter()
        .map(|filter| {
            let is_named = resource.filters.iter().any(|named| named.name == filter.path);
            let name = if is_named { format!("filter[{}]", filter.path) } else { format!("filter[{}][{}]", filter.path, filter.op.as_str()) };
            // Several values stand beside each other, and a comma within one is no border.
            let value = match filter.op {
                Op::In => filter.values.iter().map(|value| value.replace('\\', "\\\\").replace(',', "\\,")).collect::<Vec<_>>().join(","),
                _ => filter.values.first().cloned().unwrap_or_default(),
            };
            (name, value)
        })
        .collect();
    pairs.extend(sort.map(|sort| ("sort".to_owned(), sort)));
    let path = with_query(&list_path(&resource), pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(Screen::page(resource, None, None, path))
}

/// The form of a command. It does nothing until the person sends it.
async fn form(read: &mut Read, command: &str, arguments: &Arguments, known: &Provenance) -> Result<Screen> {
    let catalogue = Arc::clone(read.catalogue());
    let spec = Arc::clone(catalogue.command(command)?);
    if !tools::is_proposable(read, &spec) || !read.rights().may(&spec.permission) {
        return Err(Error::forbidden(&spec.permission));
    }
    let resource = Arc::clone(catalogue.resource(&spec.resource)?);
    let (id, title) = match (&spec.target, &arguments.id) {
        (Some(_), Some(id)) => {
            let (id, title) = record(read, &resource, id).await?;
            (Some(id), title)
        }
        (Some(_), None) => return Err(Error::field("id", "is required: the record that the command acts on")),
        (None, _) => (None, None),
    };
    // On which record the form acts is a value like any other.
    let mut given = arguments.values.clone();
    if let (Some(target), Some(id)) = (&spec.target, id) {
        given.insert(target.to_string(), json!(id));
    }
    let marks = known.examine(&catalogue, &[step(&spec.name, &given)]).map_err(|refused| refused.error())?;
    let notices = if arguments.values.is_empty() { Vec::new() } else { known.notices(&marks) };
    let values = arguments.values.iter().map(|(name, value)| Ok((name.clone(), filled(&spec, name, value)?))).collect::<Result<Vec<_>>>()?;
    let is = |name: &Option<Name>| name.as_deref() == Some(spec.name.as_ref());
    let path = match id {
        Some(id) if is(&resource.update) => format!("{}/edit", record_path(&resource, id)),
        Some(id) => format!("{}/do/{}", record_path(&resource, id), last_of(&spec.name)),
        None if is(&resource.create) => format!("{}/new", list_path(&resource)),
        None => format!("{}/do/{}", list_path(&resource), last_of(&spec.name)),
    };
    let path = with_query(&path, values.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(Screen { resource, id, title, command: Some(spec.name.to_string()), path, marks, notices })
}

/// A value as an address says it.
fn filled(spec: &CommandSpec, name: &str, value: &Value) -> Result<String> {
    let input = spec.inputs.iter().find(|input| input.name == name).ok_or_else(|| Error::field(name.to_owned(), "is not known here"))?;
    // An address is written down in many places, and who sends the form must know what is in it.
    if input.sensitivity == Sensitivity::Secret {
        return Err(Error::field(name.to_owned(), "is secret: fill it in on the page of the command"));
    }
    let text = match (&input.kind, value) {
        (Kind::Lines(_) | Kind::Money { .. } | Kind::Quantity { .. } | Kind::Texts, _) | (_, Value::Object(_) | Value::Array(_) | Value::Null) => {
            return Err(Error::field(name.to_owned(), "cannot be filled in beforehand"));
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    };
    if text.chars().count() > VALUE_CHARS_MAX || text.contains('\0') {
        return Err(Error::field(name.to_owned(), format!("has at most {VALUE_CHARS_MAX} characters here")));
    }
    Ok(text)
}
