//! Paths: the generic routes of REST, spelled out for each resource, command and report.

use super::Teller;
use super::schemas::{filter, op_text, parameter, reference};
use crate::http::rest::{command_path, report_path};
use serde_json::{Map, Value, json};
use steward_kernel::catalogue::last_of;
use steward_kernel::query::{GROUPS_MAX, Op, ops_of};
use steward_kernel::{CommandSpec, Field, Kind, Resource};

/// Refusals that every request with a log-in can meet.
pub(super) const READ: &[&str] = &["400", "401", "403", "404", "414", "422", "429", "500", "503"];
pub(super) const WRITE: &[&str] = &["400", "401", "403", "404", "409", "412", "413", "414", "415", "422", "429", "500", "503"];

pub(super) fn parameter_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

pub(super) fn json_answer(description: &str, schema: Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

/// The good answers and references to the refusals.
pub(super) fn responses(good: Value, refusals: &[&str]) -> Value {
    let mut all = match good {
        Value::Object(good) => good,
        _ => Map::new(),
    };
    for status in refusals {
        all.insert((*status).to_owned(), json!({ "$ref": format!("#/components/responses/{status}") }));
    }
    Value::Object(all)
}

pub(super) fn query(name: impl Into<String>, description: impl Into<String>, schema: Value) -> Value {
    json!({ "name": name.into(), "in": "query", "description": description.into(), "schema": schema })
}

/// Names separated by commas.
fn names(name: &str, description: &str, allowed: &[String]) -> Value {
    let items = if allowed.is_empty() { json!({ "type": "string" }) } else { json!({ "type": "string", "enum": allowed }) };
    json!({ "name": name, "in": "query", "description": description, "style": "form", "explode": false, "schema": { "type": "array", "minItems": 1, "items": items } })
}

impl Teller<'_> {
    pub(super) fn tags(&self) -> Value {
        let mut tags: Vec<Value> = self
            .catalogue
            .resources
            .values()
            .map(|it| json!({ "name": it.name, "description": self.labels.description(self.language, &it.name).unwrap_or_default() }))
            .collect();
        tags.push(json!({ "name": "reports", "description": "Named questions with a table as their answer." }));
        tags.push(json!({ "name": "search", "description": "Everything that the asker may read, by words and by meaning." }));
        tags.push(json!({ "name": "assistant", "description": "Questions, proposals, and their confirmation by a person." }));
        tags.push(json!({ "name": "session", "description": "Logging in, and what one may do." }));
        Value::Array(tags)
    }

    pub(super) fn paths(&self) -> Value {
        let mut paths = fixed();
        super::assistant::paths(&mut paths);
        super::search::paths(&mut paths);
        for resource in self.catalogue.resources.values() {
            self.resource(resource, &mut paths);
        }
        for spec in self.catalogue.commands.values().filter(|spec| !spec.internal) {
            let Some(resource) = self.catalogue.resources.get(spec.resource.as_ref()) else { continue };
            // Those have methods of their own; their words work as well, but one way is enough to tell.
            let by_method = [&resource.create, &resource.update, &resource.archive].into_iter().flatten().any(|name| *name == spec.name);
            if let Some(path) = command_path(self.catalogue, spec).filter(|_| !by_method) {
                let good = json!({ "200": json_answer("Done, or previewed.", either()) });
                insert(&mut paths, path, "post", self.command(spec, spec.name.to_string(), good, false));
            }
            let batch = format!("/api/v1/{}/{}/batch", resource.path(), last_of(&spec.name));
            insert(&mut paths, batch, "post", self.batch(spec));
        }
        for report in self.catalogue.reports.values() {
            let parameters: Vec<Value> = report
                .parameters
                .iter()
                .map(|field| {
                    let mut told = query(field.name.as_ref(), self.labels.report_field(self.language, &report.name, field), parameter(&field.kind));
                    if field.required
                        && let Some(told) = told.as_object_mut()
                    {
                        told.insert("required".into(), json!(true));
                    }
                    told
                })
                .collect();
            let operation = json!({
                "operationId": format!("{}.report", report.name), "tags": ["reports"],
                "summary": self.labels.report(self.language, &report.name),
                "description": self.labels.report_description(self.language, &report.name).unwrap_or_default(),
                "parameters": parameters,
                "responses": responses(json!({ "200": json_answer("The table.", self.table(report)) }), READ),
            });
            insert(&mut paths, report_path(&report.name), "get", operation);
        }
        Value::Object(paths)
    }

    fn resource(&self, resource: &Resource, paths: &mut Map<String, Value>) {
        let base = format!("/api/v1/{}", resource.path());
        let record = format!("{base}/{{id}}");
        let plural = self.labels.plural(self.language, &resource.name);
        let one = self.labels.resource(self.language, &resource.name);
        let schema = reference(&resource.name);
        let operation = |id: &str, summary: String, parameters: Vec<Value>, good: Value| json!({ "operationId": format!("{}.{id}", resource.name), "tags": [resource.name], "summary": summary, "parameters": parameters, "responses": responses(good, READ) });

        // Three routes take the same filters: told once, in the components.
        let filters: Vec<Value> = self.filters(resource).iter().map(|filter| parameter_ref(&filter_key(resource, filter))).collect();
        let page = json!({ "type": "object", "required": ["items", "next"], "properties": {
            "items": { "type": "array", "items": schema }, "next": { "type": ["string", "null"], "description": "The cursor of the next page." }, "count": reference("Count") } });
        let mut listing = vec![parameter_ref("limit"), parameter_ref("cursor"), parameter_ref("count")];
        listing.extend(self.order(resource));
        listing.extend(filters.iter().cloned());
        insert(paths, base.clone(), "get", operation("_list", plural.to_string(), listing, json!({ "200": json_answer("A page.", page) })));

        let mut export = self.order(resource);
        export.push(query("format", "Only CSV.", json!({ "type": "string", "enum": ["csv"] })));
        export.extend(filters.iter().cloned());
        let csv = json!({ "200": { "description": "The whole list.", "content": { "text/csv": { "schema": { "type": "string" } } } } });
        insert(paths, format!("{base}/export"), "get", operation("_export", format!("{plural}: CSV"), export, csv));

        if resource.create.is_some() {
            insert(paths, format!("{base}/import"), "post", self.import(resource, &plural));
        }

        let measures: Vec<String> = resource.measures.iter().map(|measure| measure.name.to_string()).collect();
        let mut figures = vec![
            names("measure", "What is computed; `count` unless named.", &measures),
            names(
                "group",
                "Fields, fields of references (`customer.country`), parts of dates (`order_date.year`, `.quarter`, `.month`, `.day`).",
                &self.groups(resource),
            ),
            query("sort", "A measure or a group; `-` before it for descending.", json!({ "type": "string" })),
            query("limit", "Groups at most.", json!({ "type": "integer", "minimum": 1, "maximum": GROUPS_MAX })),
        ];
        figures.extend(filters.iter().cloned());
        insert(
            paths,
            format!("{base}/aggregate"),
            "get",
            operation("_aggregate", format!("{plural}: Σ"), figures, json!({ "200": json_answer("Measures by groups.", reference("Aggregates")) })),
        );

        let mut detail = json_answer("The record.", schema);
        if let Some(detail) = detail.as_object_mut() {
            detail.insert("headers".into(), json!({ "ETag": { "description": "The version.", "schema": { "type": "string" } } }));
        }
        let good = json!({ "200": detail, "304": { "description": "It is the version that is known." } });
        insert(
            paths,
            record.clone(),
            "get",
            operation("_detail", one.to_string(), vec![parameter_ref("id"), parameter_ref("if_none_match"), self.fields(resource)], good),
        );
        let limit = query("limit", "Entries at most.", json!({ "type": "integer", "minimum": 1, "maximum": crate::http::rest::HISTORY_MAX }));
        let history = operation(
            "_history",
            format!("{one}: history"),
            vec![parameter_ref("id"), limit, parameter_ref("cursor")],
            json!({ "200": json_answer("Changes, the latest first.", reference("History")) }),
        );
        insert(paths, format!("{record}/history"), "get", history);

        let spec = |name: &Option<steward_kernel::catalogue::Name>| name.as_deref().and_then(|name| self.catalogue.commands.get(name));
        if let Some(create) = spec(&resource.create) {
            let mut made = json_answer("Made.", reference("Executed"));
            if let Some(made) = made.as_object_mut() {
                made.insert("headers".into(), json!({ "Location": { "schema": { "type": "string" } }, "ETag": { "schema": { "type": "string" } } }));
            }
            let good = json!({ "201": made, "200": json_answer("Previewed.", reference("Preview")) });
            insert(paths, base, "post", self.command(create, format!("{}._create", resource.name), good, true));
        }
        if let Some(update) = spec(&resource.update) {
            let good = json!({ "200": json_answer("Changed, or previewed.", either()) });
            insert(paths, record.clone(), "patch", self.command(update, format!("{}._update", resource.name), good, true));
        }
        if let Some(archive) = spec(&resource.archive) {
            let good = json!({ "200": json_answer("Archived, or previewed.", either()) });
            let mut operation = self.command(archive, format!("{}._archive", resource.name), good, true);
            if let Some(operation) = operation.as_object_mut() {
                operation.remove("requestBody");
            }
            insert(paths, record, "delete", operation);
        }
    }

    fn command(&self, spec: &CommandSpec, id: String, good: Value, by_method: bool) -> Value {
        let mut parameters = vec![parameter_ref("preview"), parameter_ref("idempotency_key")];
        let is_update = by_method && id.ends_with("._update");
        let refusals: Vec<&str> = WRITE.iter().copied().chain(is_update.then_some("428")).collect();
        if spec.target.is_some() {
            parameters.push(parameter_ref("id"));
            parameters.push(parameter_ref(if is_update { "if_match_required" } else { "if_match" }));
        }
        let body = self.body(spec, false);
        let needed = body.get("required").is_some();
        json!({
            "operationId": id,
            "tags": [spec.resource],
            "summary": self.labels.command(self.language, &spec.name),
            "description": format!("{}\n\nCommand `{}`, permission `{}`, risk {} (a tenant may have tightened it).", self.labels.description(self.language, &spec.name).unwrap_or_default(), spec.name, spec.permission, spec.risk.as_str()),
            "parameters": parameters,
            "requestBody": { "required": needed, "content": { "application/json": { "schema": body } } },
            "responses": responses(good, &refusals),
        })
    }

    fn batch(&self, spec: &CommandSpec) -> Value {
        let body = json!({ "type": "object", "additionalProperties": false, "required": ["rows"], "properties": { "rows": { "type": "array", "minItems": 1, "description": "5,000 at most.", "items": {
            // True to what happens: a row that is not valid is no error of the request.
            "anyOf": [self.body(spec, true), { "description": "Anything else gets an error of its own." }] } } } });
        json!({
            "operationId": format!("{}.batch", spec.name),
            "tags": [spec.resource],
            "summary": format!("{}: many rows", self.labels.command(self.language, &spec.name)),
            "description": "Rows that pass are done; each of the others has its error.",
            "parameters": [parameter_ref("preview"), parameter_ref("idempotency_key")],
            "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
            "responses": responses(json!({ "200": json_answer("A result for each row, or a preview.", json!({ "anyOf": [reference("BatchResults"), reference("Preview")] })) }), WRITE),
        })
    }

    fn import(&self, resource: &Resource, plural: &str) -> Value {
        let file = json!({ "text/csv": { "schema": { "type": "string" } } });
        json!({
            "operationId": format!("{}._import", resource.name), "tags": [resource.name], "summary": format!("{plural}: import of CSV"),
            "description": "The headers are the inputs of the create command; parts stand behind a dot (`sales_price.amount`), items of a list in brackets (`addresses[0].city`). A reference is an id, `ext:` and an external id of the same source, or a code, number or title. Rows that pass are done; each of the others has its error. The work goes on when the client leaves. With an `Idempotency-Key` the same file is brought in once: sent again, it is answered with what was done, or goes on where it was cut off; another file is refused. One import of a person runs at a time (`import.running`, with its `Location`), and a few in each process (`import.too_many`).",
            "parameters": [
                query("dry_run", "Check everything and write nothing.", json!({ "type": "boolean" })),
                parameter_ref("idempotency_key"),
                { "name": "Prefer", "in": "header", "description": "`respond-async`: do not wait for the end.", "schema": { "type": "string", "enum": ["respond-async"] } },
                query("key", "The column of the external ids: a second import of the same file changes nothing.", json!({ "type": "string" })),
                query("resume", "The id of an import that was cut off: the same file goes on where it was, or is answered with what was done.", json!({ "type": "string", "format": "uuid" })),
                query("source", "Where the external ids come from; `import` unless given.", json!({ "type": "string", "minLength": 1, "maxLength": 60 })),
            ],
            "requestBody": { "required": true, "content": file },
            "responses": responses(json!({
                "200": json_answer("What was done, and the errors by row. `Content-Location` is the import.", reference("ImportReport")),
                "202": json_answer("The import goes on; `Location` says how far it is.", reference("Import")),
            }), WRITE),
        })
    }

    /// `sort` and `fields`.
    fn order(&self, resource: &Resource) -> Vec<Value> {
        let mut keys: Vec<String> = Vec::new();
        for name in std::iter::once("id").chain(resource.fields.iter().filter(|field| field.sortable && !field.custom).map(|field| field.name.as_ref())) {
            keys.extend([name.to_owned(), format!("-{name}")]);
        }
        vec![names("sort", "At most four keys; `-` before one for descending.", &keys), self.fields(resource)]
    }

    fn fields(&self, resource: &Resource) -> Value {
        let stored = resource.fields.iter().filter(|field| !matches!(field.kind, Kind::Lines(_)));
        let all: Vec<String> = std::iter::once("id".to_owned()).chain(stored.map(|field| field.name.to_string())).collect();
        names("fields", "Only these; id and version are always there.", &all)
    }

    fn groups(&self, resource: &Resource) -> Vec<String> {
        let mut groups = Vec::new();
        for field in resource.fields.iter().filter(|field| field.filterable && !field.custom) {
            match field.kind {
                Kind::Date | Kind::Timestamp => groups.extend(["year", "quarter", "month", "day"].map(|part| format!("{}.{part}", field.name))),
                Kind::Reference(_) | Kind::Choice(_) | Kind::Boolean => groups.push(field.name.to_string()),
                _ => {}
            }
        }
        groups
    }

    /// Every filter of the resource's own fields as a parameter of its own; those of references (`customer.name`) work
    /// alike and are not spelled out, because there is no end to them.
    pub(super) fn filters(&self, resource: &Resource) -> Vec<Value> {
        let mut filters = Vec::new();
        let id = Field::reference("id", resource.name.clone());
        for field in std::iter::once(&id).chain(&resource.fields) {
            let label = self.labels.field(self.language, &resource.name, field);
            for op in ops_of(self.catalogue, field) {
                if field.name == "id" && op == Op::Starts {
                    continue;
                }
                let path = if field.custom { format!("custom.{}", field.name) } else { field.name.to_string() };
                let name = format!("filter[{path}][{}]", op.as_str());
                let description = format!("{label} {}", op_text(op));
                filters.push(match op {
                    Op::Null => query(name, description, json!({ "type": "boolean" })),
                    Op::Starts => query(name, description, json!({ "type": "string", "maxLength": 1000 })),
                    Op::In => json!({ "name": name, "in": "query", "description": description, "style": "form", "explode": false,
                        "schema": { "type": "array", "minItems": 1, "maxItems": 200, "items": filter(&field.kind) } }),
                    _ => query(name, description, filter(&field.kind)),
                });
            }
        }
        for named in &resource.filters {
            filters.push(query(
                format!("filter[{}]", named.name),
                self.labels.filter(self.language, &resource.name, &named.name),
                json!({ "type": "boolean" }),
            ));
        }
        if resource.archivable {
            filters.push(query(
                "filter[archived]",
                "Archived records are left out unless this says otherwise.",
                json!({ "type": "string", "enum": ["true", "false", "any"] }),
            ));
        }
        filters
    }
}

/// `filter[status][eq]` of `sales.order` → `sales.order.filter.status.eq`.
pub(super) fn filter_key(resource: &Resource, filter: &Value) -> String {
    let name = filter.get("name").and_then(Value::as_str).unwrap_or_default();
    format!("{}.{}", resource.name, name.replace("][", ".").replace('[', ".").replace(']', ""))
}

/// What a write answers: the result, or the preview that was asked for.
fn either() -> Value {
    json!({ "anyOf": [reference("Executed"), reference("Preview")] })
}

pub(super) fn insert(paths: &mut Map<String, Value>, path: String, method: &str, operation: Value) {
    let entry = paths.entry(path).or_insert_with(|| json!({}));
    if let Some(entry) = entry.as_object_mut() {
        entry.insert(method.to_owned(), operation);
    }
}

/// Paths that do not depend on the catalogue.
fn fixed() -> Map<String, Value> {
    let text = |max: u32| json!({ "type": "string", "minLength": 1, "maxLength": max });
    let body = |schema: Value| json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    let log_in = json!({ "type": "object", "additionalProperties": false, "required": ["tenant", "email", "password"],
        "properties": { "tenant": text(60), "email": text(320), "password": { "type": "string", "minLength": 1, "maxLength": 1000, "format": "password" } } });
    let logged_in = json!({ "type": "object", "required": ["access_token", "token_type", "expires_at", "user"], "properties": {
        "access_token": { "type": "string" }, "token_type": { "type": "string", "enum": ["Bearer"] }, "expires_at": { "type": "string", "format": "date-time" }, "user": { "type": "object" } } });
    let object = json!({ "type": "object" });
    let mut paths = Map::new();
    insert(
        &mut paths,
        "/api/v1/auth/login".into(),
        "post",
        json!({ "operationId": "auth.login", "tags": ["session"], "summary": "Log in", "security": [], "requestBody": body(log_in),
            "responses": responses(json!({ "200": json_answer("A token for `Authorization: Bearer`.", logged_in) }), &["400", "401", "413", "415", "422", "429", "500", "503"]) }),
    );
    insert(
        &mut paths,
        "/api/v1/auth/logout".into(),
        "post",
        json!({ "operationId": "auth.logout", "tags": ["session"], "summary": "End the session of this token",
            "responses": responses(json!({ "204": { "description": "Ended." } }), &["400", "401", "403", "500", "503"]) }),
    );
    for (path, id, summary) in [("/api/v1/me", "me", "Who asks, with which rights"), ("/api/v1/catalogue", "catalogue", "What the asker may see and do")] {
        insert(
            &mut paths,
            path.into(),
            "get",
            json!({ "operationId": id, "tags": ["session"], "summary": summary, "responses": responses(json!({ "200": json_answer("The answer.", object.clone()) }), READ) }),
        );
    }
    insert(
        &mut paths,
        "/api/v1/commands/{id}/undo".into(),
        "post",
        json!({ "operationId": "commands.undo", "tags": ["session"], "summary": "Take an execution back",
            "parameters": [parameter_ref("preview"), parameter_ref("idempotency_key"), parameter_ref("id"), parameter_ref("if_match")],
            "responses": responses(json!({ "200": json_answer("Taken back, or previewed.", either()) }), WRITE) }),
    );
    insert(
        &mut paths,
        "/api/v1/imports/{id}".into(),
        "get",
        json!({ "operationId": "imports.get", "tags": ["session"], "summary": "How far an import of one's own is", "parameters": [parameter_ref("id")],
            "responses": responses(json!({ "200": json_answer("The import.", reference("Import")) }), READ) }),
    );
    paths
}
