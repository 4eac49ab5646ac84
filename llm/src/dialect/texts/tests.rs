use serde_json::json;

use super::*;

fn shown(dialect: Dialect, body: &Value) -> Vec<(bool, String)> {
    let texts = Texts::read(dialect, body.to_string().into()).unwrap();
    let pieces = texts.pieces().into_iter().map(|piece| match piece {
        Piece::Text(text) => (false, text.to_owned()),
        Piece::Json(text) => (true, text.to_owned()),
    });
    pieces.collect()
}

fn words(text: &str) -> (bool, String) {
    (false, text.to_owned())
}

fn json(text: &str) -> (bool, String) {
    (true, text.to_owned())
}

fn openai() -> Value {
    json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "one"},
            {"role": "user", "content": [{"type": "text", "text": "two"}, {"type": "image_url", "image_url": {"url": "u"}}, {"type": "file", "file": {"name": "three"}}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"n\":\"four\"}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "[\"five\"]"},
            {"role": "assistant", "content": "six", "refusal": "seven", "reasoning_content": "eight"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": "nine", "parameters": {"properties": {"n": {"description": "ten", "enum": ["eleven", 7]}}}}}],
        "user": "twelve",
        "metadata": {"of": "thirteen"},
    })
}

fn anthropic() -> Value {
    json!({
        "model": "m",
        "system": [{"type": "text", "text": "one"}],
        "messages": [
            {"role": "user", "content": "two"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "three", "signature": "s"}, {"type": "text", "text": "four"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"n": "five"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "[\"six\"]"},
                {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "seven"}]},
                {"type": "document", "source": {"type": "text", "data": "eight"}},
            ]},
        ],
    })
}

fn responses() -> Value {
    json!({
        "model": "m",
        "instructions": "one",
        "input": [
            {"role": "user", "content": "two"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "three"}]},
            {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "four"}]},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{\"n\":5}"},
            {"type": "function_call_output", "call_id": "a", "output": "six"},
        ],
    })
}

#[test]
fn every_place_of_a_text_is_shown() {
    let file = json!({"type": "file", "file": {"name": "three"}}).to_string();
    let expected = [
        words("one"),
        words("two"),
        json(&file),
        json("{\"n\":\"four\"}"),
        json("[\"five\"]"),
        words("six"),
        words("seven"),
        words("eight"),
        words("nine"),
        words("ten"),
        words("eleven"),
        words("twelve"),
        json("{\"of\":\"thirteen\"}"),
    ];
    assert_eq!(shown(Dialect::OpenAiChat, &openai()), expected);
    let document = json!({"type": "document", "source": {"type": "text", "data": "eight"}}).to_string();
    let expected = [words("one"), words("two"), words("three"), words("four"), json("{\"n\":\"five\"}"), json("[\"six\"]"), json("seven"), json(&document)];
    assert_eq!(shown(Dialect::Anthropic, &anthropic()), expected);
    let mut expected = vec![words("two"), words("three"), words("four"), json("{\"n\":5}"), json("six")];
    expected.insert(0, words("one"));
    assert_eq!(shown(Dialect::OpenAiResponses, &responses()), expected);
    assert_eq!(shown(Dialect::OpenAiResponses, &json!({"model": "m", "input": "alone"})), [words("alone")]);
    assert_eq!(shown(Dialect::OpenAiChat, &json!({"model": "m", "input": ["one", "two"]})), [words("one"), words("two")]);
}

#[test]
fn other_texts_stand_in_the_same_places_and_all_else_stays() {
    for (dialect, body) in [(Dialect::OpenAiChat, openai()), (Dialect::Anthropic, anthropic()), (Dialect::OpenAiResponses, responses())] {
        let text = format!(" {} ", body.to_string().replacen("\"m\"", "\"m\", \"seed\": 12345678901234567890123", 1));
        let read = || Texts::read(dialect, text.clone().into()).unwrap();
        let texts: Vec<String> = shown(dialect, &body).into_iter().map(|(_, text)| text).collect();
        assert_eq!(read().with(&texts).unwrap(), text.as_bytes());
        let replace = |text: &str| text.replace("two", "<NAME_1>").replace("five", "<NAME_2>").replace("six", "<NAME_3>");
        let masked: Vec<String> = texts.iter().map(|text| replace(text)).collect();
        assert_eq!(read().with(&masked).unwrap(), replace(&text).as_bytes());
    }
}

#[test]
fn texts_that_do_not_fit_are_refused() {
    let read = || Texts::read(Dialect::Anthropic, anthropic().to_string().into()).unwrap();
    assert!(read().with(&["one"]).is_err());
    let mut texts: Vec<String> = shown(Dialect::Anthropic, &anthropic()).into_iter().map(|(_, text)| text).collect();
    texts[4] = "no JSON".to_owned();
    assert!(read().with(&texts).is_err());
}
