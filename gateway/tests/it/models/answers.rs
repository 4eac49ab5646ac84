//! Chats, messages, responses, vectors: each in the form of its dialect, whole and as a stream.

use super::{Doors, asking, body, data, whole, words};
use crate::app::TestApp;
use crate::model::{Held, Model, calls, cut_off, fails, frame, says, says_for};
use futures::StreamExt;
use serde_json::{Value, json};

#[tokio::test]
async fn a_whole_answer_in_the_same_dialect_goes_through_as_it_came_and_is_written_down() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let doors = Doors::open(&[&model]).await;
    let mut asked = asking("Hi");
    asked["future_field"] = json!({ "a": 1 });
    let told = doors.chat(&asked).await;
    assert_eq!(told.ok()["choices"][0]["message"]["content"], "Hello.");
    // A field that nobody here knows is there in both directions.
    assert_eq!(told.json()["kept"], json!([1, 2]));
    let sent = &model.requests()[0];
    assert_eq!((&sent["future_field"], &sent["model"], &sent["messages"]), (&json!({ "a": 1 }), &json!("scripted"), &asked["messages"]));
    assert!(sent["max_tokens"].as_u64().is_some(), "money is reserved for an answer of a bounded length: {sent}");
    assert_eq!((told.header("x-steward-provider"), told.header("x-steward-attempts")), ("first", "1"));
    assert!(!told.header("x-request-id").is_empty());
    let [entry] = &doors.ledger(1).await[..] else { panic!() };
    let expected = json!({ "door": "chat", "alias": "fast", "outcome": "answered", "code": null, "provider": "first", "model": "scripted", "attempts": 1,
        "input": 12, "output": 3, "nano": 12 * 2_000 + 3 * 8_000, "priced": true, "user": doors.admin.id });
    assert_eq!(entry, &expected);
    doors.app.close().await;
}

#[tokio::test]
async fn a_stream_is_told_as_it_comes_and_usage_only_to_who_asks() {
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11 });
    let model = Model::start("first", vec![says_for("Hello there.", &usage)]).await;
    let doors = Doors::open(&[&model]).await;
    let mut asked = asking("Hi");
    asked["stream"] = json!(true);
    let told = doors.chat(&asked).await;
    assert_eq!((told.status, told.header("content-type")), (200, "text/event-stream"));
    assert_eq!(words(&told.text), "Hello there.");
    assert_eq!(data(&told.text).last().map(String::as_str), Some("[DONE]"));
    assert!(!told.text.contains("prompt_tokens"), "nobody asked for it: {}", told.text);
    assert_eq!(model.requests()[0]["stream_options"]["include_usage"], true, "it is always asked for");
    asked["stream_options"] = json!({ "include_usage": true });
    let told = doors.chat(&asked).await;
    assert!(told.text.contains("\"prompt_tokens\":9"), "{}", told.text);
    let entries = doors.ledger(2).await;
    assert!(entries.iter().all(|entry| entry["input"] == 9 && entry["output"] == 2), "{entries:?}");
    doors.app.close().await;
}

#[tokio::test]
async fn anthropics_clients_are_answered_by_any_provider() {
    // A provider that speaks another dialect is always asked for a stream.
    let usage = json!({ "prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15 });
    let model = Model::start("first", vec![says_for("Hello.", &usage)]).await;
    let doors = Doors::open(&[&model]).await;
    let tool =
        json!({ "name": "weather", "description": "Tells the weather", "input_schema": { "type": "object", "properties": { "city": { "type": "string" } } } });
    let asked = json!({ "model": "fast", "max_tokens": 50, "system": "Be brief.", "messages": [{ "role": "user", "content": "Hi" }], "tools": [tool] });
    let request = |asked: &Value| {
        let request = doors.app.client.post(format!("{}/v1/messages", doors.app.base));
        request.header("x-api-key", &doors.key).header("anthropic-version", "2023-06-01").json(asked)
    };
    let told = doors.app.send(request(&asked)).await;
    let answer = told.ok();
    assert_eq!((&answer["type"], &answer["content"][0]["text"], &answer["stop_reason"]), (&json!("message"), &json!("Hello."), &json!("end_turn")));
    assert_eq!((&answer["usage"]["input_tokens"], &answer["usage"]["output_tokens"]), (&json!(12), &json!(3)));
    let sent = &model.requests()[0];
    assert_eq!((&sent["messages"][0]["role"], &sent["messages"][0]["content"]), (&json!("system"), &json!("Be brief.")), "{sent}");
    assert_eq!(sent["tools"][0]["function"]["name"], "weather");

    model.rewrite(vec![calls("weather", &json!({ "city": "Berlin" }))]);
    let mut streamed = asked.clone();
    streamed["stream"] = json!(true);
    let told = doors.app.send(request(&streamed)).await;
    let events: Vec<Value> = data(&told.text).iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"message_start"), Some(&"message_stop")), "{kinds:?}");
    let begins = events.iter().find(|event| event["type"] == "content_block_start").unwrap();
    assert_eq!((&begins["content_block"]["type"], &begins["content_block"]["name"]), (&json!("tool_use"), &json!("weather")));
    let arguments: String = events.iter().filter_map(|event| event["delta"]["partial_json"].as_str()).collect();
    assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap(), json!({ "city": "Berlin" }));
    let doors_used: Vec<Value> = doors.ledger(2).await.iter().map(|entry| entry["door"].clone()).collect();
    assert_eq!(doors_used, ["messages", "messages"]);
    doors.app.close().await;
}

#[tokio::test]
async fn responses_are_answered_whole_and_as_a_stream() {
    let model = Model::start("first", vec![says("Hello.")]).await;
    let doors = Doors::open(&[&model]).await;
    let asked = json!({ "model": "fast", "instructions": "Be brief.", "input": "Hi" });
    let answer = doors.app.send(doors.asks("responses", &asked)).await.ok();
    assert_eq!((&answer["object"], &answer["status"], &answer["output"][0]["content"][0]["text"]), (&json!("response"), &json!("completed"), &json!("Hello.")));
    let mut streamed = asked.clone();
    streamed["stream"] = json!(true);
    let told = doors.app.send(doors.asks("responses", &streamed)).await;
    let events: Vec<Value> = data(&told.text).iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!(events.first().unwrap()["type"], "response.created");
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["response"]["output"][0]["content"][0]["text"]), (&json!("response.completed"), &json!("Hello.")));
    doors.app.close().await;
}

#[tokio::test]
async fn texts_become_vectors() {
    let vectors = json!({ "object": "list", "model": "scripted", "usage": { "prompt_tokens": 4, "total_tokens": 4 },
        "data": [{ "object": "embedding", "index": 0, "embedding": [0.5, -1.0] }, { "object": "embedding", "index": 1, "embedding": [0.0, 2.0] }] });
    let model = Model::start("first", vec![body(&vectors)]).await;
    let doors = Doors::open(&[&model]).await;
    let asked = json!({ "model": "fast", "input": "One", "user": "anna@example.org" });
    doors.app.send(doors.asks("embeddings", &asked)).await;
    assert!(!model.requests()[0].to_string().contains("anna@"), "who asks is masked too");
    model.rewrite(vec![body(&vectors)]);
    let answer = doors.app.send(doors.asks("embeddings", &json!({ "model": "fast", "input": ["One", "Write to anna@example.org"] }))).await.ok();
    assert_eq!(answer["data"][1]["embedding"], json!([0.0, 2.0]));
    assert_eq!(model.requests()[0]["input"], json!(["One", "Write to [EMAIL_1]"]), "what is masked in a chat is masked here");
    let entries = doors.ledger(2).await;
    assert_eq!((&entries[1]["door"], &entries[1]["input"]), (&json!("embeddings"), &json!(4)));
    doors.app.close().await;
}

#[tokio::test]
async fn another_provider_answers_before_the_first_word_and_the_headers_say_so() {
    let (broken, good) = (Model::start("broken", vec![fails(500)]).await, Model::start("good", vec![says("Hello.")]).await);
    let doors = Doors::open(&[&broken, &good]).await;
    let mut asked = asking("Hi");
    asked["stream"] = json!(true);
    let told = doors.chat(&asked).await;
    assert_eq!((told.status, words(&told.text).as_str(), told.header("x-steward-provider")), (200, "Hello.", "good"));
    let [entry] = &doors.ledger(1).await[..] else { panic!() };
    assert_eq!((&entry["provider"], &entry["outcome"]), (&json!("good"), &json!("answered")));
    assert!(entry["attempts"].as_u64().unwrap() >= 2, "{entry}");
    doors.app.close().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_says_so_and_does_not_end_like_a_good_one() {
    let begun = frame(&json!({ "role": "assistant", "content": "Half of " }), None).to_string();
    let model = Model::start("cutting", vec![cut_off(&[&begun])]).await;
    let doors = Doors::open(&[&model]).await;
    let mut asked = asking("Hi");
    asked["stream"] = json!(true);
    let told = doors.chat(&asked).await;
    assert!(!told.text.contains("[DONE]") && !told.text.contains("\"finish_reason\":\"stop\""), "{}", told.text);
    let last: Value = serde_json::from_str(data(&told.text).last().unwrap()).unwrap();
    assert!(last["error"]["code"].is_string(), "{last}");
    let [entry] = &doors.ledger(1).await[..] else { panic!() };
    assert_eq!((&entry["outcome"], &entry["code"]), (&json!("failed"), &json!("cut")));
    assert!(entry["nano"].as_i64().unwrap() > 0, "nobody knows what was used, so what was reserved counts: {entry}");
    doors.app.close().await;
}

#[tokio::test]
async fn the_work_upstream_ends_when_the_caller_goes_away_and_is_written_down() {
    let model = Held::start(says("unused"), &["Once upon "], &[]).await;
    let app = TestApp::configured(Vec::new(), |config| super::route_to("held", model.base_url(), config)).await;
    let doors = Doors::of(app).await;
    // What follows the result of a tool is held.
    let call = json!({ "id": "call_1", "type": "function", "function": { "name": "tales", "arguments": "{}" } });
    let messages = json!([{ "role": "user", "content": "A story" }, { "role": "assistant", "tool_calls": [call] }, { "role": "tool", "tool_call_id": "call_1", "content": "Go." }]);
    let asked = json!({ "model": "fast", "stream": true, "messages": messages });
    let response = doors.asks("chat/completions", &asked).send().await.unwrap();
    let mut stream = response.bytes_stream();
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    model.saw_leave(1).await;
    let [entry] = &doors.ledger(1).await[..] else { panic!() };
    assert_eq!(entry["outcome"], "cancelled");
    assert!(entry["nano"].as_i64().unwrap() > 0, "nobody knows what was used, so what was reserved counts: {entry}");
    doors.app.close().await;
}

#[tokio::test]
async fn a_call_with_a_key_of_the_clients_own_is_made_once() {
    let model = Model::start("first", vec![whole("Hello."), whole("Again.")]).await;
    let doors = Doors::open(&[&model]).await;
    let keyed = |body: &Value| doors.asks("chat/completions", body).header("Idempotency-Key", "order-1");
    let first = doors.app.send(keyed(&asking("Hi"))).await;
    let second = doors.app.send(keyed(&asking("Hi"))).await;
    assert_eq!((first.ok(), second.header("idempotent-replayed")), (second.ok(), "true"));
    assert_eq!(model.requests().len(), 1);
    let other = doors.app.send(keyed(&asking("Something else"))).await;
    assert_eq!((other.status, &other.json()["error"]["code"]), (409, &json!("idempotency_mismatch")));
    let mut streamed = asking("Hi");
    streamed["stream"] = json!(true);
    model.rewrite(vec![says("Hello."), says("Again.")]);
    let keyed = |body: &Value| doors.asks("chat/completions", body).header("Idempotency-Key", "order-2");
    let first = doors.app.send(keyed(&streamed)).await;
    let second = doors.app.send(keyed(&streamed)).await;
    assert_eq!(words(&first.text), "Hello.");
    assert_eq!(first.text, second.text);
    doors.app.close().await;
}

#[tokio::test]
async fn nothing_is_answered_from_memory_unless_the_tenant_wants_it_and_never_for_another_key() {
    let model = Model::start("first", vec![whole("One."), whole("Two."), whole("Three."), whole("Four.")]).await;
    let doors = Doors::open(&[&model]).await;
    let text = |answer: &crate::app::Answer| answer.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert_eq!((text(&doors.chat(&asking("Hi")).await), text(&doors.chat(&asking("Hi")).await)), ("One.".into(), "Two.".into()));
    doors.settings(json!({ "cache": true })).await;
    let (third, again) = (doors.chat(&asking("Hi")).await, doors.chat(&asking("Hi")).await);
    assert_eq!((text(&third), third.header("x-steward-cache")), ("Three.".into(), "miss"));
    assert_eq!((text(&again), again.header("x-steward-cache")), ("Three.".into(), "hit"));
    let other = doors.make_key(json!({ "name": "Another" })).await;
    let told = doors.app.send(doors.asks_with(&other, "chat/completions", &asking("Hi"))).await;
    assert_eq!(text(&told), "Four.");
    let outcomes: Vec<Value> = doors.ledger(5).await.iter().map(|entry| entry["outcome"].clone()).collect();
    assert_eq!(outcomes, ["answered", "answered", "answered", "cached", "answered"]);
    doors.app.close().await;
}

#[tokio::test]
async fn the_screen_shows_how_models_are_and_lets_a_person_try_one() {
    let (broken, good) = (Model::start("broken", vec![fails(500)]).await, Model::start("good", vec![says("Hello <b>you</b>.")]).await);
    let doors = Doors::open(&[&broken, &good]).await;
    let tim = doors.app.user(&doors.tenant, "Tim", &[]).await;
    assert_eq!(doors.app.page(&tim, "/app/models").await.status, 403);
    let page = doors.app.page(&doors.admin, "/app/models").await;
    assert!(page.text.contains("broken/scripted, good/scripted"), "{}", page.text);
    let cookie = format!("steward_session={}", doors.admin.token);
    let tried = doors.app.client.post(format!("{}/app/models", doors.app.base)).header("Cookie", cookie).header("Sec-Fetch-Site", "same-origin");
    let tried = tried.header("Content-Type", "application/x-www-form-urlencoded").body("alias=fast&text=Hi%20anna%40example.org");
    let again = tried.try_clone().unwrap();
    let page = doors.app.send(tried).await;
    assert!(page.text.contains("Hello &lt;b&gt;you&lt;/b&gt;.") && page.text.contains("good/scripted"), "{}", page.text);
    // What failed on the way is told by its code.
    assert!(page.text.contains("upstream"), "{}", page.text);
    assert_eq!(good.requests()[0]["messages"][0]["content"], "Hi [EMAIL_1]", "the tenant's guard holds here too");
    let [entry] = &doors.ledger(1).await[..] else { panic!() };
    assert_eq!((&entry["door"], &entry["outcome"], &entry["user"]), (&json!("screen"), &json!("answered"), &json!(doors.admin.id)));
    // The person has seen nothing of what breaks off, so that another model begins anew.
    let begun = frame(&json!({ "role": "assistant", "content": "Half of " }), None).to_string();
    broken.rewrite(vec![cut_off(&[&begun])]);
    let page = doors.app.send(again).await;
    assert!(page.text.contains("Hello &lt;b&gt;you&lt;/b&gt;.") && !page.text.contains("Half of"), "{}", page.text);
    let entries = doors.ledger(2).await;
    assert_eq!((&entries[1]["provider"], &entries[1]["attempts"], broken.requests().len()), (&json!("good"), &json!(2), 1));
    doors.app.close().await;
}
