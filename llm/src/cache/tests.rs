use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::guard::{Guard, GuardConfig};

const TTL: Duration = Duration::from_secs(3_600);

fn guard() -> Version {
    Guard::new(&GuardConfig::default()).unwrap().version()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn key(body: &Value) -> Key {
    Key::new(id(1), Principal::User(id(2)), guard(), "fast", body)
}

fn answer(text: &str) -> Answer {
    Answer { content_type: "application/json".into(), body: Bytes::copy_from_slice(text.as_bytes()) }
}

fn clock() -> (Arc<AtomicI64>, Clock) {
    let now = Arc::new(AtomicI64::new(1_000));
    let clock = now.clone();
    (now, Arc::new(move || clock.load(Ordering::SeqCst)))
}

#[test]
fn no_answer_crosses_from_one_principal_tenant_guard_or_alias_to_another() {
    let body = json!({ "messages": [] });
    let other_guard = Guard::new(&GuardConfig { allow: vec!["x".to_owned()], ..GuardConfig::default() }).unwrap().version();
    let keys = [
        key(&body),
        Key::new(id(3), Principal::User(id(2)), guard(), "fast", &body),
        Key::new(id(1), Principal::User(id(3)), guard(), "fast", &body),
        Key::new(id(1), Principal::Key(id(2)), guard(), "fast", &body),
        Key::new(id(1), Principal::User(id(2)), other_guard, "fast", &body),
        Key::new(id(1), Principal::User(id(2)), guard(), "fast2", &body),
        key(&json!({ "messages": {} })),
    ];
    for (at, one) in keys.iter().enumerate() {
        assert!(keys[at + 1..].iter().all(|other| other != one), "{at}");
    }
}

#[test]
fn the_order_of_fields_does_not_matter_and_that_of_lists_does() {
    let parse = |text: &str| key(&serde_json::from_str(text).unwrap());
    assert_eq!(parse(r#"{"a": 1, "b": {"c": [1, 2], "d": null}}"#), parse(r#"{"b":{"d":null,"c":[1,2]},"a":1}"#));
    assert_ne!(parse(r#"{"a": [1, 2]}"#), parse(r#"{"a": [2, 1]}"#));
    assert_ne!(parse(r#"{"a": "1"}"#), parse(r#"{"a": 1}"#));
    assert_ne!(parse(r#"["ab", "c"]"#), parse(r#"["a", "bc"]"#));
}

#[tokio::test]
async fn an_answer_is_given_again_until_its_time_is_over() {
    let (now, clock) = clock();
    let answers = Answers::new(&CacheConfig { ttl_seconds: 60, ..CacheConfig::default() }, clock);
    let key = key(&json!(1));
    assert_eq!(answers.get(&key, TTL).await, None);
    answers.put(key, answer("42")).await;
    now.fetch_add(59_999, Ordering::SeqCst);
    assert_eq!(answers.get(&key, TTL).await, Some(answer("42")));
    now.fetch_add(1, Ordering::SeqCst);
    assert_eq!(answers.get(&key, TTL).await, None);
}

#[tokio::test]
async fn all_answers_together_stay_within_the_bound_and_a_large_one_is_not_kept() {
    let (_, clock) = clock();
    let answers = Answers::new(&CacheConfig { size_bytes: 10_000, answer_bytes_max: 1_000, ..CacheConfig::default() }, clock);
    for number in 0..100 {
        answers.put(key(&json!(number)), answer(&"x".repeat(1_000))).await;
    }
    let size = answers.size_bytes().await;
    assert!(size > 0 && size <= 10_000, "{size}");
    let large = key(&json!("large"));
    answers.put(large, answer(&"x".repeat(1_001))).await;
    assert_eq!(answers.get(&large, TTL).await, None);
}

#[tokio::test]
async fn nothing_is_given_after_everything_was_forgotten() {
    let (_, clock) = clock();
    let answers = Answers::new(&CacheConfig::default(), clock);
    answers.put(key(&json!(1)), answer("42")).await;
    answers.clear();
    assert_eq!(answers.get(&key(&json!(1)), TTL).await, None);
}

#[test]
fn an_answer_is_not_shown_in_debug_output() {
    assert!(!format!("{:?}", answer("SECRET")).contains("SECRET"));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from), "[a-c]{0,3}".prop_map(Value::from)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec(("[a-c]{1,2}", inner), 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn keys_agree_exactly_when_bodies_do(one in value(), other in value()) {
        prop_assert_eq!(key(&one) == key(&other), one == other);
    }
}
