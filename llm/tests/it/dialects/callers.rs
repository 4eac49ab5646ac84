//! What callers are told.

use serde_json::{Value, json};
use steward_llm::chat::{Chunk, Delta, Dialect, FinishReason, Opaque, Part, Usage};
use steward_llm::dialect::{self, Frames, Head, Raw};
use steward_llm::{Kind, Reply, ToolCall};

use super::{head, read_pieces, usage};

const BOTH: [Dialect; 2] = [Dialect::OpenAiChat, Dialect::Anthropic];

fn answer() -> Vec<Delta> {
    vec![
        Delta::Start { id: Some("up-1".to_owned()), model: Some("served".to_owned()) },
        Delta::Reasoning("Hm.".to_owned()),
        Delta::Opaque(Opaque::Signature { dialect: Dialect::Anthropic, data: "c2ln".to_owned() }),
        Delta::Text("I look.".to_owned()),
        Delta::ToolCall { index: 0, id: Some("call_a".to_owned()), name: Some("query".to_owned()), arguments_fragment: String::new() },
        Delta::ToolCall { index: 0, id: None, name: None, arguments_fragment: "{\"n\":1}".to_owned() },
        Delta::ToolCall { index: 1, id: Some("call_b".to_owned()), name: Some("report".to_owned()), arguments_fragment: "{}".to_owned() },
        Delta::Usage(usage(20, 7)),
        Delta::Finish(FinishReason::ToolCalls),
    ]
}

fn written(frames: &mut dyn Frames, deltas: Vec<Delta>) -> String {
    let bytes: Vec<u8> = deltas.into_iter().flat_map(|delta| frames.chunk(&delta.into())).collect();
    String::from_utf8(bytes).unwrap()
}

/// The data of each event.
fn data(stream: &str) -> Vec<Value> {
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| serde_json::from_str(data).unwrap_or_else(|_| data.into())).collect()
}

#[test]
fn a_caller_of_openai_reads_frames() {
    let stream = written(&mut *dialect::frames(Dialect::OpenAiChat, head()), answer());
    let frames = data(&stream);
    let deltas: Vec<&Value> = frames.iter().filter_map(|frame| frame.pointer("/choices/0/delta")).collect();
    let call = |index: u32, id: &str, name: &str, arguments: &str| json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]});
    let expected = [
        json!({"role": "assistant", "content": ""}),
        json!({"reasoning_content": "Hm."}),
        json!({"content": "I look."}),
        call(0, "call_a", "query", ""),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"n\":1}"}}]}),
        call(1, "call_b", "report", "{}"),
        json!({}),
    ];
    assert_eq!(deltas, expected.iter().collect::<Vec<_>>());
    assert!(frames[..8].iter().all(|frame| frame["id"] == "chatcmpl-abc" && frame["model"] == "served" && frame["created"] == 1_760_000_000));
    assert_eq!(frames[6]["choices"][0]["finish_reason"], "tool_calls");
    let used = json!({
        "prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27,
        "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0},
    });
    assert_eq!((&frames[7]["choices"], &frames[7]["usage"], &frames[8]), (&json!([]), &used, &json!("[DONE]")));
    assert_eq!(frames.len(), 9);
}

#[test]
fn a_caller_of_anthropic_reads_blocks() {
    let stream = written(&mut *dialect::frames(Dialect::Anthropic, head()), answer());
    let events = data(&stream);
    let named: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(named, events.iter().map(|event| event["type"].as_str().unwrap()).collect::<Vec<_>>());
    let start = |index: u32, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let delta = |index: u32, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let stop = |index: u32| json!({"type": "content_block_stop", "index": index});
    let used =
        |input: u64, output: u64| json!({"input_tokens": input, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": output});
    let expected = [
        json!({"type": "message_start", "message": {
            "id": "msg_abc", "type": "message", "role": "assistant", "model": "served", "content": [], "stop_reason": null, "stop_sequence": null, "usage": used(0, 0),
        }}),
        start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Hm."})),
        delta(0, json!({"type": "signature_delta", "signature": "c2ln"})),
        stop(0),
        start(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "I look."})),
        stop(1),
        start(2, json!({"type": "tool_use", "id": "call_a", "name": "query", "input": {}})),
        delta(2, json!({"type": "input_json_delta", "partial_json": "{\"n\":1}"})),
        stop(2),
        start(3, json!({"type": "tool_use", "id": "call_b", "name": "report", "input": {}})),
        delta(3, json!({"type": "input_json_delta", "partial_json": "{}"})),
        stop(3),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": used(20, 7)}),
        json!({"type": "message_stop"}),
    ];
    assert_eq!(events, expected);
}

#[test]
fn usage_is_told_only_to_who_asked_also_where_events_go_on_as_they_are() {
    let stream = include_bytes!("../../fixtures/openai/text.sse");
    let (chunks, ..) = read_pieces(Dialect::OpenAiChat, Raw::Keep, [&stream[..]]);
    let pass = |shows_usage| {
        let mut frames = dialect::frames(Dialect::OpenAiChat, Head { shows_usage, ..head() });
        chunks.iter().flat_map(|chunk| frames.chunk(chunk)).collect::<Vec<u8>>()
    };
    assert_eq!(pass(true), stream);
    let without = String::from_utf8(pass(false)).unwrap();
    assert!(!without.contains("prompt_tokens") && without.ends_with("data: [DONE]\n\n"), "{without}");
    assert_eq!(without.matches("data: ").count(), String::from_utf8_lossy(stream).matches("data: ").count() - 1);

    let quiet = written(&mut *dialect::frames(Dialect::OpenAiChat, Head { shows_usage: false, ..head() }), answer());
    assert!(!quiet.contains("usage"), "{quiet}");
}

#[test]
fn usage_beside_something_else_is_taken_out_of_its_event() {
    let stream =
        b"data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}\n\n";
    let (chunks, ..) = read_pieces(Dialect::OpenAiChat, Raw::Keep, [&stream[..]]);
    let mut frames = dialect::frames(Dialect::OpenAiChat, Head { shows_usage: false, ..head() });
    let passed: Vec<u8> = chunks.iter().flat_map(|chunk| frames.chunk(chunk)).collect();
    let expected = "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    assert_eq!(String::from_utf8(passed).unwrap(), expected);
}

#[test]
fn an_answer_that_breaks_off_ends_with_an_error_and_no_reason_to_finish() {
    for dialect in BOTH {
        let mut frames = dialect::frames(dialect, head());
        let mut stream = frames.chunk(&Delta::Text("half".to_owned()).into()).to_vec();
        stream.extend(frames.failure(&Kind::Cut.into()));
        let told = String::from_utf8(stream.clone()).unwrap();
        assert!(!told.contains("[DONE]") && !told.contains("message_stop") && !told.contains("\"stop\""), "{told}");
        let (chunks, error, _) = read_pieces(dialect, Raw::Drop, [&stream[..]]);
        assert!(error.is_some_and(|error| error.kind() == Kind::Upstream));
        assert!(chunks.iter().any(|chunk| chunk.deltas.contains(&Delta::Text("half".to_owned()))));
    }
}

#[test]
fn calls_that_come_interleaved_keep_their_own_arguments() {
    let call = |index, id: Option<&str>, fragment: &str| Delta::ToolCall {
        index,
        id: id.map(str::to_owned),
        name: id.map(|_| "f".to_owned()),
        arguments_fragment: fragment.to_owned(),
    };
    let deltas = vec![
        call(0, Some("a"), "{\"x\":"),
        call(1, Some("b"), "{\"y\":"),
        call(0, None, "1}"),
        call(1, None, "2}"),
        // Another one at the same index, told apart by its id.
        call(1, Some("c"), "{}"),
        Delta::Finish(FinishReason::ToolCalls),
    ];
    for dialect in BOTH {
        let stream = written(&mut *dialect::frames(dialect, head()), deltas.clone());
        let (chunks, error, _) = read_pieces(dialect, Raw::Drop, [stream.as_bytes()]);
        assert!(error.is_none());
        let deltas: Vec<_> = chunks.into_iter().flat_map(|chunk| chunk.deltas).collect();
        let calls: Vec<_> = super::collected(&deltas).tool_calls().map(|call| (call.id.clone(), call.arguments.clone())).collect();
        let expected = [("a", "{\"x\":1}"), ("b", "{\"y\":2}"), ("c", "{}")].map(|(id, arguments)| (id.to_owned(), arguments.to_owned()));
        assert_eq!(calls, expected, "{dialect:?}");
    }
}

#[test]
fn a_whole_answer_is_told_in_the_callers_dialect() {
    let call = ToolCall { id: "call_a".to_owned(), name: "query".to_owned(), arguments: "{\"n\":1}".to_owned() };
    let reply = Reply {
        id: Some("up-1".to_owned()),
        model: None,
        content: vec![Part::Reasoning { text: "Hm.".to_owned(), opaque: None }, Part::text("I look."), Part::ToolCall(call)],
        usage: Some(Usage { cache_read_tokens: 5, ..usage(20, 7) }),
        finish: FinishReason::ToolCalls,
    };
    let whole: Value = serde_json::from_slice(&dialect::whole(Dialect::OpenAiChat, &reply, &head())).unwrap();
    let expected = json!({
        "id": "chatcmpl-abc", "object": "chat.completion", "created": 1_760_000_000, "model": "alias",
        "choices": [{"index": 0, "message": {
            "role": "assistant", "content": "I look.", "refusal": null, "reasoning_content": "Hm.",
            "tool_calls": [{"id": "call_a", "type": "function", "function": {"name": "query", "arguments": "{\"n\":1}"}}],
        }, "logprobs": null, "finish_reason": "tool_calls"}],
        "usage": {
            "prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27,
            "prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 0},
        },
    });
    assert_eq!(whole, expected);
    let whole: Value = serde_json::from_slice(&dialect::whole(Dialect::Anthropic, &reply, &head())).unwrap();
    let expected = json!({
        "id": "msg_abc", "type": "message", "role": "assistant", "model": "alias",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": ""},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "call_a", "name": "query", "input": {"n": 1}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 15, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 5, "output_tokens": 7},
    });
    assert_eq!(whole, expected);
}

#[test]
fn a_chunk_without_anything_to_say_is_no_bytes() {
    for dialect in BOTH {
        assert!(dialect::frames(dialect, head()).chunk(&Chunk::default()).is_empty());
    }
}
