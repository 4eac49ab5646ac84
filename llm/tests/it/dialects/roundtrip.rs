//! There and back: nothing of a conversation or an answer is lost between the dialects.

use proptest::prelude::*;
use serde_json::Value;
use steward_llm::chat::{Chunk, Delta, Dialect, FinishReason, ImageSource, Message, Opaque, Part, Usage};
use steward_llm::dialect::{self, Defaults, Head, Raw, anthropic, openai};
use steward_llm::{ChatRequest, Reply, ToolCall};

use super::{collected, defaults, head, read_pieces};

const DIALECTS: [Dialect; 2] = [Dialect::OpenAiChat, Dialect::Anthropic];

/// A request written for a provider and read as a caller's of the same dialect.
fn through(dialect: Dialect, request: &ChatRequest) -> ChatRequest {
    let body = match dialect {
        Dialect::Anthropic => anthropic::request::encode(request, "model", &anthropic::Quirks::default()),
        _ => openai::request::encode(request, "model", &openai::Quirks::OPENAI),
    };
    let defaults = Defaults { deadline: request.deadline, ..defaults() };
    let read = dialect::decode(dialect, body.unwrap().into(), defaults).unwrap();
    assert!(read.beyond.is_empty());
    ChatRequest { wire: None, ..read }
}

/// Arguments are compared as what they say: blanks in them may go.
fn plain(messages: &[Message]) -> Vec<Message> {
    let plain = |part: &Part| match part {
        Part::ToolCall(call) => {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
            Part::ToolCall(ToolCall { arguments: arguments.to_string(), ..call.clone() })
        }
        other => other.clone(),
    };
    let message = |message: &Message| match message {
        Message::Assistant { content } => Message::Assistant { content: content.iter().map(plain).collect() },
        other => other.clone(),
    };
    messages.iter().map(message).collect()
}

fn words() -> impl Strategy<Value = String> {
    "\\PC{1,12}".prop_filter("says something", |text| !text.trim().is_empty())
}

fn arguments() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![any::<i64>().prop_map(Value::from), "\\PC{0,8}".prop_map(Value::from), any::<bool>().prop_map(Value::from), Just(Value::Null)];
    prop::collection::vec(("[a-z]{1,4}", leaf), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect()).to_string())
}

fn image() -> impl Strategy<Value = Part> {
    let source = prop_oneof![
        Just(ImageSource::Url { url: "https://example.com/a.png".to_owned() }),
        Just(ImageSource::Base64 { media_type: "image/png".to_owned(), data: "iVBORw0KGgo=".to_owned() }),
    ];
    source.prop_map(|source| Part::Image { source, detail: None })
}

/// What is asked, what is answered, and the results of the calls in it.
fn round() -> impl Strategy<Value = Vec<Message>> {
    let asked = (words(), prop::option::of(image()))
        .prop_map(|(text, image)| Message::User { content: [Some(Part::text(text)), image].into_iter().flatten().collect() });
    let calls = prop::collection::vec(("[a-zA-Z0-9_-]{1,40}", "[a-z_]{1,10}", arguments(), words()), 0..3);
    (asked, words(), calls).prop_map(|(asked, said, calls)| {
        let made = calls.iter().map(|(id, name, arguments, _)| ToolCall { id: id.clone(), name: name.clone(), arguments: arguments.clone() });
        let mut round = vec![asked, Message::assistant(said, made)];
        round.extend(calls.iter().map(|(id, _, _, result)| Message::tool(id.as_str(), result.as_str())));
        round
    })
}

fn conversation() -> impl Strategy<Value = ChatRequest> {
    (prop::option::of(words()), prop::collection::vec(round(), 1..4)).prop_map(|(system, rounds)| {
        let mut messages: Vec<Message> = system.map(Message::system).into_iter().chain(rounds.concat()).collect();
        // A round whose calls were answered goes on with the model, not with the person.
        messages.dedup_by(|next, last| matches!((&*last, &*next), (Message::Assistant { .. }, Message::Assistant { .. })));
        ChatRequest::new(messages, 100, defaults().deadline)
    })
}

pub(super) fn answer() -> impl Strategy<Value = Reply> {
    let thought = prop::option::of((words(), prop::option::of("[a-zA-Z0-9]{4,12}")));
    let calls = prop::collection::vec(("[a-zA-Z0-9_-]{1,40}", "[a-z_]{1,10}", arguments()), 0..3);
    let usage = (0..1000_u64, 0..1000_u64, 0..1000_u64, 0..1000_u64);
    (thought, prop::option::of(words()), calls, usage, any::<bool>()).prop_map(|(thought, said, calls, (input, cached, output, reasoned), is_cut)| {
        let signed = |data| Opaque::Signature { dialect: Dialect::Anthropic, data };
        let thought = thought.map(|(text, data)| Part::Reasoning { text, opaque: data.map(signed) });
        let has_called = !calls.is_empty();
        let calls = calls.into_iter().enumerate().map(|(at, (id, name, arguments))| Part::ToolCall(ToolCall { id: format!("{at}{id}"), name, arguments }));
        let finish = match (is_cut, has_called) {
            (true, _) => FinishReason::Length,
            (false, true) => FinishReason::ToolCalls,
            (false, false) => FinishReason::Stop,
        };
        let usage =
            Usage { input_tokens: input + cached, cache_read_tokens: cached, output_tokens: output + reasoned, reasoning_tokens: reasoned, ..Usage::default() };
        let content = thought.into_iter().chain(said.map(Part::text)).chain(calls).collect();
        Reply { id: None, model: Some("served".to_owned()), content, usage: Some(usage), finish }
    })
}

/// The answer in pieces of this many characters.
pub(super) fn pieces(reply: &Reply, size: usize) -> Vec<Delta> {
    let cut = |text: &str| text.chars().collect::<Vec<_>>().chunks(size).map(|piece| piece.iter().collect()).collect::<Vec<String>>();
    reply
        .clone()
        .into_deltas()
        .flat_map(|delta| match delta {
            Delta::Text(text) => cut(&text).into_iter().map(Delta::Text).collect(),
            Delta::Reasoning(text) => cut(&text).into_iter().map(Delta::Reasoning).collect(),
            Delta::ToolCall { index, id, name, arguments_fragment } => {
                let begin = Delta::ToolCall { index, id, name, arguments_fragment: String::new() };
                let more = cut(&arguments_fragment).into_iter().map(|arguments_fragment| Delta::ToolCall { index, id: None, name: None, arguments_fragment });
                [begin].into_iter().chain(more).collect()
            }
            other => vec![other],
        })
        .collect()
}

/// What a dialect can say of an answer: OpenAI's has no place for signatures.
fn as_told(reply: &Reply, dialect: Dialect) -> Reply {
    let mut reply = reply.clone();
    reply.id = None;
    for part in &mut reply.content {
        if let Part::Reasoning { opaque, .. } = part
            && dialect == Dialect::OpenAiChat
        {
            *opaque = None;
        }
    }
    reply
}

proptest! {
    #[test]
    fn a_conversation_keeps_its_roles_order_ids_and_arguments_in_each_dialect(request in conversation()) {
        for dialect in DIALECTS {
            prop_assert_eq!(plain(&through(dialect, &request).messages), plain(&request.messages));
        }
    }

    #[test]
    fn a_conversation_keeps_its_roles_order_ids_and_arguments_across_dialects(request in conversation()) {
        let there = through(Dialect::Anthropic, &through(Dialect::OpenAiChat, &request));
        let back = through(Dialect::OpenAiChat, &through(Dialect::Anthropic, &request));
        prop_assert_eq!(plain(&there.messages), plain(&request.messages));
        prop_assert_eq!(plain(&back.messages), plain(&request.messages));
    }

    #[test]
    fn an_answer_is_the_same_after_it_was_streamed_in_each_dialect(reply in answer(), size in 1..6_usize, cut in 1..64_usize) {
        for dialect in DIALECTS {
            let mut frames = dialect::frames(dialect, Head { shows_usage: true, ..head() });
            let stream: Vec<u8> = pieces(&reply, size).into_iter().flat_map(|delta| frames.chunk(&Chunk::from(delta))).collect();
            let (chunks, error, skipped) = read_pieces(dialect, Raw::Drop, stream.chunks(cut));
            prop_assert!(error.is_none() && skipped == 0);
            let deltas: Vec<_> = chunks.into_iter().flat_map(|chunk| chunk.deltas).collect();
            let read = Reply { id: None, ..collected(&deltas) };
            prop_assert_eq!(read, as_told(&reply, dialect), "{}", String::from_utf8_lossy(&stream));
        }
    }

    #[test]
    fn an_answer_is_the_same_after_it_was_told_as_a_whole_in_each_dialect(reply in answer()) {
        let openai = openai::reply::decode(&dialect::whole(Dialect::OpenAiChat, &reply, &head())).unwrap();
        prop_assert_eq!(Reply { id: None, ..openai }, as_told(&reply, Dialect::OpenAiChat));
        let anthropic = anthropic::reply::decode(&dialect::whole(Dialect::Anthropic, &reply, &head())).unwrap();
        prop_assert_eq!(Reply { id: None, ..anthropic }, as_told(&reply, Dialect::Anthropic));
    }
}
