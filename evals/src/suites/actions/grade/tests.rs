use super::*;
use serde_json::json;

fn step(command: &str, arguments: Value) -> Step {
    serde_json::from_value(json!({ "command": command, "arguments": arguments })).unwrap()
}

fn compared(wanted: Value, proposed: Value) -> Match {
    compare(&[step("a.b.c", wanted)], &json!([{ "command": "a.b.c", "arguments": proposed }]))
}

#[test]
fn the_same_command_with_the_same_values_is_the_same() {
    assert_eq!(compared(json!({ "level": "30", "name": "Chai" }), json!({ "level": "30.0", "name": "chai." })), Match::Same);
    assert_eq!(
        compared(json!({ "price": { "amount": "41.5", "currency": "EUR" } }), json!({ "price": { "amount": "41.50", "currency": "EUR" } })),
        Match::Same
    );
    assert_eq!(
        compared(json!({ "lines": [{ "item": "x", "quantity": "3" }] }), json!({ "lines": [{ "item": "x", "quantity": { "value": "3", "unit": "" } }] })),
        Match::Same
    );
}

#[test]
fn another_command_another_value_or_an_argument_more_differs() {
    let differs = |found: Match| matches!(found, Match::Differs(_));
    assert!(differs(compared(json!({ "level": "30" }), json!({ "level": "31" }))));
    assert!(differs(compared(json!({ "level": "30" }), json!({}))));
    assert!(differs(compared(json!({ "level": "30" }), json!({ "level": "30", "discontinued": true }))));
    assert!(differs(compared(json!({ "lines": [{ "item": "x" }] }), json!({ "lines": [{ "item": "x", "discount": "0.5" }] }))));
    assert!(differs(compare(&[step("a.b.c", json!({}))], &json!([{ "command": "a.b.d", "arguments": {} }]))));
    assert!(differs(compare(&[step("a.b.c", json!({}))], &json!([]))));
}

#[test]
fn an_argument_that_may_be_left_out_must_fit_where_it_is_given() {
    assert_eq!(compared(json!({ "kind": "~note" }), json!({})), Match::Same);
    assert_eq!(compared(json!({ "kind": "~note" }), json!({ "kind": "note" })), Match::Same);
    assert!(matches!(compared(json!({ "kind": "~note" }), json!({ "kind": "policy" })), Match::Differs(_)));
}

#[test]
fn values_are_filled_in_everywhere() {
    let values = BTreeMap::from([("order".to_owned(), "42".to_owned())]);
    let filled_in = step("a.b.c", json!({ "order": "{order}", "lines": [{ "of": "{order}" }] })).filled(&values);
    assert_eq!(Value::Object(filled_in.arguments), json!({ "order": "42", "lines": [{ "of": "42" }] }));
    assert_eq!(filled("Confirm {order} {other}", &values), "Confirm 42 {other}");
}
