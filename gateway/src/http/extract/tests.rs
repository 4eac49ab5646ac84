use super::*;
use axum::http::HeaderValue;

fn with(name: HeaderName, value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    headers
}

#[test]
fn if_match_takes_an_etag() {
    assert_eq!(if_match(&HeaderMap::new()).unwrap(), Expected::Absent);
    assert_eq!(if_match(&with(header::IF_MATCH, "\"3\"")).unwrap(), Expected::Version(3));
    assert_eq!(if_match(&with(header::IF_MATCH, "*")).unwrap(), Expected::Any);
    for bad in ["", "\"x\"", "\"1\", \"2\"", "-1"] {
        assert_eq!(if_match(&with(header::IF_MATCH, bad)).unwrap_err().status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[test]
fn if_none_match_may_be_a_list_and_weak() {
    assert!(none_match(&with(header::IF_NONE_MATCH, "\"2\", W/\"3\""), 3));
    assert!(!none_match(&with(header::IF_NONE_MATCH, "\"33\""), 3));
}

#[test]
fn an_idempotency_key_is_visible_and_short() {
    assert_eq!(idempotency_key(&with(IDEMPOTENCY_KEY, "a-1")).unwrap().as_deref(), Some("a-1"));
    for bad in ["", "a b", "ü", &"x".repeat(201)] {
        assert!(idempotency_key(&with(IDEMPOTENCY_KEY, bad)).is_err(), "{bad}");
    }
}

#[test]
fn malformed_json_is_refused_with_its_position() {
    let problem = json::<Value>(Some("application/json"), b"{\n  \"a\": tru}").unwrap_err();
    assert_eq!(problem.status, StatusCode::BAD_REQUEST);
    assert!(problem.detail.contains("line 2"), "{}", problem.detail);
    assert_eq!(json::<Value>(Some("text/plain"), b"{}").unwrap_err().status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[test]
fn parameters_are_taken_once_and_all_of_them() {
    let mut parameters = Parameters(vec![("a".into(), "1".into()), ("a".into(), "2".into()), ("b".into(), "x, y".into())]);
    assert!(parameters.take("a").is_err());
    assert_eq!(parameters.take_list("b").unwrap().unwrap(), ["x", "y"]);
    assert!(parameters.finish().is_err());
}
