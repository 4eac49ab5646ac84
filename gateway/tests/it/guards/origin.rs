//! A cookie changes something only for our own pages: by what the browser says, else by scheme, host and port of `Origin`.

use crate::app::TestApp;
use serde_json::json;
use steward_migrations::Placement;

/// Sends a write with the cookie and these headers; whether it was done.
async fn done(app: &TestApp, token: &str, headers: &[(&str, &str)]) -> bool {
    let mut request = app
        .client
        .post(format!("{}/api/v1/crm/parties", app.base))
        .header("Cookie", format!("steward_session={token}"))
        .json(&json!({ "name": "Ernst", "allow_duplicate": true }));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = app.send(request).await;
    if answer.status == 201 {
        return true;
    }
    assert_eq!(answer.problem(403, "forbidden")["reason"], "gateway.cross_site", "{headers:?}");
    false
}

#[tokio::test]
async fn an_origin_is_our_own_by_scheme_host_and_port() {
    let app = TestApp::configured(Vec::new(), |config| config.server.public_url = Some("https://erp.example".into())).await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let host = app.base.strip_prefix("http://").unwrap();
    for (origin, own) in [
        ("https://erp.example".to_owned(), true),
        ("https://erp.example:443".to_owned(), true),
        ("http://erp.example".to_owned(), false),
        ("https://erp.example:8443".to_owned(), false),
        ("https://erp.example.evil".to_owned(), false),
        ("null".to_owned(), false),
        // By another name of the same server, but with its scheme.
        (format!("https://{host}"), true),
        (format!("http://{host}"), false),
    ] {
        assert_eq!(done(&app, &admin.token, &[("Origin", &origin)]).await, own, "{origin}");
    }
    app.close().await;
}

#[tokio::test]
async fn without_tls_a_page_with_tls_is_another() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let host = app.base.strip_prefix("http://").unwrap();
    assert!(done(&app, &admin.token, &[("Origin", &format!("http://{host}"))]).await);
    assert!(!done(&app, &admin.token, &[("Origin", &format!("https://{host}"))]).await);
    // Nobody but a trusted proxy says otherwise.
    assert!(!done(&app, &admin.token, &[("Origin", &format!("https://{host}")), ("X-Forwarded-Proto", "https")]).await);
    app.close().await;
}

#[tokio::test]
async fn what_a_trusted_proxy_says_of_tls_counts() {
    let app = TestApp::configured(Vec::new(), |config| config.server.behind_proxy = true).await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let host = app.base.strip_prefix("http://").unwrap();
    assert!(done(&app, &admin.token, &[("Origin", &format!("https://{host}")), ("X-Forwarded-Proto", "https")]).await);
    assert!(!done(&app, &admin.token, &[("Origin", &format!("http://{host}")), ("X-Forwarded-Proto", "https")]).await);
    app.close().await;
}

#[tokio::test]
async fn what_the_browser_says_decides_and_saying_nothing_is_a_refusal() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    assert!(!done(&app, &admin.token, &[]).await);
    assert!(done(&app, &admin.token, &[("Sec-Fetch-Site", "same-origin")]).await);
    for site in ["cross-site", "same-site", "none", ""] {
        assert!(!done(&app, &admin.token, &[("Sec-Fetch-Site", site), ("Origin", &app.base)]).await, "{site}");
    }
    app.close().await;
}
