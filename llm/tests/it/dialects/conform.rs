//! What is written is what somebody else's types of the same API read.

use async_openai::types::chat::{CreateChatCompletionRequest, CreateChatCompletionResponse, CreateChatCompletionStreamResponse};
use async_openai::types::embeddings::CreateEmbeddingResponse;
use bytes::Bytes;
use steward_llm::chat::{Dialect, Usage};
use steward_llm::dialect::openai::{self, Quirks};
use steward_llm::dialect::{self, anthropic};
use steward_llm::embed::{Embeddings, Encoding};

use super::{collected, defaults, head, read};

#[test]
fn requests_to_openai_are_understood_by_other_types() {
    let asked = [
        (Dialect::OpenAiChat, include_bytes!("../../fixtures/openai/request.json").as_slice()),
        (Dialect::Anthropic, include_bytes!("../../fixtures/anthropic/request.json").as_slice()),
    ];
    for (dialect, body) in asked {
        let mut request = dialect::decode(dialect, Bytes::from_static(body), defaults()).unwrap();
        for _ in 0..2 {
            let written = openai::request::encode(&request, "gpt", &Quirks::OPENAI).unwrap();
            let read: CreateChatCompletionRequest = serde_json::from_slice(&written).unwrap();
            assert_eq!((read.model.as_str(), read.stream, read.max_completion_tokens), ("gpt", Some(true), Some(request.max_tokens)));
            // Once as it passes through, once written anew.
            request.wire = None;
        }
    }
}

#[test]
fn answers_to_callers_of_openai_are_understood_by_other_types() {
    for stream in [include_bytes!("../../fixtures/anthropic/tools.sse").as_slice(), include_bytes!("../../fixtures/anthropic/text.sse")] {
        let (deltas, _) = read(Dialect::Anthropic, stream);
        let mut frames = dialect::frames(Dialect::OpenAiChat, head());
        let written: Vec<u8> = deltas.iter().flat_map(|delta| frames.chunk(&delta.clone().into())).collect();
        let written = String::from_utf8(written).unwrap();
        let mut finishes = 0;
        for data in written.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]") {
            let frame: CreateChatCompletionStreamResponse = serde_json::from_str(data).unwrap();
            finishes += frame.choices.iter().filter(|choice| choice.finish_reason.is_some()).count();
        }
        assert_eq!(finishes, 1);
        let whole = dialect::whole(Dialect::OpenAiChat, &collected(&deltas), &head());
        let whole: CreateChatCompletionResponse = serde_json::from_slice(&whole).unwrap();
        assert_eq!(whole.choices.len(), 1);
    }
}

#[test]
fn vectors_for_callers_are_understood_by_other_types() {
    let embeddings = Embeddings { vectors: vec![vec![0.25, 2.0]], model: None, usage: Some(Usage { input_tokens: 8, ..Usage::default() }), raw: None };
    let read: CreateEmbeddingResponse = serde_json::from_slice(&openai::embed::write(&embeddings, Encoding::Float, &head())).unwrap();
    assert_eq!((read.data[0].embedding.clone(), read.usage.prompt_tokens), (vec![0.25, 2.0], 8));
}

#[test]
fn whole_answers_of_providers_are_read() {
    let openai = openai::reply::decode(include_bytes!("../../fixtures/openai/tools.json")).unwrap();
    let calls: Vec<_> = openai.tool_calls().map(|call| (call.id.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("call_a", "{\"of\":\"orders\"}")]);
    let anthropic = anthropic::reply::decode(include_bytes!("../../fixtures/anthropic/whole.json")).unwrap();
    assert_eq!((&*anthropic.text(), anthropic.usage.unwrap().input_tokens), ("I look.", 120));
    assert_eq!(anthropic.tool_calls().next().unwrap().arguments, "{\"of\":\"orders\",\"n\":1}");
}
