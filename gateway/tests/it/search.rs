//! Search through its doors: REST, the box of every page, and the page that it leads to.
//!
//! What holds for retrieval itself is tested in its crate, over engines that a test makes stale; here it is held to what
//! the modules declare and to what comes out of the sockets.

use crate::app::{Answer, Tenant, TestApp, User, id, id_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use steward_gateway::config::EmbedderEngine;
use steward_kernel::principal::Scope;
use steward_migrations::Placement;
use uuid::Uuid;

const PARTIES: (&str, Scope) = ("crm:party:read", Scope::Tenant);

async fn start() -> TestApp {
    TestApp::configured(Vec::new(), |config| config.embedder.engine = EmbedderEngine::Hashed).await
}

async fn settle(app: &TestApp) {
    app.state.indexer.settle().await.unwrap();
}

async fn party(app: &TestApp, user: &User, name: &str, note: &str) -> Uuid {
    id(&app.run(user, "crm.party.create", json!({ "name": name, "is_customer": true, "currency": "EUR", "note": note })).await)
}

async fn find(app: &TestApp, user: &User, q: &str) -> Answer {
    app.query(user, "search", &[("q", q)]).await
}

/// The page as the script of the box asks for it.
async fn typed(app: &TestApp, user: &User, q: &str) -> Answer {
    let request = app.client.get(format!("{}/search", app.base)).query(&[("q", q)]).header("HX-Request", "true");
    app.send(request.header("Cookie", format!("steward_session={}", user.token))).await
}

async fn searched(app: &TestApp, user: &User, q: &str) -> Answer {
    let request = app.client.get(format!("{}/search", app.base)).query(&[("q", q)]);
    app.send(request.header("Cookie", format!("steward_session={}", user.token))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_found_by_what_it_says() {
    let app = start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let alfki = party(&app, &admin, "Alfreds Futterkiste", "Pays late, but always pays.").await;
    party(&app, &admin, "Blauer See Delikatessen", "Closed on Mondays.").await;
    settle(&app).await;
    let body = find(&app, &admin, "who pays late").await.ok();
    assert_eq!((&body["partial"], &body["degraded"]), (&json!(false), &json!([])));
    let first = &body["items"][0];
    assert_eq!((first["resource"].as_str(), id_of(&first["id"]), first["title"].as_str()), (Some("crm.party"), alfki, Some("Alfreds Futterkiste")));
    assert_eq!(first["snippet"], "Pays late, but always pays.");
    assert_eq!(first["highlights"]["snippet"], json!([[0, 4], [5, 9], [22, 26]]));
    assert_eq!(first["citation"], json!({ "field": "note", "span": [0, 27] }));
    // The beginning of a word is one only where it is asked for.
    assert!(find(&app, &admin, "futterk").await.items().is_empty());
    assert_eq!(app.query(&admin, "search", &[("q", "futterk"), ("prefix", "true")]).await.ids(), [alfki]);
    assert_eq!(app.query(&admin, "search", &[("q", "pays late"), ("resource", "sales.order,crm.party"), ("limit", "1")]).await.ids(), [alfki]);
    assert!(app.query(&admin, "search", &[("q", "pays late"), ("resource", "sales.order")]).await.items().is_empty());
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_understood_is_a_problem_with_a_code() {
    let app = start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let long = "x".repeat(1_001);
    /// Parameters, and the status and code of the problem that they end in.
    type Bad<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);
    let cases: [Bad<'_>; 11] = [
        (&[], 422, "invalid_input"),
        (&[("q", "")], 422, "invalid_input"),
        (&[("q", " \t ")], 422, "invalid_input"),
        (&[("q", &long)], 422, "invalid_input"),
        (&[("q", "a\0b")], 422, "invalid_input"),
        (&[("q", "x"), ("limit", "0")], 400, "bad_request"),
        (&[("q", "x"), ("limit", "51")], 400, "bad_request"),
        (&[("q", "x"), ("q", "y")], 400, "bad_request"),
        (&[("q", "x"), ("prefix", "maybe")], 400, "bad_request"),
        (&[("q", "x"), ("resource", "")], 400, "bad_request"),
        (&[("q", "x"), ("page", "2")], 400, "bad_request"),
    ];
    for (parameters, status, code) in cases {
        app.query(&admin, "search", parameters).await.problem(status, code);
    }
    let forged = app.request("GET", &admin, "/api/v1/search").query(&[("q", "x")]).header("Steward-Position", "12");
    app.send(forged).await.problem(400, "bad_request");
    app.send(app.client.get(format!("{}/api/v1/search?q=x", app.base))).await.problem(401, "unauthenticated");
    app.post(&admin, "search", &json!({})).await.problem(405, "method_not_allowed");
    // Whatever is typed is only words.
    for q in ["\"a OR (b", "title:* AND -x", "%_\\", "'; DROP TABLE crm_party; --", "🦀\u{301}", "?"] {
        find(&app, &admin, q).await.ok();
    }
    let document = app.get(&admin, "openapi.json").await.ok();
    assert_eq!(document["paths"]["/api/v1/search"]["get"]["operationId"], "search");
    app.close().await;
}

/// Answers through all three doors.
async fn told(app: &TestApp, user: &User, q: &str) -> [String; 3] {
    [find(app, user, q).await.text, typed(app, user, q).await.text, searched(app, user, q).await.text]
}

async fn nothing_beyond_the_askers_sight_is_told(placement: Placement) {
    let app = start().await;
    let [here, there] = [app.tenant("here", placement).await, app.tenant("there", placement).await];
    let [ada, eve] = [app.admin(&here).await, app.admin(&there).await];
    let mine = party(&app, &ada, "Zanzibar Spices", "The saffron is theirs.").await;
    let theirs = party(&app, &eve, "Zanzibar Traders", "The saffron is ours.").await;
    let own = app.user(&here, "Own", &[("crm:party:read", Scope::Own)]).await;
    let nobody = app.user(&here, "Nobody", &[]).await;
    settle(&app).await;
    assert_eq!(find(&app, &ada, "zanzibar saffron").await.ids(), [mine]);
    assert_eq!(find(&app, &eve, "zanzibar saffron").await.ids(), [theirs]);
    for (asker, q) in [(&own, "zanzibar"), (&nobody, "saffron"), (&nobody, "zanzibar")] {
        // What is not permitted reads like what does not exist, to the byte.
        let plain = |texts: [String; 3]| texts.map(|text| text.replace(q, "Q"));
        let [hidden, absent] = [told(&app, asker, q).await, told(&app, asker, "nosuchword").await];
        assert_eq!(plain(hidden), absent.map(|text| text.replace("nosuchword", "Q")), "{q}");
    }
    for text in told(&app, &ada, "zanzibar saffron").await {
        assert!(text.contains("Spices") && !text.contains("Traders") && !text.contains(&theirs.to_string()));
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_beyond_the_askers_sight_is_told_in_the_shared_schema() {
    nothing_beyond_the_askers_sight_is_told(Placement::Pooled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_beyond_the_askers_sight_is_told_in_a_schema_of_its_own() {
    nothing_beyond_the_askers_sight_is_told(Placement::Schema).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_grant_and_a_later_change_count_at_once() {
    let app = start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let reader = app.user(&tenant, "Reader", &[PARTIES]).await;
    let alfki = party(&app, &admin, "Alfreds Futterkiste", "Pays late.").await;
    settle(&app).await;
    assert_eq!(find(&app, &reader, "late").await.ids(), [alfki]);
    // The indexer does not run again.
    let changed = app.request("PATCH", &admin, &format!("/api/v1/crm/parties/{alfki}")).header("If-Match", "*").json(&json!({ "note": "Pays early." }));
    app.send(changed).await.ok();
    assert!(find(&app, &reader, "late").await.items().is_empty());
    assert_eq!(find(&app, &reader, "futterkiste").await.ids(), [alfki]);
    app.set_grants(&tenant, reader.role, &[]).await;
    assert!(find(&app, &reader, "futterkiste").await.items().is_empty());
    app.set_grants(&tenant, reader.role, &[PARTIES]).await;
    app.send(app.request("DELETE", &admin, &format!("/api/v1/crm/parties/{alfki}"))).await.ok();
    assert!(find(&app, &reader, "futterkiste").await.items().is_empty());
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_write_is_found_by_its_position() {
    let app = start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let post = async |name: &str| {
        let made = app.post(&admin, "crm/parties", &json!({ "name": name, "is_customer": true, "currency": "EUR" })).await;
        (id_of(&made.ok()["id"]), made.header("steward-position").to_owned())
    };
    let (first, position) = post("Alfreds Futterkiste").await;
    let find_from = async |position: &str, q: &str| {
        let body = app.send(app.request("GET", &admin, "/api/v1/search").query(&[("q", q)]).header("Steward-Position", position)).await;
        (body.ids(), body.json()["degraded"].clone())
    };
    // Before there is an index at all.
    assert_eq!(find_from(&position, "alfreds").await, (vec![first], json!(["names_only"])));
    settle(&app).await;
    assert_eq!(find_from(&position, "alfreds").await, (vec![first], json!([])));
    let (second, position) = post("Alfreds Nachfolger").await;
    let (found, degraded) = find_from(&position, "alfreds").await;
    assert_eq!((found.into_iter().collect::<BTreeSet<_>>(), degraded), (BTreeSet::from([first, second]), json!(["index_behind"])));
    settle(&app).await;
    let (found, degraded) = find_from(&position, "alfreds").await;
    assert_eq!((found.into_iter().collect::<BTreeSet<_>>(), degraded), (BTreeSet::from([first, second]), json!([])));
    app.close().await;
}

async fn document(app: &TestApp, tenant: &Tenant, admin: &User, title: &str, on: Option<Uuid>) -> Uuid {
    let subject = on.map_or_else(|| json!({}), |id| json!({ "subject_resource": "crm.party", "subject_id": id }));
    let mut input = json!({ "title": title, "body": "# Rebates\n\nThe rebate for zeppelins is four per cent." });
    input.as_object_mut().unwrap().extend(subject.as_object().unwrap().clone());
    let made = id(&app.run(admin, "documents.document.create", input).await);
    // For everybody who may read documents at all, as what the system brings in is.
    app.poke(tenant, &format!("UPDATE documents_document SET owner_id = NULL, department_id = NULL, company_id = NULL WHERE id = '{made}'")).await;
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_hangs_on_an_invisible_record_is_not_found() {
    let app = start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let clerk = app.user(&tenant, "Clerk", &[("crm:party:read", Scope::Own), ("documents:document:read", Scope::Own)]).await;
    let [his, hidden] = [party(&app, &admin, "Montgolfier", "").await, party(&app, &admin, "Blanchard", "").await];
    app.poke(&tenant, &format!("UPDATE crm_party SET owner_id = '{}' WHERE id = '{his}'", clerk.id)).await;
    let for_all = document(&app, &tenant, &admin, "Price list", None).await;
    let on_his = document(&app, &tenant, &admin, "Agreement", Some(his)).await;
    let on_hidden = document(&app, &tenant, &admin, "Secret agreement", Some(hidden)).await;
    settle(&app).await;
    let found = async |user: &User| {
        let items = app.query(user, "search", &[("q", "rebate zeppelins"), ("resource", "documents.document")]).await;
        items.ids().into_iter().collect::<BTreeSet<_>>()
    };
    assert_eq!(found(&admin).await, BTreeSet::from([for_all, on_his, on_hidden]));
    assert_eq!(found(&clerk).await, BTreeSet::from([for_all, on_his]));
    for text in told(&app, &clerk, "rebate zeppelins").await {
        assert!(!text.contains("Secret") && !text.contains(&on_hidden.to_string()));
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_masked_field_is_in_an_answer_to_who_may_not_see_it() {
    let app = start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let insert = format!(
        "INSERT INTO hr_employee (tenant_id, id, number, name, user_id, position, company_id, hire_date, salary, currency, salary_from)
         VALUES ('{0}', gen_random_uuid(), 'E-1', 'Nancy Davolio', '{1}', 'Aeronaut', '{2}', '2020-01-01', 98765.43, 'EUR', '2020-01-01')",
        tenant.id, admin.id, tenant.created.company
    );
    app.poke(&tenant, &insert).await;
    let reader = app.user(&tenant, "Reader", &[("hr:employee:read", Scope::Tenant)]).await;
    settle(&app).await;
    assert_eq!(find(&app, &reader, "aeronaut").await.items().len(), 1);
    for q in ["aeronaut", "nancy davolio 98765.43", "98765.43", "9876543", "salary"] {
        for text in told(&app, &reader, q).await {
            assert!(!text.replace(q, "").contains("98765"), "{q}");
        }
    }
    assert!(find(&app, &reader, "98765.43").await.items().is_empty());
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_box_stands_on_every_page_and_what_it_finds_leads_to_the_record() {
    let app = start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let name = "<img src=x onerror=alert(1)> & Söhne";
    let made = party(&app, &admin, name, "Sells <script>alert(1)</script> by the kilo.").await;
    settle(&app).await;
    let link = format!("href=\"/app/crm/parties/{made}\"");
    for path in ["/", "/app/chat", "/app/crm/parties", &format!("/app/crm/parties/{made}"), "/search"] {
        let page = app.page(&admin, path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.text.matches("id=\"find\"").count(), 1, "{path}");
        assert!(page.text.contains("action=\"/search\""), "{path}");
    }
    let fragment = typed(&app, &admin, "söh").await;
    assert_eq!(fragment.status, 200);
    assert!(!fragment.text.contains("<html") && fragment.text.contains(&link), "{}", fragment.text);
    assert!(fragment.text.contains("<mark>Söhne</mark>") && fragment.text.contains("Parties"), "{}", fragment.text);
    let page = searched(&app, &admin, "sells kilo").await;
    assert!(page.text.contains("<html") && page.text.contains(&link));
    assert!(page.text.contains("<mark>Sells</mark> &lt;script&gt;alert(1)&lt;/script&gt; by the <mark>kilo</mark>"), "{}", page.text);
    for text in [&fragment.text, &page.text] {
        assert!(!text.contains("<img src=x") && !text.contains("<script>alert"));
    }
    // What was asked stands in the box, escaped.
    let asked = searched(&app, &admin, "\"><script>alert(2)</script>").await;
    assert!(!asked.text.contains("<script>alert(2)"));
    assert_eq!(typed(&app, &admin, " ").await.text, "");
    assert_eq!(searched(&app, &admin, &"x".repeat(2_000)).await.status, 422);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_are_shown_to_nobody() {
    let app = start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    party(&app, &admin, "Alfreds Futterkiste", "Pays late.").await;
    settle(&app).await;
    let body = find(&app, &admin, "late").await.ok();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&body), ["items", "partial", "degraded"]);
    assert_eq!(names(&body["items"][0]), ["resource", "id", "version", "title", "snippet", "highlights", "citation"]);
    app.close().await;
}
