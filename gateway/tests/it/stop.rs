//! Stop ends the work: the request to the model, the stream, and the place that the question took.

use crate::app::TestApp;
use crate::model::{Held, calls};
use crate::shop::{READING, Shop};
use crate::talk::Stream;
use serde_json::{Value, json};

const QUESTION: &str = "How many parties are there?";

async fn held() -> (Held, Shop) {
    let count = calls("query", &json!({ "resource": "crm.party", "measures": ["count"] }));
    let model = Held::start(count, &["There is 1 ", "party. And ", "the "], &["party is a party."]).await;
    let shop = Shop::of(TestApp::configured(Vec::new(), |config| model.configure(config)).await).await;
    (model, shop)
}

async fn stop(shop: &Shop, message: &str) -> u16 {
    shop.app.post(&shop.admin, &format!("assistant/messages/{message}/stop"), &json!({})).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_answer_keeps_what_was_told_and_gives_its_place_back() {
    let (model, shop) = held().await;
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = Stream::open(&shop.app, &shop.admin, QUESTION).await;
        stream.said().await;
        streams.push(stream);
    }
    shop.app.post(&shop.admin, "assistant/messages", &json!({ "text": QUESTION })).await.problem(429, "rate_limited");

    let message = streams[0].message().await;
    let path = format!("assistant/messages/{message}/stop");
    let other = shop.app.user(&shop.tenant, "Other", READING).await;
    shop.app.post(&other, &path, &json!({})).await.problem(404, "not_found");
    shop.app.post(&shop.admin, &path, &json!({ "why": "so" })).await.problem(422, "invalid_input");
    assert_eq!(stop(&shop, &message).await, 204);
    let end = streams[0].end().await;
    assert_eq!((end.name.as_str(), &end.data["stopped"], &end.data["answer"]), ("done", &json!(true), &json!("There is 1 party.")), "{end:?}");
    assert_eq!(end.data["figures"][0]["value"], "1");
    model.saw_leave(1).await;

    let mut fifth = Stream::open(&shop.app, &shop.admin, QUESTION).await;
    fifth.said().await;
    // What was told is the answer, wherever it is read again; to stop it once more changes nothing.
    assert_eq!(stop(&shop, &message).await, 204);
    let events = shop.app.get(&shop.admin, &format!("assistant/messages/{message}/events")).await.text;
    assert_eq!(events.matches("event: done").count() + events.matches("event: error").count(), 1, "{events}");
    let stored: (String, String) = {
        let text = shop.app.peek(&shop.tenant, &format!("SELECT text FROM assistant_message WHERE id = '{message}'")).await;
        (text, shop.app.peek(&shop.tenant, &format!("SELECT state FROM assistant_message WHERE id = '{message}'")).await)
    };
    assert_eq!(stored, ("There is 1 party.".to_owned(), "done".to_owned()));
    for (at, stream) in streams.iter_mut().skip(1).chain([&mut fifth]).enumerate() {
        assert_eq!(stop(&shop, &stream.message().await).await, 204);
        assert_eq!(stream.end().await.data["stopped"], true);
        model.saw_leave(at + 2).await;
    }
    shop.app.post(&shop.admin, &format!("assistant/messages/{}/stop", uuid::Uuid::nil()), &json!({})).await.problem(404, "not_found");
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_was_stopped_at_another_process_ends_too() {
    let (model, shop) = held().await;
    let mut stream = Stream::open(&shop.app, &shop.admin, QUESTION).await;
    stream.said().await;
    let message = stream.message().await;
    // All that the other process does is to write this.
    shop.app.poke(&shop.tenant, &format!("UPDATE assistant_message SET stop_asked_at = now() WHERE id = '{message}'")).await;
    assert_eq!(stream.end().await.data["stopped"], true);
    model.saw_leave(1).await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_deleted_takes_its_running_turn_with_it() {
    let (model, shop) = held().await;
    for elsewhere in [false, true] {
        let mut stream = Stream::open(&shop.app, &shop.admin, QUESTION).await;
        let events = stream.said().await;
        let conversation = events[0].data["conversation_id"].as_str().unwrap().to_owned();
        if elsewhere {
            shop.app.poke(&shop.tenant, &format!("DELETE FROM assistant_conversation WHERE id = '{conversation}'")).await;
        } else {
            let deleted = shop.app.send(shop.app.request("DELETE", &shop.admin, &format!("/api/v1/assistant/conversations/{conversation}"))).await;
            assert_eq!(deleted.status, 204, "{}", deleted.text);
        }
        assert_eq!(stream.end().await.data["stopped"], true);
        model.saw_leave(1 + usize::from(elsewhere)).await;
        shop.app.get(&shop.admin, &format!("assistant/conversations/{conversation}")).await.problem(404, "not_found");
    }
    let left: i64 = shop.app.peek(&shop.tenant, "SELECT count(*) FROM assistant_event").await;
    assert_eq!(left, 0, "nothing is left of them");
    let turns: Value = shop.app.get(&shop.admin, "assistant/conversations").await.ok();
    assert_eq!(turns["items"], json!([]));
    shop.app.close().await;
}
