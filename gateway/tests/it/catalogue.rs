//! The declarations hold together: with their structs, their texts, their tables and their routes.

use crate::app::TestApp;
use crate::seed;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use steward_gateway::compose;
use steward_kernel::catalogue::{Aggregate, last_of, module_of};
use steward_kernel::{Kind, input};
use steward_migrations::Placement;

#[test]
fn every_command_decodes_what_its_schema_allows() {
    let mut wrong = Vec::new();
    for module in compose::modules() {
        for command in &module.commands {
            for full in [true, false] {
                let mut example = input::example(&command.spec().inputs, full);
                if command.spec().customizable && full {
                    example["custom"] = json!({ "color": "red" });
                }
                if let Err(error) = command.check(example) {
                    wrong.push(format!("{} ({}): {error}", command.spec().name, if full { "full" } else { "minimal" }));
                }
            }
            let unknown = json!({ "nobody_declared_this": 1 });
            if !input::example(&command.spec().inputs, false).as_object().unwrap().is_empty() {
                continue;
            }
            if command.check(unknown).is_ok() {
                wrong.push(format!("{} takes fields that nobody declared", command.spec().name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_command_takes_a_field_that_its_schema_does_not_know() {
    let mut lax = Vec::new();
    for module in compose::modules() {
        for command in &module.commands {
            let mut example = input::example(&command.spec().inputs, true);
            example["nobody_declared_this"] = json!(1);
            if command.check(example).is_ok() {
                lax.push(command.spec().name.to_string());
            }
        }
    }
    assert_eq!(lax, Vec::<String>::new());
}

#[tokio::test]
async fn every_text_is_there_in_english_and_german() {
    let app = TestApp::start().await;
    let labels = &app.kernel.labels;
    assert_eq!(labels.missing(&app.kernel.registry.catalogue), Vec::<String>::new());
    let roles: BTreeSet<&str> = app.kernel.registry.roles.iter().map(|role| role.name).chain(["administrator"]).collect();
    assert_eq!(labels.missing_roles(roles), Vec::<String>::new());
    app.close().await;
}

#[tokio::test]
async fn every_declared_column_exists_and_what_is_required_or_sortable_is_never_null() {
    let app = TestApp::start().await;
    let tenant = app.tenant("columns", Placement::Pooled).await;
    let mut tx = app.owner.begin(&tenant.schema, tenant.id, "test.columns").await.unwrap();
    let mut wrong = Vec::new();
    for resource in app.kernel.registry.catalogue.resources.values() {
        let columns: BTreeMap<String, seed::Column> =
            seed::columns(&mut tx, &resource.table).await.into_iter().map(|column| (column.name.clone(), column)).collect();
        let mut need = |column: &str, why: &str, not_null: bool| match columns.get(column) {
            None => wrong.push(format!("{}: {why} needs the column {}.{column}", resource.name, resource.table)),
            Some(found) if not_null && !found.not_null && !found.generated => {
                wrong.push(format!("{}: {why} needs {}.{column} NOT NULL", resource.name, resource.table))
            }
            Some(_) => {}
        };
        for column in ["tenant_id", "id", "version", "created_at", "updated_at"] {
            need(column, "every resource", true);
        }
        for field in resource.fields.iter().filter(|field| !matches!(field.kind, Kind::Lines(_))) {
            need(&field.column, &format!("the field {}", field.name), field.required || field.sortable);
            match &field.kind {
                Kind::Money { currency: beside } => need(beside, &format!("the currency of {}", field.name), false),
                Kind::Quantity { unit: beside } => need(beside, &format!("the unit of {}", field.name), false),
                _ => {}
            }
            for stored in [&field.sort_column, &field.prefix_column].into_iter().flatten() {
                need(stored, &format!("{} sorts or is looked up", field.name), false);
            }
        }
        for column in [&resource.scope.owner, &resource.scope.department, &resource.scope.company].into_iter().flatten() {
            need(column, "the scope", false);
        }
        for measure in &resource.measures {
            if let Aggregate::Sum { column, .. } | Aggregate::Average { column, .. } | Aggregate::Max { column } | Aggregate::Min { column } =
                &measure.aggregate
            {
                need(column, &format!("the measure {}", measure.name), false);
            }
        }
        if resource.archivable {
            need("archived_at", "archiving", false);
        }
        if resource.customizable {
            need("custom", "custom fields", true);
        }
        if let Some(parent) = &resource.parent {
            need(&parent.column, "the parent", true);
        }
        for filter in &resource.filters {
            let sql = format!("SELECT 1 FROM {} t WHERE {} LIMIT 1", resource.table, filter.predicate);
            if let Err(error) = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN {sql}"))).execute(&mut *tx).await {
                panic!("{}: the filter {} is no predicate: {error}", resource.name, filter.name);
            }
        }
    }
    drop(tx);
    assert_eq!(wrong, Vec::<String>::new());
    app.close().await;
}

#[tokio::test]
async fn a_stored_choice_is_one_that_the_table_takes() {
    let app = TestApp::start().await;
    let tenant = app.tenant("choices", Placement::Pooled).await;
    let mut wrong = Vec::new();
    for resource in app.kernel.registry.catalogue.resources.values() {
        for field in &resource.fields {
            let Kind::Choice(choices) = &field.kind else { continue };
            let sql = format!(
                "SELECT coalesce(string_agg(pg_get_constraintdef(oid), ' '), '') FROM pg_constraint WHERE conrelid = '{}.{}'::regclass AND contype = 'c' AND conkey = ARRAY[(SELECT attnum FROM pg_attribute WHERE attrelid = conrelid AND attname = '{}')]",
                tenant.schema, resource.table, field.column
            );
            let check: String = app.peek(&tenant, &sql).await;
            if !check.is_empty() {
                wrong.extend(
                    choices.iter().filter(|choice| !check.contains(&format!("'{choice}'"))).map(|choice| format!("{}.{}: {choice}", resource.name, field.name)),
                );
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    app.close().await;
}

#[test]
fn no_two_commands_or_routes_of_a_resource_have_the_same_address() {
    let mut addresses: BTreeMap<String, String> = BTreeMap::new();
    for module in compose::modules() {
        for resource in &module.resources {
            for word in ["aggregate", "export", "import"] {
                addresses.insert(format!("{}/{word}", resource.path()), resource.name.to_string());
            }
        }
        let paths: BTreeMap<_, _> = module.resources.iter().map(|resource| (resource.name.to_string(), resource.path())).collect();
        for command in module.commands.iter().map(|command| command.spec()).filter(|spec| !spec.internal) {
            let path =
                paths.get(command.resource.as_ref()).unwrap_or_else(|| panic!("{} is about {}, which is another module's", command.name, command.resource));
            let address = match &command.target {
                Some(_) => format!("{path}/{{id}}/{}", last_of(&command.name)),
                None => format!("{path}/{}", last_of(&command.name)),
            };
            if let Some(other) = addresses.insert(address.clone(), command.name.to_string()) {
                panic!("{} and {other} are both at {address}", command.name);
            }
        }
    }
}

#[tokio::test]
async fn the_openapi_document_names_every_resource_command_and_report() {
    let app = TestApp::start().await;
    let document = app.send(app.client.get(format!("{}/api/v1/openapi.json", app.base))).await.ok();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let mut missing = Vec::new();
    let mut need = |path: String, method: &str| {
        if paths.get(&path).and_then(|path| path.get(method)).is_none() {
            missing.push(format!("{method} {path}"));
        }
    };
    let catalogue = &app.kernel.registry.catalogue;
    for resource in catalogue.resources.values() {
        let base = format!("/api/v1/{}", resource.path());
        for (path, method) in [
            (base.clone(), "get"),
            (format!("{base}/{{id}}"), "get"),
            (format!("{base}/aggregate"), "get"),
            (format!("{base}/export"), "get"),
            (format!("{base}/{{id}}/history"), "get"),
        ] {
            need(path, method);
        }
        for (has, path, method) in [
            (&resource.create, base.clone(), "post"),
            (&resource.update, format!("{base}/{{id}}"), "patch"),
            (&resource.archive, format!("{base}/{{id}}"), "delete"),
        ] {
            if has.is_some() {
                need(path, method);
            }
        }
    }
    for spec in catalogue.commands.values().filter(|spec| !spec.internal) {
        let base = format!("/api/v1/{}", catalogue.resource(&spec.resource).unwrap().path());
        let target = if spec.target.is_some() { "/{id}" } else { "" };
        let resource = catalogue.resource(&spec.resource).unwrap();
        // These are reached by the methods of the resource.
        if ![&resource.create, &resource.update, &resource.archive].into_iter().flatten().any(|name| *name == spec.name) {
            need(format!("{base}{target}/{}", last_of(&spec.name)), "post");
        }
        need(format!("{base}/{}/batch", last_of(&spec.name)), "post");
    }
    for report in catalogue.reports.values() {
        let module = module_of(&report.name);
        need(format!("/api/v1/{module}/reports/{}", report.name.strip_prefix(module).unwrap().trim_start_matches('.')), "get");
    }
    assert_eq!(missing, Vec::<String>::new());
    for spec in catalogue.commands.values().filter(|spec| spec.internal) {
        assert!(!paths.keys().any(|path| path.ends_with(&format!("/{}", last_of(&spec.name)))), "{} is internal", spec.name);
    }
    assert_eq!(dangling(&document), Vec::<String>::new());
    let operations: Vec<&Value> =
        paths.values().flat_map(|path| path.as_object().unwrap().values()).filter_map(|operation| operation.get("operationId")).collect();
    let distinct: BTreeSet<&str> = operations.iter().filter_map(|id| id.as_str()).collect();
    assert_eq!(distinct.len(), operations.len(), "an operation id stands twice");
    app.close().await;
}

/// References within the document that lead nowhere.
fn dangling(document: &Value) -> Vec<String> {
    fn walk<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| match value.as_str() {
                Some(to) if name == "$ref" => drop(found.insert(to)),
                _ => walk(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(document, &mut found);
    found.into_iter().filter(|to| to.strip_prefix('#').is_none_or(|path| document.pointer(path).is_none())).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_administrator_holds_every_permission_and_is_told_the_whole_catalogue() {
    let app = TestApp::start().await;
    let tenant = app.tenant("whole", Placement::Schema).await;
    let admin = app.admin(&tenant).await;
    let catalogue = &app.kernel.registry.catalogue;
    let me = app.get(&admin, "me").await.ok();
    let held: BTreeSet<String> = me["grants"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(held, catalogue.permissions());
    let told = app.get(&admin, "catalogue").await.ok();
    let names = |part: &str| -> BTreeSet<String> { told[part].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect() };
    assert_eq!(names("resources"), catalogue.resources.keys().cloned().collect());
    assert_eq!(names("reports"), catalogue.reports.keys().cloned().collect());
    assert_eq!(names("commands"), catalogue.commands.values().filter(|spec| !spec.internal).map(|spec| spec.name.to_string()).collect());
    for resource in told["resources"].as_array().unwrap() {
        app.send(app.request("GET", &admin, resource["path"].as_str().unwrap())).await.ok();
    }
    for report in told["reports"].as_array().unwrap() {
        app.send(app.request("GET", &admin, report["path"].as_str().unwrap())).await.ok();
    }
    app.close().await;
}
