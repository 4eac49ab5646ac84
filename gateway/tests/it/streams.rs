//! Streams of events whose turn does not run in this process: they say that they live, and end with the program.

use crate::app::{TestApp, User};
use crate::shop::Shop;
use crate::talk::ask;
use reqwest::Response;
use std::time::Duration;

/// Nothing here waits that long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A turn that is stored as running, as another process would have it.
async fn turn_elsewhere(shop: &Shop) -> String {
    let told = ask(&shop.app, &shop.admin, "How many parties are there?").await;
    let of = format!("message_id = '{}'", told.message);
    shop.app.poke(&shop.tenant, &format!("DELETE FROM assistant_event WHERE {of} AND name <> 'start'")).await;
    shop.app.poke(&shop.tenant, &format!("UPDATE assistant_message SET state = 'running', created_at = clock_timestamp() WHERE id = '{}'", told.message)).await;
    told.message
}

async fn follow(app: &TestApp, user: &User, message: &str) -> Response {
    let response = app.request("GET", user, &format!("/api/v1/assistant/messages/{message}/events")).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    response
}

/// Reads on until the text is there, or to the end of the stream.
async fn read_until(response: &mut Response, told: &mut String, text: Option<&str>) {
    let read = async {
        while text.is_none_or(|text| !told.contains(text)) {
            match response.chunk().await.unwrap() {
                Some(bytes) => told.push_str(&String::from_utf8_lossy(&bytes)),
                None => return,
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("nothing more came: {told:?}"));
}

#[tokio::test]
async fn a_stream_without_news_says_that_it_is_alive_and_goes_on() {
    let shop = Shop::of(TestApp::configured(Vec::new(), |config| config.assistant.heartbeat_seconds = 1).await).await;
    let message = turn_elsewhere(&shop).await;
    let (mut response, mut told) = (follow(&shop.app, &shop.admin, &message).await, String::new());
    read_until(&mut response, &mut told, Some("\n: heartbeat\n\n")).await;
    // The other process ends its turn: its events come through.
    let end = "INSERT INTO assistant_event (tenant_id, message_id, sequence, owner_id, name, data)
               SELECT tenant_id, id, 7, owner_id, 'error', '{\"code\": \"deadline\", \"message\": \"too long\"}'::jsonb FROM assistant_message WHERE id = ";
    shop.app.poke(&shop.tenant, &format!("{end} '{message}'")).await;
    shop.app.poke(&shop.tenant, &format!("UPDATE assistant_message SET state = 'failed' WHERE id = '{message}'")).await;
    read_until(&mut response, &mut told, None).await;
    assert!(told.contains("event: error") && told.contains("too long"), "{told}");
    shop.app.close().await;
}

#[tokio::test]
async fn a_stream_of_another_processs_turn_ends_with_this_process_and_not_with_that_turn() {
    let shop = Shop::open().await;
    let message = turn_elsewhere(&shop).await;
    let (mut response, mut told) = (follow(&shop.app, &shop.admin, &message).await, String::new());
    read_until(&mut response, &mut told, Some("event: start")).await;
    shop.app.state.stopping.cancel();
    read_until(&mut response, &mut told, None).await;
    assert!(!told.contains("event: done") && !told.contains("event: error"), "the turn is not over: {told}");
    let state: String = shop.app.peek(&shop.tenant, &format!("SELECT state FROM assistant_message WHERE id = '{message}'")).await;
    assert_eq!(state, "running", "whoever follows it picks the stream up elsewhere");
    shop.app.close().await;
}
