//! Limits: nothing is asked for that could not be paid.

use super::{Doors, asking, route, whole};
use crate::app::TestApp;
use crate::model::{Model, fails};
use futures::future::join_all;
use serde_json::json;
use steward_gateway::config::Config;

#[tokio::test]
async fn a_budget_of_requests_ends_with_what_a_client_understands() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let doors = Doors::open(&[&model]).await;
    let budget = json!({ "name": "Few", "scope": "tenant", "metric": "requests", "period": "day", "cap": "2" });
    doors.app.post(&doors.admin, "ai/budgets", &budget).await.ok();
    for _ in 0..2 {
        doors.chat(&asking("Hi")).await.ok();
    }
    let told = doors.chat(&asking("Hi")).await;
    assert_eq!((told.status, &told.json()["error"]["code"], told.header("x-should-retry")), (429, &json!("insufficient_quota"), "false"));
    assert!(told.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(model.requests().len(), 2);
    let entries = doors.ledger(3).await;
    assert_eq!((&entries[2]["outcome"], &entries[2]["code"]), (&json!("refused"), &json!("insufficient_quota")));
    doors.app.close().await;
}

#[tokio::test]
async fn sixty_four_calls_at_once_never_exceed_a_budget() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let doors = Doors::open(&[&model]).await;
    // Each call may cost about 0.005 at most and costs 0.000048 in the end.
    let budget = json!({ "name": "Little", "scope": "tenant", "metric": "cost", "period": "day", "cap": "0.12" });
    doors.app.post(&doors.admin, "ai/budgets", &budget).await.ok();
    let mut asked = asking("Hi");
    asked["max_tokens"] = json!(100);
    let answers = join_all((0..64).map(|_| doors.chat(&asked))).await;
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 429)), "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert_eq!(model.requests().len(), good, "what was refused was not asked for");
    let entries = doors.ledger(64).await;
    let spent: i64 = entries.iter().map(|entry| entry["nano"].as_i64().unwrap()).sum();
    assert!(good > 0 && spent <= 120_000_000, "{spent} of 120000000 by {good}");
    let leased: i64 = doors.app.peek(&doors.tenant, "SELECT coalesce(sum(leased), 0)::bigint FROM ai_counter WHERE metric = 'cost'").await;
    assert!(leased <= 120_000_000, "{leased}");
    doors.app.close().await;
}

#[tokio::test]
async fn where_money_is_counted_a_target_without_a_price_is_passed_over() {
    let (free, dear) = (Model::start("free", vec![whole("Free.")]).await, Model::start("dear", vec![whole("Dear."), fails(500), fails(500), fails(500)]).await);
    let configure = |config: &mut Config| {
        route(config, &[&free, &dear]);
        config.llm.providers.get_mut("free").unwrap().models.get_mut("scripted").unwrap().price = None;
    };
    let doors = Doors::of(TestApp::configured(Vec::new(), configure).await).await;
    assert_eq!(doors.chat(&asking("Hi")).await.ok()["choices"][0]["message"]["content"], "Free.");
    let budget = json!({ "name": "Money", "scope": "tenant", "metric": "cost", "period": "day", "cap": "1" });
    doors.app.post(&doors.admin, "ai/budgets", &budget).await.ok();
    let told = doors.chat(&asking("Hi")).await;
    assert_eq!((told.header("x-steward-provider"), told.header("x-steward-attempts")), ("dear", "1"), "{}", told.text);
    assert_eq!(told.ok()["choices"][0]["message"]["content"], "Dear.");
    // What is wrong then is what is wrong with the one that could be paid for.
    let told = doors.chat(&asking("Hi")).await;
    assert_eq!((told.status, told.json()["error"]["code"] == "price_unknown"), (502, false), "{}", told.text);
    assert_eq!(free.requests().len(), 1);
    let entries = doors.ledger(3).await;
    assert_eq!(entries.iter().map(|entry| entry["provider"].as_str()).collect::<Vec<_>>()[..2], [Some("free"), Some("dear")]);
    doors.app.close().await;
}

#[tokio::test]
async fn a_limit_of_a_key_binds_that_key_alone() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let doors = Doors::open(&[&model]).await;
    let made = doors.app.post(&doors.admin, "ai/keys", &json!({ "name": "Bounded" })).await.ok();
    let key = made["secret"]["api_key"].as_str().unwrap().to_owned();
    let id = doors.app.get(&doors.admin, "ai/keys").await.items().iter().find(|key| key["name"] == "Bounded").unwrap()["id"].clone();
    let budget = json!({ "name": "Bounded", "scope": "key", "key": id, "metric": "requests", "period": "day", "cap": "1" });
    doors.app.post(&doors.admin, "ai/budgets", &budget).await.ok();
    let of_key = |key: &str| doors.asks_with(key, "chat/completions", &asking("Hi"));
    assert_eq!(doors.app.send(of_key(&key)).await.status, 200);
    assert_eq!(doors.app.send(of_key(&key)).await.status, 429);
    assert_eq!(doors.app.send(of_key(&doors.key)).await.status, 200);
    doors.app.close().await;
}
