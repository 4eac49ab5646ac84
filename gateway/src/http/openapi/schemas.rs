//! Schemas: what each kind of value looks like going in and coming out, and one object for each resource.

use super::Teller;
use super::paths::filter_key;
use crate::error::CODES;
use serde_json::{Map, Value, json};
use steward_kernel::input::LINES_MAX;
use steward_kernel::query::{LIMIT_MAX, Op, TRUNCATED};
use steward_kernel::{CommandSpec, Field, Kind, ReportSpec, Resource};

const DECIMAL: &str = "^-?[0-9]{1,18}(\\.[0-9]{1,10})?$";
/// Without control characters.
const LINE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";
const TEXT: &str = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$";

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A value that may be absent: null as well.
fn or_null(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    if let Some(Value::String(kind)) = schema.get("type").cloned() {
        schema.insert("type".into(), json!([kind, "null"]));
        if let Some(Value::Array(choices)) = schema.get_mut("enum") {
            choices.push(Value::Null);
        }
        return Value::Object(schema);
    }
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.push(json!("null"));
        return Value::Object(schema);
    }
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// A value as the API answers it.
fn output(kind: &Kind) -> Value {
    match kind {
        Kind::Text { .. } => json!({ "type": "string" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Integer => json!({ "type": "integer", "format": "int64" }),
        Kind::Decimal => json!({ "type": "string", "format": "decimal" }),
        Kind::Money { .. } => reference("Money"),
        Kind::Quantity { .. } => reference("Quantity"),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Timestamp => json!({ "type": "string", "format": "date-time" }),
        // States that a module adds later are no breach of the contract, so that clients should expect others.
        Kind::Choice(choices) => json!({ "type": "string", "enum": choices }),
        Kind::Reference(_) => reference("Reference"),
        Kind::Lines(_) => json!({ "type": "array", "items": { "type": "object" } }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
    }
}

/// A value of a filter: compared, not stored, so that any text is possible.
pub(super) fn filter(kind: &Kind) -> Value {
    match kind {
        Kind::Text { .. } | Kind::Texts | Kind::Lines(_) => json!({ "type": "string", "maxLength": 1000, "pattern": "^[^\\u0000]*$" }),
        other => parameter(other),
    }
}

/// A report's parameter, as it stands in a query string.
pub(super) fn parameter(kind: &Kind) -> Value {
    match kind {
        Kind::Text { .. } | Kind::Texts | Kind::Lines(_) => json!({ "type": "string", "maxLength": 1000, "pattern": LINE }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Integer => json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX }),
        Kind::Decimal | Kind::Money { .. } | Kind::Quantity { .. } => json!({ "type": "string", "pattern": DECIMAL }),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Timestamp => json!({ "type": "string", "format": "date-time" }),
        Kind::Choice(choices) => json!({ "type": "string", "enum": choices }),
        Kind::Reference(_) => json!({ "type": "string", "format": "uuid" }),
    }
}

fn named(schema: Value, label: &str, description: Option<&str>) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    schema.insert("title".into(), json!(label));
    if let Some(description) = description {
        schema.insert("description".into(), json!(description));
    }
    Value::Object(schema)
}

impl Teller<'_> {
    /// `sales.order` → `sales.order`: dots are allowed in the names of components.
    fn record(&self, resource: &Resource) -> Value {
        let mut properties = Map::new();
        properties.insert("id".into(), json!({ "type": "string", "format": "uuid" }));
        properties.insert("version".into(), json!({ "type": "integer", "format": "int64", "description": "Counts the changes of the record; the ETag." }));
        for field in resource.fields.iter().filter(|field| !matches!(field.kind, Kind::Lines(_))) {
            let schema = output(&field.kind);
            // A custom field may have been added after the record.
            let schema = if field.required && !field.custom { schema } else { or_null(schema) };
            let label = self.labels.field(self.language, &resource.name, field);
            let description = self.labels.field_description(self.language, &resource.name, &field.name);
            properties.insert(field.name.to_string(), named(schema, &label, description));
        }
        // A detail holds the rows of its children, under the last word of their plural (`order_lines` → `lines`).
        let mut children = Vec::new();
        for child in self.catalogue.children_of(&resource.name) {
            let short = child.plural.rsplit(['/', '-', '_']).next().unwrap_or(&child.plural);
            let name = if properties.contains_key(short) { child.plural.as_ref() } else { short };
            properties
                .insert(name.to_owned(), json!({ "type": "array", "description": "In details only.", "maxItems": LINES_MAX, "items": reference(&child.name) }));
            children.push(name.to_owned());
        }
        if !children.is_empty() {
            let description = "In details only, and only where rows are missing: which of these have more rows than come with the record. Do not send such rows back as the whole.";
            properties.insert(TRUNCATED.into(), json!({ "type": "array", "description": description, "items": { "type": "string", "enum": children } }));
        }
        json!({
            "type": "object",
            "title": self.labels.resource(self.language, &resource.name),
            "description": self.labels.description(self.language, &resource.name).unwrap_or_default(),
            "required": ["id", "version"],
            "properties": properties,
        })
    }

    /// The input of a command as a JSON body. `target` is left out where the address names it.
    pub(super) fn body(&self, spec: &CommandSpec, with_target: bool) -> Value {
        let wanted = |field: &&Field| with_target || spec.target.as_deref() != Some(field.name.as_ref());
        let mut schema = self.inputs(spec, spec.inputs.iter().filter(wanted));
        if spec.customizable
            && let Some(resource) = self.catalogue.resources.get(spec.resource.as_ref())
            && let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut)
        {
            let customs: Vec<Field> = resource
                .fields
                .iter()
                .filter(|field| field.custom)
                .map(|field| Field { required: field.required && spec.target.is_none(), ..field.clone() })
                .collect();
            properties.insert("custom".into(), self.inputs(spec, customs.iter()));
        }
        schema
    }

    fn inputs<'f>(&self, spec: &CommandSpec, fields: impl Iterator<Item = &'f Field>) -> Value {
        let mut properties = Map::new();
        let mut required: Vec<Value> = Vec::new();
        for field in fields {
            let label = self.labels.command_input(self.language, &spec.name, &spec.resource, field);
            let description = self.labels.command_input_description(self.language, &spec.name, &spec.resource, &field.name);
            let schema = self.input(spec, field);
            let schema = if field.required { schema } else { or_null(schema) };
            properties.insert(field.name.to_string(), named(schema, &label, description));
            if field.required {
                required.push(json!(field.name));
            }
        }
        let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
        if !required.is_empty()
            && let Some(schema) = schema.as_object_mut()
        {
            schema.insert("required".into(), Value::Array(required));
        }
        schema
    }

    fn input(&self, spec: &CommandSpec, field: &Field) -> Value {
        match &field.kind {
            Kind::Text { max, multiline } => {
                let pattern = if *multiline { TEXT } else { LINE };
                json!({ "type": "string", "minLength": u32::from(field.required), "maxLength": max, "pattern": pattern })
            }
            Kind::Decimal => json!({ "type": ["string", "number"], "pattern": DECIMAL }),
            Kind::Money { .. } => reference("MoneyInput"),
            Kind::Quantity { .. } => reference("QuantityInput"),
            Kind::Lines(fields) => {
                json!({ "type": "array", "minItems": u32::from(field.required), "maxItems": LINES_MAX, "items": self.inputs(spec, fields.iter()) })
            }
            Kind::Texts => json!({ "type": "array", "maxItems": 50, "items": { "type": "string", "minLength": 1, "maxLength": 200, "pattern": LINE } }),
            other => parameter(other),
        }
    }

    pub(super) fn table(&self, report: &ReportSpec) -> Value {
        let columns: Vec<String> =
            report.columns.iter().map(|field| format!("`{}` ({})", field.name, self.labels.report_field(self.language, &report.name, field))).collect();
        json!({
            "type": "object",
            "required": ["name", "columns", "rows"],
            "properties": {
                "name": { "type": "string" },
                "columns": { "type": "array", "items": { "type": "object", "required": ["name", "kind", "label"], "properties": {
                    "name": { "type": "string" }, "kind": { "type": "string" }, "label": { "type": "string" } } } },
                "rows": { "type": "array", "description": format!("Values in the order of the columns: {}.", columns.join(", ")), "items": { "type": "array" } },
                "totals": { "type": "array", "description": "Sums under the columns that have one." },
            },
        })
    }

    pub(super) fn components(&self) -> Value {
        let mut schemas = fixed();
        let mut parameters = parameters();
        for resource in self.catalogue.resources.values() {
            schemas.insert(resource.name.to_string(), self.record(resource));
            if let Some(parameters) = parameters.as_object_mut() {
                parameters.extend(self.filters(resource).into_iter().map(|filter| (filter_key(resource, &filter), filter)));
            }
        }
        json!({
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "description": "The `access_token` of POST /api/v1/auth/login, or an API key." } },
            "responses": problems(),
            "parameters": parameters,
            "schemas": schemas,
        })
    }
}

/// Statuses of problems with what they mean, for `components.responses`.
pub(super) const PROBLEMS: &[(&str, &str)] = &[
    ("400", "The request cannot be understood."),
    ("401", "No valid log-in or API key."),
    ("403", "The asker lacks the right, or the feature is not part of the plan."),
    ("404", "There is no such record, or it is out of the asker's sight."),
    ("405", "The method is not available here."),
    ("409", "The state of the record does not allow this, or it exists already."),
    ("412", "The record has changed since it was read."),
    ("413", "The body or the batch is too large."),
    ("414", "The address is too long."),
    ("415", "The body is not JSON."),
    ("422", "The input is not valid; `fields` says where."),
    ("428", "The version that was seen is missing."),
    ("429", "Too many requests."),
    ("500", "Something went wrong on the server's side."),
    ("503", "Busy: try again."),
];

fn problems() -> Value {
    let problem = |(status, description): &(&str, &str)| {
        // Said by the HTTP library before anything of ours sees the request, without a body.
        if *status == "414" {
            return ((*status).to_owned(), json!({ "description": description }));
        }
        ((*status).to_owned(), json!({ "description": description, "content": { "application/problem+json": { "schema": reference("Problem") } } }))
    };
    Value::Object(PROBLEMS.iter().map(problem).collect())
}

fn parameters() -> Value {
    json!({
        "id": { "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } },
        "limit": { "name": "limit", "in": "query", "description": "Rows of a page.", "schema": { "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": 50 } },
        "cursor": { "name": "cursor", "in": "query", "description": "`next` of the page before.", "schema": { "type": "string" } },
        "count": { "name": "count", "in": "query", "description": "Also count, exactly up to a bound.", "schema": { "type": "boolean" } },
        "preview": { "name": "preview", "in": "query", "description": "Show what would happen and take it back.", "schema": { "type": "boolean" } },
        "idempotency_key": { "name": "Idempotency-Key", "in": "header", "description": "The same key with the same body runs once.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$" } },
        "if_match": { "name": "If-Match", "in": "header", "description": "The ETag that was seen, or `*`.", "schema": { "type": "string", "pattern": "^(\"[0-9]{1,18}\"|[0-9]{1,18}|\\*)$" } },
        "if_match_required": { "name": "If-Match", "in": "header", "required": true, "description": "The ETag that was seen, or `*`.",
            "schema": { "type": "string", "pattern": "^(\"[0-9]{1,18}\"|[0-9]{1,18}|\\*)$" } },
        "if_none_match": { "name": "If-None-Match", "in": "header", "description": "The ETag that is known.", "schema": { "type": "string" } },
    })
}

/// Schemas that do not depend on the catalogue.
fn fixed() -> Map<String, Value> {
    let strings = || json!({ "type": "array", "items": { "type": "string" } });
    let count = || json!({ "type": "integer" });
    let decimal_in = || json!({ "type": ["string", "number"], "pattern": DECIMAL });
    let fixed = json!({
        "Money": { "type": "object", "required": ["amount", "currency"], "properties": { "amount": { "type": "string", "format": "decimal" }, "currency": { "type": "string" } } },
        "Quantity": { "type": "object", "required": ["value", "unit"], "properties": { "value": { "type": "string", "format": "decimal" }, "unit": { "type": "string" } } },
        "MoneyInput": { "anyOf": [
            { "type": "object", "additionalProperties": false, "required": ["amount"], "properties": { "amount": decimal_in(), "currency": { "type": "string", "pattern": "^[A-Z]{3}$" } } },
            decimal_in(),
        ] },
        "QuantityInput": { "anyOf": [
            { "type": "object", "additionalProperties": false, "required": ["value"], "properties": { "value": decimal_in(), "unit": { "type": "string", "maxLength": 20, "pattern": LINE } } },
            decimal_in(),
        ] },
        "Reference": { "type": "object", "description": "Another record. The title is absent where the asker may not see it.", "required": ["id"],
            "properties": { "id": { "type": "string", "format": "uuid" }, "title": { "type": "string" } } },
        "Executed": { "type": "object", "required": ["execution", "undoable"], "properties": {
            "id": { "type": "string", "format": "uuid" }, "version": { "type": ["integer", "null"], "format": "int64" }, "resource": { "type": "string" },
            "execution": { "type": "string", "format": "uuid", "description": "Names this execution for undo." }, "undoable": { "type": "boolean" },
            "data": {}, "secret": { "description": "Shown once and never again." }, "replayed": { "type": "boolean" } } },
        "Preview": { "type": "object", "required": ["changes", "effects", "follows", "warnings"], "properties": {
            "changes": { "type": "array", "items": { "type": "object", "required": ["resource", "id", "field", "old", "new"], "properties": {
                "resource": { "type": "string" }, "id": { "type": "string", "format": "uuid" }, "field": { "type": "string" }, "old": {}, "new": {} } } },
            "effects": strings(), "follows": strings(), "warnings": strings(),
            "irreversible": { "type": "array", "items": { "type": "string" }, "description": "Commands that could not be taken back." }, "risk": { "type": "string", "enum": ["low", "high", "human_only"] } } },
        "BatchResults": { "type": "object", "required": ["results"], "properties": { "results": { "type": "array", "items": { "anyOf": [
            { "type": "object", "required": ["ok"], "properties": { "ok": reference("Executed") } },
            { "type": "object", "required": ["error"], "properties": { "error": reference("Problem") } } ] } } } },
        "Count": { "type": "object", "required": ["value", "capped"], "properties": { "value": { "type": "integer" }, "capped": { "type": "boolean", "description": "There are more." } } },
        "Aggregates": { "type": "object", "required": ["items"], "properties": { "items": { "type": "array", "items": { "type": "object" } } } },
        "History": { "type": "object", "required": ["items", "next"], "properties": { "items": { "type": "array", "items": { "type": "object" } }, "next": { "type": ["string", "null"], "description": "The cursor of the changes before these." } } },
        "ImportReport": { "type": "object", "required": ["dry_run", "steps", "errors", "errors_left_out"], "properties": {
            "dry_run": { "type": "boolean" },
            "steps": { "type": "array", "items": { "type": "object", "properties": {
                "file": { "type": "string" }, "command": { "type": "string" }, "rows": count(), "created": count(), "updated": count(),
                "unchanged": { "type": "integer", "description": "Brought in before, with the same content; after an interruption also by the attempt before." }, "failed": count() } } },
            "errors": { "type": "array", "items": { "type": "object" } }, "errors_left_out": count() } },
        "Import": { "type": "object", "required": ["id", "state", "resource", "source", "file", "dry_run", "rows", "rows_done", "report", "created_at"], "properties": {
            "id": { "type": "string", "format": "uuid" }, "state": { "type": "string", "enum": ["running", "done", "failed", "interrupted"] },
            "resource": { "type": "string" }, "source": { "type": "string" }, "file": { "type": "string" }, "dry_run": { "type": "boolean" },
            "rows": count(), "rows_done": count(), "report": reference("ImportReport"), "problem": reference("Problem"),
            "created_at": { "type": "string", "format": "date-time" }, "finished_at": { "type": ["string", "null"], "format": "date-time" } } },
        "Problem": { "type": "object", "required": ["type", "title", "status", "detail", "code"], "properties": {
            "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" }, "detail": { "type": "string" }, "code": { "type": "string", "enum": CODES },
            "reason": { "type": "string" }, "correlation_id": { "type": "string" },
            "fields": { "type": "array", "items": { "type": "object", "required": ["field", "message"], "properties": { "field": { "type": "string" }, "message": { "type": "string" } } } } } },
    });
    match fixed {
        Value::Object(fixed) => fixed,
        _ => Map::new(),
    }
}

/// How an operator reads in the description of a filter.
pub(super) fn op_text(op: Op) -> &'static str {
    match op {
        Op::Eq => "is",
        Op::Ne => "is not",
        Op::Lt => "is below",
        Op::Lte => "is at most",
        Op::Gt => "is above",
        Op::Gte => "is at least",
        Op::In => "is one of",
        Op::Starts => "starts with",
        Op::Null => "has no value",
    }
}
