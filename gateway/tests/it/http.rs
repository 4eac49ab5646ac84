//! The door itself: bad input gets a clear 4xx, good answers their headers, lists page without gaps.

use crate::app::{Answer, TestApp, User, id, id_of};
use crate::shop::{Shop, T};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use steward_kernel::ids;
use steward_migrations::Placement;

#[track_caller]
fn refused(what: &str, answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str().unwrap_or("")), (status, code), "{what}: {}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    let body = answer.json();
    assert_eq!(body["status"], status, "{what}");
    assert_eq!(body["correlation_id"], answer.header("x-correlation-id"), "{what}");
    assert!(!body["detail"].as_str().unwrap().is_empty() && !body["title"].as_str().unwrap().is_empty(), "{what}");
    // Nothing of the inside is told.
    for word in ["sqlx", "SELECT", "panicked", "postgres", "syntax error"] {
        assert!(!answer.text.contains(word), "{what}: {}", answer.text);
    }
}

#[tokio::test]
async fn bad_input_gets_a_clear_problem_with_a_stable_code() {
    let shop = Shop::open().await;
    let (app, admin) = (&shop.app, &shop.admin);
    let order = shop.quotation(admin, "1").await;
    let raw =
        |method: &str, path: &str, kind: &str, body: Vec<u8>| -> RequestBuilder { app.request(method, admin, path).header("Content-Type", kind).body(body) };
    let post = |path: &str, body: &str| raw("POST", path, "application/json", body.as_bytes().to_vec());
    let get = |path: &str, parameters: &[(&str, &str)]| app.request("GET", admin, path).query(parameters);
    let (parties, orders, nobody) = ("/api/v1/crm/parties", "/api/v1/sales/orders", ids::fresh());
    let customer = shop.customer;
    let huge = format!("{{\"name\": \"{}\"}}", "x".repeat(2 << 20));
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let long = "x".repeat(300);
    let table: Vec<(&str, RequestBuilder, u16, &str)> = vec![
        // The body as such.
        ("malformed JSON", post(parties, "{\"name\": "), 400, "bad_request"),
        ("no JSON at all", post(parties, "name=Ernst"), 400, "bad_request"),
        ("JSON that is no object", post(parties, "[1, 2]"), 400, "bad_request"),
        ("JSON that goes too deep", post(parties, &deep), 400, "bad_request"),
        ("a byte that is no UTF-8", raw("POST", parties, "application/json", vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}']), 400, "bad_request"),
        ("a huge body", post(parties, &huge), 413, "too_large"),
        ("a form", raw("POST", parties, "application/x-www-form-urlencoded", b"name=Ernst".to_vec()), 415, "unsupported_media_type"),
        ("plain text", raw("POST", parties, "text/plain", b"{\"name\": \"E\"}".to_vec()), 415, "unsupported_media_type"),
        // Its fields.
        ("an unknown field", post(parties, "{\"name\": \"E\", \"tenant_id\": \"x\"}"), 422, "invalid_input"),
        ("a missing field", post(parties, "{}"), 422, "invalid_input"),
        ("a wrong type", post(parties, "{\"name\": 7}"), 422, "invalid_input"),
        ("an object for a text", post(parties, "{\"name\": {\"$ne\": 1}}"), 422, "invalid_input"),
        ("a text that is too long", post(parties, &format!("{{\"name\": \"{long}\"}}")), 422, "invalid_input"),
        ("a zero byte", post(parties, "{\"name\": \"a\\u0000b\"}"), 422, "invalid_input"),
        ("a control character", post(parties, "{\"name\": \"a\\tb\"}"), 422, "invalid_input"),
        ("half a surrogate", post(parties, "{\"name\": \"\\ud800\"}"), 400, "bad_request"),
        ("a choice that is none", post(parties, "{\"name\": \"E\", \"kind\": \"robot\"}"), 422, "invalid_input"),
        ("money without a currency", post("/api/v1/inventory/items", "{\"name\": \"E\", \"sales_price\": {\"amount\": \"1\"}}"), 422, "invalid_input"),
        (
            "a number beyond all bounds",
            post("/api/v1/inventory/items", "{\"name\": \"E\", \"sales_price\": {\"amount\": \"1e400\", \"currency\": \"EUR\"}}"),
            422,
            "invalid_input",
        ),
        (
            "a date that is none",
            post(orders, &format!("{{\"customer\": \"{customer}\", \"lines\": [], \"order_date\": \"2026-02-30\"}}")),
            422,
            "invalid_input",
        ),
        ("an id that is none", post(orders, "{\"customer\": \"1 OR 1=1\", \"lines\": []}"), 422, "invalid_input"),
        ("a foreign id", post(orders, &format!("{{\"customer\": \"{nobody}\", \"lines\": []}}")), 422, "invalid_input"),
        (
            "another record in the body than in the path",
            post(&format!("{orders}/{order}/confirm"), &format!("{{\"order\": \"{nobody}\"}}")),
            422,
            "invalid_input",
        ),
        ("a batch without rows", post("/api/v1/crm/parties/create/batch", "{}"), 422, "invalid_input"),
        ("a batch with more than rows", post("/api/v1/crm/parties/create/batch", "{\"rows\": [{}], \"else\": 1}"), 422, "invalid_input"),
        ("a bad idempotency key", post(parties, "{\"name\": \"E\"}").header("Idempotency-Key", "a b"), 400, "bad_request"),
        ("an endless idempotency key", post(parties, "{\"name\": \"E\"}").header("Idempotency-Key", long.clone()), 400, "bad_request"),
        ("preview=maybe", post(&format!("{parties}?preview=maybe"), "{\"name\": \"E\"}"), 400, "bad_request"),
        ("an unknown parameter of a write", post(&format!("{parties}?force=true"), "{\"name\": \"E\"}"), 400, "bad_request"),
        // Addresses.
        ("an unknown resource", get("/api/v1/crm/unicorns", &[]), 404, "unknown_name"),
        ("an unknown module", get("/api/v1/nothing/parties", &[]), 404, "unknown_name"),
        ("a resource of another module", get("/api/v1/sales/parties", &[]), 404, "unknown_name"),
        ("an unknown route", get("/api/v2/x", &[]), 404, "unknown_name"),
        ("an unknown report", get("/api/v1/sales/reports/secrets", &[]), 404, "unknown_name"),
        ("an unknown command", post(&format!("{orders}/{order}/explode"), "{}"), 404, "unknown_name"),
        ("an unknown command without a target", post(&format!("{orders}/explode"), "{}"), 404, "unknown_name"),
        ("an internal command", post("/api/v1/inventory/reservations/reserve_available", "{}"), 404, "unknown_name"),
        ("an unknown record", get(&format!("{parties}/{nobody}"), &[]), 404, "not_found"),
        ("an id of another shape", get(&format!("{parties}/42"), &[]), 404, "not_found"),
        ("a command on an unknown record", post(&format!("{orders}/{nobody}/confirm"), "{}"), 404, "not_found"),
        ("SQL as an id", get(&format!("{parties}/1'%20OR%20'1'='1"), &[]), 404, "not_found"),
        ("an execution that is none", post(&format!("/api/v1/commands/{nobody}/undo"), "{}"), 404, "not_found"),
        ("a wrong method", raw("PUT", parties, "application/json", b"{}".to_vec()), 405, "method_not_allowed"),
        ("a method that this resource has not", raw("DELETE", &format!("{orders}/{order}"), "application/json", Vec::new()), 405, "method_not_allowed"),
        // Query strings.
        ("an unknown parameter", get(parties, &[("page", "2")]), 400, "bad_request"),
        ("an unknown field in a filter", get(parties, &[("filter[secret]", "x")]), 400, "bad_request"),
        ("a filter on SQL", get(parties, &[("filter[name; DROP TABLE crm_party]", "x")]), 400, "bad_request"),
        ("an unknown comparison", get(parties, &[("filter[name][like]", "%")]), 400, "bad_request"),
        ("a malformed filter", get(parties, &[("filter[name", "x")]), 400, "bad_request"),
        ("an empty filter", get(parties, &[("filter[]", "x")]), 400, "bad_request"),
        ("a zero byte in a filter", get(parties, &[("filter[name]", "a\0b")]), 422, "invalid_input"),
        ("a text for a number", get(orders, &[("filter[net_total][gt]", "1 OR 1=1")]), 422, "invalid_input"),
        ("a text for a date", get(orders, &[("filter[order_date]", "yesterday")]), 422, "invalid_input"),
        ("too many values", get(parties, &[("filter[id][in]", &vec![nobody.to_string(); 500].join(","))]), 422, "invalid_input"),
        ("a limit of zero", get(parties, &[("limit", "0")]), 422, "invalid_input"),
        ("a limit beyond the bound", get(parties, &[("limit", "100000")]), 422, "invalid_input"),
        ("a limit that is no number", get(parties, &[("limit", "ten")]), 422, "invalid_input"),
        ("an unknown sort key", get(parties, &[("sort", "note")]), 400, "bad_request"),
        ("SQL in a sort key", get(parties, &[("sort", "name;DROP TABLE crm_party")]), 400, "bad_request"),
        ("an unknown field in fields", get(parties, &[("fields", "name,password_hash")]), 400, "bad_request"),
        ("a forged cursor", get(parties, &[("cursor", "eyJpZCI6MX0")]), 400, "bad_request"),
        ("a cursor of odd characters", get(parties, &[("cursor", "Ω≈ç√∫˜µ")]), 400, "bad_request"),
        ("a parameter twice", get(parties, &[("limit", "1"), ("limit", "2")]), 400, "bad_request"),
        ("an unknown measure", get(&format!("{parties}/aggregate"), &[("measure", "love")]), 400, "bad_request"),
        ("an unknown group", get(&format!("{parties}/aggregate"), &[("group", "love")]), 400, "bad_request"),
        ("an unknown parameter of a report", get("/api/v1/sales/reports/backlog", &[("love", "x")]), 422, "invalid_input"),
        ("a foreign record in a report", get("/api/v1/sales/reports/backlog", &[("customer", &nobody.to_string())]), 422, "invalid_input"),
        ("an export as a spreadsheet", get(&format!("{parties}/export"), &[("format", "xlsx")]), 400, "bad_request"),
        ("a page of an export", get(&format!("{parties}/export"), &[("limit", "5")]), 400, "bad_request"),
        ("a history of too much", get(&format!("{parties}/{customer}/history"), &[("limit", "5000")]), 400, "bad_request"),
        // Who asks.
        ("nobody", app.client.get(format!("{}{parties}", app.base)), 401, "unauthenticated"),
        ("a token that is none", app.client.get(format!("{}{parties}", app.base)).bearer_auth("abc"), 401, "unauthenticated"),
        ("another scheme", app.client.get(format!("{}{parties}", app.base)).header("Authorization", "Basic YTpi"), 401, "unauthenticated"),
        ("another tenant's name beside the token", get(parties, &[]).header("X-Tenant-Id", "nobody"), 403, "forbidden"),
        (
            "a cookie without our own page",
            app.client.post(format!("{}{parties}", app.base)).header("Cookie", format!("steward_session={}", admin.token)).json(&json!({ "name": "E" })),
            403,
            "forbidden",
        ),
        (
            "a cookie from elsewhere",
            app.client
                .post(format!("{}{parties}", app.base))
                .header("Cookie", format!("steward_session={}", admin.token))
                .header("Origin", "https://evil.example")
                .json(&json!({ "name": "E" })),
            403,
            "forbidden",
        ),
    ];
    let mut wrong = Vec::new();
    for (what, request, status, code) in table {
        let answer = app.send(request).await;
        let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        if (answer.status, body["code"].as_str()) == (status, Some(code)) {
            refused(what, &answer, status, code);
        } else {
            wrong.push(format!("{what}: {status} {code} expected, {} {}", answer.status, answer.text.chars().take(300).collect::<String>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let parties: i64 = app.peek(&shop.tenant, "SELECT count(*) FROM crm_party").await;
    assert_eq!(parties, 1, "nothing of it was stored");
    shop.app.close().await;
}

#[tokio::test]
async fn odd_texts_are_values_like_others() {
    let shop = Shop::open().await;
    let (app, admin) = (&shop.app, &shop.admin);
    let odd = ["'; DROP TABLE crm_party; --", "Ünïcødé ＳＱＬ", "👩‍👩‍👧 \u{202e}txet", "a%b_c\\d", "\u{feff}mark", "=1+1", "Ĳsselmeer", "İstanbul", "ﬀ"];
    for name in odd {
        let made = app.post(admin, "crm/parties", &json!({ "name": name, "allow_duplicate": true })).await;
        assert_eq!(made.status, 201, "{name:?}: {}", made.text);
        let made = id_of(&made.json()["id"]);
        for (op, value) in [("eq", name), ("starts", name), ("in", &name.replace(['\\', ','], "?"))] {
            let answer = app.query(admin, "crm/parties", &[(&format!("filter[name][{op}]"), value)]).await;
            assert_eq!(answer.status, 200, "{name:?} {op}: {}", answer.text);
            if op != "in" {
                assert!(answer.ids().contains(&made), "{name:?} {op}: {}", answer.text);
            }
        }
    }
    assert_eq!(app.query(admin, "crm/parties", &[("filter[name][starts]", "a%")]).await.items().len(), 1);
    assert_eq!(app.query(admin, "crm/parties", &[("filter[name][starts]", "ERNST h")]).await.items().len(), 1);
    let export = app.get(admin, "crm/parties/export").await;
    assert!(!export.text.lines().any(|line| line.contains(",=1+1") || line.starts_with("=1+1")), "a cell must not be taken for a formula: {}", export.text);
    let left: i64 = app.peek(&shop.tenant, "SELECT count(*) FROM crm_party").await;
    assert_eq!(left as usize, odd.len() + 1);
    shop.app.close().await;
}

#[tokio::test]
async fn every_answer_protects_the_browser_and_names_its_request() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    for path in ["/api/v1/me", "/api/v1/nothing/at/all", "/healthz", "/login", "/api/v1/openapi.json"] {
        let answer = app.send(app.request("GET", &admin, path)).await;
        for (name, value) in [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "same-origin")] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert!(answer.header("content-security-policy").contains("default-src 'self'"), "{path}");
        assert!(
            !answer.header("content-security-policy").contains("unsafe-inline") || path == "/api/docs",
            "{path}: {}",
            answer.header("content-security-policy")
        );
        assert!(answer.header("cache-control").contains("no-"), "{path}");
        assert!(!answer.header("x-correlation-id").is_empty(), "{path}");
        assert!(answer.headers.get("server").is_none());
    }
    // What no browser shows needs less.
    for path in ["/v1/models", "/v1/models/unknown"] {
        let answer = app.send(app.request("GET", &admin, path)).await;
        assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), ("nosniff", "no-store"), "{path}");
        assert!(!answer.header("x-correlation-id").is_empty() && !answer.header("x-request-id").is_empty(), "{path}");
    }
    let ready = app.send(app.client.get(format!("{}/readyz", app.base))).await.ok();
    assert_eq!(ready["status"], "ok");
    let metrics = app.send(app.client.get(format!("{}/metrics", app.base))).await;
    assert!(metrics.text.contains("steward_http_requests_total"), "{}", metrics.text);
    app.close().await;
}

#[tokio::test]
async fn a_record_has_a_tag_and_what_is_known_is_not_sent_again() {
    let shop = Shop::open().await;
    let path = format!("/api/v1/crm/parties/{}", shop.customer);
    let first = shop.app.send(shop.app.request("GET", &shop.admin, &path)).await;
    let tag = first.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", first.ok()["version"]));
    for known in [tag.clone(), format!("W/{tag}"), format!("\"99\", {tag}"), "*".into()] {
        let again = shop.app.send(shop.app.request("GET", &shop.admin, &path).header("If-None-Match", &known)).await;
        assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag.as_str()), "{known}");
    }
    shop.app.run(&shop.admin, "crm.party.update", json!({ "party": shop.customer, "phone": "1" })).await;
    let changed = shop.app.send(shop.app.request("GET", &shop.admin, &path).header("If-None-Match", &tag)).await;
    assert_eq!((changed.status, changed.header("etag") == tag), (200, false));
    // Who may not see it any more is not told that it is known.
    let reader = shop.app.user(&shop.tenant, "Reader", &[]).await;
    shop.app.send(shop.app.request("GET", &reader, &path).header("If-None-Match", changed.header("etag"))).await.problem(403, "forbidden");
    shop.app.close().await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps_or_repetitions() {
    let shop = Shop::open().await;
    let (app, admin) = (&shop.app, &shop.admin);
    // Many with the same name, so that the id decides.
    let rows: Vec<Value> = (0..250).map(|i| json!({ "name": format!("Name {}", i % 7), "allow_duplicate": true })).collect();
    app.post(admin, "crm/parties/create/batch", &json!({ "rows": rows })).await.ok();
    for sort in ["name", "-name", "-created_at", "name,-created_at", "-created_at,name", ""] {
        let mut seen: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        let mut pages = 0;
        loop {
            let mut parameters = vec![("limit", "40"), ("fields", "name,created_at")];
            if !sort.is_empty() {
                parameters.push(("sort", sort));
            }
            if let Some(cursor) = &cursor {
                parameters.push(("cursor", cursor));
            }
            let page = app.query(admin, "crm/parties", &parameters).await.ok();
            seen.extend(page["items"].as_array().unwrap().iter().cloned());
            pages += 1;
            match page["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        let distinct: BTreeSet<&str> = seen.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!((pages, seen.len(), distinct.len()), (7, 251, 251), "{sort}");
        let names: Vec<&str> = seen.iter().map(|item| item["name"].as_str().unwrap()).collect();
        match sort {
            "name" | "name,-created_at" => assert!(names.is_sorted()),
            "-name" => assert!(names.iter().rev().is_sorted()),
            _ => {}
        }
    }
    // Rows that come in meanwhile move no page.
    let first = app.query(admin, "crm/parties", &[("limit", "100"), ("sort", "name")]).await.ok();
    app.run(admin, "crm.party.create", json!({ "name": "AAA" })).await;
    let cursor = first["next"].as_str().unwrap();
    let second = app.query(admin, "crm/parties", &[("limit", "100"), ("sort", "name"), ("cursor", cursor)]).await;
    let before: BTreeSet<String> = first["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()).collect();
    assert!(second.items().iter().all(|item| !before.contains(&item["id"].to_string())));
    shop.app.close().await;
}

#[tokio::test]
async fn a_list_is_sparse_and_counted_as_asked() {
    let shop = Shop::open().await;
    let (app, admin) = (&shop.app, &shop.admin);
    let rows: Vec<Value> = (0..1_100).map(|i| json!({ "name": format!("Party {i}"), "allow_duplicate": true })).collect();
    app.post(admin, "crm/parties/create/batch", &json!({ "rows": rows })).await.ok();
    let page = app.query(admin, "crm/parties", &[("fields", "name"), ("limit", "1"), ("count", "true")]).await.ok();
    let names: BTreeSet<&str> = page["items"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["id", "version", "name"]));
    assert_eq!(page["count"], json!({ "value": 1000, "capped": true }));
    let few = app.query(admin, "crm/parties", &[("filter[name][starts]", "Party 10"), ("count", "true"), ("limit", "5")]).await.ok();
    assert_eq!((few["count"].clone(), few["items"].as_array().unwrap().len()), (json!({ "value": 111, "capped": false }), 5));
    assert!(app.get(admin, "crm/parties").await.ok().get("count").is_none());

    let export = app.query(admin, "crm/parties/export", &[("fields", "name"), ("sort", "name")]).await;
    assert!(export.header("content-type").starts_with("text/csv"), "{}", export.header("content-type"));
    assert!(export.header("content-disposition").contains("attachment"), "{}", export.header("content-disposition"));
    let mut reader = csv::Reader::from_reader(export.text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert!(header.iter().any(|name| name.contains("name") || name.contains("Name")), "{header:?}");
    assert_eq!(reader.records().collect::<Result<Vec<_>, _>>().unwrap().len(), 1_101);
    shop.app.close().await;
}

#[tokio::test]
async fn a_failed_log_in_does_not_say_what_was_wrong() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    app.admin(&tenant).await;
    let mut bodies = BTreeSet::new();
    for (tenant, email, password) in [
        ("acme", "ada@acme.example", "wrong"),
        ("acme", "nobody@acme.example", crate::app::PASSWORD),
        ("nobody", "ada@acme.example", crate::app::PASSWORD),
        ("acme", "ada@acme.example\u{0}", crate::app::PASSWORD),
        ("' OR 1=1 --", "' OR 1=1 --", "' OR 1=1 --"),
    ] {
        let answer = app.login(tenant, email, password).await;
        refused(tenant, &answer, 401, "unauthenticated");
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("correlation_id");
        bodies.insert(body.to_string());
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    for body in [
        json!({}),
        json!({ "tenant": "acme", "email": "a", "password": 1 }),
        json!({ "tenant": "acme", "email": "a", "password": "b", "role": "administrator" }),
    ] {
        let answer = app.send(app.client.post(format!("{}/api/v1/auth/login", app.base)).json(&body)).await;
        refused("a log-in of another shape", &answer, 422, "invalid_input");
    }
    let good = app.login("acme", " ADA@acme.example ", crate::app::PASSWORD).await;
    assert_eq!((good.status, good.header("cache-control")), (200, "no-store"), "{}", good.text);
    app.close().await;
}

#[tokio::test]
async fn who_fails_too_often_has_to_wait() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    app.admin(&tenant).await;
    let mut last = 0;
    for _ in 0..12 {
        last = app.login("acme", "ada@acme.example", "wrong").await.status;
    }
    assert_eq!(last, 429);
    let refused = app.login("acme", "ada@acme.example", crate::app::PASSWORD).await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "900");
    app.close().await;
}

#[tokio::test]
async fn a_token_of_one_tenant_opens_nothing_of_another() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let app = TestApp::start().await;
        let (ours, theirs) = (app.tenant("ours", placement).await, app.tenant("theirs", placement).await);
        let (us, them): (User, User) = (app.admin(&ours).await, app.admin(&theirs).await);
        let party = id(&app.run(&them, "crm.party.create", json!({ "name": "Secret" })).await);
        app.get(&us, &format!("crm/parties/{party}")).await.problem(404, "not_found");
        assert_eq!(app.get(&us, "crm/parties").await.items().len(), 0);
        let patch = app.request("PATCH", &us, &format!("/api/v1/crm/parties/{party}")).header("If-Match", "*").json(&json!({ "name": "Ours now" }));
        app.send(patch).await.problem(404, "not_found");
        app.send(app.request("DELETE", &us, &format!("/api/v1/crm/parties/{party}"))).await.problem(404, "not_found");
        let order = json!({ "customer": party, "lines": [] });
        app.post(&us, "sales/orders", &order).await.problem(422, "invalid_input");
        app.send(app.request("GET", &us, "/api/v1/crm/parties").header("X-Tenant-Id", "theirs")).await.problem(403, "forbidden");
        app.send(app.request("GET", &us, "/api/v1/crm/parties").header("X-Tenant-Id", "ours")).await.ok();
        let user = app.user(&ours, "Nancy", &[("identity:user:read", T)]).await;
        assert!(!app.get(&user, "identity/users").await.text.contains("theirs"));
        app.close().await;
    }
}
