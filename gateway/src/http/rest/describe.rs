//! What the asker is, and what he may see and do: the tenant's catalogue with his rights applied.

use super::{command_path, report_path};
use crate::error::Answer;
use crate::http::auth::Authenticated;
use crate::http::extract::Parameters;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use steward_kernel::catalogue::module_of;
use steward_kernel::labels::Labels;
use steward_kernel::principal::Rights;
use steward_kernel::{Catalogue, CommandSpec, Field, Kind, ReportSpec, Resource};

pub(super) async fn me(State(state): State<AppState>, Authenticated(asker): Authenticated, parameters: Parameters) -> Answer {
    parameters.finish()?;
    let read = state.kernel.read(&asker).await?;
    let rights = read.rights().clone();
    read.finish().await?;
    let placement = state.kernel.placement(asker.tenant).await?;
    Ok(Json(json!({
        "user": { "id": asker.user, "name": rights.user_name },
        "tenant": { "id": placement.tenant, "slug": placement.slug, "name": placement.name },
        "roles": rights.roles,
        "grants": rights.grants,
        "company": rights.company,
        "department": rights.department,
        "language": rights.language,
        "time_zone": rights.time_zone,
        "plan": rights.plan,
        "interactive": asker.interactive,
    }))
    .into_response())
}

pub(super) async fn catalogue(State(state): State<AppState>, Authenticated(asker): Authenticated, parameters: Parameters) -> Answer {
    parameters.finish()?;
    let read = state.kernel.read(&asker).await?;
    let (rights, catalogue) = (read.rights().clone(), std::sync::Arc::clone(read.catalogue()));
    read.finish().await?;
    let teller = Teller { labels: &state.kernel.labels, language: &rights.language, rights: &rights, catalogue: &catalogue };
    let readable = |permission: &str, name: &str| rights.may(permission) && rights.entitled(module_of(name), None);
    let modules: Vec<Value> = catalogue
        .modules
        .iter()
        .filter(|module| rights.entitled(module, None))
        .map(|module| json!({ "name": module, "label": state.kernel.labels.module(&rights.language, module) }))
        .collect();
    let resources: Vec<Value> = catalogue.resources.values().filter(|it| readable(&it.permission, &it.name)).map(|it| teller.resource(it)).collect();
    let commands: Vec<Value> = catalogue
        .commands
        .values()
        .filter(|spec| {
            !spec.internal
                && catalogue.resources.get(spec.resource.as_ref()).is_some_and(|it| readable(&it.permission, &it.name) || rights.may(&spec.permission))
        })
        .map(|spec| teller.command(spec))
        .collect();
    let reports: Vec<Value> = catalogue.reports.values().filter(|it| readable(&it.permission, &it.name)).map(|it| teller.report(it)).collect();
    let body = json!({ "version": catalogue.version, "modules": modules, "resources": resources, "commands": commands, "reports": reports });
    Ok(Json(body).into_response())
}

struct Teller<'a> {
    labels: &'a Labels,
    language: &'a str,
    rights: &'a Rights,
    catalogue: &'a Catalogue,
}

impl Teller<'_> {
    fn resource(&self, resource: &Resource) -> Value {
        let visible = |permission: &Option<steward_kernel::catalogue::Name>| permission.as_deref().is_none_or(|permission| self.rights.may(permission));
        let name = &resource.name;
        let fields: Vec<Value> = resource
            .fields
            .iter()
            .filter(|field| visible(&field.permission))
            .map(|field| {
                let label = self.labels.field(self.language, name, field).into_owned();
                let mut told = self.field(field, label, |value| self.labels.choice(self.language, name, &field.name, value).into_owned());
                told.extend([
                    ("sortable".to_owned(), json!(field.sortable)),
                    ("filterable".to_owned(), json!(field.filterable)),
                    ("starts".to_owned(), json!(field.prefix_column.is_some())),
                    ("writable".to_owned(), json!(field.writable)),
                    ("in_list".to_owned(), json!(field.in_list)),
                    ("custom".to_owned(), json!(field.custom)),
                ]);
                Value::Object(told)
            })
            .collect();
        let measures: Vec<Value> = resource
            .measures
            .iter()
            .filter(|measure| visible(&measure.permission))
            .map(|measure| json!({ "name": measure.name, "label": self.labels.measure(self.language, name, &measure.name), "description": self.labels.measure_description(self.language, name, &measure.name), "date": measure.date }))
            .collect();
        let filters: Vec<Value> =
            resource.filters.iter().map(|filter| json!({ "name": filter.name, "label": self.labels.filter(self.language, name, &filter.name) })).collect();
        json!({
            "name": name,
            "path": format!("/api/v1/{}", resource.path()),
            "label": self.labels.resource(self.language, name),
            "plural": self.labels.plural(self.language, name),
            "description": self.labels.description(self.language, name),
            "title": resource.title,
            "sort": resource.sort,
            "parent": resource.parent.as_ref().map(|parent| &parent.resource),
            "archivable": resource.archivable,
            "customizable": resource.customizable,
            "scope": self.rights.scope(&resource.permission),
            "fields": fields,
            "measures": measures,
            "filters": filters,
            "create": resource.create,
            "update": resource.update,
            "archive": resource.archive,
        })
    }

    fn command(&self, spec: &CommandSpec) -> Value {
        let allowed = self.rights.may(&spec.permission) && self.rights.entitled(module_of(&spec.name), spec.flag.as_deref());
        let input = |field: &Field| {
            let label = self.labels.command_input(self.language, &spec.name, &spec.resource, field).into_owned();
            let mut told =
                self.field(field, label, |value| self.labels.command_choice(self.language, &spec.name, &spec.resource, &field.name, value).into_owned());
            if let Kind::Lines(fields) = &field.kind {
                let line =
                    |field: &Field| self.field(field, self.labels.command_input(self.language, &spec.name, &spec.resource, field).into_owned(), str::to_owned);
                told.insert("fields".into(), fields.iter().map(|field| Value::Object(line(field))).collect());
            }
            Value::Object(told)
        };
        json!({
            "name": spec.name,
            "resource": spec.resource,
            "path": command_path(self.catalogue, spec),
            "label": self.labels.command(self.language, &spec.name),
            "description": self.labels.description(self.language, &spec.name),
            "examples": self.labels.examples(self.language, &spec.name),
            "target": spec.target,
            "risk": spec.risk.as_str(),
            "undo": spec.undo,
            "when": spec.when,
            "inputs": spec.inputs.iter().map(input).collect::<Vec<_>>(),
            "allowed": allowed,
        })
    }

    fn report(&self, report: &ReportSpec) -> Value {
        let field = |field: &Field| {
            let label = self.labels.report_field(self.language, &report.name, field).into_owned();
            Value::Object(self.field(field, label, |value| self.labels.report_choice(self.language, &report.name, &field.name, value).into_owned()))
        };
        let visible = |field: &&Field| field.permission.as_deref().is_none_or(|permission| self.rights.may(permission));
        json!({
            "name": report.name,
            "path": report_path(&report.name),
            "label": self.labels.report(self.language, &report.name),
            "description": self.labels.report_description(self.language, &report.name),
            "parameters": report.parameters.iter().map(field).collect::<Vec<_>>(),
            "columns": report.columns.iter().filter(visible).map(field).collect::<Vec<_>>(),
        })
    }

    fn field(&self, field: &Field, label: String, choice: impl Fn(&str) -> String) -> Map<String, Value> {
        let mut told = Map::new();
        told.insert("name".into(), json!(field.name));
        told.insert("label".into(), json!(label));
        told.insert("kind".into(), json!(field.kind.name()));
        told.insert("required".into(), json!(field.required));
        match &field.kind {
            Kind::Text { max, .. } => drop(told.insert("max".into(), json!(max))),
            Kind::Choice(choices) => {
                drop(told.insert("choices".into(), choices.iter().map(|value| json!({ "value": value, "label": choice(value) })).collect()))
            }
            Kind::Reference(resource) => drop(told.insert("resource".into(), json!(resource))),
            _ => {}
        }
        told
    }
}
