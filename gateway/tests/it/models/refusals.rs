//! What is refused, and how it is told.

use super::{Doors, asking, whole};
use crate::model::{Model, fails};
use serde_json::json;

#[tokio::test]
async fn nobody_comes_in_without_a_key_for_models() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let doors = Doors::open(&[&model]).await;
    let bare = doors.app.client.post(format!("{}/v1/chat/completions", doors.app.base)).json(&asking("Hi"));
    let told = doors.app.send(bare).await;
    assert_eq!((told.status, &told.json()["error"]["code"]), (401, &json!("invalid_api_key")));
    let of_the_erp =
        doors.app.post(&doors.admin, "identity/api_keys", &json!({ "name": "Import" })).await.ok()["secret"]["api_key"].as_str().unwrap().to_owned();
    for key in [of_the_erp.as_str(), doors.admin.token.as_str(), "stw_doors_nothing"] {
        let told = doors.app.send(doors.asks_with(key, "chat/completions", &asking("Hi"))).await;
        assert_eq!((told.status, &told.json()["error"]["code"]), (401, &json!("invalid_api_key")));
    }
    let anthropic = doors.app.client.post(format!("{}/v1/messages", doors.app.base)).json(&json!({ "model": "fast", "max_tokens": 5, "messages": [] }));
    let told = doors.app.send(anthropic).await;
    assert_eq!((told.status, &told.json()["error"]["type"]), (401, &json!("authentication_error")));
    assert!(model.requests().is_empty());
    doors.app.close().await;
}

#[tokio::test]
async fn a_name_that_is_not_offered_and_one_that_may_not_be_used_read_alike() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let doors = Doors::open(&[&model]).await;
    let kept = doors.make_key(json!({ "name": "Kept", "aliases": ["slow"] })).await;
    let mut unknown = asking("Hi");
    unknown["model"] = json!("slow");
    let (of_nothing, forbidden) =
        (doors.app.send(doors.asks("chat/completions", &unknown)).await, doors.app.send(doors.asks_with(&kept, "chat/completions", &asking("Hi"))).await);
    assert_eq!((of_nothing.status, forbidden.status), (404, 404));
    assert_eq!(of_nothing.text.replace("slow", "fast"), forbidden.text);
    let names = |key: String| {
        let asked = doors.app.client.get(format!("{}/v1/models", doors.app.base)).bearer_auth(key);
        async { doors.app.send(asked).await.ok()["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect::<Vec<_>>() }
    };
    assert_eq!(names(doors.key.clone()).await, ["fast"]);
    assert!(names(kept).await.is_empty());
    doors.app.close().await;
}

#[tokio::test]
async fn a_key_opens_the_doors_that_it_is_for() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let doors = Doors::open(&[&model]).await;
    let kept = doors.make_key(json!({ "name": "Kept", "doors": ["embeddings"] })).await;
    let told = doors.app.send(doors.asks_with(&kept, "chat/completions", &asking("Hi"))).await;
    assert_eq!((told.status, &told.json()["error"]["code"]), (403, &json!("door_not_allowed")));
    doors.app.close().await;
}

#[tokio::test]
async fn bad_input_names_its_field_and_reaches_nobody() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let doors = Doors::open(&[&model]).await;
    for (bad, field) in [
        (json!({ "model": "fast" }), "messages"),
        (json!({ "model": "fast", "messages": [{ "role": "nobody", "content": "Hi" }] }), "messages[0].role"),
        (json!({ "model": "fast", "messages": [{ "role": "user", "content": "Hi" }], "n": 2 }), "n"),
        (json!({ "messages": [{ "role": "user", "content": "Hi" }] }), "model"),
    ] {
        let told = doors.chat(&bad).await;
        assert_eq!((told.status, &told.json()["error"]["param"]), (400, &json!(field)), "{}", told.text);
    }
    let broken = doors.app.client.post(format!("{}/v1/chat/completions", doors.app.base)).bearer_auth(&doors.key).body("{\"model\": ");
    assert_eq!(doors.app.send(broken).await.status, 400);
    assert!(model.requests().is_empty());
    doors.app.close().await;
}

#[tokio::test]
async fn a_failure_of_all_providers_is_a_status_before_anything_is_said() {
    let model = Model::start("broken", vec![fails(500)]).await;
    let doors = Doors::open(&[&model]).await;
    let mut asked = asking("Hi");
    for is_streamed in [false, true] {
        asked["stream"] = json!(is_streamed);
        let told = doors.chat(&asked).await;
        assert_eq!((told.status, &told.json()["error"]["type"]), (502, &json!("server_error")), "{}", told.text);
    }
    let entries = doors.ledger(2).await;
    assert!(entries.iter().all(|entry| entry["outcome"] == "failed" && entry["nano"] == 0), "an answer of 500 costs nothing: {entries:?}");
    doors.app.close().await;
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_told_by_the_name_that_clients_know() {
    let told = json!({ "error": { "message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded" } }).to_string();
    let script = format!("HTTP/1.1 400 No\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{told}", told.len());
    let model = Model::start("small", vec![script.into_bytes()]).await;
    let doors = Doors::open(&[&model]).await;
    let told = doors.chat(&asking("Hi")).await;
    assert_eq!((told.status, &told.json()["error"]["code"]), (400, &json!("context_length_exceeded")));
    doors.app.close().await;
}

#[tokio::test]
async fn what_is_not_offered_is_refused_in_the_form_of_each_vendor() {
    let doors = Doors::open(&[]).await;
    for (method, path, status) in [("POST", "messages/count_tokens", 404), ("GET", "files", 404), ("GET", "chat/completions", 405), ("DELETE", "models", 405)] {
        let asked = || doors.app.client.request(method.parse().unwrap(), format!("{}/v1/{path}", doors.app.base)).bearer_auth(&doors.key);
        let openai = doors.app.send(asked()).await;
        assert_eq!((openai.status, openai.header("content-type")), (status, "application/json"), "{path}: {}", openai.text);
        assert_eq!(openai.json()["error"]["type"], "invalid_request_error", "{path}");
        assert_eq!((status == 405, openai.header("allow").is_empty()), (status == 405, status != 405), "{path}");
        let anthropic = doors.app.send(asked().header("anthropic-version", "2023-06-01")).await;
        assert_eq!((anthropic.status, anthropic.json()["type"] == "error"), (status, true), "{path}: {}", anthropic.text);
        assert_eq!(anthropic.header("request-id"), anthropic.json()["request_id"], "{path}");
    }
    doors.app.close().await;
}
