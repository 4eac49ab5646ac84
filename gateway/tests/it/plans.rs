//! Lists stay fast: for every sortable field of every resource the planner serves the page after a cursor from an index,
//! under the policies, whether the reader sees the whole tenant or his own rows.

use crate::app::TestApp;
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

fn served(plan: &Value, resource: &Resource, column: &str, scope: Scope) -> bool {
    let (mut conditions, mut scanned) = (Vec::new(), false);
    walk(&plan[0]["Plan"], &mut conditions, &mut scanned);
    let names = |condition: &String, name: &str| condition.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == name);
    let by_owner = || scope == Scope::Own && resource.scope.owner.as_deref().is_some_and(|owner| conditions.iter().any(|condition| names(condition, owner)));
    !scanned && (conditions.iter().any(|condition| names(condition, column)) || by_owner())
}

#[tokio::test]
async fn every_sortable_field_is_served_by_an_index_under_the_policies() {
    let app = TestApp::start().await;
    let tenant = app.tenant("plans", Placement::Pooled).await;
    let catalogue = &app.kernel.registry.catalogue;
    let user = app.user(&tenant, "Reader", &[]).await;
    // A fiftieth of the rows is the reader's own.
    let mut places: Vec<Place> = (0..50).map(|_| Place { owner: ids::fresh(), department: ids::fresh(), company: ids::fresh() }).collect();
    places[0].owner = user.id;
    let plan = Plan { tenant: &tenant, catalogue, letter: 'a', rows: ROWS, places, loose: true };
    let mut slow = Vec::new();
    for resource in catalogue.resources.values() {
        let mut tx = app.owner.begin(&tenant.schema, tenant.id, "test.plans").await.unwrap();
        // Neither triggers nor foreign keys: only the sizes and the indices matter here.
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        plan.fill(&mut tx, resource).await;
        tx.commit().await.unwrap();
        sqlx::query(AssertSqlSafe(format!("ANALYZE {}.{}", tenant.schema, resource.table))).execute(app.owner.pool()).await.unwrap();

        for scope in [Scope::Tenant, Scope::Own] {
            if scope == Scope::Own && resource.scope.owner.is_none() {
                continue;
            }
            app.set_grants(&tenant, user.role, &[(&resource.permission, scope)]).await;
            for field in resource.fields.iter().filter(|field| field.sortable) {
                for descending in [false, true] {
                    let sort = vec![SortKey { field: field.name.to_string(), descending }];
                    let mut query = ListQuery { sort, limit: 20, ..ListQuery::new(resource.name.as_ref()) };
                    let mut read = app.kernel.read(&user.principal).await.unwrap();
                    query.cursor = read.list(&query).await.unwrap().next;
                    // Whoever owns himself owns one row.
                    if resource.scope.owner.as_deref() == Some("id") && scope == Scope::Own {
                        continue;
                    }
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
