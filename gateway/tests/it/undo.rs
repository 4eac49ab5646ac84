//! Undo restores what was there and never what others have written since; over REST it is a write like any other.

mod states;

use crate::app::{Answer, User, id, id_of};
use crate::shop::{Shop, T};
use serde_json::{Value, json};
use steward_kernel::bus::{Executed, Plan, Step};
use steward_kernel::{Code, Error};
use uuid::Uuid;

impl Shop {
    pub(crate) async fn undo(&self, executed: &Executed) -> Result<Executed, Error> {
        self.app.kernel.undo(&self.admin.principal, executed.execution).await
    }
    /// Undo over REST with headers.
    async fn post_undo(&self, execution: Uuid, query: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.app.request("POST", &self.admin, &format!("/api/v1/commands/{execution}/undo{query}")).json(&json!({}));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.send(request).await
    }
    async fn phone(&self) -> Option<String> {
        self.app.peek(&self.tenant, &format!("SELECT phone FROM crm_party WHERE id = '{}'", self.customer)).await
    }
    async fn call(&self, phone: &str) -> Executed {
        self.app.run(&self.admin, "crm.party.update", json!({ "party": self.customer, "phone": phone })).await
    }
}

#[track_caller]
fn changed_since(result: Result<Executed, Error>, what: &str) {
    match result {
        Err(error) => assert_eq!((error.code, error.reason), (Code::Conflict, Some("kernel.changed_since")), "{what}: {error:?}"),
        Ok(_) => panic!("{what}: overwritten"),
    }
}

/// Commands whose undo puts old values back, each with two changes of one record and what SQL says of them.
async fn restoring(shop: &Shop) -> Vec<(&'static str, Value, [Value; 2], String)> {
    let (app, admin) = (&shop.app, &shop.admin);
    let company = shop.tenant.created.company;
    let order = id(&app.run(admin, "sales.order.create", shop.order_input("1")).await);
    let department = id(&app.run(admin, "identity.department.create", json!({ "name": "Sales", "company": company })).await);
    let role = id(&app.run(admin, "identity.role.create", json!({ "name": "packer" })).await);
    app.run(admin, "identity.role.grant", json!({ "role": role, "permission": "crm:party:read", "scope": "own" })).await;
    let person = shop.seller("Nancy", &[], T).await.id;
    let others = [shop.seller("Janet", &[], T).await.id, shop.seller("Andrew", &[], T).await.id];
    let category = id(&app.run(admin, "inventory.category.create", json!({ "name": "Tea" })).await);
    let of = |column: &str, table: &str, id: Uuid| format!("SELECT {column}::text FROM {table} WHERE id = '{id}'");
    vec![
        ("sales.order.update", json!({ "order": order }), [json!({ "reference": "A" }), json!({ "reference": "B" })], of("reference", "sales_order", order)),
        ("sales.order.assign", json!({ "order": order }), [json!({ "owner": others[0] }), json!({ "owner": others[1] })], of("owner_id", "sales_order", order)),
        ("identity.user.update", json!({ "user": person }), [json!({ "position": "A" }), json!({ "position": "B" })], of("position", "identity_user", person)),
        (
            "identity.user.set_manager",
            json!({ "user": person }),
            [json!({ "manager": others[0] }), json!({ "manager": others[1] })],
            of("manager_id", "identity_user", person),
        ),
        ("identity.company.update", json!({ "company": company }), [json!({ "name": "A" }), json!({ "name": "B" })], of("name", "identity_company", company)),
        (
            "identity.department.update",
            json!({ "department": department }),
            [json!({ "name": "A" }), json!({ "name": "B" })],
            of("name", "identity_department", department),
        ),
        (
            "identity.role.grant",
            json!({ "role": role, "permission": "crm:party:read" }),
            [json!({ "scope": "company" }), json!({ "scope": "tenant" })],
            format!("SELECT scope FROM identity_role_grant WHERE role_id = '{role}'"),
        ),
        (
            "platform.settings.update",
            json!({ "settings": shop.tenant.id }),
            [json!({ "time_zone": "Europe/Berlin" }), json!({ "time_zone": "Europe/Rome" })],
            of("time_zone", "platform_settings", shop.tenant.id),
        ),
        ("crm.party.update", json!({ "party": shop.customer }), [json!({ "phone": "1" }), json!({ "phone": "2" })], of("phone", "crm_party", shop.customer)),
        ("inventory.item.update", json!({ "item": shop.item }), [json!({ "note": "A" }), json!({ "note": "B" })], of("note", "inventory_item", shop.item)),
        (
            "inventory.warehouse.update",
            json!({ "warehouse": shop.warehouse }),
            [json!({ "name": "A" }), json!({ "name": "B" })],
            of("name", "inventory_warehouse", shop.warehouse),
        ),
        (
            "inventory.category.update",
            json!({ "category": category }),
            [json!({ "description": "A" }), json!({ "description": "B" })],
            of("description", "inventory_category", category),
        ),
    ]
}

#[tokio::test]
async fn an_undo_never_overwrites_a_later_change_and_changes_are_undone_from_the_end() {
    let shop = Shop::open().await;
    for (command, target, changes, sql) in restoring(&shop).await {
        let value = async || -> Option<String> { shop.app.peek(&shop.tenant, &sql).await };
        let input = |change: &Value| {
            let mut input = target.clone();
            input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            input
        };
        let at_first = value().await;
        let first = shop.app.run(&shop.admin, command, input(&changes[0])).await;
        let between = value().await;
        let second = shop.app.run(&shop.admin, command, input(&changes[1])).await;
        let at_last = value().await;
        assert!(at_first != between && between != at_last, "{command}");
        changed_since(shop.undo(&first).await, command);
        assert_eq!(value().await, at_last, "{command}");

        shop.undo(&second).await.unwrap_or_else(|error| panic!("{command}: {error:?}"));
        assert_eq!(value().await, between, "{command}");
        shop.undo(&first).await.unwrap_or_else(|error| panic!("{command}: {error:?}"));
        assert_eq!(value().await, at_first, "{command}");
    }
    shop.app.close().await;
}

#[tokio::test]
async fn a_state_is_taken_back_by_its_own_rules_and_frees_the_change_before() {
    let shop = Shop::open().await;
    let order = shop.quotation(&shop.admin, "1").await;
    let reference = async || -> Option<String> { shop.app.peek(&shop.tenant, &format!("SELECT reference FROM sales_order WHERE id = '{order}'")).await };
    let updated = shop.app.run(&shop.admin, "sales.order.update", json!({ "order": order, "reference": "A" })).await;
    let confirmed = shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    changed_since(shop.undo(&updated).await, "confirmed");
    shop.undo(&confirmed).await.unwrap();
    assert_eq!(shop.status(order).await, "quotation");
    shop.undo(&updated).await.unwrap();
    assert_eq!(reference().await, None);

    // Something else happened in between: a state may still be taken back, what came before it may not.
    let updated = shop.app.run(&shop.admin, "sales.order.update", json!({ "order": order, "reference": "B" })).await;
    let confirmed = shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    let other = shop.seller("Janet", &[], T).await.id;
    shop.app.run(&shop.admin, "sales.order.assign", json!({ "order": order, "owner": other })).await;
    shop.undo(&confirmed).await.unwrap();
    changed_since(shop.undo(&updated).await, "assigned in between");
    assert_eq!(reference().await.as_deref(), Some("B"));
    shop.app.close().await;
}

#[tokio::test]
async fn an_undo_is_undone_and_what_lies_before_it_stays_as_it_is() {
    let shop = Shop::open().await;
    let first = shop.call("1").await;
    let second = shop.call("2").await;
    let undone = shop.undo(&second).await.unwrap();
    assert_eq!(shop.phone().await.as_deref(), Some("1"));
    shop.undo(&undone).await.unwrap();
    assert_eq!(shop.phone().await.as_deref(), Some("2"));
    changed_since(shop.undo(&first).await, "the second change is there again");
    assert_eq!(shop.phone().await.as_deref(), Some("2"));
    shop.app.close().await;
}

#[tokio::test]
async fn steps_of_one_plan_on_one_record_are_undone_from_the_end() {
    let shop = Shop::open().await;
    let step =
        |phone: &str| Step { command: "crm.party.update".into(), input: json!({ "party": shop.customer, "phone": phone }), name: None, expected_version: None };
    let before = shop.call("0").await;
    let plan = Plan { steps: vec![step("1"), step("2"), step("3")], idempotency_key: None, detail: json!({}), expected_digest: None };
    let done = shop.app.kernel.execute_plan(&shop.admin.principal, plan).await.unwrap();
    for early in [&done[0], &done[1], &before] {
        changed_since(shop.undo(early).await, "a later step stands");
    }
    for (late, phone) in [(&done[2], Some("2")), (&done[1], Some("1")), (&done[0], Some("0")), (&before, None)] {
        shop.undo(late).await.unwrap();
        assert_eq!(shop.phone().await.as_deref(), phone);
    }
    shop.app.close().await;
}

#[tokio::test]
async fn a_change_that_is_under_way_when_the_undo_begins_is_not_overwritten_either() {
    let shop = Shop::open().await;
    let changed = shop.call("1").await;
    let mut other = shop.app.owner.begin(&shop.tenant.schema, shop.tenant.id, "test.other").await.unwrap();
    sqlx::query("UPDATE crm_party SET phone = 'theirs' WHERE id = $1").bind(shop.customer).execute(&mut *other).await.unwrap();
    // The undo finds nothing newer, runs, and waits for the row.
    let meanwhile = async {
        let waits = || async {
            sqlx::query_scalar::<_, bool>(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%crm_party%')",
            )
            .fetch_one(shop.app.owner.pool())
            .await
            .unwrap()
        };
        while !waits().await {
            tokio::task::yield_now().await;
        }
        other.commit().await.unwrap();
    };
    let (undone, ()) = futures::join!(shop.undo(&changed), meanwhile);
    changed_since(undone, "under way");
    assert_eq!(shop.phone().await.as_deref(), Some("theirs"));
    shop.app.close().await;
}

#[tokio::test]
async fn the_same_key_undoes_once_and_belongs_to_one_execution() {
    let shop = Shop::open().await;
    let (first, second) = (shop.call("1").await, shop.call("2").await);
    let key = [("Idempotency-Key", "undo-1")];
    let answer = shop.post_undo(second.execution, "", &key).await;
    let again = shop.post_undo(second.execution, "", &key).await;
    assert_eq!(answer.ok()["execution"], again.ok()["execution"]);
    assert_eq!((again.ok()["replayed"].clone(), again.header("idempotent-replayed")), (json!(true), "true"));
    assert_eq!(shop.phone().await.as_deref(), Some("1"));
    shop.post_undo(first.execution, "", &key).await.problem(409, "idempotency_mismatch");
    shop.app.post_keyed(&shop.admin, "crm/parties", "undo-1", &json!({ "name": "X" })).await.problem(409, "idempotency_mismatch");
    assert_eq!(shop.phone().await.as_deref(), Some("1"));
    // Without the key, or with another, it is a second undo.
    for headers in [&[][..], &[("Idempotency-Key", "undo-2")][..]] {
        assert_eq!(shop.post_undo(second.execution, "", headers).await.problem(409, "conflict")["reason"], "kernel.already_undone");
    }
    // At once: the record is undone once, and all learn the same.
    let answers = futures::future::join_all((0..6).map(|_| shop.post_undo(first.execution, "", &[("Idempotency-Key", "undo-3")]))).await;
    let executions: std::collections::BTreeSet<String> =
        answers.iter().filter(|answer| answer.status == 200).map(|answer| answer.json()["execution"].to_string()).collect();
    assert_eq!(executions.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 503), "{answers:?}");
    assert_eq!(shop.phone().await, None);
    shop.app.close().await;
}

#[tokio::test]
async fn an_undo_of_another_version_than_the_one_seen_is_refused() {
    let shop = Shop::open().await;
    let changed = shop.call("1").await;
    let seen = changed.version.unwrap();
    shop.post_undo(changed.execution, "", &[("If-Match", "\"77\"")]).await.problem(412, "version_mismatch");
    shop.post_undo(changed.execution, "", &[("If-Match", "nonsense")]).await.problem(400, "bad_request");
    assert_eq!(shop.phone().await.as_deref(), Some("1"));
    let answer = shop.post_undo(changed.execution, "", &[("If-Match", &format!("\"{seen}\""))]).await;
    assert_eq!(answer.ok()["version"], json!(seen + 1));
    assert_eq!((shop.phone().await, answer.header("etag")), (None, format!("\"{}\"", seen + 1).as_str()));
    shop.app.close().await;
}

#[tokio::test]
async fn the_preview_of_an_undo_shows_what_it_would_do_and_leaves_nothing() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let confirmed = shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    let preview = shop.post_undo(confirmed.execution, "?preview=true", &[("Idempotency-Key", "undo-1")]).await.ok();
    let status = preview["changes"].as_array().unwrap().iter().find(|change| change["field"] == "status" && change["resource"] == "sales.order").unwrap();
    assert_eq!((&status["old"], &status["new"], id_of(&status["id"])), (&json!("confirmed"), &json!("quotation"), order));
    assert!(preview["effects"].to_string().contains("Chai"), "{preview}");
    assert_eq!((shop.status(order).await.as_str(), shop.reserved().await), ("confirmed", 4));

    // It refuses what the undo would refuse.
    let reader: User = shop.seller("Reader", &[], T).await;
    shop.app.post(&reader, &format!("commands/{}/undo?preview=true", confirmed.execution), &json!({})).await.problem(403, "forbidden");
    assert_eq!(shop.audits("sales.order.put_back", "refused").await, 1);
    let (changed, _) = (shop.call("1").await, shop.call("2").await);
    assert_eq!(shop.post_undo(changed.execution, "?preview=true", &[]).await.problem(409, "conflict")["reason"], "kernel.changed_since");

    // The key was not used up.
    shop.post_undo(confirmed.execution, "", &[("Idempotency-Key", "undo-1")]).await.ok();
    assert_eq!((shop.status(order).await.as_str(), shop.reserved().await), ("quotation", 0));
    assert_eq!(shop.post_undo(confirmed.execution, "?preview=true", &[]).await.problem(409, "conflict")["reason"], "kernel.already_undone");
    shop.app.close().await;
}
