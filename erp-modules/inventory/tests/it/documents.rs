//! Reservations for documents of other modules.

use crate::Firm;
use serde_json::json;
use steward_kernel::bus::Request;
use steward_kernel::ids::fresh;

#[tokio::test]
async fn a_document_reserves_what_there_is_and_learns_what_is_missing() {
    let firm = Firm::open().await;
    let (chai, tofu) = (firm.item("Chai").await, firm.item("Tofu").await);
    firm.ok("inventory.stock.receive", json!({ "item": chai, "quantity": "10" })).await;
    let (order, lines) = (fresh(), [fresh(), fresh(), fresh()]);
    let document = json!({ "document_resource": "sales.order", "document_id": order });
    let wanted = json!({
        "document_resource": "sales.order", "document_id": order, "company": firm.created.company,
        "lines": [
            { "line": lines[0], "item": tofu, "quantity": "2" },
            { "line": lines[1], "item": chai, "quantity": "7" },
            { "line": lines[2], "item": chai, "quantity": "7" }
        ]
    });
    let answer = firm.nested("inventory.reserve_available", wanted.clone()).await;
    let expected = json!({ "lines": [
        { "line": lines[0], "reserved": "0", "backordered": "2" },
        { "line": lines[1], "reserved": "7", "backordered": "0" },
        { "line": lines[2], "reserved": "3", "backordered": "4" }
    ] });
    assert_eq!(answer, expected);
    assert_eq!(firm.figures(chai).await, ["10", "10", "0", "0"]);
    firm.check().await;

    let answer = firm.nested("inventory.release_document", document.clone()).await;
    assert_eq!(answer["lines"].as_array().unwrap().len(), 2);
    assert_eq!(firm.figures(chai).await, ["10", "0", "10", "0"]);
    assert_eq!(firm.nested("inventory.release_document", document.clone()).await, json!({ "lines": [] }));

    firm.nested("inventory.reserve_available", wanted).await;
    let answer = firm.nested("inventory.fulfil_document", document.clone()).await;
    assert_eq!(answer["lines"][0]["fulfilled"], "7");
    assert_eq!(firm.figures(chai).await, ["0", "0", "0", "0"]);
    assert_eq!(firm.nested("inventory.fulfil_document", document).await, json!({ "lines": [] }));
    firm.check().await;
}

#[tokio::test]
async fn a_document_draws_on_all_warehouses_of_its_company_in_order() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    let second = crate::id(&firm.ok("inventory.warehouse.create", json!({ "code": "A", "name": "First" })).await);
    for (warehouse, quantity) in [(firm.warehouse, "5"), (second, "3")] {
        firm.ok("inventory.stock.receive", json!({ "item": item, "warehouse": warehouse, "quantity": quantity })).await;
    }
    let order = fresh();
    let input = json!({ "document_resource": "sales.order", "document_id": order, "company": firm.created.company, "lines": [{ "line": fresh(), "item": item, "quantity": "6" }] });
    assert_eq!(firm.nested("inventory.reserve_available", input).await["lines"][0]["reserved"], "6");
    let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
    let rows = read.list(&steward_kernel::query::ListQuery::new("inventory.reservation")).await.unwrap().items;
    let mut taken: Vec<(String, String)> =
        rows.iter().map(|row| (row["warehouse"]["title"].as_str().unwrap().to_owned(), row["quantity"]["value"].as_str().unwrap().to_owned())).collect();
    taken.sort();
    assert_eq!(taken, [("First".to_owned(), "3".to_owned()), ("Main".to_owned(), "3".to_owned())]);
    firm.check().await;
}

#[tokio::test]
async fn fulfilment_is_refused_when_the_goods_are_gone() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    firm.ok("inventory.stock.receive", json!({ "item": item, "quantity": "5" })).await;
    let document = json!({ "document_resource": "sales.order", "document_id": fresh() });
    let mut wanted = document.clone();
    wanted["lines"] = json!([{ "line": fresh(), "item": item, "quantity": "5" }]);
    firm.nested("inventory.reserve_available", wanted).await;
    firm.ok("inventory.stock.adjust", json!({ "item": item, "on_hand": "4", "reason": "theft" })).await;
    let input = json!({ "command": "inventory.fulfil_document", "input": document.to_string() });
    assert_eq!(firm.refused("shop.nest", input).await, "inventory.insufficient_stock");
    assert_eq!(firm.figures(item).await, ["4", "5", "-1", "0"]);
    firm.check().await;
}

#[tokio::test]
async fn documents_over_the_same_items_in_any_order_never_deadlock_nor_overbook() {
    let firm = Firm::open().await;
    let items = [firm.item("A").await, firm.item("B").await, firm.item("C").await];
    for item in items {
        firm.ok("inventory.stock.receive", json!({ "item": item, "quantity": "30" })).await;
    }
    let tries = (0..16_usize).map(|n| {
        let (kernel, boss) = (firm.kernel(), firm.boss.clone());
        let lines: Vec<_> = (0..3).map(|i| json!({ "line": fresh(), "item": items[(n + i * (1 + n % 2)) % 3], "quantity": "3" })).collect();
        let input = json!({ "document_resource": "sales.order", "document_id": fresh(), "lines": lines });
        let input = json!({ "command": "inventory.reserve_available", "input": input.to_string() });
        async move { kernel.execute(&boss, Request::new("shop.nest", input)).await }
    });
    for result in futures::future::join_all(tries).await {
        result.unwrap();
    }
    for item in items {
        assert_eq!(firm.figures(item).await, ["30", "30", "0", "0"]);
    }
    firm.check().await;
}

/// Another company with a warehouse in which goods lie, made behind the program's back; the warehouse's id.
async fn neighbour(firm: &Firm, item: uuid::Uuid, quantity: &str) -> uuid::Uuid {
    let warehouse = crate::id(&firm.ok("inventory.warehouse.create", json!({ "code": "A0", "name": "Next door" })).await);
    let schema = firm.house.kernel.placement(firm.created.tenant).await.unwrap().schema.clone();
    let mut tx = firm.house.owner.begin(&schema, firm.created.tenant, "test.neighbour").await.unwrap();
    sqlx::query("UPDATE inventory_warehouse SET company_id = gen_random_uuid() WHERE id = $1").bind(warehouse).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    firm.ok("inventory.stock.receive", json!({ "item": item, "warehouse": warehouse, "quantity": quantity })).await;
    warehouse
}

#[tokio::test]
async fn a_document_never_draws_on_another_companys_warehouse() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    let foreign = neighbour(&firm, item, "50").await;
    firm.ok("inventory.stock.receive", json!({ "item": item, "warehouse": firm.warehouse, "quantity": "2" })).await;
    let wanted = json!({ "document_resource": "sales.order", "document_id": fresh(), "lines": [{ "line": fresh(), "item": item, "quantity": "6" }] });
    let answer = firm.nested("inventory.reserve_available", wanted).await;
    assert_eq!((&answer["lines"][0]["reserved"], &answer["lines"][0]["backordered"]), (&json!("2"), &json!("4")));
    // Nor does whoever reserves without saying where.
    assert_eq!(firm.refused("inventory.reserve", json!({ "item": item, "quantity": "1" })).await, "inventory.insufficient_stock");
    let elsewhere = json!({ "item": item, "quantity": "1", "warehouse": foreign, "company": firm.created.company });
    assert_eq!(firm.refused("inventory.reserve", elsewhere).await, "invalid_input");
    firm.check().await;
}

#[tokio::test]
async fn a_warehouse_of_no_company_serves_all_after_their_own() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    let shared = crate::id(&firm.ok("inventory.warehouse.create", json!({ "code": "A", "name": "Shared" })).await);
    firm.ok("inventory.warehouse.update", json!({ "warehouse": shared, "company": null })).await;
    for (warehouse, quantity) in [(firm.warehouse, "2"), (shared, "5")] {
        firm.ok("inventory.stock.receive", json!({ "item": item, "warehouse": warehouse, "quantity": quantity })).await;
    }
    let document = json!({ "document_resource": "sales.order", "document_id": fresh() });
    let mut wanted = document.clone();
    wanted["lines"] = json!([{ "line": fresh(), "item": item, "quantity": "3" }]);
    assert_eq!(firm.nested("inventory.reserve_available", wanted).await["lines"][0]["reserved"], "3");
    assert_eq!(firm.nested("inventory.fulfil_document", document).await["lines"][0]["fulfilled"], "3");
    let (_, table) = {
        let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
        read.report("inventory.on_hand", json!({ "warehouse": shared })).await.unwrap()
    };
    assert_eq!(table.rows[0][2]["value"], "4", "its own warehouse gave its two first");
    firm.check().await;
}

#[tokio::test]
async fn what_somebody_reserved_elsewhere_under_a_documents_name_stays_his() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    let foreign = neighbour(&firm, item, "5").await;
    firm.ok("inventory.stock.receive", json!({ "item": item, "warehouse": firm.warehouse, "quantity": "5" })).await;
    let document = json!({ "document_resource": "sales.order", "document_id": fresh() });
    let mut wanted = document.clone();
    wanted["lines"] = json!([{ "line": fresh(), "item": item, "quantity": "3" }]);
    let mut own = document.clone();
    for (name, value) in [("item", json!(item)), ("warehouse", json!(foreign)), ("quantity", json!("4"))] {
        own[name] = value;
    }
    firm.ok("inventory.reserve", own).await;
    firm.nested("inventory.reserve_available", wanted.clone()).await;
    assert_eq!(firm.figures(item).await[1], "7");
    firm.nested("inventory.release_document", document.clone()).await;
    assert_eq!(firm.figures(item).await[1], "4");
    firm.nested("inventory.reserve_available", wanted).await;
    firm.nested("inventory.fulfil_document", document).await;
    assert_eq!(firm.figures(item).await, ["7", "4", "3", "0"]);
    firm.check().await;
}

#[tokio::test]
async fn a_document_is_reserved_for_by_its_own_company_only() {
    let firm = Firm::open().await;
    let item = firm.item("Chai").await;
    let second = fresh();
    let schema = firm.house.kernel.placement(firm.created.tenant).await.unwrap().schema.clone();
    let mut tx = firm.house.owner.begin(&schema, firm.created.tenant, "test.company").await.unwrap();
    sqlx::query("INSERT INTO identity_company (tenant_id, id, code, name, currency, country) VALUES ($1, $2, '2', 'Second', 'EUR', 'DE')")
        .bind(firm.created.tenant)
        .bind(second)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let wanted = json!({
        "document_resource": "sales.order", "document_id": fresh(), "company": second, "lines": [{ "line": fresh(), "item": item, "quantity": "1" }]
    });
    let error =
        firm.run(&firm.boss, "shop.nest", json!({ "command": "inventory.reserve_available", "input": wanted.to_string() })).await.map(drop).unwrap_err();
    assert!(error.code == steward_kernel::Code::Internal && error.message.contains("holds no document"), "{error:?}");
}
