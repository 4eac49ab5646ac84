use serde_json::json;

use super::*;

#[test]
fn a_body_in_which_a_field_stands_twice_is_refused_at_any_depth() {
    for body in [r#"{"a":1,"a":2}"#, r#"{"m":[{"role":"user","content":"a","content":"b"}]}"#, r#"{"a":1,"\u0061":2}"#] {
        assert_eq!(Fields::body(body.as_bytes()).err().map(|invalid| invalid.reason), Some("a field stands twice in the same object".to_owned()), "{body}");
    }
    assert!(Fields::body(br#"{"a":[{"b":1},{"b":1}],"b":null}"#).is_ok());
}

#[test]
fn what_cannot_be_read_is_named_by_its_place_and_not_quoted() {
    let invalid = Fields::body(b"{\"secret\n").err().unwrap();
    assert!(invalid.reason.contains("at line 2, column 0") && !invalid.reason.contains("secret"), "{invalid:?}");
    assert_eq!(Fields::body(b"[1]").err().unwrap().reason, "the body is no JSON object");
    let mut fields = Fields::of(json!({"content": 1, "n": 0, "t": []}), "messages[2]").unwrap();
    assert_eq!(fields.text("content").unwrap_err(), Invalid::new("messages[2].content", "must be a text"));
    assert_eq!(fields.count("n").unwrap_err(), Invalid::new("messages[2].n", "must be a whole number above zero"));
    assert_eq!(fields.object("t").err().unwrap(), Invalid::new("messages[2].t", "must be an object"));
    assert_eq!(fields.needed_text("x").unwrap_err(), Invalid::new("messages[2].x", "is missing"));
}
