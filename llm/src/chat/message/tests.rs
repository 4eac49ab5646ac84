use serde_json::json;

use super::*;
use crate::chat::{FinishReason, Usage};

fn call() -> ToolCall {
    ToolCall { id: "call_a".to_owned(), name: "query".to_owned(), arguments: "{}".to_owned() }
}

#[test]
fn what_was_stored_when_messages_were_mere_text_is_still_read() {
    let stored = json!([
        {"role": "system", "text": "Be brief."},
        {"role": "user", "text": "Hi"},
        {"role": "assistant", "text": "Hello"},
        {"role": "assistant", "text": "", "tool_calls": [{"id": "call_a", "name": "query", "arguments": "{}"}]},
        {"role": "tool", "call_id": "call_a", "content": "[]"},
    ]);
    let read: Vec<Message> = serde_json::from_value(stored).unwrap();
    let expected =
        [Message::system("Be brief."), Message::user("Hi"), Message::assistant("Hello", []), Message::assistant("", [call()]), Message::tool("call_a", "[]")];
    assert_eq!(read, expected);
}

#[test]
fn messages_of_parts_are_read_as_they_were_stored() {
    let opaque = Opaque::Signature { dialect: Dialect::Anthropic, data: "c2ln".to_owned() };
    let image = ImageSource::Base64 { media_type: "image/png".to_owned(), data: "iVBO".to_owned() };
    let messages = vec![
        Message::System { authority: Authority::Developer, content: vec![Part::Text { text: "Be brief.".to_owned(), cache: Some(Cache::Hour) }] },
        Message::User { content: vec![Part::text("What is this?"), Part::Image { source: image, detail: Some("low".to_owned()) }] },
        Message::Assistant {
            content: vec![
                Part::Reasoning { text: "A picture.".to_owned(), opaque: Some(opaque) },
                Part::text("I look."),
                Part::ToolCall(call()),
                Part::Refusal { text: "No.".to_owned() },
            ],
        },
        Message::Tool {
            call_id: "call_a".to_owned(),
            content: vec![Part::Other { dialect: Dialect::Anthropic, value: json!({"type": "document"}) }],
            status: ToolStatus::Failed,
        },
    ];
    let stored = serde_json::to_value(&messages).unwrap();
    assert_eq!(serde_json::from_value::<Vec<Message>>(stored).unwrap(), messages);
}

#[test]
fn the_words_of_an_answer_follow_each_other_and_those_of_a_person_stand_apart() {
    let content = vec![Part::text("One"), Part::Refusal { text: "No.".to_owned() }, Part::text("two")];
    assert_eq!(Message::Assistant { content: content.clone() }.text(), "Onetwo");
    assert_eq!(Message::User { content }.text(), "One\ntwo");
    assert!(matches!(Message::user("alone").text(), Cow::Borrowed("alone")));
    assert_eq!(Message::assistant("", [call()]).text(), "");
}

#[test]
fn usage_and_finish_reasons_are_read_as_they_were_stored_before() {
    let stored = json!({"input_tokens": 20, "cache_read_tokens": 5, "cache_write_tokens": 3, "output_tokens": 7, "reasoning_tokens": 2});
    let usage: Usage = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(
        usage,
        Usage { input_tokens: 20, cache_read_tokens: 5, cache_write_tokens: 3, cache_write_long_tokens: 0, output_tokens: 7, reasoning_tokens: 2 }
    );
    assert_eq!(serde_json::to_value(usage).unwrap(), stored);
    for (stored, reason) in [
        ("stop", FinishReason::Stop),
        ("length", FinishReason::Length),
        ("tool_calls", FinishReason::ToolCalls),
        ("content_filter", FinishReason::ContentFilter),
    ] {
        assert_eq!(serde_json::from_value::<FinishReason>(json!(stored)).unwrap(), reason);
        assert_eq!(serde_json::to_value(reason).unwrap(), json!(stored));
    }
    assert_eq!(serde_json::from_value::<FinishReason>(json!("pause_turn")).unwrap(), FinishReason::Other("pause_turn".into()));
}
