//! The tools of the assistant, made from the tenant's catalogue and the asker's rights.
//!
//! Start at [`definitions`]. What the asker may not read or run is not in them; that is a courtesy to the model, the
//! rights are checked again when a tool runs. Each tool has a JSON Schema for models and, in keywords that begin with
//! `x-`, the same with all its words for the built-in planner ([`words`]).

mod sources;
mod words;

use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use steward_kernel::catalogue::{Sensitivity, module_of};
use steward_kernel::labels::Labels;
use steward_kernel::{Catalogue, CommandSpec, Field, Kind, Measure, Read, Resource, Risk};
use steward_llm::Tool;

pub(super) use sources::{REPORT, SEARCH};

pub(super) const QUERY: &str = "query";
pub(super) const PROPOSE: &str = "propose";
pub(super) const OPEN_SCREEN: &str = "open_screen";
pub(super) const ASK: &str = "ask";
/// All of them: a step of a turn is told by one of these names.
pub(super) const NAMES: [&str; 6] = [QUERY, SEARCH, REPORT, PROPOSE, OPEN_SCREEN, ASK];

/// Definitions that were made, by tenant, version of the catalogue, language and rights.
#[derive(Default)]
pub(super) struct Definitions(Mutex<HashMap<String, Vec<Arc<Tool>>>>);

/// Definitions that are kept; a definition is some hundred kilobytes at most and made in a millisecond.
const KEPT_MAX: usize = 100;

impl Definitions {
    /// `language` is one that there are labels in.
    pub(super) fn of(&self, read: &Read, labels: &Labels, language: &str) -> Vec<Arc<Tool>> {
        let rights = read.rights();
        let mut grants: Vec<&str> = rights.grants.keys().map(String::as_str).collect();
        grants.sort_unstable();
        let key = format!(
            "{}|{}|{language}|{grants:?}|{:?}|{:?}|{:?}",
            read.tenant(),
            read.catalogue().version,
            rights.modules,
            rights.modules_off,
            rights.flags_off
        );
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tools) = kept.get(&key) {
            return tools.clone();
        }
        let tools = definitions(read, labels, language);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, tools.clone());
        tools
    }
}

fn definitions(read: &Read, labels: &Labels, language: &str) -> Vec<Arc<Tool>> {
    let shown = Shown { read, labels, language };
    let mut tools = Vec::new();
    let resources: Vec<&Arc<Resource>> = read.catalogue().resources.values().filter(|resource| read.may_read(&resource.name)).collect();
    if !resources.is_empty() {
        tools.push(shown.query(&resources));
    }
    tools.extend(sources::tools(&shown, &resources));
    let (allowed, refused): (Vec<_>, Vec<_>) = proposable(read).partition(|spec| read.rights().may(&spec.permission));
    let forms: Vec<&str> = allowed.iter().map(|spec| spec.name.as_ref()).collect();
    if !allowed.is_empty() || !refused.is_empty() {
        tools.push(shown.propose(&allowed, &refused));
    }
    if !resources.is_empty() {
        tools.push(open_screen(&resources, &forms));
    }
    tools.push(ask());
    tools.into_iter().map(Arc::new).collect()
}

/// Commands that an assistant may propose at all, whoever asks.
fn proposable(read: &Read) -> impl Iterator<Item = &Arc<CommandSpec>> {
    read.catalogue().commands.values().filter(|spec| is_proposable(read, spec))
}

/// Whether an assistant may propose the command or lead to its form, by the classes of the tenant's own catalogue. Whether
/// the person may run it is another question.
pub(super) fn is_proposable(read: &Read, spec: &CommandSpec) -> bool {
    !spec.internal && spec.risk != Risk::HumanOnly && read.rights().entitled(module_of(&spec.name), spec.flag.as_deref())
}

/// Fields of a resource that may go into a prompt.
pub(super) fn fields_for_models<'a>(read: &'a Read, resource: &'a Resource) -> impl Iterator<Item = &'a Field> {
    read.fields_of(resource).into_iter().filter(|field| field.sensitivity != Sensitivity::Secret)
}

/// Measures that the asker may see: their own permission and the one of the column that they are over.
fn measures<'a>(read: &'a Read, resource: &'a Resource) -> impl Iterator<Item = &'a Measure> {
    let visible = read.fields_of(resource);
    resource.measures.iter().filter(move |measure| {
        let permitted = measure.permission.as_ref().is_none_or(|permission| read.rights().may(permission));
        let column = words::column_of(measure);
        let hidden = |field: &&Field| !field.custom && Some(field.column.as_ref()) == column && !visible.iter().any(|seen| seen.name == field.name);
        permitted && !resource.fields.iter().any(|field| hidden(&field))
    })
}

/// The path by which a filter names the field.
fn path_of(field: &Field) -> String {
    if field.custom { format!("custom.{}", field.name) } else { field.name.to_string() }
}

/// That a likely duplicate is wanted is for the person to say, on the card.
fn is_persons_word(spec: &CommandSpec, input: &Field) -> bool {
    !spec.duplicate_guard.is_empty() && input.name == "allow_duplicate"
}

struct Shown<'a> {
    read: &'a Read,
    labels: &'a Labels,
    language: &'a str,
}

impl Shown<'_> {
    fn catalogue(&self) -> &Catalogue {
        self.read.catalogue()
    }

    fn query(&self, resources: &[&Arc<Resource>]) -> Tool {
        let names: Vec<&str> = resources.iter().map(|resource| resource.name.as_ref()).collect();
        let summary: Vec<String> = resources.iter().map(|resource| self.summary(resource)).collect();
        let mut measure_names: Vec<&str> = resources.iter().flat_map(|resource| measures(self.read, resource)).map(|measure| measure.name.as_ref()).collect();
        measure_names.sort_unstable();
        measure_names.dedup();
        let annotated: Vec<Value> = resources.iter().map(|resource| self.resource(resource)).collect();
        let parameters = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["resource"],
            "properties": {
                "resource": { "type": "string", "enum": names, "description": format!("What to ask about.\n{}", summary.join("\n")) },
                "filters": {
                    "type": "array",
                    "description": "Conditions, all of which hold. A path is a field, a field of a reference (`customer.country`, up to three steps), or a named filter with op eq and value true. A reference is compared with a record's id: find it first by its name with op starts. Dates are YYYY-MM-DD; a period is gte and lte.",
                    "items": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["path", "op", "values"],
                        "properties": {
                            "path": { "type": "string" },
                            "op": { "type": "string", "enum": ["eq", "ne", "lt", "lte", "gt", "gte", "in", "starts", "null"] },
                            "values": { "type": "array", "items": { "type": "string" }, "description": "One value; several for in; true or false for null." },
                        },
                    },
                },
                "measures": { "type": "array", "items": { "type": "string", "enum": measure_names }, "description": "Figures to compute over all matching rows. With measures the answer is an aggregate, without them a list of records." },
                "group": { "type": "array", "items": { "type": "string" }, "description": "Group the measures by fields, fields of references (`order.customer`), or parts of a date (`order_date.year`, `.quarter`, `.month`, `.day`)." },
                "sort": { "type": "string", "description": "A measure or group of an aggregate, a sortable field of a list; with `-` in front descending." },
                "limit": { "type": "integer", "minimum": 1, "maximum": super::query::LIMIT_MAX, "description": "The number of records or groups; 20 unless given." },
                "fields": { "type": "array", "items": { "type": "string" }, "description": "The fields of a list's records; the usual ones unless given." },
                "count": { "type": "boolean", "description": "Also count the records of a list." },
            },
            "x-resources": annotated,
        });
        let description = "Reads the company's records and figures, with the rights of the person who asks. Use it for every fact of an answer.";
        Tool::new(QUERY, description, parameters)
    }

    /// One line about a resource for models.
    fn summary(&self, resource: &Resource) -> String {
        let catalogue = self.catalogue();
        let fields: Vec<String> = fields_for_models(self.read, resource)
            .map(|field| {
                let kind = match &field.kind {
                    Kind::Reference(to) => format!("→ {to}"),
                    Kind::Choice(values) => values.join("/"),
                    kind => words::kind(kind).to_owned(),
                };
                let starts = if words::has_prefix(catalogue, field) { ", starts" } else { "" };
                let sorts = if field.sortable { ", sortable" } else { "" };
                format!("{} ({kind}{starts}{sorts})", path_of(field))
            })
            .collect();
        let measures: Vec<&str> = measures(self.read, resource).map(|measure| measure.name.as_ref()).collect();
        let mut line =
            format!("- {} ({}): {}; measures: {}", resource.name, self.labels.plural(self.language, &resource.name), fields.join(", "), measures.join(", "));
        if !resource.filters.is_empty() {
            let names: Vec<&str> = resource.filters.iter().map(|filter| filter.name.as_ref()).collect();
            line.push_str(&format!("; named filters: {}", names.join(", ")));
        }
        line
    }

    fn propose(&self, allowed: &[&Arc<CommandSpec>], refused: &[&Arc<CommandSpec>]) -> Tool {
        let variants: Vec<Value> = allowed.iter().map(|spec| self.step_schema(spec)).collect();
        let items = if variants.is_empty() { json!({ "type": "object" }) } else { json!({ "anyOf": variants }) };
        let parameters = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["steps"],
            "properties": {
                "steps": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": super::propose::STEPS_MAX,
                    "description": "What to do, in this order and all or nothing. A step may have a name; a later step refers to the record that it made by `$name`.",
                    "items": items,
                },
            },
            "x-commands": allowed.iter().map(|spec| self.command(spec)).collect::<Vec<_>>(),
            "x-refused-commands": refused.iter().map(|spec| self.command(spec)).collect::<Vec<_>>(),
        });
        let description = "Proposes a change. Nothing is changed by it: the person gets a card with a preview and confirms or rejects it. Records are named by their ids: find them with query first.";
        Tool::new(PROPOSE, description, parameters)
    }

    fn step_schema(&self, spec: &CommandSpec) -> Value {
        let label = self.labels.command(self.language, &spec.name);
        let mut description = label.into_owned();
        if let Some(text) = self.labels.description(self.language, &spec.name) {
            description.push_str(": ");
            description.push_str(text);
        }
        if !spec.when.is_empty() {
            description.push_str(&format!(" Only in the states {}.", spec.when.join(", ")));
        }
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["command", "arguments"],
            "description": description,
            "properties": {
                "command": { "type": "string", "enum": [spec.name] },
                "name": { "type": "string" },
                "arguments": self.object_schema(spec, &spec.inputs, spec.customizable),
            },
        })
    }

    fn object_schema(&self, spec: &CommandSpec, inputs: &[Field], is_customizable: bool) -> Value {
        let mut properties = Map::new();
        for input in inputs.iter().filter(|input| !is_persons_word(spec, input)) {
            let mut schema = self.input_schema(spec, input);
            let label = self.labels.command_input(self.language, &spec.name, &spec.resource, input);
            let text = self.labels.command_input_description(self.language, &spec.name, &spec.resource, &input.name);
            let told = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
            let description: Vec<&str> = [label.as_ref(), text.unwrap_or_default(), &told].into_iter().filter(|part| !part.is_empty()).collect();
            schema["description"] = json!(description.join(". "));
            properties.insert(input.name.to_string(), schema);
        }
        if is_customizable {
            properties.insert("custom".into(), json!({ "type": "object", "description": "Values of the company's own fields." }));
        }
        let required: Vec<&str> = inputs.iter().filter(|input| input.required).map(|input| input.name.as_ref()).collect();
        json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
    }

    fn input_schema(&self, spec: &CommandSpec, input: &Field) -> Value {
        match &input.kind {
            Kind::Text { max, .. } => json!({ "type": "string", "maxLength": max }),
            Kind::Boolean => json!({ "type": "boolean" }),
            Kind::Integer => json!({ "type": "integer" }),
            Kind::Decimal => json!({ "type": "string", "description": "a decimal number such as \"0.05\"" }),
            Kind::Money { .. } => json!({
                "type": "object", "additionalProperties": false, "required": ["amount", "currency"],
                "properties": { "amount": { "type": "string", "description": "a decimal number such as \"12.50\"" }, "currency": { "type": "string", "description": "three letters such as EUR" } },
            }),
            Kind::Quantity { .. } => json!({
                "type": "object", "additionalProperties": false, "required": ["value", "unit"],
                "properties": { "value": { "type": "string", "description": "a decimal number such as \"2.5\"" }, "unit": { "type": "string", "description": "as the item has it; may be empty" } },
            }),
            Kind::Date => json!({ "type": "string", "description": "YYYY-MM-DD" }),
            Kind::Timestamp => json!({ "type": "string", "description": "a moment as in RFC 3339" }),
            Kind::Choice(values) => json!({ "type": "string", "enum": values }),
            Kind::Reference(resource) => json!({ "type": "string", "description": format!("the id of a record of {resource}") }),
            Kind::Lines(fields) => json!({ "type": "array", "items": self.object_schema(spec, fields, false) }),
            Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        }
    }
}

/// What is on the screens is what the person may read and run; the address is the house's.
fn open_screen(resources: &[&Arc<Resource>], forms: &[&str]) -> Tool {
    let names: Vec<&str> = resources.iter().map(|resource| resource.name.as_ref()).collect();
    let parameters = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "resource": { "type": "string", "enum": names, "description": "Whose list or record is opened." },
            "id": { "type": "string", "description": "The record; the list of all without it." },
            "filters": { "type": "array", "description": "The conditions of a list, as those of query.", "items": { "type": "object" } },
            "sort": { "type": "string", "description": "A sortable field, with `-` in front descending." },
            "command": { "type": "string", "enum": forms, "description": "Opens the form of this command instead." },
            "values": { "type": "object", "description": "What stands in the form at first, by the names of the command's arguments: texts, numbers, dates, choices, ids." },
        },
    });
    let description = "Opens a record, a list with filters, or a form with values on the person's screen. Use it when somebody wants to see or open a page, or to fill in a form himself. It changes nothing.";
    Tool::new(OPEN_SCREEN, description, parameters)
}

fn ask() -> Tool {
    let parameters = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["text"],
        "properties": {
            "text": { "type": "string", "description": "the question, in the language of the person" },
            "missing": { "type": "array", "items": { "type": "string" }, "description": "what is missing or ambiguous" },
        },
    });
    let description = "Asks the person back when something that is needed is missing or ambiguous. It ends the turn.";
    Tool::new(ASK, description, parameters)
}
