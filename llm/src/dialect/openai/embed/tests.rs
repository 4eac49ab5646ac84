use std::time::{Duration, Instant};

use super::*;

fn defaults() -> Defaults {
    Defaults { max_tokens: 1, deadline: Instant::now() + Duration::from_secs(60) }
}

fn read_request(body: &Value) -> Result<EmbedRequest, Invalid> {
    decode(body.to_string().into(), defaults())
}

#[test]
fn all_forms_of_input_are_understood() {
    let text = |text: &str| EmbedInput::Text(text.to_owned());
    let cases = [
        (json!("a"), vec![text("a")]),
        (json!(["a", "b"]), vec![text("a"), text("b")]),
        (json!([1, 2]), vec![EmbedInput::Tokens(vec![1, 2])]),
        (json!([[1], [2, 3]]), vec![EmbedInput::Tokens(vec![1]), EmbedInput::Tokens(vec![2, 3])]),
    ];
    for (input, expected) in cases {
        let request = read_request(&json!({"model": "m", "input": input, "encoding_format": "base64", "dimensions": 4})).unwrap();
        assert_eq!((request.inputs, request.encoding, request.dimensions), (expected, Encoding::Base64, Some(4)));
    }
    for input in [json!([]), json!([[]]), json!([1, "a"]), json!([-1]), json!({}), Value::Null] {
        assert_eq!(read_request(&json!({"model": "m", "input": input})).unwrap_err().param.as_deref(), Some("input"), "{input}");
    }
}

#[test]
fn a_request_passes_through_but_for_its_model() {
    let text = r#"{"model": "alias", "input": ["a"], "user":"u" }"#;
    let request = decode(text.into(), defaults()).unwrap();
    assert_eq!(String::from_utf8(encode(&request, "target").unwrap()).unwrap(), text.replacen("alias", "target", 1));
    let anew: Value = serde_json::from_slice(&encode(&EmbedRequest { wire: None, ..request }, "target").unwrap()).unwrap();
    assert_eq!(anew, json!({"model": "target", "input": ["a"], "encoding_format": "base64"}));
    let special = read_request(&json!({"model": "m", "input": "a", "input_type": "query"})).unwrap();
    assert!(encode(&special, "target").is_ok());
    assert_eq!(encode(&EmbedRequest { wire: None, ..special }, "target").unwrap_err().kind(), Kind::Unsupported);
}

#[test]
fn vectors_are_put_in_the_order_of_the_inputs_in_both_encodings() {
    let numbers = read(include_bytes!("../../../../tests/fixtures/openai/embeddings.json"), 2).unwrap();
    assert_eq!(numbers.vectors, [vec![0.25, 2.0], vec![0.5, -1.0]]);
    assert_eq!(numbers.usage.map(|usage| usage.input_tokens), Some(8));
    let head = Head { id: String::new(), model: "alias".to_owned(), created: 0, shows_usage: true };
    for encoding in [Encoding::Float, Encoding::Base64] {
        let again = read(&write(&numbers, encoding, &head), 2).unwrap();
        assert_eq!((again.vectors, again.model), (numbers.vectors.clone(), numbers.model.clone()));
    }
}

#[test]
fn an_answer_to_something_else_is_none() {
    let row = |index: usize| json!({"index": index, "embedding": [1.0]});
    let bodies = [
        json!({"data": [row(0)]}),
        json!({"data": [row(0), row(0)]}),
        json!({"data": [row(0), row(2)]}),
        json!({"data": [row(0), {"index": 1, "embedding": []}]}),
        json!({"data": [row(0), {"index": 1, "embedding": "AAA="}]}),
        json!({}),
    ];
    for body in bodies {
        assert_eq!(read(body.to_string().as_bytes(), 2).unwrap_err().kind(), Kind::Malformed, "{body}");
    }
    let error = json!({"error": {"code": 429, "message": "slow down"}});
    assert_eq!(read(error.to_string().as_bytes(), 2).unwrap_err().kind(), Kind::RateLimited);
}
