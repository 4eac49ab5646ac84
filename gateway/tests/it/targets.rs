//! No command touches a record outside of its user's width: by reflection over every command with a target.

use crate::app::TestApp;
use crate::scopes::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use steward_kernel::catalogue::last_of;
use steward_kernel::principal::Scope;
use steward_kernel::{Code, CommandSpec, Field, Kind, ids, input};
use steward_migrations::Placement;
use uuid::Uuid;

/// Inputs that must name something that exists before the record itself is looked at.
const NAMED: &[(&str, &str)] = &[
    ("permission", "crm:party:read"),
    ("time_zone", "Europe/Berlin"),
    ("email", "someone@test.example"),
    ("password", "correct horse battery"),
    ("currency", "EUR"),
    ("country", "DE"),
];

/// The required inputs, with references to records of the world that the user may read.
fn filled(fields: &[Field], target: Option<&str>, rows: &BTreeMap<String, Uuid>) -> Value {
    let mut value = input::example(fields, false);
    for field in fields.iter().filter(|field| field.required) {
        let name = field.name.as_ref();
        if Some(name) == target {
            continue;
        }
        match &field.kind {
            Kind::Reference(resource) => value[name] = json!(rows[resource.as_ref()]),
            Kind::Lines(fields) => value[name] = json!([filled(fields, None, rows)]),
            _ => {}
        }
        if let Some((_, named)) = NAMED.iter().find(|(known, _)| *known == name) {
            value[name] = json!(named);
        }
    }
    value
}

async fn rows(app: &TestApp, world: &World) -> BTreeMap<String, Uuid> {
    let mut rows = BTreeMap::new();
    for resource in app.kernel.registry.catalogue.resources.values() {
        let (ids, _) = world.within(app, resource, Some(Scope::Tenant)).await;
        rows.insert(resource.name.to_string(), *ids.first().unwrap());
    }
    rows
}

fn with_target(app: &TestApp, spec: &CommandSpec, rows: &BTreeMap<String, Uuid>, id: Uuid) -> Value {
    let mut input = filled(&spec.inputs, spec.target.as_deref(), rows);
    // A change of nothing would be refused for that.
    let optional = spec.inputs.iter().find(|field| !field.required && matches!(field.kind, Kind::Text { .. }));
    if let Some(field) =
        optional.filter(|_| app.kernel.registry.catalogue.resources.values().any(|resource| resource.update.as_deref() == Some(spec.name.as_ref())))
    {
        let named = NAMED.iter().find(|(known, _)| *known == field.name).map_or("text", |(_, named)| *named);
        input[field.name.as_ref()] = json!(named);
    }
    input[spec.target.as_deref().unwrap()] = json!(id);
    input
}

async fn out_of_reach(placement: Placement) {
    let app = TestApp::start().await;
    let here = World::make(&app, "here", 'a', placement).await;
    let there = World::make(&app, "there", 'b', placement).await;
    let catalogue = &app.kernel.registry.catalogue;
    let own_rows = rows(&app, &here).await;
    let mut wrong = Vec::new();
    for spec in catalogue.commands.values().filter(|spec| spec.target.is_some() && !spec.internal) {
        let resource = catalogue.resource(&spec.resource).unwrap();
        let Some(Kind::Reference(target)) = spec.inputs.iter().find(|field| Some(&field.name) == spec.target.as_ref()).map(|field| &field.kind) else {
            panic!("{}", spec.name)
        };
        assert_eq!(*target, resource.name, "{}", spec.name);
        let (all, _) = here.within(&app, resource, Some(Scope::Tenant)).await;
        let (foreign, _) = there.within(&app, resource, Some(Scope::Tenant)).await;
        // Everything may be read, so that nothing but the width of the command decides.
        let reading = |scope: Scope| -> Vec<(&str, Scope)> {
            let mut grants: BTreeMap<&str, Scope> = catalogue.resources.values().map(|resource| (resource.permission.as_ref(), Scope::Tenant)).collect();
            grants.insert(spec.permission.as_ref(), scope);
            grants.into_iter().collect()
        };
        for scope in [Scope::Own, Scope::Team, Scope::Department, Scope::Company, Scope::Tenant] {
            app.set_grants(&here.tenant, here.me.role, &reading(scope)).await;
            let (mine, _) = here.within(&app, resource, Some(scope)).await;
            let strangers = all.difference(&mine).chain(&foreign).copied().chain([ids::fresh()]);
            for id in strangers {
                match app.try_run(&here.me, &spec.name, with_target(&app, spec, &own_rows, id)).await {
                    Err(error) if error.code == Code::NotFound && error.message == format!("{} not found", resource.name) => {}
                    other => wrong.push(format!("{} at {} on a record out of reach: {other:?}", spec.name, scope.as_str())),
                }
            }
        }
        // On an own record it is not the width that refuses.
        app.set_grants(&here.tenant, here.me.role, &reading(Scope::Own)).await;
        let (mine, _) = here.within(&app, resource, Some(Scope::Own)).await;
        if let Some(id) = mine.first()
            && let Err(error) = app
                .kernel
                .preview(
                    &here.me.principal,
                    &[steward_kernel::bus::Step {
                        command: spec.name.to_string(),
                        input: with_target(&app, spec, &own_rows, *id),
                        name: None,
                        expected_version: None,
                    }],
                )
                .await
            && (matches!(error.code, Code::NotFound | Code::Internal | Code::Forbidden) && error.reason.is_none())
        {
            wrong.push(format!("{} on an own record: {error:?}", spec.name));
        }
        // Without the right nothing is looked at, and the refusal is written down.
        app.set_grants(&here.tenant, here.me.role, &[]).await;
        let before: i64 = app
            .peek(
                &here.tenant,
                &format!("SELECT count(*) FROM kernel_audit WHERE tenant_id = app.tenant() AND command = '{}' AND outcome = 'refused'", spec.name),
            )
            .await;
        let error = app.try_run(&here.me, &spec.name, with_target(&app, spec, &own_rows, *all.first().unwrap())).await.map(drop).unwrap_err();
        let after: i64 = app
            .peek(
                &here.tenant,
                &format!("SELECT count(*) FROM kernel_audit WHERE tenant_id = app.tenant() AND command = '{}' AND outcome = 'refused'", spec.name),
            )
            .await;
        if error.code != Code::Forbidden || after != before + 1 {
            wrong.push(format!("{} without the right: {error:?}, audits {before} → {after}", spec.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    app.close().await;
}

#[tokio::test]
async fn a_command_never_touches_a_record_beyond_the_width_in_the_shared_schema() {
    out_of_reach(Placement::Pooled).await;
}

#[tokio::test]
async fn a_command_never_touches_a_record_beyond_the_width_in_a_schema_of_its_own() {
    out_of_reach(Placement::Schema).await;
}

async fn batches(placement: Placement) {
    let app = TestApp::start().await;
    let here = World::make(&app, "here", 'a', placement).await;
    let there = World::make(&app, "there", 'b', placement).await;
    let catalogue = &app.kernel.registry.catalogue;
    let own_rows = rows(&app, &here).await;
    for spec in catalogue.commands.values().filter(|spec| spec.target.is_some() && !spec.internal) {
        let resource = catalogue.resource(&spec.resource).unwrap();
        app.set_grants(&here.tenant, here.me.role, &[(&spec.permission, Scope::Own), (&resource.permission, Scope::Own)]).await;
        let (mine, _) = here.within(&app, resource, Some(Scope::Own)).await;
        let (all, _) = here.within(&app, resource, Some(Scope::Tenant)).await;
        let (foreign, _) = there.within(&app, resource, Some(Scope::Tenant)).await;
        let Some(hidden) = all.difference(&mine).next() else { continue };
        let rows: Vec<Value> = [*hidden, *foreign.first().unwrap(), ids::fresh()].into_iter().map(|id| with_target(&app, spec, &own_rows, id)).collect();
        let answer = app.post(&here.me, &format!("{}/{}/batch", resource.path(), last_of(&spec.name)), &json!({ "rows": rows })).await.ok();
        let mut errors: Vec<Value> = answer["results"].as_array().unwrap().iter().map(|result| result["error"].clone()).collect();
        errors.iter_mut().for_each(|error| drop(error.as_object_mut().unwrap_or_else(|| panic!("{}: {answer}", spec.name)).remove("correlation_id")));
        assert_eq!(errors.len(), 3);
        assert!(errors.iter().all(|error| *error == errors[2]), "{}: {errors:?}", spec.name);
    }
    app.close().await;
}

#[tokio::test]
async fn a_batch_answers_for_a_record_beyond_the_width_as_for_none_in_the_shared_schema() {
    batches(Placement::Pooled).await;
}

#[tokio::test]
async fn a_batch_answers_for_a_record_beyond_the_width_as_for_none_in_a_schema_of_its_own() {
    batches(Placement::Schema).await;
}
