//! The one door for writes: preview, rights, idempotency, versions, batches, plans, undo, and what happens at once.

use crate::app::{Tenant, TestApp, id, id_of};
use crate::shop::{READING, Shop, T};
use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;
use steward_kernel::bus::{Plan, Request, Step};
use steward_kernel::command::{Command, Outcome};
use steward_kernel::principal::Scope;
use steward_kernel::work::Work;
use steward_kernel::{Code, CommandSpec, Field, Module, Result, ids};
use steward_migrations::Placement;
use uuid::Uuid;

/// Every table's rows and every sequence's state, by name: what two of these have in common has not changed.
async fn checksum(app: &TestApp) -> BTreeMap<String, String> {
    let tables: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')",
    )
    .fetch_all(app.owner.pool())
    .await
    .unwrap();
    let mut sums = BTreeMap::new();
    for (schema, name, kind) in tables {
        let what =
            if kind == "S" { "last_value::text || is_called::text" } else { "count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)" };
        let sum: String = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {what} FROM {schema}.{name} t"))).fetch_one(app.owner.pool()).await.unwrap();
        sums.insert(format!("{schema}.{name}"), sum);
    }
    assert!(sums.len() > 40);
    sums
}

#[tokio::test]
async fn a_preview_of_confirm_shows_old_and_new_values_and_the_reservation_and_leaves_nothing() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let seller = shop.seller("Nancy", &["sales:order:confirm"], T).await;
    let before = checksum(&shop.app).await;
    let path = format!("sales/orders/{order}/confirm?preview=true");
    let preview = shop.app.post(&seller, &path, &json!({})).await.ok();
    assert_eq!(checksum(&shop.app).await, before);

    let changes = preview["changes"].as_array().unwrap();
    let status = changes.iter().find(|change| change["resource"] == "sales.order" && change["field"] == "status").unwrap_or_else(|| panic!("{preview}"));
    assert_eq!((&status["old"], &status["new"], id_of(&status["id"])), (&json!("quotation"), &json!("confirmed"), order));
    let reserved: Vec<&Value> = changes.iter().filter(|change| change["resource"] == "inventory.stock" && change["field"] == "reserved").collect();
    assert_eq!(reserved.len(), 1, "{preview}");
    assert!(reserved[0]["old"].to_string().contains('0') && reserved[0]["new"].to_string().contains('4'), "{}", reserved[0]);

    // Who may not see the stock is told in words.
    let mut grants: Vec<(&str, Scope)> = READING.iter().filter(|(permission, _)| !permission.starts_with("inventory:stock")).copied().collect();
    grants.push(("sales:order:confirm", T));
    shop.app.set_grants(&shop.tenant, seller.role, &grants).await;
    let before = checksum(&shop.app).await;
    let preview = shop.app.post(&seller, &path, &json!({})).await.ok();
    assert_eq!(checksum(&shop.app).await, before);
    assert!(!preview["changes"].as_array().unwrap().iter().any(|change| change["resource"] == "inventory.stock"), "{preview}");
    let effects = preview["effects"].to_string();
    assert!(effects.contains("Chai") && effects.contains('4'), "{preview}");
    assert_eq!((shop.status(order).await.as_str(), shop.reserved().await), ("quotation", 0));

    // A number that a preview shows is not allotted by it.
    let before = checksum(&shop.app).await;
    shop.app.post(&shop.admin, "sales/orders?preview=true", &shop.order_input("1")).await.ok();
    assert_eq!(checksum(&shop.app).await, before);
    shop.app.close().await;
}

#[tokio::test]
async fn a_preview_leaves_nothing_in_a_failing_case_either() {
    let shop = Shop::open().await;
    let order = shop.quotation(&shop.admin, "4").await;
    shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    let before = checksum(&shop.app).await;
    shop.app.post(&shop.admin, &format!("sales/orders/{order}/confirm?preview=true"), &json!({})).await.problem(409, "conflict");
    assert_eq!(checksum(&shop.app).await, before);
    shop.app.close().await;
}

#[tokio::test]
async fn without_the_right_a_command_is_refused_audited_and_changes_nothing() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let reader = shop.seller("Reader", &[], T).await;
    for (times, query) in [(1, ""), (2, "?preview=true")] {
        let mut before = checksum(&shop.app).await;
        let problem = shop.app.post(&reader, &format!("sales/orders/{order}/confirm{query}"), &json!({})).await.problem(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains("sales:order:confirm"));
        let mut after = checksum(&shop.app).await;
        for sums in [&mut before, &mut after] {
            sums.retain(|name, _| !name.contains("kernel_audit"));
        }
        assert_eq!(after, before);
        assert_eq!(shop.audits("sales.order.confirm", "refused").await, times);
    }
    let (actor, code): (Uuid, String) = {
        let mut tx = shop.app.owner.begin(&shop.tenant.schema, shop.tenant.id, "test.audit").await.unwrap();
        sqlx::query_as("SELECT actor_id, code FROM kernel_audit WHERE outcome = 'refused' AND tenant_id = app.tenant() LIMIT 1")
            .fetch_one(&mut *tx)
            .await
            .unwrap()
    };
    assert_eq!((actor, code.as_str()), (reader.id, "forbidden"));
    shop.app.close().await;
}

#[tokio::test]
async fn the_same_idempotency_key_executes_once_and_another_body_is_refused() {
    let shop = Shop::open().await;
    let orders = async || -> i64 { shop.app.peek(&shop.tenant, "SELECT count(*) FROM sales_order WHERE tenant_id = app.tenant()").await };
    let first = shop.app.post_keyed(&shop.admin, "sales/orders", "key-1", &shop.order_input("1")).await;
    let second = shop.app.post_keyed(&shop.admin, "sales/orders", "key-1", &shop.order_input("1")).await;
    assert_eq!((first.status, first.ok()["id"].clone()), (201, second.ok()["id"].clone()));
    assert_eq!((second.ok()["replayed"].clone(), second.header("idempotent-replayed")), (json!(true), "true"));
    assert_eq!(orders().await, 1);
    shop.app.post_keyed(&shop.admin, "sales/orders", "key-1", &shop.order_input("2")).await.problem(409, "idempotency_mismatch");
    let order = id_of(&first.ok()["id"]);
    shop.app.post_keyed(&shop.admin, &format!("sales/orders/{order}/quote"), "key-1", &json!({})).await.problem(409, "idempotency_mismatch");
    assert_eq!(orders().await, 1);

    // Another user's key is another key.
    let seller = shop.seller("Nancy", &["sales:order:create"], T).await;
    shop.app.post_keyed(&seller, "sales/orders", "key-1", &shop.order_input("2")).await.ok();
    // At once: one executes, the others get its result or are told to try again.
    let input = shop.order_input("3");
    let answers = join_all((0..8).map(|_| shop.app.post_keyed(&shop.admin, "sales/orders", "key-2", &input))).await;
    let made: std::collections::BTreeSet<String> = answers.iter().filter(|answer| answer.status < 300).map(|answer| answer.json()["id"].to_string()).collect();
    assert_eq!(made.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.status == 201 || answer.status == 503), "{answers:?}");
    assert_eq!(orders().await, 3);
    // A preview with a key uses it up no more than it does anything else.
    let preview = shop
        .app
        .send(shop.app.request("POST", &shop.admin, "/api/v1/sales/orders?preview=true").header("Idempotency-Key", "key-3").json(&shop.order_input("1")))
        .await;
    preview.ok();
    assert_eq!(shop.app.post_keyed(&shop.admin, "sales/orders", "key-3", &shop.order_input("5")).await.status, 201);
    shop.app.close().await;
}

#[tokio::test]
async fn of_twenty_clients_that_reserve_one_of_ten_pieces_exactly_ten_succeed() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let body = json!({ "item": shop.item, "warehouse": shop.warehouse, "quantity": "1" });
    let answers = join_all((0..20).map(|_| shop.app.post(&shop.admin, "inventory/reservations", &body))).await;
    let good = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(good, 10, "{:?}", answers.iter().map(|answer| (answer.status, &answer.text)).collect::<Vec<_>>());
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.problem(409, "conflict");
    }
    assert_eq!(shop.reserved().await, 10);
    let wrong: i64 = shop.app.peek(&shop.tenant, "SELECT count(*) FROM inventory_check()").await;
    assert_eq!(wrong, 0);
    shop.app.close().await;
}

#[tokio::test]
async fn orders_confirmed_at_once_share_the_stock_without_overbooking_it() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let mut orders = Vec::new();
    for _ in 0..6 {
        orders.push(shop.quotation(&shop.admin, "3").await);
    }
    let answers = join_all(orders.iter().map(async |order| shop.app.post(&shop.admin, &format!("sales/orders/{order}/confirm"), &json!({})).await)).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(shop.reserved().await, 10);
    let backordered: i64 = shop.app.peek(&shop.tenant, "SELECT sum(backordered)::bigint FROM sales_line WHERE tenant_id = app.tenant()").await;
    assert_eq!(backordered, 8);
    shop.app.close().await;
}

#[tokio::test]
async fn a_change_of_another_version_than_the_one_seen_is_refused() {
    let shop = Shop::open().await;
    let path = format!("/api/v1/crm/parties/{}", shop.customer);
    let patch = async |tag: Option<&str>, name: &str| {
        let mut request = shop.app.request("PATCH", &shop.admin, &path).json(&json!({ "name": name }));
        if let Some(tag) = tag {
            request = request.header("If-Match", tag);
        }
        shop.app.send(request).await
    };
    let seen = shop.app.send(shop.app.request("GET", &shop.admin, &path)).await;
    let tag = seen.header("etag").to_owned();
    patch(None, "X").await.problem(428, "precondition_required");
    patch(Some("\"77\""), "X").await.problem(412, "version_mismatch");
    patch(Some("nonsense"), "X").await.problem(400, "bad_request");
    let changed = patch(Some(&tag), "Ernst").await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_ne!(changed.header("etag"), tag);
    patch(Some(&tag), "Late").await.problem(412, "version_mismatch");
    assert_eq!(patch(Some("*"), "Whatever").await.status, 200);
    let order = shop.quotation(&shop.admin, "1").await;
    let confirm = shop.app.request("POST", &shop.admin, &format!("/api/v1/sales/orders/{order}/confirm")).header("If-Match", "\"1\"").json(&json!({}));
    shop.app.send(confirm).await.problem(412, "version_mismatch");
    assert_eq!(shop.status(order).await, "quotation");
    shop.app.close().await;
}

#[tokio::test]
async fn undo_of_confirm_restores_status_and_stock_and_only_once() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let confirmed = shop.app.post(&shop.admin, &format!("sales/orders/{order}/confirm"), &json!({})).await.ok();
    assert_eq!((shop.status(order).await.as_str(), shop.reserved().await, &confirmed["undoable"]), ("confirmed", 4, &json!(true)));
    let undo = format!("commands/{}/undo", confirmed["execution"].as_str().unwrap());

    let reader = shop.seller("Reader", &[], T).await;
    shop.app.post(&reader, &undo, &json!({})).await.problem(403, "forbidden");
    assert_eq!(shop.audits("sales.order.put_back", "refused").await, 1);
    let blind = shop.app.user(&shop.tenant, "Blind", &[("sales:order:reopen", T)]).await;
    shop.app.post(&blind, &undo, &json!({})).await.problem(404, "not_found");
    let elsewhere = shop.app.tenant("elsewhere", steward_migrations::Placement::Pooled).await;
    let foreign = shop.app.admin(&elsewhere).await;
    shop.app.post(&foreign, &undo, &json!({})).await.problem(404, "not_found");
    assert_eq!(shop.status(order).await, "confirmed");

    shop.app.post(&shop.admin, &undo, &json!({})).await.ok();
    assert_eq!((shop.status(order).await.as_str(), shop.reserved().await), ("quotation", 0));
    let again = shop.app.post(&shop.admin, &undo, &json!({})).await.problem(409, "conflict");
    assert_eq!(again["reason"], "kernel.already_undone");
    shop.app.post(&shop.admin, &format!("commands/{}/undo", ids::fresh()), &json!({})).await.problem(404, "not_found");
    shop.app.close().await;
}

#[tokio::test]
async fn a_batch_keeps_the_good_rows_and_has_an_error_for_each_bad_one() {
    let shop = Shop::open().await;
    let rows: Vec<Value> = (0..250)
        .map(|i| match i {
            7 | 120 | 249 => json!({ "name": "" , "is_customer": true }),
            33 => json!({ "name": "Thirty-three", "unheard_of": 1 }),
            34 => json!({ "name": "Ernst Handel" }),
            _ => json!({ "name": format!("Party {i}") }),
        })
        .collect();
    let answer = shop.app.post(&shop.admin, "crm/parties/create/batch", &json!({ "rows": rows })).await.ok();
    let results = answer["results"].as_array().unwrap();
    let bad: Vec<usize> = results.iter().enumerate().filter(|(_, result)| result.get("error").is_some()).map(|(at, _)| at).collect();
    assert_eq!((results.len(), bad), (250, vec![7, 33, 34, 120, 249]));
    assert_eq!(results[34]["error"]["code"], "duplicate");
    assert_eq!(results[33]["error"]["fields"][0]["field"], "unheard_of");
    let stored: i64 = shop.app.peek(&shop.tenant, "SELECT count(*) FROM crm_party WHERE tenant_id = app.tenant()").await;
    assert_eq!(stored, 246);
    // With a key a repeated call repeats nothing, not even where a bad row has become a good one meanwhile.
    let again = json!({ "rows": [{ "name": "Once" }, { "name": "Ernst Handel" }, { "name": "Also once" }] });
    let shown = async || {
        let answer = shop.app.post_keyed(&shop.admin, "crm/parties/create/batch", "batch-1", &again).await.ok();
        answer["results"].as_array().unwrap().iter().map(|result| result["ok"]["id"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let first = shown().await;
    assert!(first[0].is_some() && first[1].is_none() && first[2].is_some());
    assert_eq!(shown().await, first);
    shop.app.run(&shop.admin, "crm.party.archive", json!({ "party": shop.customer })).await;
    shop.app.poke(&shop.tenant, "UPDATE crm_party SET name = name || ' of old' WHERE tenant_id = app.tenant()").await;
    let later = shown().await;
    assert_eq!((&later[0], later[1].is_some(), &later[2]), (&first[0], true, &first[2]));
    assert_eq!(shown().await, later);
    let other = json!({ "rows": [{ "name": "Other" }, { "name": "Others" }, { "name": "Third" }] });
    shop.app.post_keyed(&shop.admin, "crm/parties/create/batch", "batch-1", &other).await.problem(409, "idempotency_mismatch");
    let stored: i64 = shop.app.peek(&shop.tenant, "SELECT count(*) FROM crm_party WHERE tenant_id = app.tenant()").await;
    assert_eq!(stored, 249);
    let reader = shop.seller("Reader", &[], T).await;
    shop.app.post(&reader, "crm/parties/create/batch", &again).await.problem(403, "forbidden");
    shop.app.close().await;
}

fn step(command: &str, input: Value, name: Option<&str>) -> Step {
    Step { command: command.into(), input, name: name.map(str::to_owned), expected_version: None }
}

fn plan(steps: Vec<Step>) -> Plan {
    Plan { steps, idempotency_key: None, detail: json!({}), expected_digest: None }
}

#[tokio::test]
async fn steps_of_a_plan_refer_to_each_other_by_name_and_happen_together_or_not_at_all() {
    let shop = Shop::open().await;
    let steps = |quantity: &str| {
        let mut order = shop.order_input(quantity);
        order["customer"] = json!("$customer");
        vec![
            step("crm.party.create", json!({ "name": format!("New of {quantity}"), "is_customer": true }), Some("customer")),
            step("sales.order.create", order, Some("order")),
            step("sales.order.quote", json!({ "order": "$order" }), None),
        ]
    };
    let done = shop.app.kernel.execute_plan(&shop.admin.principal, plan(steps("2"))).await.unwrap();
    let (customer, order) = (id(&done[0]), id(&done[1]));
    assert_eq!(shop.status(order).await, "quotation");
    let of: Uuid = shop.app.peek(&shop.tenant, &format!("SELECT customer_id FROM sales_order WHERE id = '{order}'")).await;
    assert_eq!(of, customer);

    let mut failing = steps("3");
    failing.push(step("sales.order.complete", json!({ "order": "$order" }), None));
    let before = checksum(&shop.app).await;
    assert_eq!(shop.app.kernel.execute_plan(&shop.admin.principal, plan(failing)).await.unwrap_err().code, Code::Conflict);
    assert_eq!(checksum(&shop.app).await, before);
    // A name that no earlier step has is just a text, and no id.
    let error =
        shop.app.kernel.execute_plan(&shop.admin.principal, plan(vec![step("sales.order.quote", json!({ "order": "$nobody" }), None)])).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidInput);
    let error = shop.app.kernel.execute_plan(&shop.admin.principal, plan(vec![step("inventory.fulfil_document", json!({}), None)])).await.unwrap_err();
    assert_eq!(error.code, Code::UnknownName, "an internal command is not offered");
    assert!(shop.app.kernel.execute_plan(&shop.admin.principal, plan(Vec::new())).await.is_err());
    shop.app.close().await;
}

#[tokio::test]
async fn a_plan_whose_effects_have_changed_since_the_preview_does_nothing() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let steps = vec![step("sales.order.confirm", json!({ "order": order }), None)];
    let preview = shop.app.kernel.preview(&shop.admin.principal, &steps).await.unwrap();
    assert_eq!(shop.app.kernel.preview(&shop.admin.principal, &steps).await.unwrap().digest, preview.digest, "the same preview has the same digest");

    // Somebody else takes the stock: the confirmation would now backorder.
    shop.app.run(&shop.admin, "inventory.reserve", json!({ "item": shop.item, "warehouse": shop.warehouse, "quantity": "8" })).await;
    let confirmed = |digest: &str| Plan { expected_digest: Some(digest.to_owned()), ..plan(steps.clone()) };
    let error = shop.app.kernel.execute_plan(&shop.admin.principal, confirmed(&preview.digest)).await.unwrap_err();
    assert_eq!((error.code, error.reason), (Code::Conflict, Some("kernel.effects_changed")));
    assert_eq!((shop.status(order).await.as_str(), shop.reserved().await), ("quotation", 8));

    let preview = shop.app.kernel.preview(&shop.admin.principal, &steps).await.unwrap();
    shop.app.kernel.execute_plan(&shop.admin.principal, confirmed(&preview.digest)).await.unwrap();
    assert_eq!(shop.status(order).await, "confirmed");
    shop.app.close().await;
}

#[tokio::test]
async fn a_new_document_is_promised_as_it_is_made_whatever_number_it_gets() {
    let shop = Shop::open().await;
    let steps = vec![step("sales.order.create", shop.order_input("2"), None)];
    let preview = shop.app.kernel.preview(&shop.admin.principal, &steps).await.unwrap();
    // The number that was shown goes to another order meanwhile.
    shop.app.run(&shop.admin, "sales.order.create", shop.order_input("1")).await;
    shop.app.kernel.execute_plan(&shop.admin.principal, Plan { expected_digest: Some(preview.digest), ..plan(steps) }).await.unwrap();
    shop.app.close().await;
}

/// Archives a party without having said that it calls another module's command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Undeclared {
    party: Uuid,
}

impl Command for Undeclared {
    fn spec() -> CommandSpec {
        CommandSpec { resource: "crm.party".into(), ..CommandSpec::new("probe.undeclared") }
            .permission("crm:party:archive")
            .input(Field::reference("party", "crm.party").required())
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.call("crm.party.archive", json!({ "party": self.party })).await
    }
}

/// Asks another module's question without having said so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Curious {}

impl Command for Curious {
    fn spec() -> CommandSpec {
        CommandSpec { resource: "crm.party".into(), ..CommandSpec::new("probe.curious") }.permission("crm:party:archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.ask::<Value>("crm.party.describe", json!({ "parties": [] })).await?;
        Ok(Outcome::nothing())
    }
}

#[tokio::test]
async fn a_module_reaches_another_only_as_it_declared() {
    let probe = Module::new("probe").depends(&["crm"]).command::<Undeclared>().command::<Curious>();
    let shop = Shop::of(TestApp::with(vec![probe]).await).await;
    for (command, input) in [("probe.undeclared", json!({ "party": shop.customer })), ("probe.curious", json!({}))] {
        let error = shop.app.try_run(&shop.admin, command, input).await.unwrap_err();
        assert_eq!(error.code, Code::Internal);
        assert!(error.message.contains("does not declare"), "{error}");
    }
    let archived: bool = shop.app.peek(&shop.tenant, &format!("SELECT archived_at IS NOT NULL FROM crm_party WHERE id = '{}'", shop.customer)).await;
    assert!(!archived);
    shop.app.close().await;
}

#[tokio::test]
async fn what_is_not_part_of_the_plan_is_not_there() {
    let shop = Shop::open().await;
    let order = shop.quotation(&shop.admin, "1").await;
    let switch = async |tenant: &Tenant, off: &str| {
        shop.app.poke(tenant, &format!("UPDATE kernel_placement SET modules_off = '{off}' WHERE tenant_id = app.tenant()")).await
    };
    switch(&shop.tenant, "{inventory}").await;
    shop.app.get(&shop.admin, "inventory/items").await.problem(403, "not_entitled");
    shop.app.post(&shop.admin, "inventory/categories", &json!({ "name": "X" })).await.problem(403, "not_entitled");
    // Not even through a command that is.
    shop.app.post(&shop.admin, &format!("sales/orders/{order}/confirm"), &json!({})).await.problem(403, "not_entitled");
    assert_eq!(shop.status(order).await, "quotation");
    assert_eq!(shop.audits("inventory.category.create", "refused").await, 1);
    let told = shop.app.get(&shop.admin, "catalogue").await.ok();
    assert!(!told["modules"].to_string().contains("inventory"), "{}", told["modules"]);
    assert!(!told["resources"].as_array().unwrap().iter().any(|resource| resource["name"].as_str().unwrap().starts_with("inventory.")));
    switch(&shop.tenant, "{}").await;
    shop.app.get(&shop.admin, "inventory/items").await.ok();
    shop.app.close().await;
}

#[tokio::test]
async fn a_command_is_written_down_with_its_nested_ones_and_its_correlation() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let request =
        shop.app.request("POST", &shop.admin, &format!("/api/v1/sales/orders/{order}/confirm")).header("X-Correlation-Id", "from-the-test").json(&json!({}));
    let answer = shop.app.send(request).await;
    assert_eq!((answer.status, answer.header("x-correlation-id")), (200, "from-the-test"));
    for (table, least) in [("kernel.outbox", 3), ("kernel_change", 3), ("kernel_audit", 2)] {
        let rows: i64 =
            shop.app.peek(&shop.tenant, &format!("SELECT count(*) FROM {table} WHERE correlation_id = 'from-the-test' AND tenant_id = app.tenant()")).await;
        assert!(rows >= least, "{table} has {rows}");
    }
    let nested: Vec<String> = shop.app.column(&shop.tenant, "SELECT command || ' in ' || nested_in FROM kernel_audit WHERE correlation_id = 'from-the-test' AND nested_in IS NOT NULL AND tenant_id = app.tenant()").await;
    assert_eq!(nested, ["inventory.reserve_available in sales.order.confirm"]);
    let events: Vec<String> = shop
        .app
        .column(
            &shop.tenant,
            "SELECT name FROM kernel.outbox WHERE kind = 'event' AND correlation_id = 'from-the-test' AND tenant_id = app.tenant() AND name LIKE 'sales%'",
        )
        .await;
    assert_eq!(events, ["sales.order.confirmed"]);
    let stored: Request = Request::new("sales.order.confirm", json!({ "order": order }));
    assert_eq!(shop.app.kernel.execute(&shop.admin.principal, stored).await.unwrap_err().reason, Some("sales.not_a_quotation"));
    shop.app.close().await;
}

/// PostgreSQL ends one of two transactions that wait for each other. Nothing was done by it, so it is run again.
#[tokio::test]
async fn plans_that_lock_the_same_records_in_opposite_orders_all_succeed() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let mut parties = Vec::new();
    for name in ["Left", "Right"] {
        parties.push(id(&app.run(&admin, "crm.party.create", json!({ "name": name, "is_customer": true })).await));
    }
    let plan = |order: [Uuid; 2], round: usize| {
        let step = |party: Uuid| Step {
            command: "crm.party.update".into(),
            input: json!({ "party": party, "note": format!("{round}") }),
            name: None,
            expected_version: None,
        };
        Plan { steps: order.map(step).to_vec(), idempotency_key: None, detail: json!({}), expected_digest: None }
    };
    for round in 0..4 {
        let orders = [[parties[0], parties[1]], [parties[1], parties[0]]];
        let plans = orders.into_iter().enumerate().map(|(at, order)| app.kernel.execute_plan(&admin.principal, plan(order, round * 2 + at)));
        for done in join_all(plans).await {
            done.unwrap_or_else(|error| panic!("{error:?}"));
        }
    }
    app.close().await;
}
