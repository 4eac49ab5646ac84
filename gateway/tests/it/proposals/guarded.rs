//! The guard against duplicates: a model cannot silence it, the person who confirms can.

use super::{confirmed, parties, proposed, rejected, shop, step};
use crate::model::{Model, says};
use serde_json::{Value, json};

#[tokio::test]
async fn a_model_cannot_silence_the_guard_against_duplicates() {
    let model = Model::start("eager", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    let create = |name: &str| [step("crm.party.create", json!({ "name": name, "is_customer": true, "allow_duplicate": true }))];

    let (talk, path) = proposed(&shop, &model, &shop.admin, "Create the customer Ernst Handel", &create("Ernst Handel")).await;
    assert!(!model.requests()[0]["tools"].to_string().contains("allow_duplicate"), "models are not told of it");
    let duplicates = talk.card()["duplicates"].as_array().unwrap();
    assert_eq!((duplicates.len(), &duplicates[0]["step"]), (1, &json!(0)), "{}", talk.card());
    let shown = shop.app.get(&shop.admin, &path).await.ok();
    assert_eq!(shown["duplicates"], talk.card()["duplicates"]);
    let confirm = format!("{path}/confirm");
    let refused = shop.app.post(&shop.admin, &confirm, &json!({ "token": shown["token"] })).await.problem(409, "duplicate");
    assert_eq!((&refused["reason"], parties(&shop, "Ernst Handel").await), (&json!("actions.duplicate"), 1), "{refused}");
    shop.app.post(&shop.admin, &confirm, &json!({ "token": shown["token"], "allow_duplicate": "yes" })).await.problem(422, "invalid_input");
    let done = shop.app.post(&shop.admin, &confirm, &json!({ "token": shown["token"], "allow_duplicate": true })).await.ok();
    assert_eq!((done["results"].as_array().map(Vec::len), parties(&shop, "Ernst Handel").await), (Some(1), 2));
    let detail: Value = shop.app.peek(&shop.tenant, "SELECT detail FROM kernel_audit WHERE detail ? 'approver'").await;
    assert_eq!(detail["duplicates"], "allowed", "{detail}");

    // Where there is none the word is simply not there, so that the guard still stands when it is executed.
    let (talk, path) = proposed(&shop, &model, &shop.admin, "Create the customer Alfred", &create("Alfred")).await;
    assert_eq!((&talk.card()["duplicates"], &talk.card()["steps"][0]["arguments"]["allow_duplicate"]), (&json!([]), &Value::Null), "{}", talk.card());
    shop.app.run(&shop.admin, "crm.party.create", json!({ "name": "Alfred", "is_customer": true })).await;
    let token = shop.app.get(&shop.admin, &path).await.ok()["token"].clone();
    shop.app.post(&shop.admin, &format!("{path}/confirm"), &json!({ "token": token, "allow_duplicate": true })).await.problem(409, "duplicate");
    assert_eq!(parties(&shop, "Alfred").await, 1);
    shop.app.close().await;
}

#[tokio::test]
async fn of_several_steps_each_duplicate_is_told() {
    let model = Model::start("eager", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    shop.app.run(&shop.admin, "crm.party.create", json!({ "name": "Alfred", "is_customer": true })).await;
    let steps = ["Ernst Handel", "Berta", "Alfred"].map(|name| step("crm.party.create", json!({ "name": name, "is_customer": true })));
    let (talk, path) = proposed(&shop, &model, &shop.admin, "Create the customers Ernst Handel, Berta and Alfred", &steps).await;
    let told: Vec<&Value> = talk.card()["duplicates"].as_array().unwrap().iter().map(|duplicate| &duplicate["step"]).collect();
    assert_eq!(told, [&json!(0), &json!(2)], "{}", talk.card());
    let arguments: Vec<bool> = talk.card()["steps"].as_array().unwrap().iter().map(|step| step["arguments"]["allow_duplicate"] == true).collect();
    assert_eq!(arguments, [true, false, true], "the guard stays on where it did not stop a step");
    // Rejected or left alone nothing is there; a proposal without duplicates needs no tick.
    assert_eq!(parties(&shop, "Berta").await, 0);
    rejected(&shop, &shop.admin, &path).await;
    let (_, path) = proposed(&shop, &model, &shop.admin, "Create the customer Berta", &steps[1..2]).await;
    confirmed(&shop, &shop.admin, &path).await;
    assert_eq!(parties(&shop, "Berta").await, 1);
    shop.app.close().await;
}
