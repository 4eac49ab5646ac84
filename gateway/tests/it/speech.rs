//! How an answer comes: sentence by sentence while the model still speaks, each checked, and what it took.

use crate::app::TestApp;
use crate::model::{Held, Model, calls, cut_off, fails, frame, says, says_for};
use crate::shop::Shop;
use crate::talk::{Stream, ask, events};
use serde_json::{Value, json};

const QUESTION: &str = "How many parties are there?";

fn count() -> Vec<u8> {
    calls("query", &json!({ "resource": "crm.party", "measures": ["count"] }))
}

async fn shop(model: &Model) -> Shop {
    Shop::of(TestApp::configured(Vec::new(), |config| model.configure(config)).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_is_shown_while_the_model_still_speaks() {
    let begun = ["They owe us 999.00. There is 1 ", "party. In all there is 1 pa"];
    let model = Held::start(count(), &begun, &["rty. It owes us 77.", " Th", "ank you."]).await;
    let shop = Shop::of(TestApp::configured(Vec::new(), |config| model.configure(config)).await).await;
    let mut stream = Stream::open(&shop.app, &shop.admin, QUESTION).await;
    let told = |events: &[crate::talk::Said]| -> String {
        events.iter().filter(|event| event.name == "text").map(|event| event.data["delta"].as_str().unwrap().to_owned()).collect()
    };
    let early = stream.until(|events| told(events).contains("party")).await;
    // What has no source is not shown, not even for the moment; of a sentence that is not whole nothing is.
    assert!(told(&early).ends_with("There is 1 party.") && !told(&early).contains("999"), "{early:?}");
    assert!(stream.text.contains(": step query"), "a step is told as a comment: {}", stream.text);
    assert!(early.iter().all(|event| event.name != "done"));
    model.go_on();
    let end = stream.end().await;
    let whole = events(&stream.text);
    assert_eq!(end.data["answer"], json!(told(&whole)), "{end:?}");
    assert!(told(&whole).ends_with("In all there is 1 party. Thank you.") && !told(&whole).contains("77"), "{}", told(&whole));
    assert_eq!(end.data["degraded"], false);
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_asked_of_the_planner_only_before_its_first_sentence() {
    let begun = |text: &str| cut_off(&[&frame(&json!({ "role": "assistant", "content": text }), None).to_string()]);
    let model = Model::start("breaking", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    model.rewrite(vec![count(), begun("There is 1 par"), fails(500)]);
    let talk = ask(&shop.app, &shop.admin, QUESTION).await;
    assert!(talk.answer.contains("cannot be reached") && talk.answer.contains('1'), "{}", talk.answer);
    assert!(!talk.answer.contains("There is"), "{}", talk.answer);

    model.rewrite(vec![count(), begun("There is 1 party. There are"), fails(500)]);
    let answer = shop.app.post(&shop.admin, "assistant/messages", &json!({ "text": QUESTION })).await;
    let told = events(&answer.text);
    let names: Vec<&str> = told.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "text", "error"], "{}", answer.text);
    assert_eq!((&told[1].data["delta"], &told[2].data["code"]), (&json!("There is 1 party."), &json!("assistant.cut_off")));
    // What was told of it is an answer all the same: it dies with the right to what it is made of.
    let message = told[0].data["message_id"].as_str().unwrap().to_owned();
    let path = format!("assistant/messages/{message}/events");
    assert!(shop.app.get(&shop.admin, &path).await.text.contains("There is 1 party."));
    shop.app.set_grants(&shop.tenant, shop.admin.role, &[("sales:order:read", crate::shop::T)]).await;
    let later = shop.app.get(&shop.admin, &path).await.text;
    assert!(!later.contains("There is 1 party.") && later.contains("no longer available"), "{later}");
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_asked_nothing_can_say_nothing_about_the_company() {
    let model = Model::start("talkative", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    for said in ["Ernst Handel is our best customer.", "Business is excellent. Everybody pays.", "The quotation was confirmed."] {
        model.rewrite(vec![says(said)]);
        assert_eq!(ask(&shop.app, &shop.admin, "How is business?").await.answer, "I don't know.", "{said}");
    }
    // Its own question back is held to the same.
    model.rewrite(vec![calls("ask", &json!({ "text": "Ernst Handel is bankrupt. Which party do you mean?", "missing": ["party"] }))]);
    let talk = ask(&shop.app, &shop.admin, "How is business?").await;
    assert_eq!(talk.named("ask")[0]["text"], "Which party do you mean?");
    model.rewrite(vec![says("Hello! I change nothing by myself.")]);
    assert_eq!(ask(&shop.app, &shop.admin, "What can you do?").await.answer, "Hello! I change nothing by myself.");
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_took_is_kept_and_counted() {
    let model = Model::start("counted", vec![says("Hello.")]).await;
    let shop = shop(&model).await;
    let usage = json!({ "prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150, "prompt_tokens_details": { "cached_tokens": 100 }, "completion_tokens_details": { "reasoning_tokens": 7 } });
    model.rewrite(vec![count(), says_for("There is 1 party.", &usage)]);
    let talk = ask(&shop.app, &shop.admin, QUESTION).await;
    let read = shop.app.get(&shop.admin, &format!("assistant/conversations/{}", talk.conversation)).await.ok();
    let kept = &read["messages"][1]["usage"]["counted"];
    assert_eq!(
        (&kept["input_tokens"], &kept["cache_read_tokens"], &kept["output_tokens"], &kept["reasoning_tokens"]),
        (&json!(120), &json!(100), &json!(30), &json!(7)),
        "{read}"
    );
    assert_eq!(read["messages"][0]["usage"], Value::Null);
    let metrics = shop.app.send(shop.app.client.get(format!("{}/metrics", shop.app.base))).await.text;
    for (kind, tokens) in [("input", 120), ("cache_read", 100), ("output", 30), ("reasoning", 7)] {
        let line = format!("steward_llm_tokens_total{{provider=\"counted\",model=\"scripted\",kind=\"{kind}\"}} {tokens}");
        assert!(metrics.lines().any(|known| known == line), "{line}");
    }
    shop.app.close().await;
}
