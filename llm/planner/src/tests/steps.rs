//! Sentences that say several things to do, and those that want to see a page.

use super::*;

fn steps(text: &str) -> Value {
    let (calls, said) = run(text);
    let (name, call) = calls.last().unwrap_or_else(|| panic!("{text}: {said}"));
    assert_eq!(name, "propose", "{text}: {said}");
    call["steps"].clone()
}

fn confirm(order: &str) -> Value {
    json!({ "command": "sales.order.confirm", "arguments": { "order": order } })
}

#[test]
fn several_records_of_one_command_are_steps_of_one_plan() {
    for text in [
        "Confirm SO-2026-00012 and SO-2026-00013",
        "Please confirm quotations SO-2026-00012, SO-2026-00013.",
        "Confirm SO-2026-00012 and SO-2026-00013 and SO-2026-00012",
        "Bestätige die Aufträge SO-2026-00012 und SO-2026-00013",
    ] {
        assert_eq!(steps(text), json!([confirm("o1"), confirm("o2")]), "{text}");
    }
    assert_eq!(steps("Confirm SO-2026-00012"), json!([confirm("o1")]));
    let (calls, said) = run("Confirm SO-2026-00012 and SO-2026-99999");
    assert!(calls.iter().all(|(name, _)| name != "propose") && said.contains("SO-2026-99999"), "{said}");
}

#[test]
fn what_a_clause_makes_the_next_one_acts_on() {
    for text in [
        "Create a quotation for Ernst Handel with 10 Chai and confirm it",
        "Create a quotation for Ernst Handel with 10 Chai, and then confirm it.",
        "Lege einen Auftrag für Ernst Handel mit 10 Chai an und bestätige ihn",
    ] {
        let create =
            json!({ "command": "sales.order.create", "arguments": { "customer": "c1", "lines": [{ "item": "i1", "quantity": "10" }] }, "name": "made1" });
        assert_eq!(steps(text), json!([create, confirm("$made1")]), "{text}");
    }
}

#[test]
fn what_is_said_of_the_same_record_is_done_in_its_order() {
    let cancel = json!({ "command": "sales.order.cancel", "arguments": { "reason": "he withdrew and paid", "order": "o1" } });
    assert_eq!(steps("Confirm SO-2026-00012 and cancel it because he withdrew and paid"), json!([confirm("o1"), cancel]));
    let (first, second) = (confirm("o1"), json!({ "command": "sales.order.cancel", "arguments": { "order": "o2" } }));
    assert_eq!(steps("Confirm SO-2026-00012 and cancel order SO-2026-00013"), json!([first, second]));
}

#[test]
fn what_belongs_to_a_list_or_a_text_begins_no_clause() {
    let lines = &steps("Create a quotation for Ernst Handel with 10 Chai and 5 Chai")[0]["arguments"]["lines"];
    assert_eq!(lines, &json!([{ "item": "i1", "quantity": "10" }, { "item": "i1", "quantity": "5" }]));
}

fn opened(text: &str) -> Value {
    let (calls, said) = run(text);
    let (name, call) = calls.last().unwrap_or_else(|| panic!("{text}: {said}"));
    assert_eq!(name, "open_screen", "{text}: {said}");
    call.clone()
}

#[test]
fn a_page_is_opened_where_one_is_asked_for() {
    for text in ["Open the order SO-2026-00012", "please open order SO-2026-00012", "Öffne den Auftrag SO-2026-00012", "Go to the order SO-2026-00012"] {
        assert_eq!(opened(text), json!({ "resource": "sales.order", "id": "o1" }), "{text}");
    }
    for text in ["Show me the confirmed orders in the list", "Open the list of confirmed orders", "Zeige mir die bestätigten Aufträge in der Liste"] {
        assert_eq!(opened(text), json!({ "resource": "sales.order", "filters": [{ "path": "status", "op": "eq", "values": ["confirmed"] }] }), "{text}");
    }
    for text in ["Open a new quotation for Ernst Handel", "Öffne einen neuen Auftrag für Ernst Handel"] {
        assert_eq!(opened(text), json!({ "command": "sales.order.create", "values": { "customer": "c1" } }), "{text}");
    }
    // In the chat it is answered in the chat.
    for text in ["Show the confirmed orders", "How many open orders?", "Open the frobnication", "Open the order SO-2026-99999"] {
        let (calls, said) = run(text);
        assert!(calls.iter().all(|(name, _)| name != "open_screen"), "{text}: {said}");
    }
}
