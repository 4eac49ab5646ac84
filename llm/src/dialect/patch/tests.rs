use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

fn set(value: Value) -> Change {
    Change::Set(value)
}

#[test]
fn every_other_byte_stays() {
    let text = " { \"model\" : \"fast\" ,\n \"n\":1.10, \"x\": [1,{\"model\":2}], \"big\":12345678901234567890123 } ";
    let patched = patch(text, &[("model", set(json!("gpt")))]).unwrap();
    assert_eq!(patched, text.replacen("\"fast\"", "\"gpt\"", 1));
    assert_eq!(patch(text, &[]).unwrap(), text);
}

#[test]
fn a_field_that_was_not_there_comes_last() {
    assert_eq!(patch(r#"{"a":1}"#, &[("b", set(json!({"c": true})))]).unwrap(), r#"{"a":1,"b":{"c":true}}"#);
    assert_eq!(patch("{ }", &[("b", set(json!(1))), ("c", set(json!(2)))]).unwrap(), r#"{"b":1,"c":2 }"#);
    assert_eq!(patch("{\n  \"a\": 1\n}", &[("b", set(json!(1)))]).unwrap(), "{\n  \"a\": 1,\"b\":1\n}");
}

#[test]
fn a_field_can_be_removed_wherever_it_stands() {
    let text = r#"{"a":1, "b":2, "c":3}"#;
    assert_eq!(patch(text, &[("a", Change::Remove)]).unwrap(), r#"{"b":2, "c":3}"#);
    assert_eq!(patch(text, &[("b", Change::Remove)]).unwrap(), r#"{"a":1, "c":3}"#);
    assert_eq!(patch(text, &[("c", Change::Remove)]).unwrap(), r#"{"a":1, "b":2}"#);
    assert_eq!(patch(r#"{"a":1}"#, &[("a", Change::Remove), ("b", set(json!(2)))]).unwrap(), r#"{"b":2}"#);
}

#[test]
fn a_field_that_is_escaped_or_stands_there_twice_is_found() {
    assert_eq!(patch(r#"{"\u006dodel":"a","model":"b"}"#, &[("model", set(json!("c")))]).unwrap(), r#"{"\u006dodel":"c","model":"c"}"#);
}

#[test]
fn what_is_no_object_is_refused() {
    for text in ["[1]", "1", "{", "", "{\"a\":1}}", "{'a':1}"] {
        assert_eq!(patch(text, &[]), Err(NotAnObject), "{text}");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        "[{}\\[\\],:\"\\\\ ]{0,6}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-e]{1,2}", inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec(("[a-e]", value()), 0..5).prop_map(|fields| fields.into_iter().collect())
}

fn changes() -> impl Strategy<Value = Vec<(String, Change)>> {
    let change = prop_oneof![value().prop_map(Change::Set), Just(Change::Remove)];
    proptest::collection::btree_map("[a-g]", change, 0..4).prop_map(|changes| changes.into_iter().collect())
}

proptest! {
    #[test]
    fn a_patched_object_is_what_the_changes_make_of_it(object in object(), changes in changes(), pretty in any::<bool>()) {
        let value = Value::Object(object.clone());
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let named: Vec<_> = changes.iter().map(|(name, change)| (name.as_str(), change.clone())).collect();
        let read: Value = serde_json::from_str(&patch(&text, &named).unwrap()).unwrap();
        let mut expected = object;
        for (name, change) in changes {
            match change {
                Change::Set(value) => drop(expected.insert(name, value)),
                Change::Remove => drop(expected.shift_remove(&name)),
            }
        }
        prop_assert_eq!(read, Value::Object(expected));
    }
}
