//! Lists stay fast: for every sortable field of every resource the planner serves the page after a cursor from an index,
//! under the policies, at every width and under both placements.

use crate::app::{Tenant, TestApp, User};
use crate::scopes::SCOPES;
use crate::seed::{Place, Plan};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use steward_kernel::principal::Scope;
use steward_kernel::query::{ListQuery, SortKey};
use steward_kernel::{Resource, ids};
use steward_migrations::Placement;

const ROWS: u32 = 20_000;

/// The conditions that indices serve in a plan, and whether a whole table is read.
fn walk(plan: &Value, conditions: &mut Vec<String>, scanned: &mut bool) {
    *scanned |= plan["Node Type"].as_str().is_some_and(|kind| kind.contains("Seq Scan"));
    conditions.extend(plan["Index Cond"].as_str().map(str::to_owned));
    for below in plan["Plans"].as_array().into_iter().flatten() {
        walk(below, conditions, scanned);
    }
}

/// The column that a width narrows.
fn narrowed(resource: &Resource, scope: Scope) -> Option<&str> {
    match scope {
        Scope::Own | Scope::Team => resource.scope.owner.as_deref(),
        Scope::Department => resource.scope.department.as_deref(),
        Scope::Company => resource.scope.company.as_deref(),
        Scope::Tenant => None,
    }
}

/// An index bounds the page by the column that it is sorted by, or the rows by the column of the width.
fn served(plan: &Value, resource: &Resource, column: &str, scope: Scope) -> bool {
    let (mut conditions, mut scanned) = (Vec::new(), false);
    walk(&plan[0]["Plan"], &mut conditions, &mut scanned);
    let names = |condition: &String, name: &str| condition.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == name);
    let named = |name: &str| conditions.iter().any(|condition| names(condition, name));
    !scanned && (named(column) || narrowed(resource, scope).is_some_and(named))
}

/// The reader has a report and a department below his own: each width shows him a small part of the rows.
async fn organisation(app: &TestApp, tenant: &Tenant, user: &User, places: &mut [Place]) {
    places[0] = Place { owner: user.id, department: ids::fresh(), company: tenant.created.company };
    let (t, mine, below) = (tenant.id, places[0], places[1]);
    let sql = [
        format!("INSERT INTO identity_company (tenant_id, id, code, name, currency) VALUES ('{t}', '{}', '2', 'Second', 'EUR')", below.company),
        format!("INSERT INTO identity_department (tenant_id, id, name, company_id) VALUES ('{t}', '{}', 'Mine', '{}')", mine.department, mine.company),
        format!(
            "INSERT INTO identity_department (tenant_id, id, name, company_id, parent_id) VALUES ('{t}', '{}', 'Below', '{}', '{}')",
            below.department, mine.company, mine.department
        ),
        format!("UPDATE identity_user SET department_id = '{}' WHERE tenant_id = '{t}' AND id = '{}'", mine.department, user.id),
        format!(
            "INSERT INTO identity_user (tenant_id, id, name, email, company_id, manager_id) VALUES ('{t}', '{}', 'Report', 'report@plans.example', '{}', '{}')",
            below.owner, below.company, user.id
        ),
    ];
    for sql in sql {
        app.poke(tenant, &sql).await;
    }
}

async fn every_list_is_served(placement: Placement) {
    let app = TestApp::start().await;
    let tenant = app.tenant("plans", placement).await;
    let catalogue = &app.kernel.registry.catalogue;
    let user = app.user(&tenant, "Reader", &[]).await;
    // So many that no owner has the same company twice.
    let mut places: Vec<Place> = (0..150).map(|_| Place { owner: ids::fresh(), department: ids::fresh(), company: ids::fresh() }).collect();
    organisation(&app, &tenant, &user, &mut places).await;
    let plan = Plan { tenant: &tenant, catalogue, letter: 'a', rows: ROWS, places, loose: true };
    let mut slow = Vec::new();
    for resource in catalogue.resources.values() {
        let mut tx = app.owner.begin(&tenant.schema, tenant.id, "test.plans").await.unwrap();
        // Neither triggers nor foreign keys: only the sizes and the indices matter here.
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        plan.fill(&mut tx, resource).await;
        tx.commit().await.unwrap();
        sqlx::query(AssertSqlSafe(format!("ANALYZE {}.{}", tenant.schema, resource.table))).execute(app.owner.pool()).await.unwrap();

        for scope in SCOPES {
            // Whoever owns himself owns one row, and a department is one row of departments.
            if scope != Scope::Tenant && narrowed(resource, scope).is_none_or(|column| column == "id") {
                continue;
            }
            app.set_grants(&tenant, user.role, &[(&resource.permission, scope)]).await;
            for field in resource.fields.iter().filter(|field| field.sortable) {
                for descending in [false, true] {
                    let sort = vec![SortKey { field: field.name.to_string(), descending }];
                    let mut query = ListQuery { sort, limit: 20, ..ListQuery::new(resource.name.as_ref()) };
                    let mut read = app.kernel.read(&user.principal).await.unwrap();
                    query.cursor = read.list(&query).await.unwrap().next;
                    assert!(query.cursor.is_some(), "{} has too few rows for a second page at {}", resource.name, scope.as_str());
                    let explained = read.explain(&query).await.unwrap();
                    read.finish().await.unwrap();
                    let column = field.sort_column.as_ref().unwrap_or(&field.column);
                    if !served(&explained, resource, column, scope) {
                        slow.push(format!("{}.{} {} at {}: {explained}", resource.name, field.name, if descending { "down" } else { "up" }, scope.as_str()));
                    }
                }
            }
        }
    }
    assert!(slow.is_empty(), "{} lists are not served by an index:\n{}", slow.len(), slow.join("\n"));
    app.close().await;
}

#[tokio::test]
async fn every_sortable_field_is_served_by_an_index_under_the_policies_in_the_shared_schema() {
    every_list_is_served(Placement::Pooled).await;
}

#[tokio::test]
async fn every_sortable_field_is_served_by_an_index_under_the_policies_in_a_schema_of_its_own() {
    every_list_is_served(Placement::Schema).await;
}
