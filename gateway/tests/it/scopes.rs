//! Nobody sees a row of another tenant or outside of his width: by reflection over the catalogue, for every resource and
//! report, every width and every way to ask, under both placements.
//!
//! What should be visible is computed by the owner with plain SQL over the scope's columns, not by the policies.

use crate::app::{Answer, Tenant, TestApp, User};
use crate::seed::{self, Place, Plan, in_order, mark, marks};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use steward_kernel::catalogue::Name;
use steward_kernel::principal::Scope;
use steward_kernel::{Kind, Resource, ids};
use steward_migrations::Placement;
use uuid::Uuid;

pub(crate) const SCOPES: [Scope; 5] = [Scope::Own, Scope::Team, Scope::Department, Scope::Company, Scope::Tenant];
/// Rows of each resource of each tenant.
pub(crate) const ROWS: u32 = 5;

/// A tenant with an organisation of two companies, three departments and four users, and rows in every table.
pub(crate) struct World {
    pub(crate) tenant: Tenant,
    pub(crate) me: User,
    pub(crate) report: Uuid,
    pub(crate) places: Vec<Place>,
    companies: Vec<Uuid>,
    departments: Vec<Uuid>,
}

impl World {
    pub(crate) async fn make(app: &TestApp, slug: &str, letter: char, placement: Placement) -> Self {
        let tenant = app.tenant(slug, placement).await;
        let me = app.user(&tenant, "me", &[]).await;
        let catalogue = &app.kernel.registry.catalogue;
        let named = |resource: &str, row: u32| mark(catalogue, letter, resource, row);
        let first = tenant.created.company;
        let (second, sales, below, stores) = (ids::fresh(), ids::fresh(), ids::fresh(), ids::fresh());
        let [report, peer, stranger] = [ids::fresh(), ids::fresh(), ids::fresh()];
        let mut sql = String::new();
        let t = tenant.id;
        writeln!(sql, "UPDATE identity_company SET name = '{}' WHERE tenant_id = '{t}' AND id = '{first}';", named("identity.company", 1)).unwrap();
        writeln!(
            sql,
            "INSERT INTO identity_company (tenant_id, id, code, name, currency) VALUES ('{t}', '{second}', '2', '{}', 'EUR');",
            named("identity.company", 2)
        )
        .unwrap();
        for (row, id, company, parent) in [(1, sales, first, None), (2, below, first, Some(sales)), (3, stores, second, None)] {
            let parent = parent.map_or("NULL".to_owned(), |parent| format!("'{parent}'"));
            let name = named("identity.department", row);
            writeln!(
                sql,
                "INSERT INTO identity_department (tenant_id, id, name, company_id, parent_id) VALUES ('{t}', '{id}', '{name}', '{company}', {parent});"
            )
            .unwrap();
        }
        writeln!(
            sql,
            "UPDATE identity_user SET name = '{}', department_id = '{sales}' WHERE tenant_id = '{t}' AND id = '{}';",
            named("identity.user", 1),
            me.id
        )
        .unwrap();
        for (row, id, company, department, manager) in
            [(2, report, second, stores, Some(me.id)), (3, peer, first, below, None), (4, stranger, second, stores, None)]
        {
            let manager = manager.map_or("NULL".to_owned(), |manager| format!("'{manager}'"));
            let name = named("identity.user", row);
            writeln!(sql, "INSERT INTO identity_user (tenant_id, id, name, email, company_id, department_id, manager_id) VALUES ('{t}', '{id}', '{name}', '{name}', '{company}', '{department}', {manager});").unwrap();
        }
        let places = vec![
            Place { owner: me.id, department: sales, company: first },
            Place { owner: report, department: stores, company: second },
            Place { owner: peer, department: below, company: first },
            Place { owner: stranger, department: stores, company: second },
            Place { owner: stranger, department: stores, company: first },
        ];
        let plan = Plan { tenant: &tenant, catalogue, letter, rows: ROWS, places: places.clone(), loose: false };
        let mut tx = app.owner.begin(&tenant.schema, tenant.id, "test.world").await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
        for resource in in_order(catalogue) {
            // The organisation stands already; of the settings there is one record.
            if !matches!(resource.name.as_ref(), "identity.user" | "identity.company" | "identity.department" | "platform.settings" | "ai.settings") {
                plan.fill(&mut tx, resource).await;
            }
        }
        tx.commit().await.unwrap();
        Self { tenant, me, report, places, companies: vec![first], departments: vec![sales, below] }
    }

    /// The rows that lie within a width, in SQL; `None` shows nothing.
    fn predicate(&self, resource: &Resource, scope: Option<Scope>) -> String {
        let within = |column: &Option<Name>, ids: &[Uuid]| match column {
            Some(column) => format!("t.{column} IN ({})", ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ")),
            None => "false".into(),
        };
        // Where rows without a place are open, one's own are one's own at any width.
        let or_own = |placed: String| if resource.scope.open { format!("({placed} OR {})", within(&resource.scope.owner, &[self.me.id])) } else { placed };
        match scope {
            None => "false".into(),
            Some(Scope::Own) => within(&resource.scope.owner, &[self.me.id]),
            Some(Scope::Team) => within(&resource.scope.owner, &[self.me.id, self.report]),
            Some(Scope::Department) => or_own(within(&resource.scope.department, &self.departments)),
            Some(Scope::Company) => or_own(within(&resource.scope.company, &self.companies)),
            Some(Scope::Tenant) => "true".into(),
        }
    }

    /// Ids and marks of the rows that lie within a width.
    pub(crate) async fn within(&self, app: &TestApp, resource: &Resource, scope: Option<Scope>) -> (BTreeSet<Uuid>, BTreeSet<String>) {
        let condition = format!("FROM {} t WHERE t.tenant_id = '{}' AND {}", resource.table, self.tenant.id, self.predicate(resource, scope));
        let ids: Vec<Uuid> = app.column(&self.tenant, &format!("SELECT t.id {condition}")).await;
        let text: Option<String> = app.peek(&self.tenant, &format!("SELECT string_agg(t::text, ' ') {condition}")).await;
        (ids.into_iter().collect(), marks(&text.unwrap_or_default()))
    }
}

/// Whoever asks sees only marks that he may.
#[track_caller]
fn clean(answer: &Answer, allowed: &BTreeSet<String>, what: &str) {
    let strange: Vec<String> = marks(&answer.text).difference(allowed).cloned().collect();
    assert!(strange.is_empty(), "{what} shows {strange:?}: {}", answer.text);
    assert!(answer.status < 500, "{what}: {}", answer.text);
}

/// A problem without what differs from request to request.
fn body(answer: &Answer) -> Value {
    let mut body = answer.json();
    if let Some(body) = body.as_object_mut() {
        body.remove("correlation_id");
    }
    body
}

async fn ask_everything(app: &TestApp, here: &World, there: &World, resource: &Resource, scope: Option<Scope>) {
    let catalogue = &app.kernel.registry.catalogue;
    let grants: Vec<(&str, Scope)> = scope.map(|scope| (resource.permission.as_ref(), scope)).into_iter().collect();
    app.set_grants(&here.tenant, here.me.role, &grants).await;
    let (me, path) = (&here.me, resource.path());
    let what = |way: &str| format!("{way} of {} at {scope:?}", resource.name);
    let (expected, _) = here.within(app, resource, scope).await;
    let mut allowed = BTreeSet::new();
    for other in catalogue.resources.values().filter(|other| other.permission == resource.permission) {
        allowed.extend(here.within(app, other, scope).await.1);
    }
    let (all, _) = here.within(app, resource, Some(Scope::Tenant)).await;
    let (foreign, _) = there.within(app, resource, Some(Scope::Tenant)).await;
    assert!(!all.is_empty() && !foreign.is_empty(), "{} has no rows", resource.name);

    if scope.is_none() {
        for way in ["", "/aggregate?measure=count", "/export"] {
            let answer = app.get(me, &format!("{path}{way}")).await;
            answer.problem(403, "forbidden");
            clean(&answer, &allowed, &what(way));
        }
        for id in all.iter().chain(&foreign) {
            app.get(me, &format!("{path}/{id}")).await.problem(403, "forbidden");
            app.get(me, &format!("{path}/{id}/history")).await.problem(403, "forbidden");
        }
        return;
    }

    let archived: &[(&str, &str)] = if resource.archivable { &[("filter[archived]", "any")] } else { &[] };
    let ask = async |way: &str, parameters: &[(&str, &str)]| {
        let parameters = [archived, parameters].concat();
        let answer = app.query(me, &format!("{path}{way}"), &parameters).await;
        clean(&answer, &allowed, &what(&format!("{way} {parameters:?}")));
        answer
    };
    // All pages.
    let listed = async |parameters: &[(&str, &str)]| -> BTreeSet<Uuid> {
        let (mut found, mut cursor) = (BTreeSet::new(), None::<String>);
        loop {
            let page: Vec<(&str, &str)> = parameters.iter().copied().chain(cursor.as_deref().map(|cursor| ("cursor", cursor))).collect();
            let page = ask("", &page).await;
            found.extend(page.ids());
            match page.json()["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break found,
            }
        }
    };

    assert_eq!(listed(&[("limit", "200")]).await, expected, "{}", what("the list"));
    let list = ask("", &[("limit", "1"), ("count", "true")]).await;
    assert_eq!(list.json()["count"]["value"], expected.len(), "{}", what("the count"));
    for field in resource.fields.iter().filter(|field| field.sortable && field.permission.is_none()) {
        assert_eq!(listed(&[("limit", "200"), ("sort", &format!("-{}", field.name))]).await, expected, "{}", what(&format!("the order by {}", field.name)));
    }
    let every: Vec<String> = all.iter().chain(&foreign).map(Uuid::to_string).collect();
    let mut found = BTreeSet::new();
    for some in every.chunks(100) {
        found.extend(listed(&[("limit", "200"), ("filter[id][in]", &some.join(","))]).await);
    }
    assert_eq!(found, expected, "{}", what("the filter by id"));
    if let Some(title) = resource.find_field(&resource.title) {
        // A picker asks for what begins so.
        if title.prefix_column.is_some() {
            assert!(listed(&[("limit", "200"), (&format!("filter[{}][starts]", title.name), "WALL")]).await.is_subset(&expected));
        }
        if matches!(title.kind, Kind::Text { .. }) && title.filterable {
            for row in 1..=ROWS {
                for letter in ['a', 'b'] {
                    let mark = mark(catalogue, letter, &resource.name, row);
                    assert!(listed(&[(&format!("filter[{}]", title.name), &mark)]).await.is_subset(&expected));
                }
            }
        }
    }
    let count = ask("/aggregate", &[("measure", "count")]).await.items();
    assert_eq!(count.first().map_or(0, |row| row["count"].as_u64().unwrap()), expected.len() as u64, "{}", what("the aggregate"));
    for measure in resource.measures.iter().filter(|measure| measure.permission.is_none()) {
        ask("/aggregate", &[("measure", &measure.name)]).await;
    }
    for field in resource.fields.iter().filter(|field| field.filterable && field.permission.is_none()) {
        match &field.kind {
            Kind::Reference(target) => {
                let title = &catalogue.resource(target).unwrap().title;
                let groups = ask("/aggregate", &[("measure", "count"), ("group", &field.name), ("limit", "1000")]).await.items();
                assert_eq!(groups.iter().map(|row| row["count"].as_u64().unwrap()).sum::<u64>(), expected.len() as u64, "{}", what("the groups"));
                for id in foreign.iter().chain(there.places.iter().map(|place| &place.owner)).take(3) {
                    assert!(
                        listed(&[(&format!("filter[{}]", field.name), &id.to_string())]).await.is_empty(),
                        "{}",
                        what("a filter by somebody else's record")
                    );
                }
                // Where the referred table cannot be read this is refused, else it finds nothing of the others.
                for letter in ['a', 'b'] {
                    let mark = mark(catalogue, letter, target, 4);
                    let answer = ask("", &[(&format!("filter[{}.{title}]", field.name), &mark)]).await;
                    assert!(answer.status >= 400 || answer.ids().into_iter().all(|id| expected.contains(&id)), "{}", answer.text);
                }
            }
            Kind::Choice(_) | Kind::Boolean => {
                let groups = ask("/aggregate", &[("measure", "count"), ("group", &field.name)]).await.items();
                assert_eq!(groups.iter().map(|row| row["count"].as_u64().unwrap()).sum::<u64>(), expected.len() as u64, "{}", what("the groups"));
            }
            _ => {}
        }
    }
    let export = ask("/export", &[]).await;
    assert_eq!(export.status, 200, "{}", export.text);
    for id in all.union(&foreign).filter(|id| !expected.contains(id)) {
        assert!(!export.text.lines().any(|line| line.starts_with(&id.to_string())), "{} has {id}", what("the export"));
    }
    assert_eq!(export.text.lines().skip(1).count(), expected.len(), "{}: {}", what("the export"), export.text);

    let nobody = ids::fresh();
    for way in ["", "/history"] {
        let absent = app.get(me, &format!("{path}/{nobody}{way}")).await;
        absent.problem(404, "not_found");
        for id in all.iter().chain(&foreign) {
            let answer = app.get(me, &format!("{path}/{id}{way}")).await;
            if expected.contains(id) {
                assert_eq!(answer.status, 200, "{}: {}", what(way), answer.text);
                clean(&answer, &allowed, &what(way));
            } else {
                assert_eq!((answer.status, body(&answer)), (404, body(&absent)), "{}: out of sight must read like absent", what(way));
            }
        }
    }
}

async fn no_row_beyond(placement: Placement) {
    let app = TestApp::start().await;
    let here = World::make(&app, "here", 'a', placement).await;
    let there = World::make(&app, "there", 'b', placement).await;
    for resource in app.kernel.registry.catalogue.resources.values() {
        for scope in [None].into_iter().chain(SCOPES.map(Some)) {
            ask_everything(&app, &here, &there, resource, scope).await;
        }
    }
    app.close().await;
}

#[tokio::test]
async fn no_row_of_another_tenant_or_beyond_the_width_is_seen_in_the_shared_schema() {
    no_row_beyond(Placement::Pooled).await;
}

#[tokio::test]
async fn no_row_of_another_tenant_or_beyond_the_width_is_seen_in_a_schema_of_its_own() {
    no_row_beyond(Placement::Schema).await;
}

#[tokio::test]
async fn a_report_shows_only_what_its_reader_may_see() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let app = TestApp::start().await;
        let here = World::make(&app, "here", 'a', placement).await;
        let _there = World::make(&app, "there", 'b', placement).await;
        let catalogue = &app.kernel.registry.catalogue;
        let permissions: BTreeSet<&str> = catalogue.resources.values().map(|resource| resource.permission.as_ref()).collect();
        for report in catalogue.reports.values() {
            let (module, name) = report.name.split_once('.').unwrap();
            let path = format!("{module}/reports/{name}");
            app.set_grants(&here.tenant, here.me.role, &[]).await;
            app.get(&here.me, &path).await.problem(403, "forbidden");
            for scope in SCOPES {
                let mut grants: Vec<(&str, Scope)> = permissions.iter().map(|permission| (*permission, scope)).collect();
                grants.extend((!permissions.contains(report.permission.as_ref())).then_some((report.permission.as_ref(), scope)));
                app.set_grants(&here.tenant, here.me.role, &grants).await;
                let mut allowed = BTreeSet::new();
                for resource in catalogue.resources.values() {
                    allowed.extend(here.within(&app, resource, Some(scope)).await.1);
                }
                let answer = app.get(&here.me, &path).await;
                answer.ok();
                clean(&answer, &allowed, &format!("{} at {}", report.name, scope.as_str()));
            }
        }
        app.close().await;
    }
}

async fn titles(placement: Placement) {
    let app = TestApp::start().await;
    let here = World::make(&app, "here", 'a', placement).await;
    let catalogue = &app.kernel.registry.catalogue;
    let permissions: BTreeSet<&str> = catalogue.resources.values().map(|resource| resource.permission.as_ref()).collect();
    for resource in catalogue.resources.values() {
        // This resource wholly, all others as far as they are his own.
        let grants: Vec<(&str, Scope)> =
            permissions.iter().map(|permission| (*permission, if *permission == resource.permission { Scope::Tenant } else { Scope::Own })).collect();
        app.set_grants(&here.tenant, here.me.role, &grants).await;
        let mut allowed = BTreeSet::new();
        for other in catalogue.resources.values() {
            let scope = if other.permission == resource.permission { Scope::Tenant } else { Scope::Own };
            allowed.extend(here.within(&app, other, Some(scope)).await.1);
        }
        let list = app.query(&here.me, &resource.path(), &[("limit", "200")]).await;
        list.ok();
        clean(&list, &allowed, &format!("the list of {}", resource.name));
        clean(&app.get(&here.me, &format!("{}/export", resource.path())).await, &allowed, &format!("the export of {}", resource.name));
        for field in resource.fields.iter().filter(|field| matches!(field.kind, Kind::Reference(_)) && field.filterable) {
            let groups = app.query(&here.me, &format!("{}/aggregate", resource.path()), &[("measure", "count"), ("group", &field.name)]).await;
            clean(&groups, &allowed, &format!("{} by {}", resource.name, field.name));
        }
        for id in list.ids() {
            clean(&app.get(&here.me, &format!("{}/{id}", resource.path())).await, &allowed, &format!("a detail of {}", resource.name));
            clean(&app.get(&here.me, &format!("{}/{id}/history", resource.path())).await, &allowed, &format!("the history of {}", resource.name));
        }
    }
    app.close().await;
}

#[tokio::test]
async fn titles_behind_references_are_those_that_the_reader_may_see_in_the_shared_schema() {
    titles(Placement::Pooled).await;
}

#[tokio::test]
async fn titles_behind_references_are_those_that_the_reader_may_see_in_a_schema_of_its_own() {
    titles(Placement::Schema).await;
}

async fn cursors(placement: Placement) {
    let app = TestApp::start().await;
    let here = World::make(&app, "here", 'a', placement).await;
    let there = World::make(&app, "there", 'b', placement).await;
    for resource in app.kernel.registry.catalogue.resources.values() {
        for world in [&here, &there] {
            app.set_grants(&world.tenant, world.me.role, &[(&resource.permission, Scope::Tenant)]).await;
        }
        let page = app.query(&there.me, &resource.path(), &[("limit", "1")]).await.ok();
        let Some(cursor) = page["next"].as_str() else { continue };
        app.query(&here.me, &resource.path(), &[("limit", "1"), ("cursor", cursor)]).await.problem(400, "bad_request");
        let mut forged = cursor.to_owned();
        let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
        forged.push(last);
        app.query(&there.me, &resource.path(), &[("limit", "1"), ("cursor", &forged[1..])]).await.problem(400, "bad_request");
        app.query(&there.me, &resource.path(), &[("limit", "1"), ("cursor", cursor), ("filter[id][eq]", &there.me.id.to_string())])
            .await
            .problem(400, "bad_request");
    }
    app.close().await;
}

#[tokio::test]
async fn a_cursor_of_another_tenant_or_a_forged_one_opens_nothing_in_the_shared_schema() {
    cursors(Placement::Pooled).await;
}

#[tokio::test]
async fn a_cursor_of_another_tenant_or_a_forged_one_opens_nothing_in_a_schema_of_its_own() {
    cursors(Placement::Schema).await;
}

#[test]
fn marks_are_found_in_any_text() {
    assert_eq!(seed::marks("x wallb07x12, \"p:walla01x3\" wall wallet walla"), BTreeSet::from(["walla01x3".to_owned(), "wallb07x12".to_owned()]));
}
