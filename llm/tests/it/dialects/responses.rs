//! OpenAI's responses, for callers.

use async_openai::types::responses::{OutputItem, Response, ResponseErrorCode, ResponseStreamEvent, Status};
use proptest::prelude::*;
use serde_json::{Value, json};
use steward_llm::chat::{Authority, ChatRequest, Delivery, Dialect, Effort, Format, ImageSource, Message, Opaque, Part, Reasoning, Schema, ToolChoice};
use steward_llm::dialect::{self, Told, anthropic, openai};
use steward_llm::{Delta, FinishReason, Kind, Reply, Tool, ToolCall};

use super::roundtrip::{answer, pieces};
use super::{collected, defaults, head, read, usage};

const RESPONSES: Dialect = Dialect::OpenAiResponses;

fn decode(body: &Value) -> ChatRequest {
    dialect::decode(RESPONSES, body.to_string().into(), defaults()).unwrap()
}

/// The stream of an answer, and its events as somebody else's types read them.
fn streamed(deltas: Vec<Delta>) -> (String, Vec<ResponseStreamEvent>) {
    let mut frames = dialect::frames(RESPONSES, head());
    let bytes: Vec<u8> = deltas.into_iter().flat_map(|delta| frames.chunk(&delta.into())).collect();
    let stream = String::from_utf8(bytes).unwrap();
    let events = stream.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| serde_json::from_str(data).unwrap()).collect();
    (stream, events)
}

fn last(stream: &str) -> Value {
    serde_json::from_str(stream.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap()).unwrap()
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() })
}

#[test]
fn everything_that_a_caller_asks_is_understood() {
    let body = include_bytes!("../../fixtures/responses/request.json");
    let request = dialect::decode(RESPONSES, body.as_slice().into(), defaults()).unwrap();
    let image =
        Part::Image { source: ImageSource::Base64 { media_type: "image/png".to_owned(), data: "iVBORw0KGgo=".to_owned() }, detail: Some("low".to_owned()) };
    let signature = Opaque::Signature { dialect: Dialect::Anthropic, data: "c2ln".to_owned() };
    let messages = [
        Message::system("Be brief."),
        Message::System { authority: Authority::Developer, content: vec![Part::text("In German.")] },
        Message::User { content: vec![Part::text("What is this?"), image] },
        Message::Assistant {
            content: vec![
                Part::Reasoning { text: "A picture.".to_owned(), opaque: Some(signature) },
                Part::text("I look."),
                call("call_a", "query", "{\"n\":1}"),
                call("call_b", "report", "{}"),
            ],
        },
        Message::tool("call_a", "[]"),
        Message::tool("call_b", "none"),
        Message::user("Why?"),
    ];
    assert_eq!(request.messages, messages);
    let tool = Tool { strict: Some(true), ..Tool::new("query", "Lists.", json!({"type": "object"})) };
    assert_eq!((&*request.tools[0], &request.tool_choice), (&tool, &Some(ToolChoice::Named("query".to_owned()))));
    let schema = Schema { name: "answer".to_owned(), description: None, schema: json!({"type": "object"}), strict: Some(true) };
    assert_eq!(request.format, Format::JsonSchema(schema));
    assert_eq!(request.reasoning, Some(Reasoning { effort: Some(Effort::High), budget_tokens: None }));
    assert_eq!((request.max_tokens, request.delivery, request.parallel_tool_calls), (900, Delivery::Stream, Some(false)));
    assert_eq!((request.sampling.temperature, request.sampling.top_p), (Some(0.7), Some(0.9)));

    assert!(openai::request::encode(&request, "gpt", &openai::Quirks::OPENAI).is_ok());
    let anthropic = anthropic::request::encode(&request, "claude", &anthropic::Quirks::default()).unwrap();
    let anthropic: Value = serde_json::from_slice(&anthropic).unwrap();
    assert_eq!(anthropic["messages"][1]["content"][0], json!({"type": "thinking", "thinking": "A picture.", "signature": "c2ln"}));
    assert_eq!(decode(&json!({"model": "m", "input": "Hi"})).messages, [Message::user("Hi")]);
}

#[test]
fn what_needs_a_store_or_a_tool_of_the_house_is_refused_by_name() {
    let cases = [
        (json!({"model": "m", "input": "Hi", "previous_response_id": "resp_1"}), "previous_response_id"),
        (json!({"model": "m", "input": "Hi", "conversation": "conv_1"}), "conversation"),
        (json!({"model": "m", "input": "Hi", "prompt": {"id": "p"}}), "prompt"),
        (json!({"model": "m", "input": "Hi", "background": true}), "background"),
        (json!({"model": "m", "input": "Hi", "tools": [{"type": "web_search"}]}), "tools[0].type"),
        (json!({"model": "m", "input": [{"type": "item_reference", "id": "x"}]}), "input[0].type"),
        (json!({"model": "m", "input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}), "input[0].content[0].image_url"),
        (json!({"model": "m", "input": "Hi", "top_logprobs": 3}), "top_logprobs"),
        (json!({"model": "m"}), "input"),
    ];
    for (body, param) in cases {
        let invalid = dialect::decode(RESPONSES, body.to_string().into(), defaults()).unwrap_err();
        assert_eq!(invalid.param.as_deref(), Some(param), "{invalid}");
        assert_eq!(Told::invalid(&invalid).status(), 400);
    }
    let stored = dialect::decode(RESPONSES, json!({"model": "m", "input": "Hi", "previous_response_id": "resp_1"}).to_string().into(), defaults());
    assert!(stored.unwrap_err().reason.contains("stores no responses"));
}

#[test]
fn an_answer_is_told_item_by_item() {
    let (deltas, _) = read(Dialect::Anthropic, include_bytes!("../../fixtures/anthropic/tools.sse"));
    let (stream, events) = streamed(deltas);
    let named: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        // Hidden thoughts.
        "response.output_item.added",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        // Two calls, which end with the answer.
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.output_item.added",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(named, expected);
    assert_eq!(events.len(), named.len());
    let numbers: Vec<u64> = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str::<Value>(data).unwrap()["sequence_number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..26).collect::<Vec<_>>());
    let Some(ResponseStreamEvent::ResponseCompleted(completed)) = events.last() else { panic!("{events:?}") };
    assert_eq!((completed.response.status.clone(), completed.response.output.len()), (Status::Completed, 5));
    assert!(matches!(&completed.response.output[4], OutputItem::FunctionCall(call) if call.call_id == "toolu_b"));
    assert_eq!(completed.response.usage.as_ref().unwrap().total_tokens, 60);
}

#[test]
fn an_answer_that_is_not_complete_says_why() {
    for (finish, reason) in
        [(FinishReason::Length, "max_output_tokens"), (FinishReason::ContentFilter, "content_filter"), (FinishReason::Other("pause_turn".into()), "pause_turn")]
    {
        let (stream, _) = streamed(vec![Delta::Text("half".to_owned()), Delta::Finish(finish)]);
        let last = last(&stream);
        assert_eq!((&last["type"], &last["response"]["status"]), (&json!("response.incomplete"), &json!("incomplete")));
        assert_eq!(last["response"]["incomplete_details"], json!({"reason": reason}));
    }
}

#[test]
fn an_answer_that_breaks_off_has_failed() {
    let mut frames = dialect::frames(RESPONSES, head());
    let mut stream = frames.chunk(&Delta::Text("half".to_owned()).into()).to_vec();
    stream.extend(frames.failure(&Kind::Cut.into()));
    let stream = String::from_utf8(stream).unwrap();
    assert!(!stream.contains("response.completed") && !stream.contains("response.incomplete"));
    let last = last(&stream);
    assert_eq!((&last["type"], &last["response"]["status"]), (&json!("response.failed"), &json!("failed")));
    let error = json!({"type": "server_error", "code": "server_error", "param": null, "message": format!("{} (cut)", Kind::Cut)});
    assert_eq!(last["response"]["error"], error);
    let Ok(ResponseStreamEvent::ResponseFailed(failed)) = serde_json::from_value(last) else { panic!("{stream}") };
    assert_eq!(failed.response.error.unwrap().code, ResponseErrorCode::ServerError);
}

#[test]
fn a_whole_answer_is_what_its_stream_ends_with() {
    let (deltas, _) = read(Dialect::OpenAiChat, include_bytes!("../../fixtures/openai/tools.sse"));
    let whole: Value = serde_json::from_slice(&dialect::whole(RESPONSES, &collected(&deltas), &head())).unwrap();
    let (stream, _) = streamed(deltas);
    assert_eq!(whole, last(&stream)["response"]);
    let read: Response = serde_json::from_value(whole).unwrap();
    assert_eq!((read.id.as_str(), read.object.as_str()), ("resp_abc", "response"));
}

#[test]
fn a_refusal_is_a_part_of_its_own() {
    let (stream, _) =
        streamed(vec![Delta::Text("Well.".to_owned()), Delta::Refusal("No.".to_owned()), Delta::Usage(usage(1, 2)), Delta::Finish(FinishReason::Stop)]);
    let content = &last(&stream)["response"]["output"][0]["content"];
    assert_eq!((&content[0]["text"], &content[1]), (&json!("Well."), &json!({"type": "refusal", "refusal": "No."})));
}

proptest! {
    #[test]
    fn what_a_caller_sends_back_of_an_answer_is_the_answer(reply in answer(), size in 1..6_usize) {
        let (stream, _) = streamed(pieces(&reply, size));
        let output = last(&stream)["response"]["output"].take();
        let input: Vec<Value> = output.as_array().unwrap().clone();
        let read = decode(&json!({"model": "m", "input": input}));
        let expected: Vec<Message> = if reply.content.is_empty() { Vec::new() } else { vec![Reply::into_message(reply)] };
        prop_assert_eq!(read.messages, expected, "{}", stream);
    }
}
