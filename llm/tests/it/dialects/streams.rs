//! What providers stream.

use steward_llm::chat::{Dialect, Opaque, Part};
use steward_llm::dialect::Raw;
use steward_llm::{Delta, FinishReason, Kind, ToolCall, Usage};

use super::{collected, read, read_pieces, usage};

macro_rules! fixture {
    ($path:literal) => {
        include_bytes!(concat!("../../fixtures/", $path)).as_slice()
    };
}

const OPENAI: Dialect = Dialect::OpenAiChat;
const ANTHROPIC: Dialect = Dialect::Anthropic;

/// Every recorded stream.
const STREAMS: [(Dialect, &[u8]); 18] = [
    (OPENAI, fixture!("openai/text.sse")),
    (OPENAI, fixture!("openai/tools.sse")),
    (OPENAI, fixture!("openai/refusal.sse")),
    (OPENAI, fixture!("openai/reasoning.sse")),
    (OPENAI, fixture!("openai/without_done.sse")),
    (OPENAI, fixture!("openai/cut.sse")),
    (OPENAI, fixture!("openai/cut_with_done.sse")),
    (OPENAI, fixture!("openai/malformed.sse")),
    (OPENAI, fixture!("openai/error.sse")),
    (OPENAI, fixture!("openai/unknown_finish.sse")),
    (ANTHROPIC, fixture!("anthropic/text.sse")),
    (ANTHROPIC, fixture!("anthropic/tools.sse")),
    (ANTHROPIC, fixture!("anthropic/pause.sse")),
    (ANTHROPIC, fixture!("anthropic/refusal.sse")),
    (ANTHROPIC, fixture!("anthropic/without_stop.sse")),
    (ANTHROPIC, fixture!("anthropic/cut.sse")),
    (ANTHROPIC, fixture!("anthropic/error.sse")),
    (ANTHROPIC, fixture!("anthropic/malformed.sse")),
];

fn text(text: &str) -> Delta {
    Delta::Text(text.to_owned())
}

fn start(id: &str, model: &str) -> Delta {
    Delta::Start { id: Some(id.to_owned()), model: Some(model.to_owned()) }
}

fn openai_start() -> Delta {
    start("chatcmpl-Abc1", "gpt-5-2026-01-15")
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() })
}

#[test]
fn a_stream_says_the_same_wherever_its_bytes_are_cut() {
    for (dialect, stream) in STREAMS {
        let told = |pieces: Vec<&[u8]>| {
            let (chunks, error, skipped) = read_pieces(dialect, Raw::Keep, pieces);
            (chunks, error.map(|error| error.kind()), skipped)
        };
        let whole = told(vec![stream]);
        for cut in 1..stream.len() {
            assert_eq!(told(vec![&stream[..cut], &stream[cut..]]), whole, "cut at {cut} of {}", String::from_utf8_lossy(stream));
        }
        assert_eq!(told(stream.chunks(1).collect()), whole);
    }
}

#[test]
fn events_that_go_on_are_the_ones_that_came() {
    for (dialect, stream) in STREAMS {
        let (chunks, error, skipped) = read_pieces(dialect, Raw::Keep, [stream]);
        if error.is_some() || skipped > 0 {
            continue;
        }
        let passed: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.raw.clone().unwrap()).collect();
        let (passed, stream) = (String::from_utf8(passed).unwrap(), std::str::from_utf8(stream).unwrap());
        // Only what the upstream forgot at its end is added.
        assert!(passed.starts_with(stream.trim_end()), "{passed}");
        assert!(passed.ends_with("data: [DONE]\n\n") || passed.ends_with("data: {\"type\":\"message_stop\"}\n\n"), "{passed}");
    }
}

#[test]
fn no_event_goes_on_where_it_must_not_and_no_chunk_is_empty_then() {
    for (dialect, stream) in STREAMS {
        let (chunks, ..) = read_pieces(dialect, Raw::Drop, [stream]);
        assert!(chunks.iter().all(|chunk| chunk.raw.is_none() && !chunk.deltas.is_empty()));
    }
}

#[test]
fn words_of_openai_come_with_their_usage() {
    let (deltas, error) = read(OPENAI, fixture!("openai/text.sse"));
    let used = Usage { cache_read_tokens: 100, reasoning_tokens: 7, ..usage(120, 30) };
    assert_eq!(deltas, [openai_start(), text("Zoë has "), text("30 orders."), Delta::Usage(used), Delta::Finish(FinishReason::Stop)]);
    assert!(error.is_none());
}

#[test]
fn parallel_calls_of_openai_are_put_together() {
    let reply = collected(&read(OPENAI, fixture!("openai/tools.sse")).0);
    assert_eq!(reply.content, [call("call_a", "query", "{\"of\":\"Bestellungen\"}"), call("call_b", "report", "{}")]);
    assert_eq!(reply.finish, FinishReason::ToolCalls);
}

#[test]
fn calls_without_a_number_in_one_frame_are_told_apart() {
    let calls = r#"[{"function":{"name":"query","arguments":"{}"}},{"function":{"name":"report","arguments":"{\"n\":1}"}}]"#;
    let stream = format!("data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":{calls}}},\"finish_reason\":\"stop\"}}]}}\n\ndata: [DONE]\n\n");
    let reply = collected(&read(OPENAI, stream.as_bytes()).0);
    assert_eq!(reply.content, [call("call_0", "query", "{}"), call("call_1", "report", "{\"n\":1}")]);
    assert_eq!(reply.finish, FinishReason::ToolCalls);
}

#[test]
fn a_refusal_and_reasoning_are_no_words_of_the_answer() {
    let refused = collected(&read(OPENAI, fixture!("openai/refusal.sse")).0);
    assert_eq!(refused.content, [Part::Refusal { text: "I cannot help with that.".to_owned() }]);
    let thought = collected(&read(OPENAI, fixture!("openai/reasoning.sse")).0);
    assert_eq!(thought.content, [Part::Reasoning { text: "Count them.".to_owned(), opaque: None }, Part::text("30")]);
    assert_eq!((&*thought.text(), &thought.finish), ("30", &FinishReason::Length));
}

#[test]
fn words_of_anthropic_come_with_usage_that_counts_what_is_cached() {
    let (deltas, error) = read(ANTHROPIC, fixture!("anthropic/text.sse"));
    let used = |output| Usage { cache_read_tokens: 30, cache_write_tokens: 50, cache_write_long_tokens: 20, ..usage(120, output) };
    let expected = [
        start("msg_01", "claude-sonnet-5"),
        Delta::Usage(used(1)),
        text("Zoë has "),
        text("30 orders."),
        Delta::Usage(used(12)),
        Delta::Finish(FinishReason::Stop),
    ];
    assert_eq!(deltas, expected);
    assert!(error.is_none());
}

#[test]
fn thoughts_of_anthropic_keep_their_signature_and_calls_their_input() {
    let reply = collected(&read(ANTHROPIC, fixture!("anthropic/tools.sse")).0);
    let signature = Opaque::Signature { dialect: ANTHROPIC, data: "c2lnbmF0dXJl".to_owned() };
    let hidden = Opaque::Hidden { dialect: ANTHROPIC, data: "aGlkZGVu".to_owned() };
    let expected = [
        Part::Reasoning { text: "Count them.".to_owned(), opaque: Some(signature) },
        Part::Reasoning { text: String::new(), opaque: Some(hidden) },
        Part::text("I look."),
        call("toolu_a", "query", "{\"of\": \"Bestellungen\"}"),
        call("toolu_b", "report", "{}"),
    ];
    assert_eq!(reply.content, expected);
    assert_eq!((reply.finish, reply.usage), (FinishReason::ToolCalls, Some(Usage { reasoning_tokens: 9, ..usage(20, 40) })));
}

#[test]
fn a_pause_and_a_refusal_of_anthropic_are_no_stop() {
    let paused = collected(&read(ANTHROPIC, fixture!("anthropic/pause.sse")).0);
    assert_eq!((paused.finish, paused.content), (FinishReason::Other("pause_turn".into()), Vec::new()));
    assert_eq!(collected(&read(ANTHROPIC, fixture!("anthropic/refusal.sse")).0).finish, FinishReason::ContentFilter);
}

#[test]
fn an_unknown_reason_to_finish_is_told_as_it_came() {
    assert_eq!(collected(&read(OPENAI, fixture!("openai/unknown_finish.sse")).0).finish, FinishReason::Other("interrupted".into()));
}

#[test]
fn a_reason_to_finish_is_enough_without_the_last_event() {
    for (dialect, stream, finish) in
        [(OPENAI, fixture!("openai/without_done.sse"), FinishReason::Stop), (ANTHROPIC, fixture!("anthropic/without_stop.sse"), FinishReason::Length)]
    {
        let (deltas, error) = read(dialect, stream);
        assert!(error.is_none());
        let reply = collected(&deltas);
        assert_eq!((&*reply.text(), &reply.finish), ("whole", &finish));
        assert!(reply.usage.is_some());
    }
}

#[test]
fn a_stream_without_a_reason_to_finish_was_cut() {
    for (dialect, stream) in [(OPENAI, fixture!("openai/cut.sse")), (OPENAI, fixture!("openai/cut_with_done.sse")), (ANTHROPIC, fixture!("anthropic/cut.sse"))]
    {
        let (deltas, error) = read(dialect, stream);
        assert_eq!(error.map(|error| error.kind()), Some(Kind::Cut));
        assert_eq!(deltas.last(), Some(&text("half")));
    }
}

#[test]
fn an_error_in_a_stream_of_success_is_an_error() {
    for (dialect, stream) in [(OPENAI, fixture!("openai/error.sse")), (ANTHROPIC, fixture!("anthropic/error.sse"))] {
        let (deltas, error) = read(dialect, stream);
        assert_eq!(error.map(|error| error.kind()), Some(Kind::Upstream));
        assert_eq!(deltas.last(), Some(&text("half")));
    }
}

#[test]
fn an_event_that_cannot_be_read_is_skipped_and_counted() {
    for (dialect, stream, words) in [(OPENAI, fixture!("openai/malformed.sse"), "one two"), (ANTHROPIC, fixture!("anthropic/malformed.sse"), "two")] {
        let (chunks, error, skipped) = read_pieces(dialect, Raw::Drop, [stream]);
        assert!(error.is_none());
        let deltas: Vec<_> = chunks.into_iter().flat_map(|chunk| chunk.deltas).collect();
        assert_eq!((&*collected(&deltas).text(), skipped), (words, 1));
    }
}

#[test]
fn what_is_no_stream_at_all_is_malformed() {
    for stream in ["", "<html>Welcome</html>", "{\"choices\":[]}", "data: nonsense\n\n"] {
        for dialect in [OPENAI, ANTHROPIC] {
            assert_eq!(read(dialect, stream.as_bytes()).1.map(|error| error.kind()), Some(Kind::Malformed), "{stream}");
        }
    }
}
