//! Moves, and reservations by people.

use crate::{Firm, id};
use serde_json::json;
use steward_kernel::bus::{Request, Step};
use steward_kernel::{Code, Scope};

#[tokio::test]
async fn goods_come_in_and_go_out_and_both_are_undone() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    let received = firm.ok("inventory.stock.receive", json!({ "item": item, "quantity": "20.5", "reference": "4711" })).await;
    let issued = firm.ok("inventory.stock.issue", json!({ "item": item, "quantity": "0.5" })).await;
    assert_eq!(firm.figures(item).await, ["20", "0", "20", "0"]);
    assert_eq!(firm.refused("inventory.stock.issue", json!({ "item": item, "quantity": "20.0001" })).await, "inventory.insufficient_stock");
    for quantity in ["0", "-1", "0.00001"] {
        assert_eq!(firm.refused("inventory.stock.receive", json!({ "item": item, "quantity": quantity })).await, "invalid_input");
    }
    assert_eq!(firm.refused("inventory.stock.receive", json!({ "item": item, "quantity": "1", "date": "2999-01-01" })).await, "invalid_input");
    firm.undo(&issued).await;
    firm.undo(&received).await;
    assert_eq!(firm.figures(item).await, ["0", "0", "0", "0"]);
    firm.check().await;
}

#[tokio::test]
async fn an_adjustment_needs_a_reason_and_fresh_figures() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    firm.ok("inventory.stock.receive", json!({ "item": item, "quantity": "20" })).await;
    assert_eq!(firm.refused("inventory.stock.adjust", json!({ "item": item, "on_hand": "15" })).await, "invalid_input");
    let adjusted = firm.ok("inventory.stock.adjust", json!({ "item": item, "on_hand": "15", "reason": "breakage" })).await;
    assert_eq!(firm.figures(item).await[0], "15");
    firm.undo(&adjusted).await;
    assert_eq!(firm.figures(item).await[0], "20");
    let adjusted = firm.ok("inventory.stock.adjust", json!({ "item": item, "on_hand": "15", "reason": "breakage" })).await;
    firm.ok("inventory.stock.receive", json!({ "item": item, "quantity": "1" })).await;
    let error = firm.house.kernel.undo(&firm.boss, adjusted.execution).await.map(drop).unwrap_err();
    assert_eq!(error.reason, Some("kernel.changed_since"));
    let fresh = json!({ "item": item, "on_hand": "10", "expected_on_hand": "15", "reason": "x" });
    assert_eq!(firm.refused("inventory.stock.adjust", fresh).await, "inventory.stock_changed");
    assert_eq!(firm.refused("inventory.stock.adjust", json!({ "item": item, "on_hand": "16", "reason": "x" })).await, "inventory.nothing_to_do");
    assert_eq!(firm.refused("inventory.stock.adjust", json!({ "item": item, "on_hand": "-1", "reason": "x" })).await, "invalid_input");
    firm.check().await;
}

#[tokio::test]
async fn an_opening_balance_can_be_repeated_until_something_moves() {
    let firm = Firm::open().await;
    let item = firm.item("Chang").await;
    let input = json!({ "item": item, "quantity": "17", "on_order": "40", "date": "1998-05-06" });
    let opened = firm.ok("inventory.stock.open", input.clone()).await;
    assert_eq!(firm.figures(item).await, ["17", "0", "17", "40"]);
    assert!(!firm.ok("inventory.stock.open", input.clone()).await.undoable);
    firm.undo(&opened).await;
    assert_eq!(firm.figures(item).await, ["0", "0", "0", "0"]);
    firm.ok("inventory.stock.open", input.clone()).await;
    let expected = firm.ok("inventory.stock.expect", json!({ "item": item, "on_order": "0" })).await;
    firm.undo(&expected).await;
    firm.ok("inventory.stock.receive", json!({ "item": item, "quantity": "3" })).await;
    assert_eq!(firm.refused("inventory.stock.open", input).await, "inventory.already_moved");
    assert_eq!(firm.figures(item).await, ["20", "0", "20", "40"]);
    firm.check().await;

    let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
    let (_, table) = read.report("inventory.on_hand", json!({ "as_of": "1999-01-01" })).await.unwrap();
    assert_eq!((table.rows.len(), &table.rows[0][2]), (1, &json!({ "value": "17", "unit": "pcs" })));
    let (_, table) = read.report("inventory.on_hand", json!({ "warehouse": firm.warehouse })).await.unwrap();
    assert_eq!(table.rows[0][2]["value"], "20");
    let (_, table) = read.report("inventory.on_hand", json!({ "as_of": "1990-01-01" })).await.unwrap();
    assert!(table.rows.is_empty());
}

#[tokio::test]
async fn a_reservation_takes_the_whole_quantity_or_refuses() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    assert_eq!(firm.refused("inventory.reserve", json!({ "item": item, "quantity": "1" })).await, "inventory.insufficient_stock");
    firm.ok("inventory.stock.receive", json!({ "item": item, "quantity": "10" })).await;
    let preview = firm
        .house
        .kernel
        .preview(
            &firm.boss,
            &[Step { command: "inventory.reserve".into(), input: json!({ "item": item, "quantity": "8" }), name: None, expected_version: None }],
        )
        .await
        .unwrap();
    assert_eq!(preview.effects, ["reserves 8 × Chai"]);
    assert_eq!(firm.figures(item).await, ["10", "0", "10", "0"]);
    let reserved = firm.ok("inventory.reserve", json!({ "item": item, "quantity": "8" })).await;
    assert_eq!(firm.figures(item).await, ["10", "8", "2", "0"]);
    assert_eq!(firm.refused("inventory.reserve", json!({ "item": item, "quantity": "3" })).await, "inventory.insufficient_stock");
    // Reserved stock is not issued to somebody else, but a count below it is a fact.
    assert_eq!(firm.refused("inventory.stock.issue", json!({ "item": item, "quantity": "3" })).await, "inventory.insufficient_stock");
    firm.ok("inventory.stock.adjust", json!({ "item": item, "on_hand": "5", "reason": "theft" })).await;
    assert_eq!(firm.figures(item).await, ["5", "8", "-3", "0"]);
    firm.check().await;
    firm.undo(&reserved).await;
    assert_eq!(firm.figures(item).await, ["5", "0", "5", "0"]);
    assert_eq!(firm.refused("inventory.release", json!({ "reservation": id(&reserved) })).await, "inventory.reservation_not_active");
    firm.check().await;
}

#[tokio::test]
async fn twenty_clients_reserve_ten_units_and_exactly_ten_succeed() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    firm.ok("inventory.stock.receive", json!({ "item": item, "quantity": "10" })).await;
    let tries = (0..20).map(|_| {
        let (kernel, boss) = (firm.kernel(), firm.boss.clone());
        async move { kernel.execute(&boss, Request::new("inventory.reserve", json!({ "item": item, "quantity": "1" }))).await }
    });
    let results = futures::future::join_all(tries).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 10);
    assert!(results.iter().filter_map(|result| result.as_ref().err()).all(|error| error.reason == Some("inventory.insufficient_stock")));
    assert_eq!(firm.figures(item).await, ["10", "10", "0", "0"]);
    firm.check().await;
}

#[tokio::test]
async fn a_warehouse_of_another_company_is_out_of_a_narrow_width() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    let far = id(&firm.ok("inventory.warehouse.create", json!({ "code": "F", "name": "Far" })).await);
    let mut rights: Vec<(&str, Scope)> = crate::all().into_iter().filter(|(name, _)| *name != "inventory:stock:receive").collect();
    rights.push(("inventory:stock:receive", Scope::Company));
    let clerk = firm.house.user(&firm.created, "Clerk", &rights).await.unwrap();
    firm.run(&clerk, "inventory.stock.receive", json!({ "item": item, "warehouse": far, "quantity": "1" })).await.unwrap();
    firm.ok("inventory.warehouse.create", json!({ "code": "N", "name": "Nobody's", "company": null })).await;
    let schema = firm.house.kernel.placement(firm.created.tenant).await.unwrap().schema.clone();
    let mut tx = firm.house.owner.begin(&schema, firm.created.tenant, "test.move").await.unwrap();
    let foreign: uuid::Uuid =
        sqlx::query_scalar("UPDATE inventory_warehouse SET company_id = gen_random_uuid() WHERE code = 'N' RETURNING id").fetch_one(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let error = firm.run(&clerk, "inventory.stock.receive", json!({ "item": item, "warehouse": foreign, "quantity": "1" })).await.map(drop).unwrap_err();
    assert_eq!(error.code, Code::Forbidden);
}

#[tokio::test]
async fn a_warehouse_may_allow_negative_stock() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    firm.ok("inventory.warehouse.update", json!({ "warehouse": firm.warehouse, "negative_stock": "allow" })).await;
    firm.ok("inventory.stock.issue", json!({ "item": item, "quantity": "3" })).await;
    assert_eq!(firm.figures(item).await, ["-3", "0", "-3", "0"]);
    assert_eq!(firm.refused("inventory.reserve", json!({ "item": item, "quantity": "1" })).await, "inventory.insufficient_stock");
    firm.check().await;
}

#[tokio::test]
async fn a_move_is_never_changed_nor_deleted() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    firm.ok("inventory.stock.receive", json!({ "item": item, "quantity": "3" })).await;
    for statement in ["UPDATE inventory_move SET quantity = 4", "DELETE FROM inventory_move"] {
        let schema = firm.house.kernel.placement(firm.created.tenant).await.unwrap().schema.clone();
        let mut tx = firm.house.owner.begin(&schema, firm.created.tenant, "test.force").await.unwrap();
        let error = sqlx::query(statement).execute(&mut *tx).await.unwrap_err();
        assert!(error.to_string().contains("never changed"), "{error}");
    }
}
