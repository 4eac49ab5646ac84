//! Taking back a confirmation or a cancellation leads to just the state before: status, stock and what the lines held.

use crate::app::id;
use crate::shop::{Shop, T};
use chrono::TimeDelta;
use serde_json::{Value, json};
use steward_kernel::principal::Scope;
use steward_kernel::{Code, Error};
use uuid::Uuid;

/// What an order is and holds, as the database has it.
async fn state(shop: &Shop, order: Uuid) -> Value {
    let sql = format!(
        "SELECT jsonb_build_object('status', o.status, 'backordered', o.backordered, 'confirmed_at', o.confirmed_at, 'cancelled_from', o.cancelled_from, 'reason', o.cancel_reason,
                'lines', (SELECT jsonb_agg(jsonb_build_array(l.reserved::text, l.backordered::text) ORDER BY l.position) FROM sales_line l WHERE l.order_id = o.id),
                'stock', (SELECT coalesce(sum(r.quantity), 0) FROM inventory_reservation r WHERE r.document_id = o.id::text AND r.status = 'active'))
           FROM sales_order o WHERE o.tenant_id = app.tenant() AND o.id = '{order}'"
    );
    shop.app.peek(&shop.tenant, &sql).await
}

async fn order(shop: &Shop, quantity: &str, commands: &[&str]) -> Uuid {
    let order = id(&shop.app.run(&shop.admin, "sales.order.create", shop.order_input(quantity)).await);
    for command in commands {
        shop.app.run(&shop.admin, command, json!({ "order": order })).await;
    }
    order
}

#[track_caller]
fn refused(result: Result<steward_kernel::bus::Executed, Error>, reason: &str) {
    let error = result.map(drop).unwrap_err();
    assert_eq!((error.code, error.reason), (Code::Conflict, Some(reason)), "{error:?}");
}

#[tokio::test]
async fn a_confirmation_is_taken_back_to_the_state_before_it_and_done_again() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    for before in [&[][..], &["sales.order.quote"][..]] {
        let order = order(&shop, "4", before).await;
        let at_first = state(&shop, order).await;
        let confirmed = shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
        assert_eq!((shop.status(order).await.as_str(), shop.reserved().await), ("confirmed", 4));
        let undone = shop.undo(&confirmed).await.unwrap();
        assert_eq!((state(&shop, order).await, shop.reserved().await), (at_first.clone(), 0));
        let again = shop.undo(&undone).await.unwrap();
        assert_eq!((shop.status(order).await.as_str(), shop.reserved().await), ("confirmed", 4));
        shop.undo(&again).await.unwrap();
        assert_eq!((state(&shop, order).await, shop.reserved().await), (at_first, 0));
    }
    shop.app.close().await;
}

#[tokio::test]
async fn a_cancellation_is_taken_back_with_its_reservations_and_nothing_more() {
    let shop = Shop::open().await;
    // Three pieces for five: two wait for stock, and go on waiting.
    shop.receive("3").await;
    let ways = [&[][..], &["sales.order.quote"][..], &["sales.order.confirm"][..], &["sales.order.quote", "sales.order.confirm", "sales.order.start"][..]];
    for way in ways {
        let order = order(&shop, "5", way).await;
        let before = state(&shop, order).await;
        let reserved = shop.reserved().await;
        let input = json!({ "order": order, "reason": "a mistake" });
        let cancelled = shop.app.run(&shop.admin, "sales.order.cancel", input).await;
        let after = state(&shop, order).await;
        assert_eq!((&after["status"], shop.reserved().await), (&json!("cancelled"), 0), "{way:?}");
        shop.receive("10").await;
        let undone = shop.undo(&cancelled).await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
        assert_eq!((state(&shop, order).await, shop.reserved().await), (before, reserved), "{way:?}");
        shop.undo(&undone).await.unwrap();
        assert_eq!((state(&shop, order).await, shop.reserved().await), (after, 0), "{way:?}: the reason is there again as well");
        shop.app.run(&shop.admin, "inventory.stock.issue", json!({ "item": shop.item, "warehouse": shop.warehouse, "quantity": "10" })).await;
    }
    shop.app.close().await;
}

#[tokio::test]
async fn a_cancellation_stands_where_the_stock_or_the_credit_is_gone() {
    let shop = Shop::open().await;
    shop.receive("4").await;
    let order_of = async |quantity: &str| order(&shop, quantity, &["sales.order.confirm"]).await;
    let first = order_of("4").await;
    let cancelled = shop.app.run(&shop.admin, "sales.order.cancel", json!({ "order": first })).await;
    let second = order_of("1").await;
    let before = state(&shop, first).await;
    refused(shop.undo(&cancelled).await, "sales.stock_gone");
    assert_eq!((state(&shop, first).await, shop.reserved().await), (before.clone(), 1));

    shop.app.run(&shop.admin, "sales.order.cancel", json!({ "order": second })).await;
    let limit = json!({ "amount": "80.00", "currency": "EUR" });
    shop.app.run(&shop.admin, "crm.party.update", json!({ "party": shop.customer, "credit_limit": limit })).await;
    let _third = order_of("1").await;
    shop.receive("4").await;
    refused(shop.undo(&cancelled).await, "sales.credit_limit");
    assert_eq!(state(&shop, first).await, before);
    // The undo that was refused is still there.
    shop.app.run(&shop.admin, "crm.party.update", json!({ "party": shop.customer, "credit_limit": null })).await;
    shop.undo(&cancelled).await.unwrap();
    assert_eq!((shop.status(first).await.as_str(), shop.reserved().await), ("confirmed", 5));
    shop.app.close().await;
}

#[tokio::test]
async fn an_order_that_went_through_other_states_since_is_not_put_back() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let run = async |command: &str, order: Uuid| shop.app.run(&shop.admin, command, json!({ "order": order })).await;
    let order = order(&shop, "4", &[]).await;
    let first = run("sales.order.confirm", order).await;
    run("sales.order.reopen", order).await;
    assert_eq!(shop.status(order).await, "quotation", "reopened by hand it is a quotation, whatever it was");
    shop.app.clock.set(shop.app.clock.now() + TimeDelta::minutes(1));
    let second = run("sales.order.confirm", order).await;
    refused(shop.undo(&first).await, "sales.another_state");
    let cancelled = run("sales.order.cancel", order).await;
    refused(shop.undo(&second).await, "sales.another_state");
    run("sales.order.reopen", order).await;
    refused(shop.undo(&cancelled).await, "sales.not_reopenable");
    assert_eq!((shop.status(order).await.as_str(), shop.reserved().await), ("quotation", 0));
    shop.app.close().await;
}

#[tokio::test]
async fn the_way_back_is_nobodys_door_and_needs_the_right_to_reopen_in_its_width() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let order = order(&shop, "4", &[]).await;
    let confirmed = shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    let input = json!({ "order": order, "status": "draft" });
    let error = shop.app.try_run(&shop.admin, "sales.order.put_back", input.clone()).await.unwrap_err();
    assert_eq!(error.code, Code::UnknownName);
    shop.app.post(&shop.admin, &format!("sales/orders/{order}/put_back"), &json!({ "status": "draft" })).await.problem(404, "unknown_name");
    shop.app.post(&shop.admin, "sales/orders/put_back/batch", &json!({ "rows": [input] })).await.problem(404, "unknown_name");
    let undo = format!("commands/{}/undo", confirmed.execution);
    let narrow = shop.seller("Narrow", &["sales:order:reopen"], Scope::Own).await;
    shop.app.post(&narrow, &undo, &json!({})).await.problem(404, "not_found");
    let without = shop.seller("Without", &["sales:order:confirm", "sales:order:cancel"], T).await;
    shop.app.post(&without, &undo, &json!({})).await.problem(403, "forbidden");
    assert_eq!((shop.status(order).await.as_str(), shop.audits("sales.order.put_back", "refused").await), ("confirmed", 2));
    let wide = shop.seller("Wide", &["sales:order:reopen"], T).await;
    shop.app.post(&wide, &undo, &json!({})).await.ok();
    assert_eq!(shop.status(order).await, "draft");
    shop.app.close().await;
}
