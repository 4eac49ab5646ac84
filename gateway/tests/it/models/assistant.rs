//! The assistant of the house as a model: any chat front end can be the chat.

use super::{Doors, asking, words};
use serde_json::{Value, json};

fn to_assistant(messages: Value) -> Value {
    json!({ "model": "steward-assistant", "messages": messages })
}

fn said(answer: &crate::app::Answer) -> String {
    answer.ok()["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_assistant_answers_as_the_user_of_the_key_and_goes_on_where_it_was() {
    let doors = Doors::open(&[]).await;
    let party = json!({ "name": "Ernst Handel", "is_customer": true, "allow_duplicate": true });
    doors.app.run(&doors.admin, "crm.party.create", party).await;
    let acting = doors.make_key(json!({ "name": "Chat", "acts": true })).await;
    let question = json!({ "role": "user", "content": "How many parties are there?" });
    let told = doors.app.send(doors.asks_with(&acting, "chat/completions", &to_assistant(json!([question.clone()])))).await;
    let first = said(&told);
    assert!(first.contains('1'), "{first}");
    let mut streamed = to_assistant(json!([question.clone()]));
    streamed["stream"] = json!(true);
    let told = doors.app.send(doors.asks_with(&acting, "chat/completions", &streamed)).await;
    assert_eq!(words(&told.text), first);
    // A front end sends all that was said: the turn belongs to the conversation that it goes on from.
    let again = json!([question, { "role": "assistant", "content": first }, { "role": "user", "content": "How many orders are there?" }]);
    said(&doors.app.send(doors.asks_with(&acting, "chat/completions", &to_assistant(again))).await);
    let turns: Vec<i64> =
        doors.app.column(&doors.tenant, "SELECT count(*) FROM assistant_message WHERE role = 'user' GROUP BY conversation_id ORDER BY 1").await;
    assert_eq!(turns, [1, 2]);
    doors.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_proposes_waits_for_the_person_and_no_key_confirms_it() {
    let doors = Doors::open(&[]).await;
    let party = json!({ "name": "Ernst Handel", "is_customer": true, "allow_duplicate": true });
    doors.app.run(&doors.admin, "crm.party.create", party).await;
    let acting = doors.make_key(json!({ "name": "Chat", "acts": true })).await;
    let asked = to_assistant(json!([{ "role": "user", "content": "Set the website of Ernst Handel to https://handel.example" }]));
    let told = said(&doors.app.send(doors.asks_with(&acting, "chat/completions", &asked)).await);
    assert!(told.contains("/app/chat/"), "{told}");
    let proposals: Vec<uuid::Uuid> = doors.app.column(&doors.tenant, "SELECT id FROM assistant_proposal").await;
    let [proposal] = proposals[..] else { panic!("{proposals:?}") };
    let website: Option<String> = doors.app.peek(&doors.tenant, "SELECT website FROM crm_party").await;
    assert_eq!(website, None);
    let confirm = doors.app.client.post(format!("{}/api/v1/assistant/proposals/{proposal}/confirm", doors.app.base)).bearer_auth(&acting).json(&json!({}));
    assert_eq!(doors.app.send(confirm).await.status, 401);
    doors.app.close().await;
}

#[tokio::test]
async fn a_key_that_may_only_call_models_is_not_its_user() {
    let doors = Doors::open(&[]).await;
    let told = doors.app.send(doors.asks("chat/completions", &to_assistant(json!([{ "role": "user", "content": "Hi" }])))).await;
    assert_eq!((told.status, &told.json()["error"]["code"]), (403, &json!("assistant_not_allowed")));
    // One that acts is made for oneself only.
    let tim = doors.app.user(&doors.tenant, "Tim", &[]).await;
    let made = doors.app.post(&doors.admin, "ai/keys", &json!({ "name": "Not his", "user": tim.id, "acts": true })).await;
    assert_eq!(made.status, 422, "{}", made.text);
    assert_eq!(doors.chat(&asking("Hi")).await.status, 404, "nothing else is offered");
    doors.app.close().await;
}
