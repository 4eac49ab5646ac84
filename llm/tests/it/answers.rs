//! Answers that are good, in all the shapes in which servers send them.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use secrecy::SecretString;
use serde_json::json;
use steward_llm::chat::Sampling;
use steward_llm::{ChatRequest, Delta, FinishReason, Message, OpenAiConfig, Reply, Timeouts, TokenLimit, Tool, ToolCall, Usage};

use crate::scripted::{Configured, PATIENT, ask, config, provider, read, request};
use crate::upstream::{Step, Upstream, answer, delta, done, event, finish, frame, stream, text, within};

fn calls(reply: &Reply) -> Vec<ToolCall> {
    reply.tool_calls().cloned().collect()
}

#[tokio::test]
async fn words_and_usage_arrive_in_order_and_the_finish_last() {
    let usage = json!({
        "choices": [],
        "usage": {
            "prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27,
            "prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 2},
        },
    });
    let script = vec![
        stream(),
        Step::Send(b": ping\n\n".to_vec()),
        delta(&json!({"role": "assistant", "content": ""})),
        text("Thirty "),
        text("orders."),
        finish("stop"),
        event(&usage),
        done(),
        Step::End,
    ];
    let upstream = Upstream::start([script]).await;

    let stream = provider(upstream.base_url(), PATIENT).chat(&request()).await.unwrap();
    let deltas: Vec<_> = read(stream).await.into_iter().map(Result::unwrap).collect();

    let usage = Usage { input_tokens: 20, cache_read_tokens: 5, cache_write_tokens: 0, cache_write_long_tokens: 0, output_tokens: 7, reasoning_tokens: 2 };
    let start = Delta::Start { id: Some("chatcmpl-1".to_owned()), model: Some("scripted".to_owned()) };
    let words = ["Thirty ", "orders."].map(|text| Delta::Text(text.to_owned()));
    let expected: Vec<_> = [start].into_iter().chain(words).chain([Delta::Usage(usage), Delta::Finish(FinishReason::Stop)]).collect();
    assert_eq!(deltas, expected);
}

#[tokio::test]
async fn tool_calls_are_put_together_from_frames_cut_anywhere() {
    let frames = [
        json!({"tool_calls": [{"index": 0, "id": "call_a", "type": "function", "function": {"name": "query", "arguments": ""}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"resource\":"}}]}),
        json!({"tool_calls": [{"index": 1, "id": "call_b", "type": "function", "function": {"name": "report", "arguments": "{}"}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "\"Bestellungen für Zoë\"}"}}]}),
    ];
    let mut bytes: Vec<u8> = frames.iter().flat_map(|delta| format!("data: {}\n\n", frame(delta, None)).into_bytes()).collect();
    bytes.extend(format!("data: {}\n\ndata: [DONE]\n\n", frame(&json!({}), Some("tool_calls"))).into_bytes());
    // Seven bytes at a time, through the middle of lines, strings and characters.
    let chunks = bytes.chunks(7).map(|chunk| Step::Send(chunk.to_vec()));
    let script = [stream()].into_iter().chain(chunks).chain([Step::End]).collect();
    let upstream = Upstream::start([script]).await;

    let reply = ask(&provider(upstream.base_url(), PATIENT), &request()).await.unwrap();

    let call = |id: &str, name: &str, arguments: &str| ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() };
    let query = call("call_a", "query", "{\"resource\":\"Bestellungen für Zoë\"}");
    assert_eq!(calls(&reply), [query, call("call_b", "report", "{}")]);
    assert_eq!(reply.finish, FinishReason::ToolCalls);
}

#[tokio::test]
async fn a_stop_after_tool_calls_means_that_the_model_waits_for_them() {
    let call = json!({"tool_calls": [{"id": "a", "function": {"name": "query", "arguments": {}}}]});
    let bare = json!({"tool_calls": [{"id": "a", "function": {"name": "query"}}]});
    let upstream = Upstream::start([vec![stream(), delta(&call), delta(&bare), finish("stop"), done(), Step::End]]).await;

    let reply = ask(&provider(upstream.base_url(), PATIENT), &request()).await.unwrap();

    // The first frame has an object where text belongs and is skipped; the second leaves the arguments out.
    assert_eq!(calls(&reply), [ToolCall { id: "a".to_owned(), name: "query".to_owned(), arguments: "{}".to_owned() }]);
    assert_eq!(reply.finish, FinishReason::ToolCalls);
}

#[tokio::test]
async fn a_garbled_frame_is_skipped() {
    let garbled = Step::Send(b"data: {\"choices\": [{\"delta\": {\"content\": \"lost\xff\n\n".to_vec());
    let upstream = Upstream::start([vec![stream(), text("one "), garbled, text("two"), finish("stop"), done(), Step::End]]).await;

    let reply = ask(&provider(upstream.base_url(), PATIENT), &request()).await.unwrap();

    assert_eq!(reply.text(), "one two");
}

#[tokio::test]
async fn an_end_with_a_finish_reason_is_good_without_done() {
    let proper_end = vec![stream(), text("whole"), finish("stop"), Step::End];
    let cut_after_the_finish = vec![stream(), text("whole"), finish("stop"), Step::Close];
    for script in [proper_end, cut_after_the_finish] {
        let upstream = Upstream::start([script]).await;
        let reply = ask(&provider(upstream.base_url(), PATIENT), &request()).await.unwrap();
        assert_eq!((&*reply.text(), &reply.finish), ("whole", &FinishReason::Stop));
    }
}

#[tokio::test]
async fn a_finished_answer_does_not_wait_for_an_upstream_that_stays_open() {
    let upstream = Upstream::start([vec![stream(), text("whole"), finish("length"), Step::Hang]]).await;
    let provider = provider(upstream.base_url(), Timeouts { idle_ms: 100, ..PATIENT });

    let reply = within(ask(&provider, &request())).await.unwrap();

    assert_eq!((&*reply.text(), &reply.finish), ("whole", &FinishReason::Length));
}

#[tokio::test]
async fn a_slow_trickle_is_no_stall() {
    let frame = format!("data: {}\n\n", frame(&json!({"content": "x"}), None));
    let trickle = Step::Every(Duration::from_millis(100), 15, frame.into_bytes());
    let upstream = Upstream::start([vec![stream(), trickle, finish("stop"), done(), Step::End]]).await;
    let provider = provider(upstream.base_url(), Timeouts { idle_ms: 1_200, ..PATIENT });

    let reply = ask(&provider, &request()).await.unwrap();

    assert_eq!(reply.text().len(), 15);
}

#[tokio::test]
async fn reasoning_is_a_sign_of_life_before_the_first_word() {
    let thinking = frame(&json!({"reasoning": "hm", "reasoning_content": "hm"}), None);
    let thinking = Step::Every(Duration::from_millis(100), 15, format!("data: {thinking}\n\n").into_bytes());
    let upstream = Upstream::start([vec![stream(), thinking, text("yes"), finish("stop"), done(), Step::End]]).await;
    let provider = provider(upstream.base_url(), Timeouts { first_token_ms: 1_200, ..PATIENT });

    let reply = ask(&provider, &request()).await.unwrap();

    assert_eq!(reply.text(), "yes");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let upstream = Upstream::start([answer("one"), answer("two")]).await;
    let provider = provider(upstream.base_url(), PATIENT);

    assert_eq!(ask(&provider, &request()).await.unwrap().text(), "one");
    assert_eq!(ask(&provider, &request()).await.unwrap().text(), "two");
}

#[tokio::test]
async fn the_upstream_stops_when_the_reader_leaves() {
    let upstream = Upstream::start([vec![stream(), text("one"), Step::Hang]]).await;
    let provider = provider(upstream.base_url(), PATIENT);

    let mut stream = provider.chat(&request()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().deltas.last(), Some(&Delta::Text("one".to_owned())));
    drop(stream);

    upstream.saw_the_client_leave().await;
}

#[tokio::test]
async fn what_is_sent_is_openais_dialect_without_our_annotations() {
    let upstream = Upstream::start([answer("fine")]).await;
    let provider = Configured::new(&OpenAiConfig { api_key: Some(SecretString::from("sk-test")), ..config(upstream.base_url()) });
    let parameters = json!({
        "type": "object",
        "x-resources": {"crm/parties": {}},
        "properties": {
            "x-ray": {"type": "string", "x-label": "Röntgen", "enum": ["x-1"]},
            "rows": {"type": "array", "items": {"anyOf": [{"type": "string", "x-synonyms": []}]}},
        },
    });
    let tool = Tool::new("query", "Lists and counts.", parameters);
    let call = ToolCall { id: "call_a".to_owned(), name: "query".to_owned(), arguments: "{}".to_owned() };
    let request = ChatRequest {
        messages: vec![Message::system("Be brief."), Message::user("Hi"), Message::assistant("", [call]), Message::tool("call_a", "[]")],
        tools: vec![Arc::new(tool)],
        sampling: Sampling { temperature: Some(0.5), ..Sampling::default() },
        context: json!({"today": "2026-01-31"}),
        ..request()
    };

    ask(&provider, &request).await.unwrap();

    let received = upstream.requests().remove(0);
    assert!(received.head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{}", received.head);
    assert!(received.head.contains("\r\nauthorization: bearer sk-test\r\n"), "{}", received.head);
    assert_eq!(
        received.body,
        json!({
            "messages": [
                {"role": "system", "content": "Be brief.\n\nContext: {\"today\":\"2026-01-31\"}"},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "tool_calls": [
                    {"id": "call_a", "type": "function", "function": {"name": "query", "arguments": "{}"}},
                ]},
                {"role": "tool", "content": "[]", "tool_call_id": "call_a"},
            ],
            "model": "scripted",
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": 100,
            "temperature": 0.5,
            "tools": [{"type": "function", "function": {
                "name": "query",
                "description": "Lists and counts.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "x-ray": {"type": "string", "enum": ["x-1"]},
                        "rows": {"type": "array", "items": {"anyOf": [{"type": "string"}]}},
                    },
                },
            }}],
        })
    );
}

#[tokio::test]
async fn the_target_names_the_model_and_the_configuration_the_field_for_the_length() {
    let upstream = Upstream::start([answer("fine")]).await;
    let config = OpenAiConfig { token_limit: Some(TokenLimit::MaxCompletionTokens), model: "other".to_owned(), ..config(upstream.base_url()) };
    let request = ChatRequest { model: Some("alias".to_owned()), ..request() };

    ask(&Configured::new(&config), &request).await.unwrap();

    let body = upstream.requests().remove(0).body;
    assert_eq!((&body["model"], &body["max_completion_tokens"], body.get("max_tokens")), (&json!("other"), &json!(100), None));
}

#[tokio::test]
async fn an_unknown_finish_reason_is_no_stop() {
    let upstream = Upstream::start([vec![stream(), text("half"), finish("paused_by_operator"), done(), Step::End]]).await;

    let reply = ask(&provider(upstream.base_url(), PATIENT), &request()).await.unwrap();

    assert_eq!(reply.finish, FinishReason::Other("paused_by_operator".into()));
}
