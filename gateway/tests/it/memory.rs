//! What was said before is derived text: who reads it again sees only what is made of what he may read now.

use crate::app::{TestApp, User};
use crate::model::{Model, calls, says};
use crate::provenance::{POLICY, document, reader, shop};
use crate::shop::{READING, Shop, T};
use crate::talk::{Talk, ask, ask_in, events};
use serde_json::{Value, json};
use steward_kernel::principal::Scope;

const GONE: &str = "no longer available";

async fn conversation(app: &TestApp, user: &User, talk: &Talk) -> Value {
    app.get(user, &format!("assistant/conversations/{}", talk.conversation)).await.ok()
}

async fn stream(app: &TestApp, user: &User, talk: &Talk) -> String {
    app.get(user, &format!("assistant/messages/{}/events", talk.message)).await.text
}

/// The answer is masked wherever it is read again, and the model does not hear of it either.
async fn forgotten(shop: &Shop, model: &Model, user: &User, talk: &Talk, secret: &str) {
    let read = conversation(&shop.app, user, talk).await;
    assert!(read.to_string().contains(GONE) && !read.to_string().contains(secret), "{secret}: {read}");
    let streamed = stream(&shop.app, user, talk).await;
    assert!(streamed.contains(GONE) && !streamed.contains(secret), "{secret}: {streamed}");
    let ids: Vec<u32> = events(&streamed).iter().map(|event| event.id).collect();
    assert_eq!(ids, talk.events.iter().map(|event| event.id).collect::<Vec<_>>(), "a stream is picked up at the same places");
    model.rewrite(vec![says("Hello.")]);
    ask_in(&shop.app, user, Some(&talk.conversation), "Thank you, and hello").await;
    assert!(!model.requests()[0]["messages"].to_string().contains(secret), "{:?}", model.requests()[0]["messages"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_dies_with_the_rights_to_its_sources() {
    let model = Model::start("honest", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    document(&shop, "Travel policy", POLICY).await;
    let rita = reader(&shop).await;
    model.rewrite(vec![calls("search", &json!({ "text": "hotel rate Berlin" })), says("In Berlin 130.00 EUR [1].")]);
    let talk = ask(&shop.app, &rita, "Which hotel rate may I claim in Berlin?").await;
    // As long as she may, she reads it as it was.
    assert_eq!(events(&stream(&shop.app, &rita, &talk).await).len(), talk.events.len());
    assert!(conversation(&shop.app, &rita, &talk).await.to_string().contains("In Berlin 130.00 EUR"));
    model.rewrite(vec![says("Hello.")]);
    ask_in(&shop.app, &rita, Some(&talk.conversation), "Thank you").await;
    assert!(model.requests()[0]["messages"].to_string().contains("In Berlin 130.00 EUR"));
    let grants = [READING, &[("documents:document:read", T)]].concat();
    shop.app.set_grants(&shop.tenant, rita.role, READING).await;
    forgotten(&shop, &model, &rita, &talk, "130.00").await;
    // It is masked, not gone: with the right it is there again.
    shop.app.set_grants(&shop.tenant, rita.role, &grants).await;
    assert!(conversation(&shop.app, &rita, &talk).await.to_string().contains("In Berlin 130.00 EUR"));
    // A record that was taken away takes the answer with it.
    shop.app.poke(&shop.tenant, "UPDATE documents_document SET company_id = NULL, owner_id = (SELECT owner_id FROM sales_order LIMIT 1)").await;
    shop.app.set_grants(&shop.tenant, rita.role, &[READING, &[("documents:document:read", Scope::Company)]].concat()).await;
    shop.app.poke(&shop.tenant, &format!("UPDATE documents_document SET owner_id = '{}'", shop.admin.id)).await;
    forgotten(&shop, &model, &rita, &talk, "130.00").await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_die_with_the_width_that_they_were_counted_at() {
    let model = Model::start("counting", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    shop.quotation(&shop.admin, "4").await;
    let rita = reader(&shop).await;
    model.rewrite(vec![calls("query", &json!({ "resource": "sales.order", "measures": ["count"] })), says("There is 1 order.")]);
    let talk = ask(&shop.app, &rita, "How many orders are there?").await;
    assert_eq!(talk.answer, "There is 1 order.");
    let narrow: Vec<(&str, Scope)> =
        READING.iter().map(|(permission, scope)| (*permission, if *permission == "sales:order:read" { Scope::Own } else { *scope })).collect();
    shop.app.set_grants(&shop.tenant, rita.role, &narrow).await;
    forgotten(&shop, &model, &rita, &talk, "There is 1 order").await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_made_of_a_masked_one_is_masked_too() {
    let model = Model::start("repeating", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    document(&shop, "Travel policy", POLICY).await;
    let rita = reader(&shop).await;
    model.rewrite(vec![calls("search", &json!({ "text": "hotel rate Berlin" })), says("In Berlin it is the usual rate [1].")]);
    let first = ask(&shop.app, &rita, "Which hotel rate may I claim in Berlin?").await;
    // Without a look-up of its own an answer cannot repeat what an earlier one said.
    model.rewrite(vec![says("As I said, the usual rate.")]);
    let repeated = ask_in(&shop.app, &rita, Some(&first.conversation), "And again?").await;
    assert_eq!(repeated.answer, "I don't know.");
    // What it may say was made with the earlier one in view all the same.
    model.rewrite(vec![says("Gladly, you are welcome.")]);
    let second = ask_in(&shop.app, &rita, Some(&first.conversation), "Thank you").await;
    assert_eq!(second.answer, "Gladly, you are welcome.");
    shop.app.set_grants(&shop.tenant, rita.role, READING).await;
    forgotten(&shop, &model, &rita, &second, "Gladly").await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_shows_what_its_reader_may_see_now() {
    let model = Model::start("proposing", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    let grants = [READING, &[("crm:party:update", T), ("crm:party:credit", T)]].concat();
    let rita = shop.app.user(&shop.tenant, "Rita", &grants).await;
    let arguments = json!({ "party": shop.customer, "note": "Blue door", "credit_limit": { "amount": "7654.00", "currency": "EUR" } });
    model.rewrite(vec![calls("propose", &json!({ "steps": [{ "command": "crm.party.update", "arguments": arguments }] })), says("Please confirm.")]);
    let talk = ask(&shop.app, &rita, "Set the credit limit of Ernst Handel to 7654 EUR and note Blue door").await;
    let path = format!("assistant/proposals/{}", talk.card()["id"].as_str().unwrap());
    let changed = |card: &Value| -> Vec<String> {
        let changes = card["preview"]["changes"].as_array().cloned().unwrap_or_default();
        changes.iter().map(|change| change["field"].as_str().unwrap().to_owned()).filter(|field| !field.ends_with("_at")).collect()
    };
    let before = changed(&shop.app.get(&rita, &path).await.ok());
    assert!(before.contains(&"note".into()) && before.contains(&"credit_limit".into()), "{before:?}");
    shop.app.set_grants(&shop.tenant, rita.role, &[READING, &[("crm:party:update", T)]].concat()).await;
    let after = shop.app.get(&rita, &path).await.ok();
    assert!(!changed(&after).contains(&"credit_limit".into()) && after["masked"] == true, "{after}");
    assert!(!after.to_string().contains("7654"), "{after}");
    let stored = conversation(&shop.app, &rita, &talk).await;
    let assistant = &stored["messages"][1];
    assert!(!assistant.to_string().contains("7654"), "{assistant}");
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_a_turn_that_failed_dies_with_the_rights_to_its_sources_too() {
    let model = Model::start("proposing", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    document(&shop, "Travel policy", POLICY).await;
    let grants = [READING, &[("documents:document:read", T), ("crm:party:update", T)]].concat();
    let rita = shop.app.user(&shop.tenant, "Rita", &grants).await;
    let arguments = json!({ "party": shop.customer, "note": "In Berlin the hotel rate is 130.00 EUR a night." });
    let propose = calls("propose", &json!({ "steps": [{ "command": "crm.party.update", "arguments": arguments }] }));
    model.rewrite(vec![calls("search", &json!({ "text": "hotel rate Berlin" })), propose, says("Please confirm.")]);
    let talk = ask(&shop.app, &rita, "Note the hotel rate for Berlin at Ernst Handel").await;
    assert!(talk.card().to_string().contains("130.00"), "{}", talk.card());
    // As a turn leaves it whose deadline came behind the card.
    for sql in [
        format!("DELETE FROM assistant_event WHERE message_id = '{}' AND name IN ('text', 'citation')", talk.message),
        format!(
            "UPDATE assistant_event SET name = 'error', data = '{{\"code\": \"deadline\", \"message\": \"too long\"}}' WHERE message_id = '{}' AND name = 'done'",
            talk.message
        ),
        format!("UPDATE assistant_message SET state = 'failed', text = '' WHERE id = '{}'", talk.message),
    ] {
        shop.app.poke(&shop.tenant, &sql).await;
    }
    let read = async || (conversation(&shop.app, &rita, &talk).await.to_string(), stream(&shop.app, &rita, &talk).await);
    let (stored, streamed) = read().await;
    assert!(stored.contains("130.00") && streamed.contains("130.00") && streamed.contains("event: error"), "{streamed}");
    shop.app.set_grants(&shop.tenant, rita.role, &[READING, &[("crm:party:update", T)]].concat()).await;
    let (stored, streamed) = read().await;
    assert!(!stored.contains("130.00") && stored.contains("\"masked\":true"), "{stored}");
    assert!(!streamed.contains("130.00") && streamed.contains("event: error"), "{streamed}");
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_masked_of_a_card_leaves_no_copy() {
    const SALARY: (&str, Scope) = ("hr:employee:salary", T);
    let model = Model::start("proposing", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    document(&shop, "Raise", "The raise counts from 1 March 2031 on.").await;
    let lisa = json!({ "user": shop.admin.id, "number": "7", "name": "Lisa", "hire_date": "2024-01-01" });
    let lisa = crate::app::id(&shop.app.run(&shop.admin, "hr.employee.create", lisa).await);
    let grants = |more: &[(&'static str, Scope)]| {
        let always = [("hr:employee:read", T), ("hr:employee:set_salary", T), ("crm:party:create", T)];
        [READING, &always, more].concat()
    };
    let read = [SALARY, ("documents:document:read", T)];
    let rita = shop.app.user(&shop.tenant, "Rita", &grants(&read)).await;
    let raise = json!({ "employee": lisa, "salary": { "amount": "4321.00", "currency": "EUR" }, "salary_from": "2031-03-01" });
    let party = json!({ "name": "Ernst Handel", "note": "The raise counts from 1 March 2031 on." });
    let steps = json!([{ "command": "hr.employee.set_salary", "arguments": raise }, { "command": "crm.party.create", "arguments": party }]);
    model.rewrite(vec![calls("search", &json!({ "text": "raise counts" })), calls("propose", &json!({ "steps": steps })), says("Please confirm.")]);
    let talk =
        ask(&shop.app, &rita, "Set the salary of Lisa to 4321.00 EUR from when it counts, and make a party Ernst Handel with the text of the raise").await;
    let path = format!("assistant/proposals/{}", talk.card()["id"].as_str().unwrap());
    let shown = async || shop.app.get(&rita, &path).await.ok();
    let card = shown().await;
    let marked = |card: &Value| card["tainted"].as_array().unwrap().iter().map(|mark| mark["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert!(marked(&card).contains(&"salary_from".into()) && marked(&card).contains(&"note".into()), "{card}");
    assert!(card["duplicates"][0]["message"].is_string(), "{card}");

    // Without the right to a field its value is nowhere, and the other marks stand.
    shop.app.set_grants(&shop.tenant, rita.role, &grants(&read[1..])).await;
    let card = shown().await;
    assert!(!card.to_string().contains("2031-03-01") && !card.to_string().contains("4321"), "{card}");
    assert!(marked(&card).contains(&"note".into()) && card["masked"] == true, "{card}");
    // Without the right to what was read nothing is left but which steps there are.
    shop.app.set_grants(&shop.tenant, rita.role, &grants(&read[..1])).await;
    let card = shown().await;
    assert_eq!((&card["tainted"], &card["duplicates"], &card["preview"]), (&json!([]), &json!([{ "step": 1 }]), &Value::Null), "{card}");
    shop.app.close().await;
}
