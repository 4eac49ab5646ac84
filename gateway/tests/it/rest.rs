//! REST: what the generic routes promise, shown on resources of identity, which every installation has.

use crate::house::{Asker, House, PASSWORD, answer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn department(asker: &Asker, name: &str) -> String {
    let (status, body) = asker.post("/identity/departments", json!({ "name": name })).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_record_is_created_read_changed_and_shows_its_history() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    let response = ada.request(Method::POST, "/identity/departments").json(&json!({ "name": "Sales" })).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()["etag"], "\"1\"");
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = response.json().await.unwrap();
    assert_eq!(location, format!("/api/v1/identity/departments/{}", made["id"].as_str().unwrap()));
    let path = location.trim_start_matches("/api/v1");

    let response = ada.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.headers()["etag"], "\"1\"");
    let again = ada.request(Method::GET, path).header("if-none-match", "\"1\"").send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);

    let (status, problem) = answer(ada.request(Method::PATCH, path).json(&json!({ "name": "Sales North" }))).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::PRECONDITION_REQUIRED, Some("precondition_required")));
    let (status, done) = answer(ada.request(Method::PATCH, path).header("if-match", "\"1\"").json(&json!({ "name": "Sales North" }))).await;
    assert_eq!((status, done["version"].as_i64()), (StatusCode::OK, Some(2)), "{done}");
    let (status, problem) = answer(ada.request(Method::PATCH, path).header("if-match", "\"1\"").json(&json!({ "name": "Sales South" }))).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::PRECONDITION_FAILED, Some("version_mismatch")));

    let (_, history) = ada.get(&format!("{path}/history")).await;
    assert_eq!(history["items"].as_array().unwrap().len(), 2, "{history}");
    house.stop().await;
}

#[tokio::test]
async fn a_history_is_read_page_by_page_to_its_beginning() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    let path = format!("/identity/departments/{}", department(&ada, "Name 0").await);
    for n in 1..8 {
        let (status, done) = answer(ada.request(Method::PATCH, &path).header("if-match", "*").json(&json!({ "name": format!("Name {n}") }))).await;
        assert_eq!(status, StatusCode::OK, "{done}");
    }
    let (_, whole) = ada.get(&format!("{path}/history")).await;
    assert_eq!((whole["items"].as_array().unwrap().len(), &whole["next"]), (8, &Value::Null), "{whole}");

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = ada.get(&format!("{path}/history?limit=3{cursor}")).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(page["items"].as_array().unwrap().len(), 3, "{page}");
        cursor = format!("&cursor={next}");
    }
    assert_eq!(json!(seen), whole["items"]);

    // A cursor belongs to the history that it was given for.
    let other = department(&ada, "Other").await;
    let (status, problem) = ada.get(&format!("/identity/departments/{other}/history?limit=3{cursor}")).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::BAD_REQUEST, Some("bad_request")), "{problem}");
    house.stop().await;
}

#[tokio::test]
async fn a_preview_shows_the_change_and_leaves_nothing() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    let (status, preview) = ada.post("/identity/departments?preview=true", json!({ "name": "Sales" })).await;
    assert_eq!(status, StatusCode::OK, "{preview}");
    assert!(preview["changes"].as_array().unwrap().iter().any(|change| change["field"] == "name" && change["new"] == "Sales"), "{preview}");
    let (_, list) = ada.get("/identity/departments?count=true").await;
    assert_eq!(list["count"]["value"], 0);
    house.stop().await;
}

#[tokio::test]
async fn a_key_runs_a_command_once() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    let send = |name: &str| ada.request(Method::POST, "/identity/departments").header("idempotency-key", "k-1").json(&json!({ "name": name }));
    let (_, first) = answer(send("Sales")).await;
    let (status, second) = answer(send("Sales")).await;
    assert_eq!((status, &second["id"], second["replayed"].as_bool()), (StatusCode::CREATED, &first["id"], Some(true)));
    let (status, problem) = answer(send("Purchasing")).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::CONFLICT, Some("idempotency_mismatch")));
    house.stop().await;
}

#[tokio::test]
async fn a_batch_has_a_result_for_each_row() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    let rows = json!({ "rows": [{ "name": "A" }, { "name": 5 }, { "name": "B" }] });
    let (status, body) = ada.post("/identity/departments/create/batch", rows).await;
    assert_eq!(status, StatusCode::OK);
    let results = body["results"].as_array().unwrap();
    assert!(results[0]["ok"]["id"].is_string() && results[2]["ok"]["id"].is_string(), "{body}");
    assert_eq!(results[1]["error"]["code"], "invalid_input");
    let (_, list) = ada.get("/identity/departments?sort=-created_at&limit=1").await;
    assert_eq!(list["items"][0]["name"], "B");
    assert!(list["next"].is_string());
    house.stop().await;
}

#[tokio::test]
async fn an_execution_is_undone_once() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    let (_, made) = ada.post("/identity/users", json!({ "name": "Bo", "email": "bo@acme.example" })).await;
    assert_eq!(made["undoable"], true, "{made}");
    let undo = format!("/commands/{}/undo", made["execution"].as_str().unwrap());
    let (status, body) = ada.post(&undo, json!({})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let (status, _) = ada.post(&undo, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    house.stop().await;
}

#[tokio::test]
async fn bad_requests_get_a_clear_problem() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    let id = department(&ada, "Sales").await;
    for (method, path, status, code) in [
        (Method::GET, "/identity/nothing", 404, "unknown_name"),
        (Method::GET, "/nothing", 404, "unknown_name"),
        (Method::GET, "/identity/departments/xyz", 404, "not_found"),
        (Method::GET, "/identity/departments/%ff", 404, "unknown_name"),
        (Method::GET, "/identity/departments?page=2", 400, "bad_request"),
        (Method::GET, "/identity/departments?limit=0", 422, "invalid_input"),
        (Method::GET, "/identity/departments?cursor=abc", 400, "bad_request"),
        (Method::GET, "/identity/departments?filter[name][like]=x", 400, "bad_request"),
        (Method::GET, "/identity/departments?filter[secret]=x", 400, "bad_request"),
        (Method::GET, "/identity/departments?filter[name]=%00", 422, "invalid_input"),
        (Method::GET, "/identity/departments/export?limit=5", 400, "bad_request"),
        (Method::GET, "/identity/departments/create", 405, "method_not_allowed"),
        (Method::PUT, "/identity/departments", 405, "method_not_allowed"),
        (Method::POST, "/identity/sessions", 405, "method_not_allowed"),
        (Method::DELETE, &format!("/identity/departments/{id}"), 405, "method_not_allowed"),
        (Method::POST, &format!("/identity/departments/{id}"), 405, "method_not_allowed"),
        (Method::POST, &format!("/identity/departments/{id}/explode"), 404, "unknown_name"),
        (Method::POST, "/identity/departments/explode", 404, "unknown_name"),
        (Method::GET, "/identity/reports/nothing", 404, "unknown_name"),
    ] {
        let response = ada.request(method.clone(), path).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{method} {path}");
        assert_eq!(response.headers().contains_key("allow"), status == 405, "{method} {path}");
        let answered = response.status().as_u16();
        let problem: Value = response.json().await.unwrap();
        assert_eq!((answered, problem["code"].as_str()), (status, Some(code)), "{method} {path}: {problem}");
    }
    let post = || ada.request(Method::POST, "/identity/departments");
    let (status, problem) = answer(post().header("content-type", "application/json").body("{\"name\": ")).await;
    assert_eq!((status.as_u16(), problem["detail"].as_str()), (400, Some("the body is not valid JSON: line 1, column 9")));
    let (status, _) = answer(post().header("content-type", "text/plain").body("{}")).await;
    assert_eq!(status.as_u16(), 415);
    let (status, problem) = answer(post().json(&json!({ "name": "x".repeat(2 << 20) }))).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (413, Some("too_large")));
    let (status, problem) = answer(post().json(&json!({ "name": "A", "colour": "red" }))).await;
    assert_eq!((status.as_u16(), problem["fields"][0]["field"].as_str()), (422, Some("colour")));
    house.stop().await;
}

#[tokio::test]
async fn who_asks_is_asked_for_and_checked() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    house.tenant("other").await;
    let nobody = house.nobody();
    let (status, problem) = nobody.get("/me").await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (401, Some("unauthenticated")));
    let (status, _) = answer(nobody.request(Method::GET, "/me").bearer_auth("x.y.z")).await;
    assert_eq!(status.as_u16(), 401);
    for (tenant, status) in [("acme", 200), ("other", 403), ("nobody", 403)] {
        let (answered, _) = answer(ada.request(Method::GET, "/me").header("x-tenant-id", tenant)).await;
        assert_eq!(answered.as_u16(), status, "{tenant}");
    }
    let (_, me) = ada.get("/me").await;
    assert_eq!((me["tenant"]["slug"].as_str(), me["interactive"].as_bool()), (Some("acme"), Some(true)));
    // The token still reads well, but its session is gone: the very next request notices.
    let (status, _) = answer(ada.request(Method::POST, "/auth/logout")).await;
    assert_eq!(status.as_u16(), 204);
    assert_eq!(ada.get("/me").await.0.as_u16(), 401);
    house.stop().await;
}

#[tokio::test]
async fn a_cookie_writes_only_from_our_own_pages() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    let cookie = format!("steward_session={}", ada.token.clone().unwrap());
    let nobody = house.nobody();
    let post = || nobody.request(Method::POST, "/identity/departments").header("cookie", &cookie).json(&json!({ "name": "Sales" }));
    let (status, _) = answer(nobody.request(Method::GET, "/me").header("cookie", &cookie)).await;
    assert_eq!(status.as_u16(), 200);
    for (request, status) in [
        (post(), 403),
        (post().header("origin", "https://evil.example"), 403),
        (post().header("sec-fetch-site", "cross-site").header("origin", &house.base), 403),
        (post().header("sec-fetch-site", "same-origin"), 201),
        (post().header("origin", &house.base).json(&json!({ "name": "Purchasing" })), 201),
    ] {
        let (answered, body) = answer(request).await;
        assert_eq!(answered.as_u16(), status, "{body}");
    }
    house.stop().await;
}

#[tokio::test]
async fn too_many_wrong_passwords_are_refused_for_a_while() {
    let house = House::open_with(Vec::new(), |config| config.auth.failures_max = 3).await;
    house.tenant("acme").await;
    let nobody = house.nobody();
    let attempt = |password: &str| json!({ "tenant": "acme", "email": "admin@acme.example", "password": password });
    for expected in [401, 401, 401, 429] {
        assert_eq!(nobody.post("/auth/login", attempt("wrong")).await.0.as_u16(), expected);
    }
    assert_eq!(nobody.post("/auth/login", attempt(PASSWORD)).await.0.as_u16(), 429);
    house.stop().await;
}

#[tokio::test]
async fn an_export_holds_the_whole_list() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    let rows: Vec<Value> = (0..450).map(|number| json!({ "name": format!("D{number:03}") })).chain([json!({ "name": "=1+1" })]).collect();
    ada.post("/identity/departments/create/batch", json!({ "rows": rows })).await;
    let response = ada.request(Method::GET, "/identity/departments/export?fields=name&sort=created_at").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    let text = response.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines.len()), ("id,name", 452));
    assert!(lines[451].ends_with(",'=1+1"), "{}", lines[451]);
    house.stop().await;
}

#[tokio::test]
async fn the_correlation_id_reaches_the_outbox() {
    let house = House::open().await;
    let ada = house.administrator("acme").await;
    let response =
        ada.request(Method::POST, "/identity/departments").header("x-correlation-id", "trace-42").json(&json!({ "name": "Sales" })).send().await.unwrap();
    assert_eq!(response.headers()["x-correlation-id"], "trace-42");
    let owner = house.database.owner().await.unwrap();
    let found: i64 = sqlx::query_scalar("SELECT count(*) FROM kernel.outbox WHERE correlation_id = 'trace-42'").fetch_one(owner.pool()).await.unwrap();
    assert!(found > 0);
    owner.close().await;
    house.stop().await;
}

#[tokio::test]
async fn the_server_tells_how_it_is() {
    let house = House::open().await;
    let get = async |path: &str| house.nobody().client.get(format!("{}{path}", house.base)).send().await.unwrap();
    assert_eq!(get("/healthz").await.status().as_u16(), 200);
    let ready: Value = get("/readyz").await.json().await.unwrap();
    assert_eq!(ready["status"], "ok", "{ready}");
    let metrics = get("/metrics").await.text().await.unwrap();
    for name in ["steward_http_requests_total", "steward_http_request_seconds_bucket", "steward_database_connections", "process_resident_memory_bytes"] {
        assert!(metrics.contains(name), "{name}");
    }
    let page = get("/api/docs").await;
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
    let script = get("/assets/api/docs.js").await;
    assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
    house.stop().await;
}

#[tokio::test]
async fn the_openapi_document_names_every_route_once() {
    let house = House::open().await;
    let (status, document) = house.nobody().get("/openapi.json").await;
    assert_eq!((status.as_u16(), document["openapi"].as_str()), (200, Some("3.1.0")));
    let mut ids: Vec<&str> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId"));
            assert!(!ids.contains(&id), "{id} stands twice");
            ids.push(id);
            // Every reference leads somewhere.
            let text = operation.to_string();
            for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(document.pointer(reference).is_some(), "{method} {path}: {reference}");
            }
        }
    }
    assert!(ids.contains(&"identity.user.deactivate") && ids.contains(&"identity.user._list"), "{ids:?}");
    house.stop().await;
}
