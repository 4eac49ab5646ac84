//! The walls in PostgreSQL itself: row-level security on every table, and roles that cannot step around it.

use crate::app::{Tenant, TestApp};
use std::collections::BTreeSet;
use steward_migrations::Placement;

#[derive(sqlx::FromRow, Debug)]
struct Table {
    schema: String,
    name: String,
    enabled: bool,
    forced: bool,
    partition: bool,
    tenant: bool,
    /// The first column of the primary key.
    key: Option<String>,
    /// Roles that serve requests and may read or write it.
    open_to: Vec<String>,
    policies: i64,
}

async fn tables(app: &TestApp, schemas: &[&str]) -> Vec<Table> {
    sqlx::query_as(
        "SELECT n.nspname::text AS schema, c.relname::text AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, c.relispartition AS partition,
                EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS tenant,
                (SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisprimary) AS key,
                ARRAY(SELECT r FROM unnest(ARRAY['steward_app', 'steward_relay', 'steward_login']) AS r
                       WHERE has_any_column_privilege(r, c.oid, 'SELECT') OR has_any_column_privilege(r, c.oid, 'INSERT') OR has_any_column_privilege(r, c.oid, 'UPDATE') OR has_table_privilege(r, c.oid, 'DELETE')) AS open_to,
                (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1) ORDER BY 1, 2",
    )
    .bind(schemas)
    .fetch_all(app.owner.pool())
    .await
    .unwrap()
}

async fn both(app: &TestApp) -> [Tenant; 2] {
    [app.tenant("pool", Placement::Pooled).await, app.tenant("own", Placement::Schema).await]
}

#[tokio::test]
async fn every_table_of_a_tenant_has_row_level_security_enabled_and_forced() {
    let app = TestApp::start().await;
    let [pooled, own] = both(&app).await;
    let tables = tables(&app, &[&pooled.schema, &own.schema, "kernel", "rag"]).await;
    assert!(tables.len() > 80, "{}", tables.len());
    let mut wrong = Vec::new();
    for table in &tables {
        let mut refuse = |what: &str| wrong.push(format!("{}.{}: {what}", table.schema, table.name));
        if table.partition {
            // A partition is reached through its parent only, behind the parent's policies.
            let open = !table.open_to.is_empty();
            if open && (!table.enabled || !table.forced) {
                refuse(&format!("a partition is open to {:?}", table.open_to));
            }
            continue;
        }
        if !table.tenant {
            if !matches!(table.schema.as_str(), "kernel" | "rag") && !table.open_to.is_empty() {
                refuse(&format!("has no tenant and is open to {:?}", table.open_to));
            }
            continue;
        }
        if !table.enabled {
            refuse("row-level security is not enabled");
        }
        if !table.forced {
            refuse("row-level security is not forced");
        }
        if table.policies == 0 {
            refuse("there is no policy");
        }
        if table.schema != "kernel" && table.key.as_deref() != Some("tenant_id") {
            refuse(&format!("the primary key begins with {:?}", table.key));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    app.close().await;
}

#[tokio::test]
async fn both_placements_have_the_same_tables_and_policies() {
    let app = TestApp::start().await;
    let [pooled, own] = both(&app).await;
    let sql = "SELECT c.relname || ' ' || p.polname || ' ' || p.polcmd::text || ' ' || coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
                 FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = current_schema()::regnamespace ORDER BY 1";
    let (first, second): (Vec<String>, Vec<String>) = (app.column(&pooled, sql).await, app.column(&own, sql).await);
    assert_eq!(first, second);
    assert!(first.len() > 60);
    app.close().await;
}

#[tokio::test]
async fn the_roles_that_serve_requests_own_nothing_and_cannot_step_around_the_policies() {
    let app = TestApp::start().await;
    both(&app).await;
    let mighty: Vec<String> = sqlx::query_scalar(
        "SELECT rolname::text FROM pg_roles WHERE rolname IN ('steward_app', 'steward_relay', 'steward_login') AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolcanlogin)",
    )
    .fetch_all(app.owner.pool())
    .await
    .unwrap();
    assert_eq!(mighty, Vec::<String>::new());
    let owned: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c WHERE c.relowner IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'steward\\_%')
         UNION ALL SELECT p.proname::text FROM pg_proc p WHERE p.proowner IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'steward\\_%')
         UNION ALL SELECT n.nspname::text FROM pg_namespace n WHERE n.nspowner IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'steward\\_%')",
    )
    .fetch_all(app.owner.pool())
    .await
    .unwrap();
    assert_eq!(owned, Vec::<String>::new());
    let member: Vec<String> = sqlx::query_scalar(
        "SELECT m.member::regrole::text || ' in ' || m.roleid::regrole::text FROM pg_auth_members m WHERE m.member IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'steward\\_%')",
    )
    .fetch_all(app.owner.pool())
    .await
    .unwrap();
    assert_eq!(member, Vec::<String>::new());
    app.close().await;
}

#[tokio::test]
async fn what_runs_with_the_owners_rights_names_its_search_path_and_is_not_for_everybody() {
    let app = TestApp::start().await;
    let [pooled, own] = both(&app).await;
    let loose: Vec<String> = sqlx::query_scalar(
        "SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
          WHERE p.prosecdef AND n.nspname IN ($1, $2, 'app', 'kernel', 'control', 'rag')
            AND (NOT EXISTS (SELECT FROM unnest(p.proconfig) AS c WHERE c LIKE 'search_path=%') OR has_function_privilege('public', p.oid, 'EXECUTE'))",
    )
    .bind(&pooled.schema)
    .bind(&own.schema)
    .fetch_all(app.owner.pool())
    .await
    .unwrap();
    assert_eq!(loose, Vec::<String>::new());
    app.close().await;
}

/// Without a unit of work a connection of the application sees nothing at all, under either placement.
#[tokio::test]
async fn a_connection_without_a_unit_of_work_sees_no_row() {
    let app = TestApp::start().await;
    let tenants = both(&app).await;
    let schemas: BTreeSet<&str> = tenants.iter().map(|tenant| tenant.schema.as_str()).collect();
    let schemas: Vec<&str> = schemas.into_iter().collect();
    let tables = tables(&app, &schemas).await;
    let mut seen = Vec::new();
    for table in tables.iter().filter(|table| table.tenant && table.open_to.iter().any(|role| role == "steward_app")) {
        let sql = format!("SELECT count(tenant_id) FROM {}.{}", table.schema, table.name);
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&app.kernel.database.app).await.unwrap();
        if rows > 0 {
            seen.push(format!("{}.{}: {rows}", table.schema, table.name));
        }
    }
    assert_eq!(seen, Vec::<String>::new());
    app.close().await;
}
