//! Proposals by a model that says what a test wants: refused and written down, guarded, forgotten, and taken back whole.

mod guarded;

use crate::app::{TestApp, User};
use crate::model::{Model, calls, says};
use crate::shop::{READING, Shop, T};
use crate::talk::{Talk, ask, ask_in};
use serde_json::{Value, json};
use steward_actions::Context;
use steward_kernel::Code;
use steward_kernel::bus::Step;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

async fn shop(model: &Model) -> Shop {
    Shop::of(TestApp::configured(Vec::new(), |config| model.configure(config)).await).await
}

async fn deleted(shop: &Shop, conversation: &str) {
    let answer = shop.app.send(shop.app.request("DELETE", &shop.admin, &format!("/api/v1/assistant/conversations/{conversation}"))).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

fn step(command: &str, arguments: Value) -> Value {
    json!({ "command": command, "arguments": arguments })
}

fn proposes(steps: &[Value]) -> Vec<Vec<u8>> {
    vec![calls("propose", &json!({ "steps": steps })), says("Please confirm.")]
}

/// Proposes steps in answer to what the person says, and returns the path of the proposal.
async fn proposed(shop: &Shop, model: &Model, user: &User, said: &str, steps: &[Value]) -> (Talk, String) {
    model.rewrite(proposes(steps));
    let talk = ask(&shop.app, user, said).await;
    let path = format!("assistant/proposals/{}", talk.card()["id"].as_str().unwrap());
    (talk, path)
}

async fn confirmed(shop: &Shop, user: &User, path: &str) -> Value {
    let token = shop.app.get(user, path).await.ok()["token"].clone();
    shop.app.post(user, &format!("{path}/confirm"), &json!({ "token": token })).await.ok()
}

async fn rejected(shop: &Shop, user: &User, path: &str) {
    let token = shop.app.get(user, path).await.ok()["token"].clone();
    let answered = shop.app.post(user, &format!("{path}/reject"), &json!({ "token": token })).await.ok();
    assert_eq!(answered, json!({ "results": [], "undo": null }));
}

async fn note(shop: &Shop) -> Option<String> {
    shop.app.peek(&shop.tenant, &format!("SELECT note FROM crm_party WHERE id = '{}'", shop.customer)).await
}

#[tokio::test]
async fn what_is_no_longer_possible_is_told_in_the_askers_language() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    shop.app.poke(&shop.tenant, &format!("UPDATE identity_user SET language = 'de' WHERE id = '{}'", shop.admin.id)).await;
    let step = step("crm.party.update", json!({ "party": shop.customer, "note": "kept" }));
    let (_, path) = proposed(&shop, &model, &shop.admin, "Setze die Notiz auf kept", &[step]).await;
    let token = shop.app.get(&shop.admin, &path).await.ok()["token"].clone();
    rejected(&shop, &shop.admin, &path).await;
    for (way, body, reason, text) in [
        ("undo", json!({}), "actions.not_executed", "Dieser Vorschlag wurde nicht ausgeführt; es gibt nichts rückgängig zu machen."),
        ("confirm", json!({ "token": token }), "actions.rejected", "Dieser Vorschlag wurde abgelehnt."),
    ] {
        let problem = shop.app.post(&shop.admin, &format!("{path}/{way}"), &body).await.problem(409, "conflict");
        assert_eq!((&problem["reason"], &problem["detail"]), (&json!(reason), &json!(text)));
    }
    shop.app.close().await;
}

#[tokio::test]
async fn a_plan_is_taken_back_whole_and_taking_it_back_again_changes_nothing() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let steps = [step("crm.party.update", json!({ "party": shop.customer, "note": "blue" })), step("sales.order.confirm", json!({ "order": order }))];
    let (_, path) = proposed(&shop, &model, &shop.admin, "Note blue at Ernst Handel and confirm the order", &steps).await;
    shop.app.post(&shop.admin, &format!("{path}/undo"), &json!({})).await.problem(409, "conflict");
    let done = confirmed(&shop, &shop.admin, &path).await;
    assert_eq!((note(&shop).await.as_deref(), shop.status(order).await.as_str()), (Some("blue"), "confirmed"));
    assert_eq!(done["undo"]["executions"].as_array().map(Vec::len), Some(2), "{done}");

    let undo = format!("{path}/undo");
    let nothing = json!({});
    let (first, second) = tokio::join!(shop.app.post(&shop.admin, &undo, &nothing), shop.app.post(&shop.admin, &undo, &nothing));
    let third = shop.app.post(&shop.admin, &undo, &nothing).await.ok();
    assert_eq!((first.ok(), second.ok(), &third["undo"]), (third.clone(), third.clone(), &Value::Null));
    assert_eq!((note(&shop).await, shop.status(order).await.as_str(), shop.reserved().await), (None, "quotation", 0));
    let undone: i64 =
        shop.app.peek(&shop.tenant, "SELECT count(*) FROM kernel_audit WHERE outcome = 'done' AND detail ? 'undoes' AND detail ? 'proposal'").await;
    assert_eq!(undone, 2, "each step is taken back once");
    let shown = shop.app.get(&shop.admin, &path).await.ok();
    assert_eq!((&shown["state"], &shown["results"]["undo"]), (&json!("undone"), &Value::Null), "{shown}");
    assert!(shown["results"]["results"].as_array().unwrap().iter().all(|result| result["undone"] == true), "{shown}");
    let stranger = shop.app.user(&shop.tenant, "Stranger", READING).await;
    shop.app.post(&stranger, &undo, &json!({})).await.problem(404, "not_found");
    shop.app.close().await;
}

#[tokio::test]
async fn a_plan_of_which_a_step_cannot_be_taken_back_is_not_taken_back_in_part() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let steps = [step("crm.party.update", json!({ "party": shop.customer, "note": "blue" })), step("sales.order.confirm", json!({ "order": order }))];
    let (_, path) = proposed(&shop, &model, &shop.admin, "Note blue at Ernst Handel and confirm the order", &steps).await;
    let done = confirmed(&shop, &shop.admin, &path).await;
    shop.app.run(&shop.admin, "crm.party.update", json!({ "party": shop.customer, "note": "green" })).await;
    let refused = shop.app.post(&shop.admin, &format!("{path}/undo"), &json!({})).await.problem(409, "conflict");
    assert_eq!(refused["reason"], "kernel.changed_since", "{refused}");
    assert_eq!((note(&shop).await.as_deref(), shop.status(order).await.as_str()), (Some("green"), "confirmed"), "all or nothing");

    // One of them alone, by its own door: the card knows, and what is left is still refused.
    let last = done["undo"]["executions"][0].as_str().unwrap();
    shop.app.post(&shop.admin, &format!("commands/{last}/undo"), &json!({})).await.ok();
    let shown = shop.app.get(&shop.admin, &path).await.ok();
    assert_eq!((&shown["state"], shown["results"]["undo"]["executions"].as_array().map(Vec::len)), (&json!("executed"), Some(1)), "{shown}");
    shop.app.post(&shop.admin, &format!("{path}/undo"), &json!({})).await.problem(409, "conflict");
    shop.app.close().await;
}

#[tokio::test]
async fn what_was_done_before_a_plan_can_be_taken_back_after_it() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    let before = shop.app.run(&shop.admin, "crm.party.update", json!({ "party": shop.customer, "note": "red" })).await;
    let steps = ["blue", "green"].map(|note| step("crm.party.update", json!({ "party": shop.customer, "note": note })));
    let (_, path) = proposed(&shop, &model, &shop.admin, "Note blue at Ernst Handel, then green", &steps).await;
    confirmed(&shop, &shop.admin, &path).await;
    assert_eq!(note(&shop).await.as_deref(), Some("green"));
    shop.app.post(&shop.admin, &format!("{path}/undo"), &json!({})).await.ok();
    assert_eq!(note(&shop).await.as_deref(), Some("red"));
    shop.app.kernel.undo(&shop.admin.principal, before.execution).await.unwrap();
    assert_eq!(note(&shop).await, None);
    shop.app.close().await;
}

#[tokio::test]
async fn a_deleted_conversation_leaves_of_its_proposals_what_the_audit_needs() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    let mut conversation = None;
    let mut paths = Vec::new();
    for note in ["kept amber", "rejected violet", "open turquoise"] {
        model.rewrite(proposes(&[step("crm.party.update", json!({ "party": shop.customer, "note": note }))]));
        let talk = ask_in(&shop.app, &shop.admin, conversation.as_deref(), &format!("Note {note} at Ernst Handel")).await;
        paths.push(format!("assistant/proposals/{}", talk.card()["id"].as_str().unwrap()));
        conversation = Some(talk.conversation);
    }
    confirmed(&shop, &shop.admin, &paths[0]).await;
    rejected(&shop, &shop.admin, &paths[1]).await;
    let conversation = conversation.unwrap();
    let gone = shop.app.send(shop.app.request("DELETE", &shop.admin, &format!("/api/v1/assistant/conversations/{conversation}"))).await;
    assert_eq!(gone.status, 204, "{}", gone.text);

    for path in &paths[1..] {
        shop.app.get(&shop.admin, path).await.problem(404, "not_found");
    }
    let kept: Vec<String> = shop.app.column(&shop.tenant, "SELECT p::text FROM assistant_proposal p").await;
    assert_eq!(kept.len(), 1);
    assert!(kept[0].contains("crm.party.update") && !kept[0].contains("amber"), "{}", kept[0]);
    let shown = shop.app.get(&shop.admin, &paths[0]).await.ok();
    assert_eq!((&shown["state"], &shown["steps"][0]["command"]), (&json!("executed"), &json!("crm.party.update")), "{shown}");
    let audited: Value = shop.app.peek(&shop.tenant, "SELECT detail FROM kernel_audit WHERE detail ? 'approver'").await;
    assert_eq!(audited["conversation"], json!(conversation), "{audited}");
    // What was done is still there and can still be taken back.
    assert_eq!(note(&shop).await.as_deref(), Some("kept amber"));
    shop.app.post(&shop.admin, &format!("{}/undo", paths[0]), &json!({})).await.ok();
    assert_eq!(note(&shop).await, None);
    shop.app.close().await;
}

/// The refusal of a command in the audit.
async fn refusal(shop: &Shop, command: &str) -> Value {
    let sql = format!(
        "SELECT coalesce(jsonb_agg(jsonb_build_object('code', code, 'detail', detail)), '[]') FROM kernel_audit WHERE outcome = 'refused' AND command = '{command}'"
    );
    let found: Value = shop.app.peek(&shop.tenant, &sql).await;
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{command}: {found}");
    found[0].clone()
}

#[tokio::test]
async fn a_refused_proposal_is_written_down_like_an_executed_one_under_the_step_that_was_refused() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    let rita = shop.app.user(&shop.tenant, "Rita", &[READING, &[("crm:party:update", T)]].concat()).await;
    let order = shop.quotation(&shop.admin, "4").await;
    let steps = [step("crm.party.update", json!({ "party": shop.customer, "note": "blue" })), step("sales.order.confirm", json!({ "order": order }))];
    let query = json!({ "resource": "crm.party", "filters": [{ "path": "name", "op": "starts", "values": ["Ernst Handel"] }] });
    let mut scripts = vec![calls("query", &query)];
    scripts.extend(proposes(&steps));
    model.rewrite(scripts);
    let talk = ask(&shop.app, &rita, "Note blue at Ernst Handel and confirm the order").await;
    assert_eq!(talk.named("proposal"), Vec::<&Value>::new());
    let refused = refusal(&shop, "sales.order.confirm").await;
    assert_eq!(refused["code"], "forbidden", "{refused}");
    let detail = &refused["detail"];
    assert_eq!((&detail["message"], &detail["conversation"], &detail["preview"]), (&json!(talk.message), &json!(talk.conversation), &json!(true)), "{detail}");
    assert!(detail["records"].as_array().unwrap().contains(&json!(format!("crm.party/{}", shop.customer))), "{detail}");
    assert_eq!(shop.audits("crm.party.update", "refused").await, 0, "what was allowed was not refused");
    shop.app.close().await;
}

#[tokio::test]
async fn what_only_persons_may_do_is_refused_without_waiting_for_anybody() {
    let model = Model::start("eager", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    let grant = json!({ "role": shop.admin.role, "permission": "sales:order:read", "scope": "tenant" });
    let steps = [step("crm.party.update", json!({ "party": shop.customer, "note": "blue" })), step("identity.role.grant", grant)];
    // A write that is under way: a change of the rights of many would wait for it.
    let mut writing = shop.app.owner.begin(&shop.tenant.schema, shop.tenant.id, "test.write").await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock_shared(hashtextextended('grants:' || $1, 0))")
        .bind(shop.tenant.id.to_string())
        .execute(&mut *writing)
        .await
        .unwrap();
    model.rewrite(proposes(&steps));
    let talk = ask(&shop.app, &shop.admin, "Note blue at Ernst Handel and give my role the right to read orders").await;
    drop(writing);
    assert_eq!(talk.named("proposal"), Vec::<&Value>::new());
    let told = model.requests().last().unwrap()["messages"].to_string();
    assert!(told.contains("actions.human_only"), "{told}");
    let refused = refusal(&shop, "identity.role.grant").await;
    assert_eq!((&refused["code"], &refused["detail"]["message"]), (&json!("forbidden"), &json!(talk.message)), "{refused}");
    shop.app.close().await;
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_marked_on_the_card_and_in_the_dialog() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let steps = [step("sales.order.confirm", json!({ "order": order })), step("sales.order.reserve", json!({ "order": order }))];
    let (talk, path) = proposed(&shop, &model, &shop.admin, "Confirm the order and reserve for it", &steps).await;
    assert_eq!(talk.card()["preview"]["irreversible"], json!(["sales.order.reserve"]), "{}", talk.card());
    assert_eq!(shop.app.get(&shop.admin, &path).await.ok()["preview"]["irreversible"], json!(["sales.order.reserve"]));
    let preview = shop.app.post(&shop.admin, &format!("sales/orders/{order}/confirm?preview=true"), &json!({})).await.ok();
    assert_eq!(preview["irreversible"], json!([]), "{preview}");
    let page = shop.app.page(&shop.admin, &format!("/app/sales/orders/{order}/do/confirm")).await;
    assert!(page.text.contains("steward-preview") && !page.text.contains("data-irreversible"), "{}", page.text);
    shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    let page = shop.app.page(&shop.admin, &format!("/app/sales/orders/{order}/do/reserve")).await;
    assert!(page.text.contains("data-irreversible") && page.text.contains("This cannot be undone."), "{}", page.text);
    shop.app.close().await;
}

#[tokio::test]
async fn a_card_names_the_records_of_its_arguments_as_far_as_one_may_see_them() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    let grants = [READING, &[("sales:order:create", T)]].concat();
    let rita = shop.app.user(&shop.tenant, "Rita", &grants).await;
    let arguments = json!({ "customer": shop.customer, "lines": [{ "item": shop.item, "quantity": { "value": "4", "unit": "pcs" } }] });
    let (talk, path) =
        proposed(&shop, &model, &rita, "Create a quotation for Ernst Handel with 4 Chai", &[step("sales.order.create", arguments.clone())]).await;
    assert_eq!(talk.card()["steps"], json!([step("sales.order.create", arguments.clone())]));
    let shown = shop.app.get(&rita, &path).await.ok();
    assert_eq!(shown["steps"][0]["arguments"], arguments);
    assert_eq!((&shown["titles"][shop.customer.to_string()], &shown["titles"][shop.item.to_string()]), (&json!("Ernst Handel"), &json!("Chai")), "{shown}");
    let page = shop.app.page(&rita, "/app/chat").await.text;
    assert!(page.contains("&quot;inputs&quot;") && page.contains("sales.order.create"), "the page has the words for arguments");
    let fewer: Vec<_> = grants.iter().copied().filter(|(permission, _)| *permission != "inventory:item:read").collect();
    shop.app.set_grants(&shop.tenant, rita.role, &fewer).await;
    let shown = shop.app.get(&rita, &path).await.ok();
    assert_eq!(shown["titles"], json!({ shop.customer.to_string(): "Ernst Handel" }), "{shown}");
    shop.app.close().await;
}

async fn parties(shop: &Shop, name: &str) -> i64 {
    shop.app.peek(&shop.tenant, &format!("SELECT count(*) FROM crm_party WHERE name = '{name}'")).await
}

#[tokio::test]
async fn what_a_crash_left_undecided_is_known_as_executed_for_good() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    let steps = [step("crm.party.update", json!({ "party": shop.customer, "note": "blue" }))];
    let (_, path) = proposed(&shop, &model, &shop.admin, "Note blue at Ernst Handel", &steps).await;
    confirmed(&shop, &shop.admin, &path).await;
    shop.app.poke(&shop.tenant, "UPDATE assistant_proposal SET state = 'open', results = NULL, decided_at = NULL").await;
    // Long after keys of requests were forgotten.
    shop.app.poke(&shop.tenant, "UPDATE kernel_idempotency SET created_at = created_at - interval '1 year'").await;
    shop.app.state.relay.prune_keys(&CancellationToken::new()).await.unwrap();
    assert_eq!(shop.app.get(&shop.admin, &path).await.ok()["state"], "executed");
    shop.app.post(&shop.admin, &format!("{path}/undo"), &json!({})).await.ok();
    assert_eq!(note(&shop).await, None);
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_is_executed_while_its_conversation_is_deleted_can_be_taken_back() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    let steps = [step("crm.party.update", json!({ "party": shop.customer, "note": "blue" }))];
    let (talk, path) = proposed(&shop, &model, &shop.admin, "Note blue at Ernst Handel", &steps).await;
    let token = shop.app.get(&shop.admin, &path).await.ok()["token"].clone();
    // The execution waits for a row that we hold, until the conversation is gone.
    let mut held = shop.app.owner.begin(&shop.tenant.schema, shop.tenant.id, "test.hold").await.unwrap();
    sqlx::query("SELECT FROM crm_party WHERE id = $1 FOR UPDATE").bind(shop.customer).execute(&mut *held).await.unwrap();
    let confirming = async { shop.app.post(&shop.admin, &format!("{path}/confirm"), &json!({ "token": token })).await.ok() };
    let meanwhile = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while shop.app.peek::<i64>(&shop.tenant, waiting).await == 0 {
            tokio::task::yield_now().await;
        }
        deleted(&shop, &talk.conversation).await;
        shop.app.get(&shop.admin, &path).await.problem(404, "not_found");
        held.rollback().await.unwrap();
    };
    let (done, ()) = tokio::join!(confirming, meanwhile);
    assert_eq!((done["undo"]["executions"].as_array().map(Vec::len), note(&shop).await.as_deref()), (Some(1), Some("blue")));
    let left = shop.app.get(&shop.admin, &path).await.ok();
    assert_eq!((&left["state"], &left["steps"][0]["arguments"], &left["preview"]["changes"]), (&json!("executed"), &json!({}), &json!([])), "{left}");
    shop.app.post(&shop.admin, &format!("{path}/undo"), &json!({})).await.ok();
    assert_eq!(note(&shop).await, None);
    shop.app.close().await;
}

#[tokio::test]
async fn a_conversation_that_is_gone_takes_no_proposal() {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    let talk = ask(&shop.app, &shop.admin, "Hello").await;
    let propose = async || {
        let context = Context { conversation: Some(Uuid::try_parse(&talk.conversation).unwrap()), ..Context::default() };
        let steps =
            vec![Step { command: "crm.party.update".into(), input: json!({ "party": shop.customer, "note": "blue" }), name: None, expected_version: None }];
        steward_actions::propose(&shop.app.kernel, &shop.admin.principal, context, steps).await
    };
    assert!(propose().await.is_ok());
    deleted(&shop, &talk.conversation).await;
    assert_eq!(propose().await.err().map(|error| error.code), Some(Code::NotFound));
    assert_eq!(shop.app.peek::<i64>(&shop.tenant, "SELECT count(*) FROM assistant_proposal").await, 0);
    shop.app.close().await;
}
