use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::stream::tests::{pieces, with_cuts};
use super::super::{Guard, GuardConfig, Masked, Piece, Rule};
use super::*;

/// A guard under which values hold what JSON has to escape.
fn masked(texts: &[&'static str]) -> Masked<'static> {
    let rule = Rule { name: "quoted".to_owned(), words: Vec::new(), regex: Some("<[^>]+>".to_owned()), action: super::super::Action::Mask };
    let guard = Guard::new(&GuardConfig { rules: vec![rule], regex_ms_max: u32::MAX, ..GuardConfig::default() }).unwrap();
    let pieces: Vec<_> = texts.iter().copied().map(Piece::Text).collect();
    guard.mask(&pieces).unwrap()
}

fn placeholders() -> Arc<Placeholders> {
    masked(&["anna@example.org <a \"quoted\" \\ word\nand\ttab ü>"]).placeholders
}

#[test]
fn a_value_is_written_as_json_needs_it() {
    let restored = restore(r#"{"to":"[EMAIL_1]","note":"x [TERM_1] y"}"#, &placeholders()).into_owned();
    let read: Value = serde_json::from_str(&restored).unwrap();
    assert_eq!(read, json!({ "to": "anna@example.org", "note": "x <a \"quoted\" \\ word\nand\ttab ü> y" }));
}

#[test]
fn a_placeholder_is_known_however_the_model_escapes_it() {
    for written in [r"\u005bEMAIL_1\u005d", r"\u005B\u0045MAIL\u005f1]", r"[EMAIL\u005F1]"] {
        assert_eq!(restore(&format!(r#"{{"to":"{written}"}}"#), &placeholders()), r#"{"to":"anna@example.org"}"#, "{written}");
    }
}

#[test]
fn a_placeholder_that_was_not_issued_and_brackets_outside_of_strings_stay() {
    let text = r#"{"a":["[EMAIL_2]","[EMAIL_1","\\[EMAIL_1 ]","[[TERM_]"],"b":[1,[2]]}"#;
    assert_eq!(restore(text, &placeholders()), text);
}

#[test]
fn an_escaped_backslash_before_a_placeholder_is_no_part_of_it() {
    assert_eq!(restore(r#""\\[EMAIL_1]""#, &placeholders()), r#""\\anna@example.org""#);
    assert_eq!(restore(r#""\\u005bEMAIL_1]""#, &placeholders()), r#""\\u005bEMAIL_1]""#);
}

#[test]
fn half_a_placeholder_is_never_passed_on_also_within_an_escape() {
    let mut restoring = Restoring::new(placeholders());
    let passed: Vec<_> = [r#"{"to":"x\"#, "u00", "5bEMAIL", "_1", r#"]"}"#].iter().map(|piece| restoring.push(piece)).collect();
    assert_eq!(passed, [r#"{"to":"x"#, "", "", "", r#"anna@example.org"}"#]);
    assert_eq!(restoring.finish(), "");
}

#[test]
fn what_is_held_at_the_end_is_passed_on_as_it_was_written() {
    let mut restoring = Restoring::new(placeholders());
    assert_eq!(restoring.push(r#"{"to":"\u005bEMA\u00"#), r#"{"to":""#);
    assert_eq!(restoring.finish(), r"\u005bEMA\u00");
}

/// A string of JSON with some of its characters escaped.
fn escaped(text: &str, mask: u32) -> String {
    let mut written = String::from("\"");
    for (at, c) in text.chars().enumerate() {
        if c.is_ascii() && mask >> (at % 32) & 1 == 1 {
            written.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            json::escape_into(c.encode_utf8(&mut [0; 4]), &mut written);
        }
    }
    written + "\""
}

fn arguments() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        proptest::sample::select(vec!["[EMAIL_1]", "[TERM_1]", "[EMAIL_2]", "[EMAIL_1", "[", "]", "\\", "\"", "\n", "🦀", "ü", "EMAIL_1]", "u005b"])
            .prop_map(str::to_owned),
        "\\PC{0,4}",
    ];
    let text = proptest::collection::vec(part, 0..8).prop_map(|parts| parts.concat());
    proptest::collection::vec((text, any::<u32>()), 1..4).prop_map(|texts| {
        let strings: Vec<_> = texts.iter().map(|(text, mask)| escaped(text, *mask)).collect();
        format!(r#"{{"a": [{}]}}"#, strings.join(", "))
    })
}

/// The same, by way of what the JSON means.
fn expected(value: &Value, placeholders: &Placeholders) -> Value {
    match value {
        Value::String(text) => Value::String(placeholders.restore(text).into_owned()),
        Value::Array(values) => values.iter().map(|value| expected(value, placeholders)).collect(),
        Value::Object(fields) => Value::Object(fields.iter().map(|(name, value)| (name.clone(), expected(value, placeholders))).collect()),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn fragments_give_valid_json_with_every_value_wherever_they_are_cut((text, cuts) in with_cuts(arguments())) {
        let placeholders = placeholders();
        let mut restoring = Restoring::new(placeholders.clone());
        let mut passed = String::new();
        for piece in pieces(&text, &cuts) {
            passed.push_str(&restoring.push(piece));
        }
        passed.push_str(&restoring.finish());
        let value: Value = serde_json::from_str(&text).unwrap();
        let read: Value = serde_json::from_str(&passed).unwrap();
        prop_assert_eq!(read, expected(&value, &placeholders));
    }

    #[test]
    fn arguments_without_placeholders_pass_byte_for_byte((text, cuts) in with_cuts("\\PC{0,60}".prop_map(|text: String| text.replace(']', "")))) {
        let mut restoring = Restoring::new(placeholders());
        let passed: String = pieces(&text, &cuts).into_iter().map(|piece| restoring.push(piece)).collect();
        prop_assert_eq!(passed + &restoring.finish(), text);
    }
}
