//! Whoever has written something finds it at once, through every door, whether or not the index knows of it yet.

use crate::app::{Answer, User};
use crate::model::{Model, calls, says};
use crate::provenance::shop;
use crate::shop::Shop;
use crate::talk::events;
use serde_json::{Value, json};

const NOTE: &str = "Deliver to the crimson gate behind the mill.";

/// Writes the note through REST, which the index learns nothing of: it is not followed here.
async fn write(shop: &Shop) -> String {
    let party = shop.app.get(&shop.admin, &format!("crm/parties/{}", shop.customer)).await;
    let request = shop.app.request("PATCH", &shop.admin, &format!("/api/v1/crm/parties/{}", shop.customer)).header("If-Match", party.header("etag"));
    let written = shop.app.send(request.json(&json!({ "note": NOTE }))).await;
    assert_eq!(written.status, 200, "{}", written.text);
    written.header("steward-position").to_owned()
}

async fn ask(shop: &Shop, body: &Value) -> (String, Vec<Value>) {
    let answer = shop.app.post(&shop.admin, "assistant/messages", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let events = events(&answer.text);
    let cited = events.iter().filter(|event| event.name == "citation").map(|event| event.data.clone()).collect();
    (events.last().unwrap().data["answer"].as_str().unwrap().to_owned(), cited)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_note_is_found_by_the_question_that_brings_its_position() {
    let model = Model::start("reading", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    shop.app.state.indexer.settle().await.unwrap();
    let position = write(&shop).await;
    assert!(!position.is_empty());
    let script = || vec![calls("search", &json!({ "text": "crimson gate" })), says("Deliver to the crimson gate [1].")];
    model.rewrite(script());
    let (answer, _) = ask(&shop, &json!({ "text": "Where is the crimson gate?" })).await;
    assert_eq!(answer, "I don't know.", "the index does not know of it yet");
    model.rewrite(script());
    let (answer, cited) = ask(&shop, &json!({ "text": "Where is the crimson gate?", "position": position })).await;
    assert!(answer.starts_with("Deliver to the crimson gate [1].") && answer.contains("not in the search index yet"), "{answer}");
    assert_eq!((&cited[0]["id"], &cited[0]["field"]), (&json!(shop.customer), &json!("note")), "{cited:?}");
    // REST's search does the same.
    let found = async |q: &str| {
        let request = shop.app.request("GET", &shop.admin, "/api/v1/search").query(&[("q", q)]).header("steward-position", &position);
        shop.app.send(request).await.ids()
    };
    assert_eq!((found("crimson").await, found("scarlet").await), (vec![shop.customer], Vec::new()));
    // Once the index knows of it, nothing is said of it.
    shop.app.state.indexer.settle().await.unwrap();
    model.rewrite(script());
    let (answer, _) = ask(&shop, &json!({ "text": "Where is the crimson gate?", "position": position })).await;
    assert_eq!(answer, "Deliver to the crimson gate [1].");
    let forged = shop.app.post(&shop.admin, "assistant/messages", &json!({ "text": "x", "position": "00" })).await;
    forged.problem(400, "bad_request");
    shop.app.close().await;
}

/// The cookie that a page's write leaves in the browser.
#[track_caller]
fn left(answer: &Answer) -> String {
    let cookies = answer.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    let cookie = cookies.into_iter().find(|cookie| cookie.starts_with("steward_position=")).unwrap_or_else(|| panic!("{:?}", answer.headers));
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Max-Age="), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

async fn typed(shop: &Shop, user: &User, cookie: &str) -> String {
    let request = shop.app.client.get(format!("{}/search", shop.app.base)).query(&[("q", "crimson")]).header("HX-Request", "true");
    shop.app.send(request.header("Cookie", format!("steward_session={}; {cookie}", user.token))).await.text
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_wrote_its_search_box_finds() {
    let model = Model::start("reading", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    shop.app.state.indexer.settle().await.unwrap();
    let from_page = |path: &str| {
        let request = shop.app.client.post(format!("{}{path}", shop.app.base)).header("Origin", &shop.app.base);
        request.header("Cookie", format!("steward_session={}", shop.admin.token))
    };
    let name = [("name", "Ernst Handel"), ("note", NOTE), ("is_customer", "true"), ("currency", "EUR"), ("_do", "execute")];
    let form = serde_urlencoded(&name);
    let edited = shop
        .app
        .send(from_page(&format!("/app/crm/parties/{}/edit", shop.customer)).header("Content-Type", "application/x-www-form-urlencoded").body(form))
        .await;
    assert_eq!(edited.status, 303, "{}", edited.text);
    let cookie = left(&edited);
    assert!(!typed(&shop, &shop.admin, "").await.contains("Ernst Handel"));
    assert!(typed(&shop, &shop.admin, &cookie).await.contains("Ernst Handel"));

    // A confirmation tells its position, and a page that confirms keeps it.
    model.rewrite(vec![
        calls(
            "propose",
            &json!({ "steps": [{ "command": "crm.party.update", "arguments": { "party": shop.customer, "note": "Ring the crimson bell twice." } }] }),
        ),
        says("Please confirm."),
    ]);
    let talk = crate::talk::ask(&shop.app, &shop.admin, "Note at Ernst Handel: Ring the crimson bell twice.").await;
    let path = format!("assistant/proposals/{}", talk.card()["id"].as_str().unwrap());
    let token = shop.app.get(&shop.admin, &path).await.ok()["token"].clone();
    let confirmed = shop.app.send(from_page(&format!("/api/v1/{path}/confirm")).json(&json!({ "token": token }))).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    assert!(!confirmed.header("steward-position").is_empty());
    model.rewrite(vec![calls("search", &json!({ "text": "crimson bell" })), says("Ring the crimson bell twice [1].")]);
    let request = shop.app.client.post(format!("{}/api/v1/assistant/messages", shop.app.base)).header("Origin", &shop.app.base);
    let request = request.header("Cookie", format!("steward_session={}; {}", shop.admin.token, left(&confirmed)));
    let answer = shop.app.send(request.json(&json!({ "text": "What about the bell?" }))).await.text;
    assert!(answer.contains("Ring the crimson bell twice [1]."), "{answer}");
    shop.app.close().await;
}

fn serde_urlencoded(pairs: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect::<String>()
    };
    pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&")
}
