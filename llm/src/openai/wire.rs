//! The dialect: our request as OpenAI's JSON, and OpenAI's frames as we read them.
//!
//! What is sent is built from the types of `async-openai`. What is read has types of its own, because theirs insist on fields
//! (`id`, `created`, textual error codes) that many compatible servers leave out or send otherwise.

use async_openai::types::chat::{
    ChatCompletionMessageToolCall, ChatCompletionMessageToolCalls, ChatCompletionRequestAssistantMessage, ChatCompletionRequestAssistantMessageContent,
    ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage, ChatCompletionRequestToolMessage, ChatCompletionRequestToolMessageContent,
    ChatCompletionRequestUserMessage, ChatCompletionStreamOptions, ChatCompletionTool, ChatCompletionTools, CreateChatCompletionRequest, FunctionCall,
    FunctionObject,
};
use serde::Deserialize;
use serde_json::Value;

use super::TokenLimit;
use crate::chat::{ChatRequest, FinishReason, Message, Tool, ToolCall, Usage};

/// The request as it goes over the wire.
pub(super) fn request(request: &ChatRequest, model: &str, token_limit: TokenLimit) -> CreateChatCompletionRequest {
    let tools = request.tools.iter().map(|tool| ChatCompletionTools::Function(function(tool))).collect::<Vec<_>>();
    let mut wire = CreateChatCompletionRequest {
        messages: messages(request),
        model: model.to_owned(),
        stream: Some(true),
        stream_options: Some(ChatCompletionStreamOptions { include_usage: Some(true), include_obfuscation: None }),
        temperature: request.sampling.temperature.map(|temperature| temperature as f32),
        tools: (!tools.is_empty()).then_some(tools),
        ..CreateChatCompletionRequest::default()
    };
    match token_limit {
        TokenLimit::MaxCompletionTokens => wire.max_completion_tokens = Some(request.max_tokens),
        #[expect(deprecated, reason = "the only field that many compatible servers know")]
        TokenLimit::MaxTokens => wire.max_tokens = Some(request.max_tokens),
    }
    wire
}

/// The context joins the first system message: some chat templates accept only one, and only at the beginning.
fn messages(request: &ChatRequest) -> Vec<ChatCompletionRequestMessage> {
    let mut context = (!request.context.is_null()).then(|| format!("Context: {}", request.context));
    let mut wire = Vec::with_capacity(request.messages.len() + 1);
    if context.is_some() && !matches!(request.messages.first(), Some(Message::System { .. })) {
        wire.extend(context.take().map(system));
    }
    for message in &request.messages {
        let text = message.text();
        wire.push(match message {
            Message::System { .. } => system(match context.take() {
                Some(context) => format!("{text}\n\n{context}"),
                None => text.into_owned(),
            }),
            Message::User { .. } => ChatCompletionRequestMessage::User(ChatCompletionRequestUserMessage { content: text.into_owned().into(), name: None }),
            Message::Assistant { .. } => {
                let calls: Vec<_> = message.tool_calls().map(call).collect();
                let content = ChatCompletionRequestAssistantMessageContent::Text(text.clone().into_owned());
                ChatCompletionRequestMessage::Assistant(ChatCompletionRequestAssistantMessage {
                    content: (!text.is_empty() || calls.is_empty()).then_some(content),
                    tool_calls: (!calls.is_empty()).then_some(calls),
                    ..ChatCompletionRequestAssistantMessage::default()
                })
            }
            Message::Tool { call_id, .. } => ChatCompletionRequestMessage::Tool(ChatCompletionRequestToolMessage {
                content: ChatCompletionRequestToolMessageContent::Text(text.into_owned()),
                tool_call_id: call_id.clone(),
            }),
        });
    }
    wire
}

fn system(text: String) -> ChatCompletionRequestMessage {
    ChatCompletionRequestMessage::System(ChatCompletionRequestSystemMessage { content: text.into(), name: None })
}

fn call(call: &ToolCall) -> ChatCompletionMessageToolCalls {
    ChatCompletionMessageToolCalls::Function(ChatCompletionMessageToolCall {
        id: call.id.clone(),
        function: FunctionCall { name: call.name.clone(), arguments: call.arguments.clone() },
    })
}

fn function(tool: &Tool) -> ChatCompletionTool {
    ChatCompletionTool {
        function: FunctionObject {
            name: tool.name.clone(),
            description: (!tool.description.is_empty()).then(|| tool.description.clone()),
            parameters: Some(without_annotations(&tool.parameters)),
            strict: None,
        },
    }
}

/// A schema without its `x-` keywords. Below `properties` and its like the keys are names of things and stay; below `enum` and its
/// like there are values and no schemas.
fn without_annotations(schema: &Value) -> Value {
    match schema {
        Value::Object(keywords) => keywords
            .iter()
            .filter(|(keyword, _)| !keyword.starts_with("x-"))
            .map(|(keyword, value)| {
                let value = match (keyword.as_str(), value) {
                    ("properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas", Value::Object(named)) => {
                        named.iter().map(|(name, schema)| (name.clone(), without_annotations(schema))).collect()
                    }
                    ("enum" | "const" | "default" | "examples", value) => value.clone(),
                    (_, value) => without_annotations(value),
                };
                (keyword.clone(), value)
            })
            .collect(),
        Value::Array(schemas) => schemas.iter().map(without_annotations).collect(),
        plain => plain.clone(),
    }
}

/// One frame of the answer. Everything may be absent.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    #[serde(default)]
    pub(super) choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub(super) index: u32,
    #[serde(default)]
    pub(super) delta: Option<WireDelta>,
    #[serde(default)]
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct WireDelta {
    #[serde(default)]
    pub(super) content: Option<String>,
    #[serde(default)]
    pub(super) refusal: Option<String>,
    // Two spellings of the same, and some servers send both.
    #[serde(default)]
    reasoning: Option<IsThere>,
    #[serde(default)]
    reasoning_content: Option<IsThere>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<WireCall>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireCall {
    #[serde(default)]
    pub(super) index: Option<u32>,
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) function: Option<WireFunction>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct WireFunction {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) arguments: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl Frame {
    pub(super) fn usage(&self) -> Option<Usage> {
        let usage = self.usage.as_ref()?;
        let prompt = usage.prompt_tokens_details.as_ref();
        let completion = usage.completion_tokens_details.as_ref();
        Some(Usage {
            input_tokens: usage.prompt_tokens,
            cache_read_tokens: prompt.and_then(|details| details.cached_tokens).unwrap_or(0),
            cache_write_tokens: prompt.and_then(|details| details.cache_write_tokens).unwrap_or(0),
            cache_write_long_tokens: 0,
            output_tokens: usage.completion_tokens,
            reasoning_tokens: completion.and_then(|details| details.reasoning_tokens).unwrap_or(0),
        })
    }
}

impl WireDelta {
    /// Whether the model shows that it is working without showing any of its answer.
    pub(super) fn is_reasoning(&self) -> bool {
        [&self.reasoning, &self.reasoning_content].into_iter().flatten().any(|there| there.0)
    }
}

/// Whether a field holds anything; what it holds is not kept.
#[derive(Debug)]
struct IsThere(bool);

impl<'de> Deserialize<'de> for IsThere {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(value.as_str() != Some("")))
    }
}

/// The finish reasons of OpenAI, and what servers with other models behind them write instead.
pub(super) fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "length" | "max_tokens" | "model_length" => FinishReason::Length,
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "content_filter" | "safety" => FinishReason::ContentFilter,
        "stop" | "end_turn" | "stop_sequence" | "eos" | "eos_token" | "complete" | "completed" => FinishReason::Stop,
        // Whatever else it is, it may be a truncation, and a truncation must not pass for success.
        other => FinishReason::Other(other.into()),
    }
}
