//! A caller's request for a response.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::unsealed;
use crate::chat::{Authority, ChatRequest, Delivery, Dialect, Format, Message, Part, Reasoning, Sampling, Tool, ToolCall, ToolChoice, ToolStatus, Wire};
use crate::dialect::Defaults;
use crate::dialect::json::{Fields, Invalid};
use crate::dialect::openai::request::{effort_of, image_source, schema};

/// Fields that change nothing in what is answered, or nothing that a caller could rely on.
const HARMLESS: [&str; 11] = [
    "metadata",
    "user",
    "store",
    "include",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "stream_options",
    "truncation",
    "max_tool_calls",
];

/// Fields that need a store of what was said before.
const STATEFUL: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

/// Reads a request.
///
/// # Errors
/// If it cannot be understood, or asks for what needs a store or a tool of OpenAI's own.
pub fn decode(body: Bytes, defaults: Defaults) -> Result<ChatRequest, Invalid> {
    let mut fields = Fields::body(&body)?;
    let model = fields.needed_text("model")?;
    for name in STATEFUL {
        if fields.take(name).is_some() {
            return Err(fields.invalid(name, "is not supported: this gateway stores no responses, so send the whole conversation as input"));
        }
    }
    if fields.flag("background")? == Some(true) {
        return Err(fields.invalid("background", "is not supported: this gateway stores no responses"));
    }
    let mut messages: Vec<Message> = fields.text("instructions")?.map(Message::system).into_iter().collect();
    let input = fields.take("input");
    match fields.need("input", input)? {
        Value::String(text) => messages.push(Message::user(text)),
        Value::Array(items) => {
            for (at, value) in items.into_iter().enumerate() {
                item(value, format!("input[{at}]"), &mut messages)?;
            }
        }
        _ => return Err(fields.invalid("input", "must be a text or a list of items")),
    }
    let delivery = if fields.flag("stream")? == Some(true) { Delivery::Stream } else { Delivery::Whole };
    let max_tokens = fields.count("max_output_tokens")?;
    let sampling = Sampling { temperature: fields.number("temperature")?, top_p: fields.number("top_p")?, ..Sampling::default() };
    let tools = fields.list("tools")?.unwrap_or_default().into_iter().enumerate();
    let tools = tools.map(|(at, value)| tool(value, format!("tools[{at}]")).map(Arc::new)).collect::<Result<_, _>>()?;
    let tool_choice = fields.take("tool_choice").map(tool_choice).transpose()?;
    let parallel_tool_calls = fields.flag("parallel_tool_calls")?;
    let format = match fields.object("text")? {
        Some(mut text) => text.object("format")?.map_or(Ok(Format::Text), format)?,
        None => Format::Text,
    };
    let reasoning = match fields.object("reasoning")? {
        Some(mut reasoning) => match reasoning.text("effort")? {
            Some(word) => {
                let effort = effort_of(&word).ok_or_else(|| reasoning.invalid("effort", "must be none, minimal, low, medium, high or xhigh"))?;
                Some(Reasoning { effort: Some(effort), budget_tokens: None })
            }
            None => None,
        },
        None => None,
    };
    if let Some(name) = fields.left().find(|name| !HARMLESS.contains(name)) {
        return Err(fields.invalid(name, "is not supported"));
    }
    Ok(ChatRequest {
        tools,
        tool_choice,
        parallel_tool_calls,
        format,
        sampling,
        reasoning,
        model: Some(model),
        delivery,
        wire: Some(Arc::new(Wire { dialect: Dialect::OpenAiResponses, body, shows_usage: true, betas: Vec::new() })),
        ..ChatRequest::new(messages, max_tokens.unwrap_or(defaults.max_tokens), defaults.deadline)
    })
}

/// One item of the input. What the model said in several items is one message.
fn item(value: Value, at: String, messages: &mut Vec<Message>) -> Result<(), Invalid> {
    let mut fields = Fields::of(value, at)?;
    let kind = fields.text("type")?;
    match kind.as_deref() {
        None | Some("message") => {
            let role = fields.needed_text("role")?;
            let content = fields.take("content");
            let content = fields.need("content", content)?;
            let content = parts(content, &fields, "content")?;
            match role.as_str() {
                "user" => messages.push(Message::User { content }),
                "system" => messages.push(Message::System { authority: Authority::System, content }),
                "developer" => messages.push(Message::System { authority: Authority::Developer, content }),
                "assistant" => content.into_iter().for_each(|part| answered(part, messages)),
                _ => return Err(fields.invalid("role", "must be user, assistant, system or developer")),
            }
        }
        Some("function_call") => {
            let (id, name) = (fields.needed_text("call_id")?, fields.needed_text("name")?);
            answered(Part::ToolCall(ToolCall { id, name, arguments: fields.text("arguments")?.unwrap_or_default() }), messages);
        }
        Some("function_call_output") => {
            let call_id = fields.needed_text("call_id")?;
            let output = fields.take("output");
            let output = fields.need("output", output)?;
            messages.push(Message::Tool { call_id, content: parts(output, &fields, "output")?, status: ToolStatus::Done });
        }
        Some("reasoning") => {
            let mut text = String::new();
            for summary in fields.list("summary")?.unwrap_or_default() {
                text.push_str(summary.get("text").and_then(Value::as_str).unwrap_or_default());
            }
            let opaque = fields.text("encrypted_content")?.and_then(|sealed| unsealed(&sealed));
            if opaque.is_some() || !text.is_empty() {
                answered(Part::Reasoning { text, opaque }, messages);
            }
        }
        Some("item_reference") => return Err(fields.invalid("type", "must not be item_reference: this gateway stores no responses")),
        Some(_) => return Err(fields.invalid("type", "must be message, function_call, function_call_output or reasoning")),
    }
    Ok(())
}

/// Adds to what the model said.
fn answered(part: Part, messages: &mut Vec<Message>) {
    match messages.last_mut() {
        Some(Message::Assistant { content }) => content.push(part),
        _ => messages.push(Message::Assistant { content: vec![part] }),
    }
}

fn parts(value: Value, fields: &Fields, name: &str) -> Result<Vec<Part>, Invalid> {
    match value {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(parts) => {
            let at = |place: usize| fields.at(&format!("{name}[{place}]"));
            parts.into_iter().enumerate().map(|(place, value)| part(value, at(place))).collect()
        }
        _ => Err(fields.invalid(name, "must be a text or a list of parts")),
    }
}

fn part(value: Value, at: String) -> Result<Part, Invalid> {
    let mut fields = Fields::of(value, at)?;
    Ok(match fields.needed_text("type")?.as_str() {
        "input_text" | "output_text" | "text" => Part::text(fields.needed_text("text")?),
        "refusal" => Part::Refusal { text: fields.needed_text("refusal")? },
        "input_image" => {
            let url = fields.text("image_url")?;
            let url = url.ok_or_else(|| fields.invalid("image_url", "is missing: this gateway stores no files"))?;
            Part::Image { source: image_source(url), detail: fields.text("detail")? }
        }
        _ => return Err(fields.invalid("type", "must be input_text, output_text, refusal or input_image")),
    })
}

fn tool(value: Value, at: String) -> Result<Tool, Invalid> {
    let mut fields = Fields::of(value, at)?;
    if fields.needed_text("type")? != "function" {
        return Err(fields.invalid("type", "must be function: this gateway has no tools of its own"));
    }
    let name = fields.needed_text("name")?;
    let description = fields.text("description")?.unwrap_or_default();
    let parameters = fields.take("parameters").unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    Ok(Tool { name, description, parameters, strict: fields.flag("strict")?, cache: None })
}

fn tool_choice(value: Value) -> Result<ToolChoice, Invalid> {
    let refused = || Invalid::new("tool_choice", "must be auto, none, required or a function");
    match value {
        Value::String(word) => match word.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" => Ok(ToolChoice::Required),
            _ => Err(refused()),
        },
        value => {
            let mut fields = Fields::of(value, "tool_choice")?;
            if fields.needed_text("type")? != "function" {
                return Err(refused());
            }
            fields.needed_text("name").map(ToolChoice::Named)
        }
    }
}

fn format(mut fields: Fields) -> Result<Format, Invalid> {
    match fields.needed_text("type")?.as_str() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::JsonObject),
        "json_schema" => schema(fields).map(Format::JsonSchema),
        _ => Err(fields.invalid("type", "must be text, json_object or json_schema")),
    }
}
