//! Models as a tenant looks after them, through the doors of the program: keys that open nothing else, pages that come by
//! themselves, and what was called written down when the program stops.

use crate::app::{TestApp, id, id_of};
use serde_json::json;
use std::time::Duration;
use steward_ai::ledger::{Entry, Outcome};
use steward_gateway::compose::App;
use steward_kernel::Code;
use steward_llm::price::Cost;
use steward_migrations::Placement;

#[tokio::test]
async fn a_key_for_models_opens_no_door_of_the_erp_and_one_of_the_erp_none_to_models() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let app = TestApp::start().await;
        let tenant = app.tenant("models", placement).await;
        let admin = app.admin(&tenant).await;
        let made = app.post(&admin, "ai/keys", &json!({ "name": "Reporting" })).await.ok();
        let secret = made["secret"]["api_key"].as_str().unwrap().to_owned();
        app.state.ai.access.authenticate(&secret).await.unwrap();
        for path in ["me", "catalogue", "ai/keys", "crm/parties", "ai/requests"] {
            let asked = app.client.get(format!("{}/api/v1/{path}", app.base)).bearer_auth(&secret);
            app.send(asked).await.problem(401, "unauthenticated");
        }
        let page = app.client.get(format!("{}/", app.base)).header("Cookie", format!("steward_session={secret}"));
        assert_eq!(app.send(page).await.status, 303);

        let made = app.post(&admin, "identity/api_keys", &json!({ "name": "Import" })).await.ok();
        let secret = made["secret"]["api_key"].as_str().unwrap().to_owned();
        app.send(app.client.get(format!("{}/api/v1/me", app.base)).bearer_auth(&secret)).await.ok();
        assert_eq!(app.state.ai.access.authenticate(&secret).await.unwrap_err().code, Code::Unauthenticated);
        // A program with a key of the ERP makes none for models: that is for persons.
        let asked = app.client.post(format!("{}/api/v1/ai/keys", app.base)).bearer_auth(&secret).json(&json!({ "name": "More" }));
        app.send(asked).await.problem(403, "interactive_session_required");
        app.close().await;
    }
}

#[tokio::test]
async fn the_pages_of_models_come_from_the_declarations_and_only_for_administrators() {
    let app = TestApp::start().await;
    let tenant = app.tenant("models", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let user = app.user(&tenant, "Tim", &[]).await;
    let budget = app.run(&admin, "ai.budget.create", json!({ "name": "Everybody", "cap": "500" })).await;
    for page in [
        "/app/ai/keys",
        "/app/ai/budgets",
        "/app/ai/alerts",
        "/app/ai/alias_rules",
        "/app/ai/rules",
        "/app/ai/prompts",
        "/app/ai/settings",
        "/app/ai/requests",
        "/app/ai/exchanges",
        "/app/reports/ai.usage",
    ] {
        let seen = app.page(&admin, page).await;
        assert_eq!(seen.status, 200, "{page}: {}", seen.text);
        assert!(app.page(&user, page).await.status >= 400, "{page}");
    }
    let seen = app.page(&admin, &format!("/app/ai/budgets/{}", id(&budget))).await;
    assert!(seen.text.contains("Everybody") && seen.text.contains("500"), "{}", seen.text);
    let status = app.get(&admin, "ai/reports/budget_status").await.ok();
    assert_eq!(id_of(&status["rows"][0][0]["id"]), id(&budget));
    app.get(&user, "ai/reports/budget_status").await.problem(403, "forbidden");
    app.close().await;
}

#[tokio::test]
async fn what_was_called_until_the_last_moment_is_written_when_the_program_stops() {
    let app = TestApp::start().await;
    let tenant = app.tenant("models", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let program = App { state: app.state.clone() };
    program.start_ai();
    let caller = app.state.ai.access.person(tenant.id, admin.id).await.unwrap().unwrap();
    let entry = || Entry { outcome: Outcome::Answered, cost: Cost::Priced(5), ..Entry::of(&caller, "assistant", "fast", app.clock.now()) };
    app.state.ai.ledger.record(entry(), None).await;
    app.state.stopping.cancel();
    // A request that the stop waits for.
    app.state.ai.ledger.record(entry(), None).await;
    app.state.ai.close(Duration::from_secs(5)).await;
    let written: i64 = app.peek(&tenant, "SELECT sum(requests)::bigint FROM ai_usage_day").await;
    assert_eq!(written, 2);
    drop(caller);
    app.close().await;
}
