//! What callers ask, and what providers are asked then.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use steward_llm::chat::{
    Authority, Cache, ChatRequest, Delivery, Dialect, Effort, Format, ImageSource, Message, Opaque, Part, Reasoning, Sampling, Schema, ToolChoice, ToolStatus,
};
use steward_llm::dialect::openai::{Quirks, TokenLimit};
use steward_llm::dialect::{self, Invalid, Told, anthropic, openai};
use steward_llm::{Kind, Tool, ToolCall};

use super::defaults;

const OPENAI: &str = include_str!("../../fixtures/openai/request.json");
const ANTHROPIC: &str = include_str!("../../fixtures/anthropic/request.json");

fn decode(dialect: Dialect, body: impl Into<Bytes>) -> ChatRequest {
    dialect::decode(dialect, body.into(), defaults()).unwrap()
}

fn refused(dialect: Dialect, body: &Value) -> Invalid {
    dialect::decode(dialect, body.to_string().into(), defaults()).unwrap_err()
}

fn to_openai(request: &ChatRequest, quirks: &Quirks) -> Value {
    serde_json::from_slice(&openai::request::encode(request, "target", quirks).unwrap()).unwrap()
}

fn to_anthropic(request: &ChatRequest) -> Value {
    serde_json::from_slice(&anthropic::request::encode(request, "target", &anthropic::Quirks::default()).unwrap()).unwrap()
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() })
}

fn images(detail: Option<&str>) -> [Part; 2] {
    [
        Part::Image { source: ImageSource::Base64 { media_type: "image/png".to_owned(), data: "iVBORw0KGgo=".to_owned() }, detail: detail.map(str::to_owned) },
        Part::Image { source: ImageSource::Url { url: "https://example.com/a.png".to_owned() }, detail: None },
    ]
}

#[test]
fn everything_that_a_caller_of_openai_asks_is_understood() {
    let request = decode(Dialect::OpenAiChat, OPENAI);
    let [inline, linked] = images(Some("low"));
    let messages = [
        Message::System { authority: Authority::Developer, content: vec![Part::text("Be brief.")] },
        Message::User { content: vec![Part::text("What is this?"), inline, linked] },
        Message::Assistant { content: vec![Part::text("I look."), call("call_a", "query", "{\"n\": 1}"), call("call_b", "report", "{}")] },
        Message::tool("call_a", "[]"),
        Message::tool("call_b", "none"),
        Message::Assistant { content: vec![Part::Refusal { text: "No.".to_owned() }] },
        Message::user("Why?"),
    ];
    assert_eq!(request.messages, messages);
    let mut tool = Tool::new("query", "Lists.", json!({"type": "object", "properties": {"n": {"type": "integer"}}}));
    tool.strict = Some(true);
    assert_eq!(request.tools, [Arc::new(tool)]);
    assert_eq!((&request.tool_choice, request.parallel_tool_calls), (&Some(ToolChoice::Named("query".to_owned())), Some(false)));
    let schema = Schema { name: "answer".to_owned(), description: None, schema: json!({"type": "object"}), strict: Some(true) };
    assert_eq!(request.format, Format::JsonSchema(schema));
    let sampling = Sampling {
        temperature: Some(0.7),
        top_p: Some(0.9),
        top_k: None,
        stop: vec!["END".to_owned()],
        seed: Some(7),
        frequency_penalty: Some(0.5),
        presence_penalty: Some(-0.5),
    };
    assert_eq!(request.sampling, sampling);
    assert_eq!(request.reasoning, Some(Reasoning { effort: Some(Effort::Low), budget_tokens: None }));
    assert_eq!((request.max_tokens, request.model.as_deref(), request.delivery), (900, Some("fast"), Delivery::Stream));
    let wire = request.wire.as_ref().unwrap();
    assert_eq!((wire.shows_usage, &wire.body[..]), (true, OPENAI.as_bytes()));
    assert!(request.beyond.is_empty());
    assert!(!format!("{request:?} {wire:?}").contains("What is this"));
}

#[test]
fn everything_that_a_caller_of_anthropic_asks_is_understood() {
    let request = decode(Dialect::Anthropic, ANTHROPIC);
    let [inline, linked] = images(None);
    let thought = |text: &str, opaque| Part::Reasoning { text: text.to_owned(), opaque: Some(opaque) };
    let messages = [
        Message::System { authority: Authority::System, content: vec![Part::Text { text: "Be brief.".to_owned(), cache: Some(Cache::Hour) }] },
        Message::User { content: vec![Part::text("What is this?"), inline, linked] },
        Message::Assistant {
            content: vec![
                thought("A picture.", Opaque::Signature { dialect: Dialect::Anthropic, data: "c2ln".to_owned() }),
                thought("", Opaque::Hidden { dialect: Dialect::Anthropic, data: "aGlk".to_owned() }),
                Part::text("I look."),
                call("toolu_a", "query", "{\"n\":1}"),
                call("toolu_b", "report", "{}"),
            ],
        },
        Message::tool("toolu_a", "[]"),
        Message::Tool { call_id: "toolu_b".to_owned(), content: vec![Part::text("failed")], status: ToolStatus::Failed },
        Message::User { content: vec![Part::Text { text: "Why?".to_owned(), cache: Some(Cache::Minutes) }] },
    ];
    assert_eq!(request.messages, messages);
    assert_eq!(request.tools[0].cache, Some(Cache::Minutes));
    assert_eq!((&request.tool_choice, request.parallel_tool_calls), (&Some(ToolChoice::Required), Some(false)));
    assert_eq!(request.reasoning, Some(Reasoning { effort: None, budget_tokens: Some(2_000) }));
    assert!(matches!(&request.format, Format::JsonSchema(schema) if schema.schema == json!({"type": "object"})));
    assert_eq!((request.sampling.top_k, &request.sampling.stop[..]), (Some(40), &["END".to_owned()][..]));
    assert_eq!((request.max_tokens, request.delivery), (1_000, Delivery::Stream));
    assert!(request.beyond.is_empty());
}

#[test]
fn what_a_caller_of_openai_asks_is_asked_of_anthropic() {
    let body = to_anthropic(&decode(Dialect::OpenAiChat, OPENAI));
    let expected = json!({
        "model": "target",
        "max_tokens": 900,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "call_a", "name": "query", "input": {"n": 1}},
                {"type": "tool_use", "id": "call_b", "name": "report", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_a", "content": "[]"},
                {"type": "tool_result", "tool_use_id": "call_b", "content": "none"},
            ]},
            {"role": "assistant", "content": "No."},
            {"role": "user", "content": "Why?"},
        ],
        "stream": true,
        "tools": [{"name": "query", "description": "Lists.", "input_schema": {"type": "object", "properties": {"n": {"type": "integer"}}}, "strict": true}],
        "tool_choice": {"type": "tool", "name": "query", "disable_parallel_tool_use": true},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "stop_sequences": ["END"],
        "temperature": 0.7,
    });
    assert_eq!(body, expected);
}

#[test]
fn what_a_caller_of_anthropic_asks_is_asked_of_openai() {
    let request = decode(Dialect::Anthropic, ANTHROPIC);
    let body = to_openai(&request, &Quirks::COMPATIBLE);
    let expected = json!({
        "model": "target",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            ]},
            {"role": "assistant", "content": "I look.", "tool_calls": [
                {"id": "toolu_a", "type": "function", "function": {"name": "query", "arguments": "{\"n\":1}"}},
                {"id": "toolu_b", "type": "function", "function": {"name": "report", "arguments": "{}"}},
            ]},
            {"role": "tool", "content": "[]", "tool_call_id": "toolu_a"},
            {"role": "tool", "content": "failed", "tool_call_id": "toolu_b"},
            {"role": "user", "content": "Why?"},
        ],
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_tokens": 1000,
        "temperature": 0.7,
        "top_p": 0.9,
        "stop": ["END"],
        "tools": [{"type": "function", "function": {"name": "query", "description": "Lists.", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}}}],
        "tool_choice": "required",
        "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": true}},
        "reasoning_effort": "low",
    });
    assert_eq!(body, expected);
}

#[test]
fn a_body_in_the_targets_own_dialect_stays_byte_for_byte_but_for_what_has_to_change() {
    let text = r#"{ "model" : "fast", "messages": [{"role":"user","content":"Hi"}] ,"logit_bias":{"1":1.10}, "max_tokens":100, "stream":true }"#;
    let body = openai::request::encode(&decode(Dialect::OpenAiChat, text), "gpt", &Quirks::COMPATIBLE).unwrap();
    let expected = r#"{ "model" : "gpt", "messages": [{"role":"user","content":"Hi"}] ,"logit_bias":{"1":1.10}, "max_tokens":100, "stream":true,"stream_options":{"include_usage":true} }"#;
    assert_eq!(String::from_utf8(body).unwrap(), expected);

    let text = r#"{"model":"gpt","messages":[{"role":"user","content":"Hi"}],"max_tokens":100}"#;
    assert_eq!(openai::request::encode(&decode(Dialect::OpenAiChat, text), "gpt", &Quirks::COMPATIBLE).unwrap(), text.as_bytes());

    let text = r#"{"model": "claude", "max_tokens": 10, "messages": [{"role":"user","content":"Hi"}], "container": "c1"}"#;
    let body = anthropic::request::encode(&decode(Dialect::Anthropic, text), "claude-sonnet-5", &anthropic::Quirks::default()).unwrap();
    assert_eq!(String::from_utf8(body).unwrap(), text.replacen("claude", "claude-sonnet-5", 1));
}

#[test]
fn the_length_of_an_answer_is_always_bounded_by_the_name_that_the_server_knows() {
    let body = |fields: &str, quirks: &Quirks| {
        let text = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"Hi"}}]{fields}}}"#);
        to_openai(&decode(Dialect::OpenAiChat, text), quirks)
    };
    for fields in ["", r#","max_tokens":500"#, r#","max_completion_tokens":500"#, r#","max_tokens":500,"max_completion_tokens":500"#] {
        let (old, new) = (body(fields, &Quirks::COMPATIBLE), body(fields, &Quirks::OPENAI));
        assert_eq!((&old["max_tokens"], old.get("max_completion_tokens")), (&json!(500), None), "{fields}");
        assert_eq!((&new["max_completion_tokens"], new.get("max_tokens")), (&json!(500), None), "{fields}");
    }
    assert_eq!(Quirks::default().token_limit, TokenLimit::MaxTokens);
}

#[test]
fn a_server_is_asked_only_for_what_it_knows() {
    let text = r#"{"model":"m","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"Hi"},
        {"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"call_1","content":"1"}],"stream":true,"stream_options":{"include_usage":false}}"#;
    let request = decode(Dialect::OpenAiChat, text);
    let without_wire = ChatRequest { wire: None, ..request.clone() };
    for request in [request, without_wire] {
        let mistral = to_openai(&request, &Quirks::MISTRAL);
        assert_eq!((mistral.get("stream_options"), &mistral["messages"][0]["role"]), (None, &json!("system")));
        let id = mistral["messages"][2]["tool_calls"][0]["id"].as_str().unwrap();
        assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert_eq!(mistral["messages"][3]["tool_call_id"], json!(id));
        let openai = to_openai(&request, &Quirks::OPENAI);
        assert_eq!((&openai["stream_options"], &openai["messages"][0]["role"]), (&json!({"include_usage": true}), &json!("developer")));
        assert_eq!(openai["messages"][3]["tool_call_id"], json!("call_1"));
    }
}

#[test]
fn what_only_its_own_dialect_can_express_goes_to_no_other() {
    let message = json!([{"role": "user", "content": "Hi"}]);
    let search = json!({"model": "m", "max_tokens": 9, "messages": message, "tools": [{"type": "web_search_20250305", "name": "web_search"}]});
    let document = json!([{"role": "user", "content": [{"type": "document", "source": {"type": "text", "data": "x"}}]}]);
    for body in [search, json!({"model": "m", "max_tokens": 9, "messages": document})] {
        let request = decode(Dialect::Anthropic, body.to_string());
        assert_eq!(openai::request::encode(&request, "gpt", &Quirks::OPENAI).unwrap_err().kind(), Kind::Unsupported);
        let passed: Value = serde_json::from_slice(&anthropic::request::encode(&request, "m", &anthropic::Quirks::default()).unwrap()).unwrap();
        assert_eq!(passed, body);
    }
    let bodies = [
        json!({"model": "m", "messages": message, "logprobs": true}),
        json!({"model": "m", "messages": message, "logit_bias": {"1": 1}}),
        json!({"model": "m", "messages": message, "tools": [{"type": "custom", "custom": {"name": "x"}}]}),
        json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}]}]}),
        json!({"model": "m", "messages": message, "response_format": {"type": "json_object"}}),
    ];
    for body in bodies {
        let request = decode(Dialect::OpenAiChat, body.to_string());
        let error = anthropic::request::encode(&request, "claude", &anthropic::Quirks::default()).unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported, "{body}");
        assert!(openai::request::encode(&request, "gpt", &Quirks::OPENAI).is_ok());
        // What stands in the wire only is not lost with it.
        let without_wire = ChatRequest { wire: None, ..request.clone() };
        let again = openai::request::encode(&without_wire, "gpt", &Quirks::OPENAI).map_err(|error| error.kind());
        assert_eq!(again.err(), (!request.beyond.is_empty()).then_some(Kind::Unsupported), "{body}");
    }
}

#[test]
fn thinking_is_asked_for_in_the_way_that_the_server_knows() {
    let ask = |reasoning, max_tokens, thinking| {
        let request = ChatRequest { reasoning: Some(reasoning), ..ChatRequest::new(vec![Message::user("Hi")], max_tokens, defaults().deadline) };
        let mut body: Value = serde_json::from_slice(&anthropic::request::encode(&request, "m", &anthropic::Quirks { thinking }).unwrap()).unwrap();
        (body["thinking"].take(), body["output_config"]["effort"].take())
    };
    let effort = |effort| Reasoning { effort: Some(effort), budget_tokens: None };
    let budget = Reasoning { effort: None, budget_tokens: Some(5_000) };
    use anthropic::Thinking::{Adaptive, Budget};
    assert_eq!(ask(effort(Effort::High), 9_000, Adaptive), (json!({"type": "adaptive"}), json!("high")));
    assert_eq!(ask(effort(Effort::None), 9_000, Adaptive), (json!({"type": "disabled"}), Value::Null));
    assert_eq!(ask(budget, 9_000, Budget), (json!({"type": "enabled", "budget_tokens": 5_000}), Value::Null));
    assert_eq!(ask(budget, 3_000, Budget), (json!({"type": "enabled", "budget_tokens": 2_999}), Value::Null));
    assert_eq!(ask(effort(Effort::Max), 1_000, Budget), (Value::Null, Value::Null));
}

#[test]
fn thoughts_go_back_to_their_own_provider_only() {
    let of = |dialect| Part::Reasoning { text: "Hm.".to_owned(), opaque: Some(Opaque::Signature { dialect, data: "c2ln".to_owned() }) };
    let unsigned = Part::Reasoning { text: "Hm.".to_owned(), opaque: None };
    let answer = Message::Assistant { content: vec![of(Dialect::Anthropic), of(Dialect::OpenAiResponses), unsigned, Part::text("Yes.")] };
    let request = ChatRequest::new(vec![Message::user("Hi"), answer], 10, defaults().deadline);
    let expected = json!([{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}, {"type": "text", "text": "Yes."}]);
    assert_eq!(to_anthropic(&request)["messages"][1]["content"], expected);
    assert_eq!(to_openai(&request, &Quirks::OPENAI)["messages"][1], json!({"role": "assistant", "content": "Yes."}));
}

#[test]
fn what_cannot_be_done_is_refused_and_the_field_is_named() {
    let user = json!([{"role": "user", "content": "my secret"}]);
    let cases = [
        (json!({"model": "m", "messages": user, "n": 2}), "n"),
        (json!({"messages": user}), "model"),
        (json!({"model": "m"}), "messages"),
        (json!({"model": "m", "messages": [{"role": "function", "content": "x"}]}), "messages[0].role"),
        (json!({"model": "m", "messages": [{"role": "user", "content": 7}]}), "messages[0].content"),
        (json!({"model": "m", "messages": [{"role": "user"}]}), "messages[0].content"),
        (json!({"model": "m", "messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}), "messages[0].tool_calls[0].function"),
        (json!({"model": "m", "messages": user, "max_tokens": 0}), "max_tokens"),
        (json!({"model": "m", "messages": user, "temperature": "hot"}), "temperature"),
        (json!({"model": "m", "messages": user, "tool_choice": "maybe"}), "tool_choice"),
        (json!({"model": "m", "messages": user, "response_format": {"type": "xml"}}), "response_format.type"),
    ];
    for (body, param) in cases {
        let invalid = refused(Dialect::OpenAiChat, &body);
        assert_eq!(invalid.param.as_deref(), Some(param), "{invalid}");
        let failure = Told::invalid(&invalid);
        let told: Value = serde_json::from_slice(&failure.body(Dialect::OpenAiChat, None)).unwrap();
        assert_eq!((failure.status(), &told["error"]["param"], &told["error"]["type"]), (400, &json!(param), &json!("invalid_request_error")));
        assert!(!told.to_string().contains("secret"));
    }
    let cases = [
        (json!({"model": "m", "messages": user}), "max_tokens"),
        (json!({"model": "m", "max_tokens": 9, "messages": [{"role": "robot", "content": "x"}]}), "messages[0].role"),
        (
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": []}]}]}),
            "messages[0].content[0].input",
        ),
        (json!({"model": "m", "max_tokens": 9, "messages": user, "tools": [{"name": "f"}]}), "tools[0].input_schema"),
    ];
    for (body, param) in cases {
        let invalid = refused(Dialect::Anthropic, &body);
        assert_eq!(invalid.param.as_deref(), Some(param), "{invalid}");
        let told: Value = serde_json::from_slice(&Told::invalid(&invalid).body(Dialect::Anthropic, None)).unwrap();
        assert_eq!((&told["type"], &told["error"]["type"]), (&json!("error"), &json!("invalid_request_error")));
    }
}
