//! Conversations over their door: listed page by page, read from the newest message back, resumed and deleted, each by its
//! own person only.

use crate::shop::{READING, Shop};
use crate::talk::{ask, ask_in};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PATH: &str = "assistant/conversations";

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_listed_page_by_page_without_gaps() {
    let shop = Shop::open().await;
    let mut made = BTreeSet::new();
    for _ in 0..5 {
        made.insert(ask(&shop.app, &shop.admin, "How many parties are there?").await.conversation);
    }
    let mut seen: Vec<String> = Vec::new();
    let mut cursor: Option<String> = None;
    for page in 0..3 {
        let mut parameters = vec![("limit", "2")];
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let body = shop.app.query(&shop.admin, PATH, &parameters).await.ok();
        let items = body["items"].as_array().unwrap();
        assert_eq!(items.len(), if page < 2 { 2 } else { 1 }, "{body}");
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        cursor = body["next"].as_str().map(str::to_owned);
        assert_eq!(cursor.is_some(), page < 2, "{body}");
    }
    assert_eq!((seen.len(), seen.into_iter().collect::<BTreeSet<_>>()), (5, made));
    for wrong in ["", "x", "1_2", "99999999999999999999_00000000000000000000000000000000", "-8200000000000000000_00000000000000000000000000000000"] {
        shop.app.query(&shop.admin, PATH, &[("cursor", wrong)]).await.problem(400, "bad_request");
    }
    let other = shop.app.user(&shop.tenant, "Other", READING).await;
    assert_eq!(shop.app.get(&other, PATH).await.ok(), json!({ "items": [], "next": null }));
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_read_from_its_newest_message_back() {
    let shop = Shop::open().await;
    let first = ask(&shop.app, &shop.admin, "How many parties are there?").await;
    ask_in(&shop.app, &shop.admin, Some(&first.conversation), "How many items are there?").await;
    let path = format!("{PATH}/{}", first.conversation);
    let whole = shop.app.get(&shop.admin, &path).await.ok();
    assert_eq!(whole["more"], false);
    let ids = |body: &Value| body["messages"].as_array().unwrap().iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let all = ids(&whole);
    assert_eq!(all.len(), 4);
    let newest = shop.app.query(&shop.admin, &path, &[("limit", "3")]).await.ok();
    assert_eq!((ids(&newest), &newest["more"]), (all[1..].to_vec(), &json!(true)));
    let older = shop.app.query(&shop.admin, &path, &[("limit", "3"), ("before", &all[1])]).await.ok();
    assert_eq!((ids(&older), &older["more"]), (all[..1].to_vec(), &json!(false)));
    shop.app.query(&shop.admin, &path, &[("before", "x")]).await.problem(400, "bad_request");
    shop.app.query(&shop.admin, &path, &[("limit", "0")]).await.problem(400, "bad_request");
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_resumed_and_deleted_by_its_own_person_only() {
    let shop = Shop::open().await;
    let talk = ask(&shop.app, &shop.admin, "How many parties are there?").await;
    let path = format!("{PATH}/{}", talk.conversation);
    let other = shop.app.user(&shop.tenant, "Other", READING).await;
    let delete = async |user| shop.app.send(shop.app.request("DELETE", user, &format!("/api/v1/{path}"))).await;
    shop.app.get(&other, &path).await.problem(404, "not_found");
    delete(&other).await.problem(404, "not_found");
    shop.app.post(&other, "assistant/messages", &json!({ "text": "And items?", "conversation_id": talk.conversation })).await.problem(404, "not_found");
    // It goes on from what was said.
    let next = ask_in(&shop.app, &shop.admin, Some(&talk.conversation), "How many items are there?").await;
    assert_eq!(next.conversation, talk.conversation);
    let read = shop.app.get(&shop.admin, &path).await.ok();
    let said: Vec<&str> = read["messages"].as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!((said, &read["title"]), (vec!["user", "assistant", "user", "assistant"], &json!("How many parties are there?")));
    assert_eq!(read["messages"][3]["text"], json!(next.answer));

    assert_eq!(delete(&shop.admin).await.status, 204);
    shop.app.get(&shop.admin, &path).await.problem(404, "not_found");
    delete(&shop.admin).await.problem(404, "not_found");
    shop.app.get(&shop.admin, &format!("assistant/messages/{}/events", talk.message)).await.problem(404, "not_found");
    shop.app.post(&shop.admin, "assistant/messages", &json!({ "text": "And items?", "conversation_id": talk.conversation })).await.problem(404, "not_found");
    let left: i64 = shop.app.peek(&shop.tenant, "SELECT count(*) FROM assistant_message").await;
    assert_eq!(left, 0);
    shop.app.close().await;
}
