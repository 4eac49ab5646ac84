//! The doors beside the plain reads: imports and screens show and accept nothing of another tenant or beyond the width.
//!
//! By reflection over the catalogue, over the worlds of [`crate::scopes`]: what should be visible is computed by the owner.

mod screens;

use crate::app::{Answer, TestApp, User};
use crate::scopes::World;
use crate::seed::mark;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use steward_kernel::principal::Scope;
use steward_kernel::{Field, Kind, Resource, ids};
use steward_migrations::Placement;
use uuid::Uuid;

const T: Scope = Scope::Tenant;

async fn two(placement: Placement) -> (TestApp, World, World) {
    let app = TestApp::start().await;
    let here = World::make(&app, "here", 'a', placement).await;
    let there = World::make(&app, "there", 'b', placement).await;
    (app, here, there)
}

fn resources(app: &TestApp) -> impl Iterator<Item = &Resource> {
    app.kernel.registry.catalogue.resources.values().map(AsRef::as_ref)
}

/// Every reading permission at one width, but the named one at another.
fn reading<'a>(app: &'a TestApp, scope: Scope, but: Option<(&str, Scope)>) -> BTreeMap<&'a str, Scope> {
    let catalogue = &app.kernel.registry.catalogue;
    let of_resources = catalogue.resources.values().map(|resource| resource.permission.as_ref());
    let all = of_resources.chain(catalogue.reports.values().map(|report| report.permission.as_ref()));
    all.map(|permission: &str| (permission, but.filter(|(named, _)| *named == permission).map_or(scope, |(_, other)| other))).collect()
}

async fn grant(app: &TestApp, world: &World, grants: &BTreeMap<&str, Scope>) {
    app.set_grants(&world.tenant, world.me.role, &grants.iter().map(|(permission, scope)| (*permission, *scope)).collect::<Vec<_>>()).await;
}

/// Ids of a resource that are out of sight, and those of the other tenant.
struct Hidden {
    seen: BTreeSet<Uuid>,
    beyond: BTreeSet<Uuid>,
    foreign: BTreeSet<Uuid>,
}

impl Hidden {
    async fn of(app: &TestApp, here: &World, there: &World, resource: &Resource, scope: Option<Scope>) -> Self {
        let (seen, _) = here.within(app, resource, scope).await;
        let (all, _) = here.within(app, resource, Some(T)).await;
        let (foreign, _) = there.within(app, resource, Some(T)).await;
        assert!(!all.is_empty() && !foreign.is_empty(), "{} has no rows", resource.name);
        Self { beyond: all.difference(&seen).copied().collect(), seen, foreign }
    }
    fn all(&self) -> impl Iterator<Item = &Uuid> {
        self.beyond.iter().chain(&self.foreign)
    }
}

async fn import(app: &TestApp, user: &User, resource: &Resource, parameters: &str, csv: String) -> Answer {
    let path = format!("/api/v1/{}/import?{parameters}", resource.path());
    app.send(app.request("POST", user, &path).header("Content-Type", "text/csv").body(csv)).await
}

/// How many rows there are of everything.
async fn census(app: &TestApp, world: &World) -> Vec<String> {
    let mut sql = "SELECT 'external ' || count(*) FROM kernel_external_id WHERE tenant_id = app.tenant()".to_owned();
    for resource in resources(app) {
        // What the test itself grants does not count.
        let but = if resource.name == "identity.role_grant" { format!("AND role_id <> '{}'", world.me.role) } else { String::new() };
        write!(
            sql,
            " UNION ALL SELECT '{} ' || count(*) || ' ' || coalesce(sum(version), 0) FROM {} WHERE tenant_id = app.tenant() {but}",
            resource.name, resource.table
        )
        .unwrap();
    }
    app.column(&world.tenant, &sql).await
}

/// The references of a command's inputs: header of the column, and the resource.
fn references(inputs: &[Field], before: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for field in inputs {
        match &field.kind {
            Kind::Reference(target) => found.push((format!("{before}{}", field.name), target.to_string())),
            Kind::Lines(fields) => found.extend(references(fields, &format!("{before}{}[0].", field.name))),
            _ => {}
        }
    }
    found
}

/// Columns that a row needs: what is required, here and in the line that the wanted column stands in.
fn required(inputs: &[Field], before: &str, wanted: &str, known: &BTreeMap<String, Uuid>, row: &mut Vec<(String, String)>) {
    for field in inputs {
        let name = format!("{before}{}", field.name);
        if !field.required && !wanted.starts_with(&format!("{name}[")) {
            continue;
        }
        let mut put = |name: String, value: &str| row.push((name, value.to_owned()));
        match &field.kind {
            _ if name == wanted => {}
            Kind::Text { .. } if name.ends_with("currency") => put(name, "EUR"),
            Kind::Text { .. } if name.ends_with("unit") => put(name, "pcs"),
            Kind::Text { .. } | Kind::Texts => put(name, "import"),
            Kind::Boolean => put(name, "true"),
            Kind::Integer | Kind::Decimal => put(name, "1"),
            Kind::Money { .. } => {
                put(format!("{name}.amount"), "1");
                put(format!("{name}.currency"), "EUR");
            }
            Kind::Quantity { .. } => {
                put(format!("{name}.value"), "1");
                put(format!("{name}.unit"), "pcs");
            }
            Kind::Date => put(name, "2026-03-02"),
            Kind::Timestamp => put(name, "2026-03-02T09:00:00Z"),
            Kind::Choice(choices) => put(name, choices.first().unwrap()),
            Kind::Reference(target) => put(name, &known.get(target.as_ref()).copied().unwrap_or_else(ids::fresh).to_string()),
            Kind::Lines(fields) => required(fields, &format!("{name}[0]."), wanted, known, row),
        }
    }
}

fn csv(row: &[(String, String)], header: &str, values: &[String]) -> String {
    let others: Vec<&str> = row.iter().map(|(_, value)| value.as_str()).collect();
    let mut text = row.iter().map(|(name, _)| name.as_str()).chain([header]).collect::<Vec<_>>().join(",");
    for value in values {
        write!(text, "\n{}", others.iter().copied().chain([value.as_str()]).collect::<Vec<_>>().join(",")).unwrap();
    }
    text
}

/// The resource's records by the fields that a person names them by.
async fn names(app: &TestApp, world: &World, resource: &Resource, ids: &BTreeSet<Uuid>) -> Vec<String> {
    let mut found = Vec::new();
    let text = |name: &str| resource.find_field(name).filter(|field| matches!(field.kind, Kind::Text { .. }) && !field.column.is_empty());
    for field in ["code", "number", resource.title.as_ref()].into_iter().filter_map(text) {
        let ids = ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
        if !ids.is_empty() {
            let sql = format!(
                "SELECT t.{}::text FROM {} t WHERE t.id IN ({ids}) AND t.{} IS NOT NULL ORDER BY t.id LIMIT 2",
                field.column, resource.table, field.column
            );
            found.extend(app.column::<String>(&world.tenant, &sql).await);
        }
    }
    found.retain(|name| !name.is_empty() && !name.contains([',', '"']));
    found
}

/// What the import says of each row, without the value that the row was about.
fn said(report: &Value, row: usize, value: &str) -> Option<String> {
    let error = report["errors"].as_array().unwrap().iter().find(|error| error["row"] == row)?;
    let mut error = error.clone();
    error.as_object_mut().unwrap().remove("row");
    Some(error.to_string().replace(value, "VALUE"))
}

async fn imports_refuse(placement: Placement) {
    let (app, here, there) = two(placement).await;
    let catalogue = &app.kernel.registry.catalogue;
    for world in [&here, &there] {
        for resource in resources(&app) {
            let sql = format!(
                "INSERT INTO kernel_external_id (tenant_id, resource, source, external_id, entity_id, digest)
                 SELECT tenant_id, '{}', 'import', 'ext-' || id, id, '\\x00' FROM {} WHERE tenant_id = app.tenant()",
                resource.name, resource.table
            );
            app.poke(&world.tenant, &sql).await;
        }
    }
    let before = (census(&app, &here).await, census(&app, &there).await);
    let (mut inputs, mut accepted) = (0, 0);
    for resource in resources(&app) {
        let Some(spec) = resource.create.as_deref().and_then(|name| catalogue.commands.get(name)).filter(|spec| !spec.internal) else { continue };
        for (header, target) in references(&spec.inputs, "") {
            inputs += 1;
            let target = catalogue.resource(&target).unwrap();
            // All is readable but the target, of which he sees his own.
            let mut grants = reading(&app, T, Some((&target.permission, Scope::Own)));
            grants.insert(&spec.permission, T);
            grant(&app, &here, &grants).await;
            let hidden = Hidden::of(&app, &here, &there, target, Some(Scope::Own)).await;
            let mut known = BTreeMap::new();
            for other in resources(&app) {
                let scope = grants.get(other.permission.as_ref()).copied();
                known.extend(here.within(&app, other, scope).await.0.first().map(|id| (other.name.to_string(), *id)));
            }
            let mut row = Vec::new();
            required(&spec.inputs, "", &header, &known, &mut row);
            let some: Vec<Uuid> = hidden.beyond.iter().take(2).chain(hidden.foreign.iter().take(2)).copied().collect();
            let by_name: Vec<String> = [names(&app, &here, target, &hidden.beyond).await, names(&app, &there, target, &hidden.foreign).await].concat();
            // A name that a record in sight bears as well would be found.
            let seen_names = names(&app, &here, target, &hidden.seen).await;
            let by_name: Vec<String> = by_name.into_iter().filter(|name| !seen_names.contains(name)).collect();
            let own = hidden.seen.first();
            let forms = [
                ("id", ids::fresh().to_string(), some.iter().map(Uuid::to_string).collect(), own.map(Uuid::to_string)),
                ("ext", format!("ext:ext-{}", ids::fresh()), some.iter().map(|id| format!("ext:ext-{id}")).collect(), own.map(|id| format!("ext:ext-{id}"))),
                ("name", mark(catalogue, 'a', &target.name, 9), by_name, seen_names.first().cloned().filter(|_| hidden.seen.len() == 1)),
            ];
            for (form, absent, values, own) in forms {
                let what = format!("{} {header} by {form}", spec.name);
                let values: Vec<String> = [absent].into_iter().chain(values).collect();
                let bare = |value: &String| value.strip_prefix("ext:").unwrap_or(value).to_owned();
                for parameters in ["dry_run=true", ""] {
                    let report = import(&app, &here.me, resource, parameters, csv(&row, &header, &values)).await.ok();
                    assert_eq!(report["steps"][0]["failed"], values.len(), "{what}: {report}");
                    let expected = said(&report, 2, &bare(&values[0])).unwrap();
                    assert!(expected.contains(&format!("\"{header}\"")), "{what} fails for another reason: {expected}");
                    for (at, value) in values.iter().enumerate() {
                        assert_eq!(said(&report, at + 2, &bare(value)).as_ref(), Some(&expected), "{what}: {value} must read like absent");
                    }
                    // One in sight is found, whatever the rules say of it then.
                    if let Some(own) = own.as_ref().filter(|_| !parameters.is_empty()) {
                        let report = import(&app, &here.me, resource, parameters, csv(&row, &header, std::slice::from_ref(own))).await.ok();
                        assert_ne!(said(&report, 2, &bare(own)).as_ref(), Some(&expected), "{what}: {own} is in sight");
                        accepted += 1;
                    }
                }
            }
        }
    }
    assert!(inputs > 10 && accepted > 10, "{inputs} {accepted}");
    assert_eq!(before, (census(&app, &here).await, census(&app, &there).await), "a refused import wrote something");
    app.close().await;
}

#[tokio::test]
async fn an_import_finds_nothing_beyond_its_users_sight_in_the_shared_schema() {
    imports_refuse(Placement::Pooled).await;
}

#[tokio::test]
async fn an_import_finds_nothing_beyond_its_users_sight_in_a_schema_of_its_own() {
    imports_refuse(Placement::Schema).await;
}

#[tokio::test]
async fn who_may_not_create_may_not_import_and_the_attempt_is_on_record() {
    let (app, here, _there) = two(Placement::Pooled).await;
    let catalogue = &app.kernel.registry.catalogue;
    let before = census(&app, &here).await;
    for resource in resources(&app) {
        let Some(spec) = resource.create.as_deref().and_then(|name| catalogue.commands.get(name)).filter(|spec| !spec.internal) else { continue };
        let mut grants = reading(&app, T, None);
        grants.extend(catalogue.commands.values().filter(|other| other.permission != spec.permission).map(|other| (other.permission.as_ref(), T)));
        grants.remove(spec.permission.as_ref());
        grant(&app, &here, &grants).await;
        let mut row = Vec::new();
        required(&spec.inputs, "", "", &BTreeMap::new(), &mut row);
        let (header, value) = row.pop().unwrap();
        let refused = async || -> i64 {
            let sql = format!("SELECT count(*) FROM kernel_audit WHERE tenant_id = app.tenant() AND command = '{}' AND outcome = 'refused'", spec.name);
            app.peek(&here.tenant, &sql).await
        };
        for (times, parameters) in [(1, ""), (2, "dry_run=true")] {
            import(&app, &here.me, resource, parameters, csv(&row, &header, std::slice::from_ref(&value))).await.problem(403, "forbidden");
            assert_eq!(refused().await, times, "{}", spec.name);
        }
    }
    assert_eq!(before, census(&app, &here).await);
    app.close().await;
}

#[tokio::test]
async fn an_external_id_belongs_to_its_tenant() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let app = TestApp::start().await;
        let (here, there) = (app.tenant("here", placement).await, app.tenant("there", placement).await);
        let all = [("crm:party:read", T), ("crm:party:create", T), ("crm:party:update", T)];
        let (me, other) = (app.user(&here, "me", &all).await, app.user(&there, "other", &all).await);
        let parties = resources(&app).find(|resource| resource.name == "crm.party").unwrap();
        let bring = async |user: &User, key: &str, name: &str| {
            let report = import(&app, user, parties, "key=ref", format!("ref,name\n{key},{name}\n")).await.ok();
            let step = &report["steps"][0];
            ["created", "updated", "unchanged", "failed"].map(|count| step[count].as_u64().unwrap())
        };
        assert_eq!(bring(&me, "K1", "Alpha Eins").await, [1, 0, 0, 0]);
        assert_eq!(bring(&other, "K1", "Omega Letzte").await, [1, 0, 0, 0], "the other tenant's external id is in the way");
        assert_eq!(bring(&me, "K1", "Alpha Eins").await, [0, 0, 1, 0]);
        assert_eq!(bring(&me, "K1", "Alpha Zwei").await, [0, 1, 0, 0]);
        assert_eq!(bring(&other, "K1", "Omega Letzte").await, [0, 0, 1, 0], "the other tenant's record has changed");
        let sql = "SELECT string_agg(name, ',') FROM crm_party WHERE tenant_id = app.tenant()";
        assert_eq!(app.peek::<String>(&there, sql).await, "Omega Letzte");

        // One of the same tenant out of sight is neither changed nor shown.
        let own = all.map(|(permission, _)| (permission, Scope::Own));
        let narrow = app.user(&here, "narrow", &own).await;
        for name in ["Alpha Zwei", "Something Else"] {
            let answer = import(&app, &narrow, parties, "key=ref", format!("ref,name\nK1,{name}\n")).await;
            assert_eq!(answer.ok()["steps"][0]["failed"], 1, "{}", answer.text);
            let party: Uuid = app.peek(&here, "SELECT id FROM crm_party WHERE tenant_id = app.tenant()").await;
            assert!(!answer.text.contains(&party.to_string()) && !answer.text.contains("Alpha"), "{}", answer.text);
        }
        assert_eq!(app.peek::<String>(&here, sql).await, "Alpha Zwei");
        assert_eq!(bring(&narrow, "K2", "Eigene").await, [1, 0, 0, 0]);
        app.close().await;
    }
}
