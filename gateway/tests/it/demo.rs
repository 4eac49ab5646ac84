//! The demo company: what is in it, what its log-ins may see, and that it is the same everywhere and however often filled.
//! Run with the tier `full` (`cargo xtask full`).

use crate::app::{Tenant, TestApp, User, id_of};
use crate::company::checksum;
use serde_json::{Value, json};
use steward_gateway::demo::{self, Login, Logins};
use steward_migrations::Created;
use uuid::Uuid;

async fn fill(app: &TestApp, slug: &str) -> (Tenant, Logins, String) {
    let told = std::sync::Mutex::new(String::new());
    let logins = demo::company(&app.state, slug, &|line| *told.lock().unwrap() = line.to_owned()).await.unwrap();
    let placement = app.kernel.tenants.find(slug).await.unwrap();
    // Only the tenant's own id is asked for: nobody of the demo is known by an id.
    let created = Created { tenant: placement.tenant, company: Uuid::nil(), administrator: Uuid::nil() };
    let tenant = Tenant { id: placement.tenant, slug: slug.into(), schema: placement.schema.clone(), created };
    (tenant, logins, told.into_inner().unwrap())
}

/// The first log-in that fits, as the demo announces it.
async fn log_in(app: &TestApp, logins: &Logins, fits: impl Fn(&Login) -> bool) -> User {
    let login = logins.users.iter().find(|login| fits(login)).unwrap();
    let told = app.login(&logins.tenant, &login.email, login.password).await.ok();
    let token = told["access_token"].as_str().unwrap().to_owned();
    let principal = app.state.auth.authenticate(&token).await.unwrap();
    User { id: id_of(&told["user"]["id"]), role: Uuid::nil(), token, principal }
}

async fn count(app: &TestApp, tenant: &Tenant, what: &str) -> i64 {
    app.peek(tenant, &format!("SELECT count(*) FROM {what}")).await
}

/// What the company consists of, by names and numbers instead of ids.
async fn contents(app: &TestApp, tenant: &Tenant) -> Vec<(&'static str, i64, String)> {
    let mut told = Vec::new();
    for (what, columns, from) in [
        ("companies", "c.code, c.name, c.currency, c.country", "identity_company c WHERE c.tenant_id = app.tenant()"),
        (
            "users",
            "u.number, u.name, u.position, d.name, m.number, (SELECT string_agg(r.name, ',' ORDER BY r.name) FROM identity_user_role g JOIN identity_role r USING (tenant_id) WHERE g.tenant_id = u.tenant_id AND g.user_id = u.id AND r.id = g.role_id)",
            "identity_user u LEFT JOIN identity_department d ON d.tenant_id = u.tenant_id AND d.id = u.department_id LEFT JOIN identity_user m ON m.tenant_id = u.tenant_id AND m.id = u.manager_id WHERE u.tenant_id = app.tenant()",
        ),
        (
            "parties",
            "p.code, p.name, p.is_customer, p.is_supplier, u.number",
            "crm_party p LEFT JOIN identity_user u ON u.tenant_id = p.tenant_id AND u.id = p.owner_id WHERE p.tenant_id = app.tenant()",
        ),
        (
            "activities",
            "a.kind, a.subject, a.due_date, p.name",
            "crm_activity a JOIN crm_party p ON p.tenant_id = a.tenant_id AND p.id = a.party_id WHERE a.tenant_id = app.tenant()",
        ),
        ("items", "i.code, i.name, i.unit, i.sales_price, i.reorder_level, i.on_hand, i.discontinued", "inventory_item i WHERE i.tenant_id = app.tenant()"),
        (
            "orders",
            "o.number, o.status, o.order_date, o.shipped_date, o.currency, o.net_total, o.backordered, p.name, u.number",
            "sales_order o JOIN crm_party p ON p.tenant_id = o.tenant_id AND p.id = o.customer_id JOIN identity_user u ON u.tenant_id = o.tenant_id AND u.id = o.owner_id WHERE o.tenant_id = app.tenant()",
        ),
        (
            "lines",
            "o.number, l.position, i.code, l.quantity, l.amount, l.backordered",
            "sales_line l JOIN sales_order o ON o.tenant_id = l.tenant_id AND o.id = l.order_id JOIN inventory_item i ON i.tenant_id = l.tenant_id AND i.id = l.item_id WHERE l.tenant_id = app.tenant()",
        ),
        (
            "stock",
            "i.code, w.code, s.on_hand, s.reserved",
            "inventory_stock s JOIN inventory_item i ON i.tenant_id = s.tenant_id AND i.id = s.item_id JOIN inventory_warehouse w ON w.tenant_id = s.tenant_id AND w.id = s.warehouse_id WHERE s.tenant_id = app.tenant()",
        ),
        ("employees", "e.number, e.name, e.position, e.hire_date, e.salary", "hr_employee e WHERE e.tenant_id = app.tenant()"),
        ("documents", "d.title, d.status", "documents_document d WHERE d.tenant_id = app.tenant()"),
        ("budgets", "b.name, b.scope, b.metric, b.period, b.cap", "ai_budget b WHERE b.tenant_id = app.tenant()"),
        (
            "alias rules",
            "a.alias, a.effect, u.number",
            "ai_alias_rule a LEFT JOIN identity_user u ON u.tenant_id = a.tenant_id AND u.id = a.user_id WHERE a.tenant_id = app.tenant()",
        ),
        ("masking rules", "r.name, r.action, r.words", "ai_rule r WHERE r.tenant_id = app.tenant()"),
        (
            "prompt versions",
            "p.name, p.active_number, v.number, v.note, v.body",
            "ai_prompt p JOIN ai_prompt_version v ON v.tenant_id = p.tenant_id AND v.prompt_id = p.id WHERE p.tenant_id = app.tenant()",
        ),
    ] {
        let rows = format!("(SELECT concat_ws('|', {columns}) AS line FROM {from}) AS rows");
        let digest: String = app.peek(tenant, &format!("SELECT md5(string_agg(line, E'\\n' ORDER BY line COLLATE \"C\")) FROM {rows}")).await;
        told.push((what, count(app, tenant, &rows).await, digest));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "fills the company twice, which takes a minute or two; the tier `full` runs it"]
async fn the_demo_company_is_whole_has_clearly_different_log_ins_and_is_the_same_everywhere() {
    let app = TestApp::start().await;
    let (tenant, logins, _) = fill(&app, "demo").await;
    let whole = contents(&app, &tenant).await;
    let counted = |name: &str| whole.iter().find(|(what, ..)| *what == name).unwrap().1;
    assert_eq!((counted("companies"), counted("users"), counted("parties"), counted("items"), counted("orders")), (2, 25, 200, 80, 3_000));
    assert_eq!(count(&app, &tenant, "identity_department").await, 4);
    assert_eq!(counted("employees"), 25, "everybody is employed");
    assert_eq!((counted("budgets"), counted("alias rules"), counted("masking rules"), counted("prompt versions")), (2, 2, 1, 2));
    assert_eq!((count(&app, &tenant, "ai_request").await, count(&app, &tenant, "ai_alert").await), (0, 0), "no call is made up");
    let days: i64 = app.peek(&tenant, "SELECT (max(order_date) - min(order_date))::bigint FROM sales_order").await;
    assert!((700..=732).contains(&days), "two years, not {days} days");
    let states: Vec<String> = app.column(&tenant, "SELECT DISTINCT status FROM sales_order ORDER BY 1").await;
    assert_eq!(states, ["cancelled", "confirmed", "done", "draft", "processing", "quotation"]);
    assert_eq!(count(&app, &tenant, "inventory_check()").await, 0);
    assert_eq!(logins.users.len(), 25);
    rights(&app, &tenant, &logins).await;

    let before = checksum(&app, &tenant).await;
    let (_, again, told) = fill(&app, "demo").await;
    assert!(told.contains("everything is there already"), "{told}");
    assert_eq!((again.users.len(), checksum(&app, &tenant).await), (25, before), "a second fill changes nothing");

    // As if an earlier program had filled it and people had said the same of models: what is theirs stays, and the fill goes through.
    app.poke(&tenant, "DELETE FROM kernel_external_id WHERE tenant_id = app.tenant() AND resource LIKE 'ai.%'").await;
    fill(&app, "demo").await;
    assert_eq!(contents(&app, &tenant).await, whole);

    let day =
        async |tenant: &Tenant| app.peek::<String>(tenant, "SELECT min(created_at)::date::text FROM identity_company WHERE tenant_id = app.tenant()").await;
    let (mut first, mut second) = (tenant, fill(&app, "second").await.0);
    if day(&first).await != day(&second).await {
        // Midnight came between: the dates of a demo end on its first day.
        first = second;
        second = fill(&app, "third").await.0;
    }
    assert_eq!(contents(&app, &first).await, contents(&app, &second).await, "the demo company is the same everywhere");
    app.close().await;
}

/// A representative sees his own orders, the head of sales those of his people, the warehouse all and no salary, the
/// administrator everything; and each may do what belongs to that.
async fn rights(app: &TestApp, tenant: &Tenant, logins: &Logins) {
    let of_role = |role: &'static str| log_in(app, logins, move |login| login.role == role);
    let (representative, manager) = (of_role("sales-representative").await, of_role("sales-manager").await);
    let (warehouse, admin) = (of_role("warehouse").await, of_role("administrator").await);
    // The head of sales of the second company, who leads some of those who sell.
    let head = log_in(app, logins, |login| login.role == "sales-manager" && login.external_id.as_deref() == Some("120")).await;

    let of_team = |user: &User| {
        format!(
            "sales_order o WHERE o.owner_id IN (WITH RECURSIVE team AS (SELECT id FROM identity_user WHERE id = '{}' UNION SELECT u.id FROM identity_user u JOIN team t ON u.manager_id = t.id) SELECT id FROM team)",
            user.id
        )
    };
    let sees = async |user: &User| app.get(user, "sales/orders/aggregate?measure=count").await.items()[0]["count"].clone();
    let own = count(app, tenant, &format!("sales_order WHERE owner_id = '{}'", representative.id)).await;
    assert!((1..1_000).contains(&own), "{own}");
    assert_eq!(sees(&representative).await, own);
    let team = count(app, tenant, &of_team(&head)).await;
    assert!(team > own && team < 3_000, "{team}");
    assert_eq!(sees(&head).await, team);
    // The managing director stands above all who sell.
    assert_eq!((sees(&manager).await, count(app, tenant, &of_team(&manager)).await), (json!(3_000), 3_000));
    assert_eq!((sees(&warehouse).await, sees(&admin).await), (json!(3_000), json!(3_000)));

    let grants = async |user: &User| app.get(user, "me").await.ok()["grants"].clone();
    for (user, permission, width) in [
        (&representative, "sales:order:confirm", json!("own")),
        (&representative, "sales:order:assign", Value::Null),
        (&representative, "inventory:stock:receive", Value::Null),
        (&head, "sales:order:confirm", json!("team")),
        (&head, "sales:order:assign", json!("team")),
        (&warehouse, "inventory:stock:receive", json!("tenant")),
        (&warehouse, "sales:order:confirm", Value::Null),
        (&warehouse, "hr:employee:salary", Value::Null),
        (&admin, "identity:role:grant", json!("tenant")),
        (&admin, "sales:order:bring_in", json!("tenant")),
    ] {
        assert_eq!(grants(user).await[permission], width, "{permission}");
    }
    for user in [&representative, &head, &warehouse] {
        app.get(user, "identity/roles").await.problem(403, "forbidden");
    }
    app.get(&admin, "identity/roles").await.ok();
}
