//! Answers from texts: each sentence stands in the passage that it cites, the passage is still readable, and the place can
//! be opened.

use crate::app::{TestApp, User, id};
use crate::model::{Model, calls, says};
use crate::shop::{READING, Shop, T};
use crate::talk::{Talk, ask};
use serde_json::{Value, json};
use steward_gateway::config::EmbedderEngine;
use uuid::Uuid;

pub(crate) const POLICY: &str = "# Travel\n\n## Hotels\n\nIn Berlin the hotel rate is 130.00 EUR a night. In Munich it is 150.00 EUR.\n";

pub(crate) async fn shop(model: Option<&Model>) -> Shop {
    let configure = |config: &mut steward_gateway::config::Config| {
        config.embedder.engine = EmbedderEngine::Hashed;
        if let Some(model) = model {
            model.configure(config);
        }
    };
    Shop::of(TestApp::configured(Vec::new(), configure).await).await
}

/// A document of the tenant's first company.
pub(crate) async fn document(shop: &Shop, title: &str, body: &str) -> Uuid {
    let document = json!({ "title": title, "body": body, "kind": "policy", "company": shop.tenant.created.company, "allow_duplicate": true });
    let document = id(&shop.app.run(&shop.admin, "documents.document.create", document).await);
    shop.app.state.indexer.settle().await.unwrap();
    document
}

pub(crate) async fn reader(shop: &Shop) -> User {
    shop.app.user(&shop.tenant, "Rita", &[READING, &[("documents:document:read", T)]].concat()).await
}

fn passages(talk: &Talk) -> Vec<&Value> {
    talk.named("citation").into_iter().filter(|citation| citation.get("ref").is_some()).collect()
}

fn search(text: &str) -> Vec<u8> {
    calls("search", &json!({ "text": text }))
}

#[tokio::test(flavor = "multi_thread")]
async fn sentences_that_their_passages_do_not_support_are_left_out() {
    let model = Model::start("inventive", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    let policy = document(&shop, "Travel policy", POLICY).await;
    let rita = reader(&shop).await;
    let text = "You may claim 130.00 EUR in Berlin [1]. In Hamburg it is 200.00 EUR [1]. Breakfast is always included. It says “150.00 EUR a night for everybody” [1].";
    model.rewrite(vec![search("hotel rate Berlin"), says(text)]);
    let talk = ask(&shop.app, &rita, "Which hotel rate may I claim in Berlin?").await;
    assert!(talk.answer.starts_with("You may claim 130.00 EUR in Berlin [1]."), "{}", talk.answer);
    for gone in ["200", "Breakfast", "everybody"] {
        assert!(!talk.answer.contains(gone), "{}", talk.answer);
    }
    let [citation] = passages(&talk)[..] else { panic!("{:?}", talk.events) };
    assert_eq!((&citation["resource"], &citation["id"], &citation["field"]), (&json!("documents.document"), &json!(policy), &json!("body")), "{citation}");
    let span: Vec<usize> = serde_json::from_value(citation["span"].clone()).unwrap();
    let body: String = shop.app.peek(&shop.tenant, "SELECT body FROM documents_document").await;
    assert_eq!(body.get(span[0]..span[1]), citation["quote"].as_str(), "the span is where the quotation stands");

    model.rewrite(vec![search("hotel rate Berlin"), says("In Hamburg it is 200.00 EUR [1]. Breakfast is included [3].")]);
    let talk = ask(&shop.app, &rita, "Which hotel rate may I claim in Hamburg?").await;
    assert_eq!(talk.answer, "I don't know.");
    assert_eq!(passages(&talk), Vec::<&Value>::new());
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_planner_quotes_the_passage_that_answers() {
    let shop = shop(None).await;
    document(&shop, "Travel policy", POLICY).await;
    let rita = reader(&shop).await;
    let talk = ask(&shop.app, &rita, "Which hotel rate may I claim in Berlin?").await;
    assert!(talk.answer.contains("“In Berlin the hotel rate is 130.00 EUR a night.”") && talk.answer.contains("[1]"), "{}", talk.answer);
    assert_eq!(passages(&talk).len(), 1, "{:?}", talk.events);
    // Another source says otherwise: both are told.
    document(&shop, "Old travel policy", "In Berlin the hotel rate is 110.00 EUR a night.").await;
    let talk = ask(&shop.app, &rita, "Which hotel rate may I claim in Berlin?").await;
    assert!(talk.answer.contains("130.00") && talk.answer.contains("110.00") && talk.answer.contains("differ"), "{}", talk.answer);
    assert_eq!(passages(&talk).len(), 2, "{:?}", talk.events);
    // Somebody who may not read them learns nothing of them.
    let stranger = shop.app.user(&shop.tenant, "Stranger", READING).await;
    let talk = ask(&shop.app, &stranger, "Which hotel rate may I claim in Berlin?").await;
    assert!(!talk.answer.contains("130") && passages(&talk).is_empty(), "{}", talk.answer);
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citation_opens_the_record_with_the_place_marked_as_long_as_it_stands_there() {
    let model = Model::start("honest", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    let policy = document(&shop, "Travel policy", POLICY).await;
    let rita = reader(&shop).await;
    model.rewrite(vec![search("hotel rate Berlin"), says("You may claim 130.00 EUR [1].")]);
    let talk = ask(&shop.app, &rita, "Which hotel rate may I claim in Berlin?").await;
    let mark = passages(&talk)[0]["mark"].as_str().unwrap().to_owned();
    let path = format!("/app/documents/documents/{policy}?mark={mark}");
    let page = shop.app.page(&rita, &path).await;
    assert!(page.text.contains("<mark id=\"cited\">") && page.text.contains("In Berlin the hotel rate"), "{}", page.text);
    // What only looks like a mark marks nothing.
    for wrong in [mark.replace("body", "title"), mark.replace(':', ""), format!("{mark}0"), "body:0-99999999:0".into()] {
        let page = shop.app.page(&rita, &format!("/app/documents/documents/{policy}?mark={wrong}")).await;
        assert_eq!(page.status, 200);
        assert!(!page.text.contains("id=\"cited\""), "{wrong}");
    }
    shop.app.run(&shop.admin, "documents.document.revise", json!({ "document": policy, "body": "Everything has changed." })).await;
    let page = shop.app.page(&rita, &path).await;
    assert!(!page.text.contains("id=\"cited\"") && page.text.contains("data-cited=\"changed\""), "{}", page.text);
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_a_source_like_a_query() {
    let model = Model::start("reporting", vec![says("Hello.")]).await;
    let shop = shop(Some(&model)).await;
    shop.receive("7").await;
    model.rewrite(vec![calls("report", &json!({ "report": "inventory.on_hand" })), says("There are 7 pieces of Chai. There are 9 of Chang.")]);
    let talk = ask(&shop.app, &shop.admin, "What do we have in stock?").await;
    assert!(talk.answer.contains("7 pieces") && !talk.answer.contains("9 of"), "{} {:?}", talk.answer, model.requests().last());
    let cited = talk.named("citation");
    assert!(
        cited.iter().any(|citation| citation["resource"] == "inventory.on_hand" && citation["quote"].as_str().unwrap().starts_with("report inventory.on_hand")),
        "{cited:?}"
    );
    // Reports that one may not run are not there.
    let reader = shop.app.user(&shop.tenant, "Reader", &[("crm:party:read", T)]).await;
    model.rewrite(vec![calls("report", &json!({ "report": "inventory.on_hand" })), says("There are 7 pieces.")]);
    let talk = ask(&shop.app, &reader, "What do we have in stock?").await;
    assert!(!talk.answer.contains('7'), "{}", talk.answer);
    assert!(!model.requests()[0]["tools"].to_string().contains("inventory.on_hand"));
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_salary_that_one_may_not_see_reads_like_one_of_nobody() {
    let shop = shop(None).await;
    let employee = json!({ "user": shop.admin.id, "number": "1", "name": "Anna Berger", "hire_date": "2020-01-01" });
    let anna = id(&shop.app.run(&shop.admin, "hr.employee.create", employee).await);
    let salary = json!({ "employee": anna, "salary": { "amount": "64321.00", "currency": "EUR" } });
    let set = shop.app.try_run(&shop.admin, "hr.employee.set_salary", salary).await;
    assert!(set.is_ok(), "{set:?}");
    shop.app.state.indexer.settle().await.unwrap();
    let rita = shop.app.user(&shop.tenant, "Rita", &[READING, &[("hr:employee:read", T)]].concat()).await;
    let questions = [
        "What is the salary of {}?",
        "How much does {} earn?",
        "How much do we pay {}?",
        "Since when does {} have this salary?",
        "Does {} earn more than 3000?",
        "Wie hoch ist das Gehalt von {}?",
    ];
    for question in questions {
        let read = async |name: &str| {
            let talk = ask(&shop.app, &rita, &question.replace("{}", name)).await;
            let told: Vec<(String, String)> = talk
                .events
                .iter()
                .filter(|event| event.name != "start")
                .map(|event| (event.name.clone(), event.data.to_string().replace(name, "{}").replace(&name.to_lowercase(), "{}")))
                .collect();
            told
        };
        let (known, unknown) = (read("Anna Berger").await, read("Nina Nobody").await);
        assert_eq!(known, unknown, "{question}");
        assert!(known.iter().all(|(_, data)| !data.contains("64")), "{known:?}");
    }
    shop.app.close().await;
}
