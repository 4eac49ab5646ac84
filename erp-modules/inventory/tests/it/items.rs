//! Categories, items and warehouses.

use crate::{Firm, all, id};
use serde_json::json;
use steward_kernel::Code;
use steward_kernel::query::{Filter, ListQuery, Op};

#[tokio::test]
async fn an_item_is_created_changed_and_discontinued_and_each_is_undone() {
    let firm = Firm::open().await;
    let category = id(&firm.ok("inventory.category.create", json!({ "name": "Beverages" })).await);
    let supplier = id(&firm.ok("crm.party.create", json!({ "name": "Exotic Liquids", "is_supplier": true })).await);
    let input = json!({
        "code": "1", "name": "Chai", "category": category, "supplier": supplier, "package": "10 boxes x 30 bags",
        "sales_price": { "amount": "18", "currency": "USD" }, "reorder_level": "10"
    });
    let item = id(&firm.ok("inventory.item.create", input).await);
    let seen = firm.see("inventory.item", item).await;
    assert_eq!((&seen["category"]["title"], &seen["supplier"]["title"]), (&json!("Beverages"), &json!("Exotic Liquids")));
    assert_eq!((&seen["sales_price"], &seen["reorder_level"]), (&json!({ "amount": "18.00", "currency": "USD" }), &json!("10")));
    assert_eq!(seen["on_hand"], json!({ "value": "0", "unit": "pcs" }));

    let price = json!({ "amount": "19.5", "currency": "USD" });
    let changed = firm.ok("inventory.item.update", json!({ "item": item, "sales_price": price, "supplier": null, "unit": "box" })).await;
    assert_eq!(firm.see("inventory.item", item).await["sales_price"]["amount"], "19.50");
    firm.undo(&changed).await;
    let seen = firm.see("inventory.item", item).await;
    assert_eq!((&seen["sales_price"]["amount"], &seen["supplier"]["title"], &seen["unit"]), (&json!("18.00"), &json!("Exotic Liquids"), &json!("pcs")));

    let discontinued = firm.ok("inventory.item.discontinue", json!({ "item": item })).await;
    assert_eq!(firm.refused("inventory.item.discontinue", json!({ "item": item })).await, "inventory.discontinued");
    firm.undo(&discontinued).await;
    assert_eq!(firm.see("inventory.item", item).await["discontinued"], false);

    assert_eq!(firm.refused("inventory.category.archive", json!({ "category": category })).await, "inventory.category_in_use");
    let archived = firm.ok("inventory.item.archive", json!({ "item": item })).await;
    firm.undo(&archived).await;
    let described = firm.nested("describe", json!({ "items": [item] })).await;
    assert_eq!((&described[0]["name"], &described[0]["currency"], &described[0]["sales_price"]), (&json!("Chai"), &json!("USD"), &json!("18.0000")));
}

#[tokio::test]
async fn a_likely_duplicate_and_a_used_code_are_refused() {
    let firm = Firm::open().await;
    let price = json!({ "amount": "1", "currency": "USD" });
    firm.ok("inventory.item.create", json!({ "name": "Chai", "code": "1", "sales_price": price })).await;
    assert_eq!(firm.refused("inventory.item.create", json!({ "name": "CHAI", "sales_price": price })).await, "inventory.same_name");
    assert_eq!(firm.refused("inventory.item.create", json!({ "name": "Tea", "code": "1", "sales_price": price })).await, "inventory.code_taken");
    firm.ok("inventory.item.create", json!({ "name": "Chai", "sales_price": price, "allow_duplicate": true })).await;
    firm.ok("inventory.category.create", json!({ "name": "Beverages" })).await;
    assert_eq!(firm.refused("inventory.category.create", json!({ "name": "beverages" })).await, "duplicate");
}

#[tokio::test]
async fn an_item_with_stock_keeps_its_unit_and_stays_in_sight() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    firm.ok("inventory.stock.receive", json!({ "item": item, "quantity": "5" })).await;
    assert_eq!(firm.refused("inventory.item.update", json!({ "item": item, "unit": "kg" })).await, "inventory.unit_in_use");
    assert_eq!(firm.refused("inventory.item.archive", json!({ "item": item })).await, "inventory.item_in_use");
    assert_eq!(firm.refused("inventory.warehouse.update", json!({ "warehouse": firm.warehouse, "company": null })).await, "inventory.warehouse_in_use");
    let renamed = firm.ok("inventory.warehouse.update", json!({ "warehouse": firm.warehouse, "name": "North" })).await;
    firm.undo(&renamed).await;
    assert_eq!(firm.see("inventory.warehouse", firm.warehouse).await["name"], "Main");
}

#[tokio::test]
async fn items_below_their_reorder_level_are_found_and_reported() {
    let firm = Firm::open().await;
    let price = json!({ "amount": "1", "currency": "USD" });
    let mut items = Vec::new();
    for (name, discontinued) in [("Low", false), ("Enough", false), ("Gone", true)] {
        let input = json!({ "name": name, "sales_price": price, "reorder_level": "10", "discontinued": discontinued });
        items.push(id(&firm.ok("inventory.item.create", input).await));
    }
    firm.ok("inventory.stock.receive", json!({ "item": items[0], "quantity": "4" })).await;
    firm.ok("inventory.stock.receive", json!({ "item": items[1], "quantity": "10" })).await;
    let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
    let query = ListQuery { filters: vec![Filter::new("below_reorder", Op::Eq, "true")], ..ListQuery::new("inventory.item") };
    assert_eq!(read.list(&query).await.unwrap().items.len(), 1);
    let (_, table) = read.report("inventory.reorder", json!({})).await.unwrap();
    assert_eq!(table.rows.len(), 1);
    assert_eq!((&table.rows[0][0]["title"], &table.rows[0][5]), (&json!("Low"), &json!("6")));
}

#[tokio::test]
async fn another_tenants_records_read_like_absent() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    let other = firm.house.tenant("other", steward_migrations::Placement::Schema).await.unwrap();
    let stranger = firm.house.user(&other, "Stranger", &all()).await.unwrap();
    for command in ["inventory.item.update", "inventory.item.archive", "inventory.item.discontinue"] {
        assert_eq!(firm.run(&stranger, command, json!({ "item": item })).await.map(drop).unwrap_err().code, Code::NotFound, "{command}");
    }
    for command in ["inventory.stock.receive", "inventory.stock.issue", "inventory.reserve"] {
        assert_eq!(firm.run(&stranger, command, json!({ "item": item, "quantity": "1" })).await.map(drop).unwrap_err().code, Code::InvalidInput, "{command}");
    }
}
