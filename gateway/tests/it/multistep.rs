//! Plans of several steps: one card, one confirmation, one transaction, and each step taken back.

use crate::app::{TestApp, User, id_of};
use crate::shop::Shop;
use crate::talk::ask;
use serde_json::{Value, json};
use uuid::Uuid;

async fn number(shop: &Shop, order: Uuid) -> String {
    shop.app.peek(&shop.tenant, &format!("SELECT number FROM sales_order WHERE id = '{order}'")).await
}

fn commands(card: &Value) -> Vec<&str> {
    card["steps"].as_array().unwrap().iter().map(|step| step["command"].as_str().unwrap()).collect()
}

/// Confirms as the page does, and gives back what was done.
async fn confirm(app: &TestApp, user: &User, card: &Value) -> Value {
    let path = format!("assistant/proposals/{}", card["id"].as_str().unwrap());
    let token = app.get(user, &path).await.ok()["token"].clone();
    app.post(user, &format!("{path}/confirm"), &json!({ "token": token })).await.ok()
}

async fn undo(app: &TestApp, user: &User, done: &Value) {
    for execution in done["undo"]["executions"].as_array().unwrap() {
        app.post(user, &format!("commands/{}/undo", execution.as_str().unwrap()), &json!({})).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_records_of_one_sentence_are_two_steps_of_one_plan() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let (one, other) = (shop.quotation(&shop.admin, "4").await, shop.quotation(&shop.admin, "5").await);
    let text = format!("Confirm {} and {}", number(&shop, one).await, number(&shop, other).await);
    let talk = ask(&shop.app, &shop.admin, &text).await;
    let card = talk.card();
    assert_eq!(commands(card), ["sales.order.confirm", "sales.order.confirm"]);
    let targets: Vec<Uuid> = card["steps"].as_array().unwrap().iter().map(|step| id_of(&step["arguments"]["order"])).collect();
    assert_eq!(targets, [one, other]);
    // The preview shows both, and nothing has happened.
    let changed = |order: Uuid| {
        card["preview"]["changes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|change| id_of(&change["id"]) == order && change["field"] == "status" && change["new"] == "confirmed")
    };
    assert!(changed(one) && changed(other), "{card}");
    assert_eq!((shop.status(one).await, shop.status(other).await, shop.reserved().await), ("quotation".into(), "quotation".into(), 0));

    let done = confirm(&shop.app, &shop.admin, card).await;
    assert_eq!(done["results"].as_array().unwrap().len(), 2, "{done}");
    assert_eq!((shop.status(one).await, shop.status(other).await, shop.reserved().await), ("confirmed".into(), "confirmed".into(), 9));
    let transactions: i64 = shop.app.peek(&shop.tenant, "SELECT count(DISTINCT xid) FROM kernel_change WHERE command = 'sales.order.confirm'").await;
    assert_eq!(transactions, 1, "the steps are executed together");
    undo(&shop.app, &shop.admin, &done).await;
    assert_eq!(shop.reserved().await, 0);
    assert!(shop.status(one).await != "confirmed" && shop.status(other).await != "confirmed");
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_step_makes_the_next_one_acts_on() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let talk = ask(&shop.app, &shop.admin, "Create an order for Ernst Handel with 2 Chai and confirm it").await;
    let card = talk.card();
    assert_eq!(commands(card), ["sales.order.create", "sales.order.confirm"], "{}", talk.answer);
    let orders = async || shop.app.peek::<i64>(&shop.tenant, "SELECT count(*) FROM sales_order").await;
    assert_eq!(orders().await, 0);
    let done = confirm(&shop.app, &shop.admin, card).await;
    let order = id_of(&done["results"][0]["id"]);
    assert_eq!(id_of(&done["results"][1]["id"]), order, "{done}");
    assert_eq!((shop.status(order).await, shop.reserved().await), ("confirmed".into(), 2));
    undo(&shop.app, &shop.admin, &done).await;
    assert_eq!((shop.status(order).await, shop.reserved().await), ("cancelled".into(), 0));
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_which_one_step_fails_is_not_proposed() {
    let shop = Shop::open().await;
    let order = shop.quotation(&shop.admin, "4").await;
    let done = shop.quotation(&shop.admin, "4").await;
    shop.app.run(&shop.admin, "sales.order.cancel", json!({ "order": done })).await;
    let text = format!("Confirm {} and {}", number(&shop, order).await, number(&shop, done).await);
    let talk = ask(&shop.app, &shop.admin, &text).await;
    assert_eq!(talk.named("proposal"), Vec::<&Value>::new(), "{}", talk.answer);
    assert_eq!(shop.status(order).await, "quotation");
    shop.app.close().await;
}
