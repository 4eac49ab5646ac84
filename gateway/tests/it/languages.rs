//! In which language somebody is understood and answered: the one of the sentence, else his own.

use crate::shop::Shop;
use crate::talk::ask;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_is_answered_in_its_own_language_else_in_the_askers() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let order = shop.quotation(&shop.admin, "4").await;
    let number: String = shop.app.peek(&shop.tenant, &format!("SELECT number FROM sales_order WHERE id = '{order}'")).await;
    let (german, english) = ("Bitte die Vorschau ansehen und bestätigen.", "Please look at the preview and confirm.");
    // Small words tell the language; a number and a verb do not, and leave it to the person.
    let cases = [
        ("en", format!("Bestätige das Angebot {number}"), german),
        ("en", format!("Confirm the quotation {number}"), english),
        ("en", format!("Confirm {number}"), english),
        ("en", format!("Bestätige {number}"), english),
        ("de", format!("Confirm the quotation {number}"), english),
        ("de", format!("Bestätige {number}"), german),
        ("de", format!("Confirm {number}"), german),
    ];
    for (own, text, answer) in cases {
        shop.app.poke(&shop.tenant, &format!("UPDATE identity_user SET language = '{own}' WHERE id = '{}'", shop.admin.id)).await;
        let talk = ask(&shop.app, &shop.admin, &text).await;
        let commands: Vec<&Value> = talk.card()["steps"].as_array().unwrap().iter().map(|step| &step["command"]).collect();
        assert_eq!((commands, talk.answer.as_str()), (vec![&Value::from("sales.order.confirm")], answer), "{own}: {text}");
    }
    // What the answer calls things is of the same language.
    shop.app.poke(&shop.tenant, &format!("UPDATE identity_user SET language = 'en' WHERE id = '{}'", shop.admin.id)).await;
    let talk = ask(&shop.app, &shop.admin, "Wie viele Aufträge gibt es?").await;
    assert!(talk.answer.contains("Aufträge"), "{}", talk.answer);
    let talk = ask(&shop.app, &shop.admin, "How many orders are there?").await;
    assert!(talk.answer.to_lowercase().contains("orders"), "{}", talk.answer);
    shop.app.close().await;
}
