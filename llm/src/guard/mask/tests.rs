use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{GuardConfig, Rule, arguments};
use super::*;

fn guard() -> Guard {
    Guard::new(&GuardConfig::default()).unwrap()
}

fn masked(texts: &[Piece<'_>]) -> Vec<String> {
    guard().mask(texts).unwrap().texts.into_iter().map(Cow::into_owned).collect()
}

#[test]
fn the_same_value_has_the_same_placeholder_in_every_text() {
    let texts = masked(&[Piece::Text("anna@example.org and ben@example.org"), Piece::Text("ben@example.org"), Piece::Json(r#"{"to":"anna@example.org"}"#)]);
    assert_eq!(texts, ["[EMAIL_1] and [EMAIL_2]", "[EMAIL_2]", r#"{"to":"[EMAIL_1]"}"#]);
}

#[test]
fn a_later_turn_numbers_the_same_values_alike() {
    let first = masked(&[Piece::Text("anna@example.org, +49 30 1234567")]);
    let second = masked(&[Piece::Text("anna@example.org, +49 30 1234567"), Piece::Text("ok"), Piece::Text("and ben@example.org")]);
    assert_eq!(first[0], second[0]);
}

#[test]
fn a_value_is_masked_where_no_detector_would_find_it() {
    assert_eq!(masked(&[Piece::Text("card 4111111111111111"), Piece::Text("ref941111111111111117")]), ["card [CARD_1]", "ref9[CARD_1]7"]);
}

#[test]
fn values_are_masked_in_json_and_keys_and_all_else_stay_as_they_are() {
    let text = r#"{ "email" : "a\u0040example.org", "n": 1.10, "list":[ "x", "\u0041 b@example.org" ], "big":12345678901234567890123 }"#;
    assert_eq!(masked(&[Piece::Json(text)]), [r#"{ "email" : "[EMAIL_1]", "n": 1.10, "list":[ "x", "A [EMAIL_2]" ], "big":12345678901234567890123 }"#]);
}

#[test]
fn a_number_in_json_is_masked_as_a_string() {
    assert_eq!(masked(&[Piece::Json(r#"{"card":4111111111111111,"n":-12.5e3}"#)]), [r#"{"card":"[CARD_1]","n":-12.5e3}"#]);
}

#[test]
fn json_within_json_is_looked_into() {
    let inner = json!({ "mail": "a@example.org" }).to_string().replace('@', "\\u0040");
    let outer = json!({ "body": inner }).to_string();
    let texts = masked(&[Piece::Json(&outer)]);
    let read: Value = serde_json::from_str(&texts[0]).unwrap();
    assert_eq!(read["body"], json!({ "mail": "[EMAIL_1]" }).to_string());
}

#[test]
fn personal_data_in_a_key_is_masked_but_a_tenants_word_may_name_a_field() {
    let rules = vec![Rule { name: "word".to_owned(), words: vec!["customer".to_owned()], regex: None, action: Action::Mask }];
    let guard = Guard::new(&GuardConfig { rules, regex_ms_max: u32::MAX, ..GuardConfig::default() }).unwrap();
    let masked = guard.mask(&[Piece::Json(r#"{"customer":"customer","a@example.org":1}"#)]).unwrap();
    assert_eq!(masked.texts[0], r#"{"customer":"[TERM_1]","[EMAIL_1]":1}"#);
}

#[test]
fn a_field_named_like_a_secret_is_masked_whatever_it_holds() {
    assert_eq!(
        masked(&[Piece::Json(r#"{"password":"sommer","new_password":1234,"token_count":5}"#)]),
        [r#"{"password":"[SECRET_1]","new_password":"[SECRET_2]","token_count":5}"#]
    );
}

#[test]
fn what_looks_like_a_placeholder_in_the_request_is_never_taken_for_one() {
    let guard = guard();
    let text = "literally [EMAIL_1], and anna@example.org";
    let masked = guard.mask(&[Piece::Text(text)]).unwrap();
    assert!(masked.texts[0].starts_with("literally [EMAIL_1], and [EMAIL_1_"), "{}", masked.texts[0]);
    assert_eq!(masked.placeholders.restore(&masked.texts[0]), text);
    assert_eq!(masked.placeholders.restore("[EMAIL_1] [EMAIL_2]"), "[EMAIL_1] [EMAIL_2]");
}

#[test]
fn what_is_no_json_is_masked_as_text_and_refused_if_it_may_hide_something() {
    assert_eq!(masked(&[Piece::Json("sent to anna@example.org {")]), ["sent to [EMAIL_1] {"]);
    assert_eq!(guard().mask(&[Piece::Json(r#"{"to":"anna\u0040example.org""#)]).unwrap_err(), Refused::Unreadable);
    assert_eq!(guard().mask(&[Piece::Json(r#"{"half":"\ud800"}"#)]).unwrap_err(), Refused::Unreadable);
}

#[test]
fn too_much_text_is_refused() {
    let guard = Guard::new(&GuardConfig { text_bytes_max: 10, ..GuardConfig::default() }).unwrap();
    assert_eq!(guard.mask(&[Piece::Text("123456"), Piece::Text("12345")]).unwrap_err(), Refused::TooLong);
}

#[test]
fn a_value_that_a_placeholder_would_complete_anew_is_refused() {
    let rules = vec![Rule { name: "odd".to_owned(), words: Vec::new(), regex: Some(r"b\[TERM_1|aaaa".to_owned()), action: Action::Mask }];
    let guard = Guard::new(&GuardConfig { rules, regex_ms_max: u32::MAX, ..GuardConfig::default() }).unwrap();
    assert_eq!(guard.mask(&[Piece::Text("baaaa"), Piece::Text("b[TERM_1")]).unwrap_err(), Refused::Incomplete);
}

#[test]
fn texts_without_findings_are_not_copied() {
    let guard = guard();
    let masked = guard.mask(&[Piece::Text("How many orders?"), Piece::Json(r#"{"a": [1, 2]}"#)]).unwrap();
    assert!(masked.texts.iter().all(|text| matches!(text, Cow::Borrowed(_))));
}

/// Pieces of text in which everything that is masked comes up, in any neighbourhood.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "anna@example.org",
            "ben@müller.de",
            "+49 30 1234567",
            "DE89370400440532013000",
            "4111 1111 1111 1111",
            "203.0.113.7",
            "078-05-1120",
            "sk-proj-abc123DEF456ghi789JKL012",
            "Passwort: Sommer2024!",
            "[EMAIL_1]",
            "[EMAIL_",
            "[PHONE_2_",
            "[CARD_1]]",
            "[",
            "]",
            " ",
            "\n",
            "\"",
            "\\",
            "\\u005b",
            "é",
            "🦀",
            "is ",
            "password",
            "{\"a\":",
            "}",
            "1",
            "EMAIL_1",
            "@",
            "+",
            "tel ",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
        "[a-z0-9@. +-]{0,12}",
    ]
}

pub(in crate::guard) fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(fragment(), 0..12).prop_map(|fragments| fragments.concat())
}

/// Words that are not JSON themselves: there, a value could come back escaped otherwise.
fn words() -> impl Strategy<Value = String> {
    text().prop_map(|text| if json::is_nested(&text) { format!("-{text}") } else { text })
}

/// Without what stands for values.
fn bare(text: &str, masked: &Masked<'_>) -> String {
    let mut rest = text.to_owned();
    for placeholder in masked.placeholders.names() {
        rest = rest.replace(placeholder, "\u{0}");
    }
    rest
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from), words().prop_map(Value::from)];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-z]{1,8}", inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Numbers that were masked come back as strings.
fn worded(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(values) => values.iter().map(worded).collect(),
        Value::Object(fields) => Value::Object(fields.iter().map(|(name, value)| (name.clone(), worded(value))).collect()),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn masking_and_restoring_gives_the_text_back(texts in proptest::collection::vec(text(), 1..4)) {
        let guard = guard();
        let pieces: Vec<_> = texts.iter().map(|text| Piece::Text(text)).collect();
        let masked = guard.mask(&pieces).unwrap();
        for (text, masked_text) in texts.iter().zip(&masked.texts) {
            prop_assert_eq!(&masked.placeholders.restore(masked_text), text);
        }
    }

    #[test]
    fn no_masked_value_is_left_in_any_text(texts in proptest::collection::vec(text(), 1..4)) {
        let guard = guard();
        let pieces: Vec<_> = texts.iter().map(|text| Piece::Text(text)).collect();
        let masked = guard.mask(&pieces).unwrap();
        for name in masked.placeholders.names() {
            let value = masked.placeholders.value(name).unwrap();
            for text in masked.texts.iter().filter(|_| value.len() >= SWEPT_BYTES_MIN) {
                prop_assert!(!bare(text, &masked).contains(value), "{} in {}", value, text);
            }
        }
    }

    #[test]
    fn json_stays_json_of_the_same_shape_and_comes_back(value in value()) {
        let guard = guard();
        let text = value.to_string();
        let masked = guard.mask(&[Piece::Json(&text)]).unwrap();
        let read: Value = serde_json::from_str(&masked.texts[0]).unwrap();
        let restored = arguments::restore(&masked.texts[0], &masked.placeholders);
        let restored: Value = serde_json::from_str(&restored).unwrap();
        prop_assert_eq!(worded(&restored), worded(&value));
        prop_assert_eq!(read.as_object().map(|fields| fields.len()), value.as_object().map(|fields| fields.len()));
    }

    #[test]
    fn any_text_can_be_offered_as_json(text in "\\PC{0,40}") {
        match guard().mask(&[Piece::Json(&text)]) {
            Ok(masked) => prop_assert_eq!(masked.texts.len(), 1),
            Err(refused) => prop_assert_eq!(refused, Refused::Unreadable),
        }
    }
}
