//! A tenant tightens the class of a command, never loosens it; every door then has the tightened one.

use crate::app::{TestApp, User, id};
use crate::model::{Model, calls, says};
use crate::shop::Shop;
use crate::talk::ask;
use serde_json::{Value, json};
use steward_kernel::bus::Step;
use steward_kernel::{Code, Door, Principal};

async fn shop(model: &Model) -> Shop {
    Shop::of(TestApp::configured(Vec::new(), |config| model.configure(config)).await).await
}

async fn class_of(shop: &Shop, user: &User, command: &str) -> Value {
    let catalogue = shop.app.get(user, "catalogue").await.ok();
    let commands = catalogue["commands"].as_array().unwrap_or_else(|| panic!("{catalogue}"));
    commands.iter().find(|spec| spec["name"] == command).unwrap_or_else(|| panic!("{command}"))["risk"].clone()
}

async fn key_of(shop: &Shop) -> User {
    let made = shop.app.post(&shop.admin, "identity/api_keys", &json!({ "name": "script" })).await.ok();
    User { token: made["secret"]["api_key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned(), ..shop.admin.clone() }
}

#[tokio::test]
async fn a_tightened_command_is_tight_at_every_door_and_loosened_only_to_what_its_module_says() {
    let model = Model::start("eager", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let confirm = json!({ "steps": [{ "command": "sales.order.confirm", "arguments": { "order": order } }] });
    let tighten =
        async |risk: &str| shop.app.try_run(&shop.admin, "platform.command_risk.tighten", json!({ "command": "sales.order.confirm", "risk": risk })).await;
    let program = key_of(&shop).await;
    assert_eq!(class_of(&shop, &shop.admin, "sales.order.confirm").await, "low");
    let preview = async || shop.app.post(&shop.admin, &format!("sales/orders/{order}/confirm?preview=true"), &json!({})).await.ok()["risk"].clone();
    assert_eq!(preview().await, "low");

    // A card that was made before.
    model.rewrite(vec![calls("propose", &confirm), says("Please confirm.")]);
    let talk = ask(&shop.app, &shop.admin, "Confirm the order").await;
    let path = format!("assistant/proposals/{}", talk.card()["id"].as_str().unwrap());
    let token = shop.app.get(&shop.admin, &path).await.ok()["token"].clone();

    let row = id(&tighten("high").await.unwrap());
    assert_eq!((class_of(&shop, &shop.admin, "sales.order.confirm").await, preview().await), (json!("high"), json!("high")));
    model.rewrite(vec![calls("propose", &confirm), says("Please confirm.")]);
    assert_eq!(ask(&shop.app, &shop.admin, "Confirm the order").await.card()["preview"]["risk"], "high");

    assert_eq!(id(&tighten("human_only").await.unwrap()), row, "one class for each command");
    model.rewrite(vec![calls("propose", &confirm), says("Please confirm.")]);
    let talk = ask(&shop.app, &shop.admin, "Confirm the order").await;
    assert_eq!(talk.named("proposal"), Vec::<&Value>::new(), "{}", talk.answer);
    assert!(!model.requests()[0]["tools"].to_string().contains("sales.order.confirm"), "no assistant is offered it");
    assert!(model.requests().last().unwrap()["messages"].to_string().contains("actions.human_only"));
    let refused = shop.app.post(&shop.admin, &format!("{path}/confirm"), &json!({ "token": token })).await.problem(403, "forbidden");
    assert_eq!(refused["reason"], "actions.human_only", "what was proposed before is not executed either");
    shop.app.post(&program, &format!("sales/orders/{order}/confirm"), &json!({})).await.problem(403, "interactive_session_required");
    assert_eq!(shop.status(order).await, "quotation");

    // Lifted, it has the class of its module; a person could do it all the time.
    let lifted = shop.app.run(&shop.admin, "platform.command_risk.relax", json!({ "command_risk": row })).await;
    assert_eq!(class_of(&shop, &shop.admin, "sales.order.confirm").await, "low");
    shop.app.kernel.undo(&shop.admin.principal, lifted.execution).await.unwrap();
    assert_eq!(class_of(&shop, &shop.admin, "sales.order.confirm").await, "human_only");
    shop.app.post(&shop.admin, &format!("sales/orders/{order}/confirm"), &json!({})).await.ok();
    let audited: String = shop.app.peek(&shop.tenant, "SELECT risk FROM kernel_audit WHERE command = 'sales.order.confirm' AND outcome = 'done'").await;
    assert_eq!(audited, "human_only");
    shop.app.close().await;
}

#[tokio::test]
async fn a_class_is_never_loosened_and_only_persons_change_one() {
    let shop = Shop::open().await;
    let tighten = async |user: &User, command: &str, risk: &str| {
        shop.app.post(user, "platform/command_risks/tighten", &json!({ "command": command, "risk": risk })).await
    };
    // It is for persons only already.
    let refused = tighten(&shop.admin, "identity.role.grant", "high").await.problem(409, "conflict");
    assert_eq!(refused["reason"], "platform.not_tighter", "{refused}");
    tighten(&shop.admin, "sales.order.confirm", "low").await.problem(422, "invalid_input");
    tighten(&shop.admin, "sales.order.vanish", "high").await.problem(422, "invalid_input");
    tighten(&key_of(&shop).await, "sales.order.confirm", "high").await.problem(403, "interactive_session_required");
    let reader = shop.app.user(&shop.tenant, "Reader", crate::shop::READING).await;
    tighten(&reader, "sales.order.confirm", "high").await.problem(403, "forbidden");
    assert_eq!(shop.app.peek::<Value>(&shop.tenant, "SELECT risks FROM kernel_placement").await, json!({}));
    let program = Principal { interactive: false, ..shop.admin.principal.through(Door::Assistant) };
    let step = Step { command: "platform.command_risk.tighten".into(), input: json!({}), name: None, expected_version: None };
    assert_eq!(shop.app.kernel.preview(&program, &[step]).await.unwrap_err().code, Code::InteractiveSessionRequired);
    shop.app.close().await;
}

#[tokio::test]
async fn a_class_of_one_tenant_is_none_of_another() {
    let shop = Shop::open().await;
    shop.app.run(&shop.admin, "platform.command_risk.tighten", json!({ "command": "crm.party.create", "risk": "human_only" })).await;
    let other = shop.app.tenant("other", steward_migrations::Placement::Pooled).await;
    let admin = shop.app.admin(&other).await;
    let risks: Value = shop.app.peek(&other, "SELECT risks FROM kernel_placement WHERE tenant_id = app.tenant()").await;
    assert_eq!(risks, json!({}));
    let row: uuid::Uuid = shop.app.peek(&shop.tenant, "SELECT id FROM platform_command_risk WHERE tenant_id = app.tenant()").await;
    let relaxed = shop.app.try_run(&admin, "platform.command_risk.relax", json!({ "command_risk": row })).await;
    assert_eq!(relaxed.unwrap_err().code, Code::NotFound);
    shop.app.close().await;
}
