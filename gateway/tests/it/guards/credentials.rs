//! Sessions, API keys and passwords: what ends with what.

use super::with_key;
use crate::app::{PASSWORD, TestApp, User};
use crate::shop::T;
use serde_json::{Value, json};
use steward_kernel::bus::Step;
use steward_kernel::ids;
use steward_kernel::principal::Scope;
use steward_migrations::Placement;

const OWN: &[(&str, Scope)] = &[("crm:party:read", T), ("identity:api_key:create", Scope::Own), ("identity:user:set_password", Scope::Own)];
const NEW: &str = "another good horse";

async fn key_of(app: &TestApp, user: &User) -> User {
    with_key(user, &app.post(user, "identity/api_keys", &json!({ "name": "program" })).await.ok())
}

#[tokio::test]
async fn a_password_that_somebody_else_sets_ends_the_sessions_and_the_api_keys() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Schema).await;
    let admin = app.admin(&tenant).await;
    let user = app.user(&tenant, "Nancy", OWN).await;
    let key = key_of(&app, &user).await;
    app.get(&key, "crm/parties").await.ok();
    app.post(&admin, &format!("identity/users/{}/set_password", user.id), &json!({ "password": NEW })).await.ok();
    app.get(&user, "me").await.problem(401, "unauthenticated");
    app.get(&key, "me").await.problem(401, "unauthenticated");
    let email: String = app.peek(&tenant, &format!("SELECT email FROM identity_user WHERE id = '{}'", user.id)).await;
    app.login("acme", &email, PASSWORD).await.problem(401, "unauthenticated");
    app.login("acme", &email, NEW).await.ok();
    app.close().await;
}

#[tokio::test]
async fn who_sets_his_own_password_keeps_this_session_and_his_api_keys() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let user = app.user(&tenant, "Nancy", OWN).await;
    let key = key_of(&app, &user).await;
    let email: String = app.peek(&tenant, &format!("SELECT email FROM identity_user WHERE id = '{}'", user.id)).await;
    let elsewhere = app.login("acme", &email, PASSWORD).await.ok()["access_token"].as_str().unwrap().to_owned();
    let elsewhere = User { token: elsewhere, ..user.clone() };
    app.get(&elsewhere, "me").await.ok();
    app.post(&user, &format!("identity/users/{}/set_password", user.id), &json!({ "password": NEW })).await.ok();
    app.get(&user, "me").await.ok();
    app.get(&key, "me").await.ok();
    app.get(&elsewhere, "me").await.problem(401, "unauthenticated");
    app.close().await;
}

#[tokio::test]
async fn who_comes_back_has_neither_his_old_sessions_nor_his_api_keys() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let user = app.user(&tenant, "Nancy", OWN).await;
    let key = key_of(&app, &user).await;
    let gone = app.post(&admin, &format!("identity/users/{}/deactivate", user.id), &json!({})).await.ok();
    app.get(&key, "me").await.problem(401, "unauthenticated");
    app.post(&admin, &format!("commands/{}/undo", gone["execution"].as_str().unwrap()), &json!({})).await.ok();
    for old in [&user, &key] {
        app.get(old, "me").await.problem(401, "unauthenticated");
    }
    let email: String = app.peek(&tenant, &format!("SELECT email FROM identity_user WHERE id = '{}'", user.id)).await;
    app.login("acme", &email, PASSWORD).await.ok();
    app.close().await;
}

#[tokio::test]
async fn a_session_is_opened_for_the_password_that_was_verified_only() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let user = app.user(&tenant, "Nancy", OWN).await;
    let open = |hash: &str| format!("SELECT session_open('{}', '{}', '{}', 60, {hash})", tenant.id, user.id, ids::fresh());
    let stored = format!("(SELECT password_hash FROM identity_credential WHERE user_id = '{}')", user.id);
    for (hash, opened) in [(stored.as_str(), true), ("'$argon2id$old'", false), ("NULL", false)] {
        assert_eq!(app.peek::<bool>(&tenant, &open(hash)).await, opened, "{hash}");
    }
    app.close().await;
}

#[tokio::test]
async fn each_row_of_a_batch_gets_the_hash_of_its_own_password() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let row = |name: &str, password: Option<&str>| json!({ "name": name, "email": format!("{name}@acme.example"), "password": password });
    let rows: Vec<Value> = vec![
        row("one", Some("first good horse")),
        row("none", None),
        row("short", Some("short")),
        row("no address", Some("a wasted good horse")),
        row("two", Some("second good horse")),
    ];
    let answer = app.post(&admin, "identity/users/create/batch", &json!({ "rows": rows })).await.ok();
    let failed: Vec<bool> = answer["results"].as_array().unwrap().iter().map(|result| !result["error"].is_null()).collect();
    assert_eq!(failed, [false, false, true, true, false], "{answer}");
    for (name, password) in [("one", "first good horse"), ("two", "second good horse")] {
        app.login("acme", &format!("{name}@acme.example"), password).await.ok();
    }
    app.login("acme", "none@acme.example", "first good horse").await.problem(401, "unauthenticated");
    app.close().await;
}

#[tokio::test]
async fn a_preview_of_a_password_refuses_what_would_be_refused_and_sets_none() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let user = app.user(&tenant, "Nancy", OWN).await;
    let step = |password: &str| Step {
        command: "identity.user.set_password".into(),
        input: json!({ "user": user.id, "password": password }),
        name: None,
        expected_version: None,
    };
    app.kernel.preview(&user.principal, &[step(NEW)]).await.unwrap();
    assert_eq!(app.kernel.preview(&user.principal, &[step("short")]).await.unwrap_err().code, steward_kernel::Code::InvalidInput);
    let email: String = app.peek(&tenant, &format!("SELECT email FROM identity_user WHERE id = '{}'", user.id)).await;
    app.login("acme", &email, PASSWORD).await.ok();
    app.close().await;
}
