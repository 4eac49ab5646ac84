//! A caller's request for a message.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::chat::{
    Authority, ChatRequest, Delivery, Dialect, Effort, Format, ImageSource, Message, Opaque, Part, Reasoning, Sampling, Schema, Tool, ToolCall, ToolChoice,
    ToolStatus, Wire,
};
use crate::dialect::Defaults;
use crate::dialect::json::{Fields, Invalid};
use crate::dialect::openai::request::{cache, effort_of};

/// Fields that change nothing in what is answered, so that a provider of another dialect may do without them.
const HARMLESS: [&str; 5] = ["metadata", "service_tier", "cache_control", "eager_input_streaming", "input_examples"];

/// Reads a request.
///
/// # Errors
/// If it cannot be understood.
pub fn decode(body: Bytes, defaults: Defaults) -> Result<ChatRequest, Invalid> {
    let mut fields = Fields::body(&body)?;
    let mut beyond = Vec::new();
    let model = fields.needed_text("model")?;
    let max_tokens = fields.count("max_tokens")?;
    let max_tokens = fields.need("max_tokens", max_tokens)?;
    let mut messages = Vec::new();
    if let Some(content) = content(&mut fields, "system")? {
        messages.push(Message::System { authority: Authority::System, content });
    }
    let listed = fields.list("messages")?;
    for (at, value) in fields.need("messages", listed)?.into_iter().enumerate() {
        turn(value, format!("messages[{at}]"), &mut messages)?;
    }
    let delivery = if fields.flag("stream")? == Some(true) { Delivery::Stream } else { Delivery::Whole };
    let sampling = Sampling {
        temperature: fields.number("temperature")?,
        top_p: fields.number("top_p")?,
        top_k: fields.count("top_k")?,
        stop: fields.texts("stop_sequences")?,
        ..Sampling::default()
    };
    let mut tools = Vec::new();
    for (at, value) in fields.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        tools.extend(tool(value, format!("tools[{at}]"), &mut beyond)?.map(Arc::new));
    }
    let (tool_choice, parallel_tool_calls) = fields.object("tool_choice")?.map_or(Ok((None, None)), tool_choice)?;
    let mut reasoning = fields.object("thinking")?.map_or(Ok(None), thinking)?;
    let mut format = Format::Text;
    if let Some(mut output) = fields.object("output_config")? {
        if let Some(word) = output.text("effort")? {
            let effort = effort_of(&word).ok_or_else(|| output.invalid("effort", "must be low, medium, high, xhigh or max"))?;
            // Thinking that was turned off stays off.
            if reasoning.is_none_or(|reasoning| reasoning.effort != Some(Effort::None)) {
                reasoning.get_or_insert_default().effort = Some(effort);
            }
        }
        if let Some(mut wanted) = output.object("format")? {
            if wanted.needed_text("type")? != "json_schema" {
                return Err(wanted.invalid("type", "must be json_schema"));
            }
            let schema = wanted.take("schema");
            let schema = wanted.need("schema", schema)?;
            // Whether it is followed is no question in this dialect.
            format = Format::JsonSchema(Schema { name: "answer".to_owned(), description: None, schema, strict: Some(true) });
        }
        beyond.extend(output.left().map(|name| output.at(name)));
    }
    beyond.extend(fields.left().filter(|name| !HARMLESS.contains(name)).map(str::to_owned));
    Ok(ChatRequest {
        tools,
        tool_choice,
        parallel_tool_calls,
        format,
        sampling,
        reasoning,
        model: Some(model),
        delivery,
        wire: Some(Arc::new(Wire { dialect: Dialect::Anthropic, body, shows_usage: true, betas: Vec::new() })),
        beyond,
        ..ChatRequest::new(messages, max_tokens, defaults.deadline)
    })
}

/// One turn; the results of tools in it become messages of their own.
fn turn(value: Value, at: String, messages: &mut Vec<Message>) -> Result<(), Invalid> {
    let mut fields = Fields::of(value, at)?;
    let role = fields.needed_text("role")?;
    match role.as_str() {
        "assistant" | "system" => {
            let content = content(&mut fields, "content")?;
            let content = fields.need("content", content)?;
            messages.push(if role == "system" { Message::System { authority: Authority::System, content } } else { Message::Assistant { content } });
        }
        "user" => {
            let Some(Value::Array(blocks)) = fields.take("content").map(listed) else {
                return Err(fields.invalid("content", "must be a text or a list of blocks"));
            };
            let mut said = Vec::new();
            for (place, block) in blocks.into_iter().enumerate() {
                let at = fields.at(&format!("content[{place}]"));
                if block.get("type").and_then(Value::as_str) == Some("tool_result") {
                    if !said.is_empty() {
                        messages.push(Message::User { content: std::mem::take(&mut said) });
                    }
                    messages.push(result(block, at)?);
                } else {
                    said.push(self::block(block, at)?);
                }
            }
            if !said.is_empty() {
                messages.push(Message::User { content: said });
            }
        }
        _ => return Err(fields.invalid("role", "must be user or assistant")),
    }
    Ok(())
}

/// A plain text is a list of one block.
fn listed(content: Value) -> Value {
    match content {
        Value::String(text) => serde_json::json!([{"type": "text", "text": text}]),
        other => other,
    }
}

fn content(fields: &mut Fields, name: &str) -> Result<Option<Vec<Part>>, Invalid> {
    match fields.take(name).map(listed) {
        None => Ok(None),
        Some(Value::Array(blocks)) => {
            let at = |place: usize| fields.at(&format!("{name}[{place}]"));
            blocks.into_iter().enumerate().map(|(place, value)| block(value, at(place))).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(fields.invalid(name, "must be a text or a list of blocks")),
    }
}

fn result(value: Value, at: String) -> Result<Message, Invalid> {
    let mut fields = Fields::of(value, at)?;
    let call_id = fields.needed_text("tool_use_id")?;
    let mut content = content(&mut fields, "content")?.unwrap_or_default();
    let status = if fields.flag("is_error")? == Some(true) { ToolStatus::Failed } else { ToolStatus::Done };
    let mark = cache(&mut fields)?;
    if let Some(Part::Text { cache: last, .. }) = content.last_mut() {
        *last = mark.or(*last);
    }
    Ok(Message::Tool { call_id, content, status })
}

fn block(value: Value, at: String) -> Result<Part, Invalid> {
    let mut fields = Fields::of(value, at)?;
    let kind = fields.needed_text("type")?;
    Ok(match kind.as_str() {
        "text" => Part::Text { text: fields.needed_text("text")?, cache: cache(&mut fields)? },
        "thinking" => {
            let signature = fields.text("signature")?.filter(|data| !data.is_empty()).map(|data| Opaque::Signature { dialect: Dialect::Anthropic, data });
            Part::Reasoning { text: fields.text("thinking")?.unwrap_or_default(), opaque: signature }
        }
        "redacted_thinking" => {
            let hidden = Opaque::Hidden { dialect: Dialect::Anthropic, data: fields.needed_text("data")? };
            Part::Reasoning { text: String::new(), opaque: Some(hidden) }
        }
        "tool_use" => {
            let (id, name) = (fields.needed_text("id")?, fields.needed_text("name")?);
            let input = fields.take("input").unwrap_or_else(|| Value::Object(serde_json::Map::new()));
            if !input.is_object() {
                return Err(fields.invalid("input", "must be an object"));
            }
            Part::ToolCall(ToolCall { id, name, arguments: input.to_string() })
        }
        _ => {
            let mut value = fields.rest();
            if kind == "image"
                && let Some(source) = value.get("source").and_then(image_source)
            {
                return Ok(Part::Image { source, detail: None });
            }
            value.insert("type".to_owned(), kind.into());
            Part::Other { dialect: Dialect::Anthropic, value: value.into() }
        }
    })
}

/// Where the picture is, unless it lies at Anthropic.
fn image_source(source: &Value) -> Option<ImageSource> {
    let text = |name: &str| source.get(name).and_then(Value::as_str).map(str::to_owned);
    match source.get("type")?.as_str()? {
        "base64" => Some(ImageSource::Base64 { media_type: text("media_type")?, data: text("data")? }),
        "url" => Some(ImageSource::Url { url: text("url")? }),
        _ => None,
    }
}

fn tool(value: Value, at: String, beyond: &mut Vec<String>) -> Result<Option<Tool>, Invalid> {
    let mut fields = Fields::of(value, at.as_str())?;
    if fields.text("type")?.is_some_and(|kind| kind != "custom") {
        beyond.push(at);
        return Ok(None);
    }
    let name = fields.needed_text("name")?;
    let description = fields.text("description")?.unwrap_or_default();
    let schema = fields.take("input_schema");
    let parameters = fields.need("input_schema", schema)?;
    let (strict, cache) = (fields.flag("strict")?, cache(&mut fields)?);
    beyond.extend(fields.left().filter(|name| !HARMLESS.contains(name)).map(|name| fields.at(name)));
    Ok(Some(Tool { name, description, parameters, strict, cache }))
}

fn tool_choice(mut fields: Fields) -> Result<(Option<ToolChoice>, Option<bool>), Invalid> {
    let choice = match fields.needed_text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(fields.needed_text("name")?),
        _ => return Err(fields.invalid("type", "must be auto, any, tool or none")),
    };
    Ok((Some(choice), fields.flag("disable_parallel_tool_use")?.map(|disabled| !disabled)))
}

fn thinking(mut fields: Fields) -> Result<Option<Reasoning>, Invalid> {
    match fields.needed_text("type")?.as_str() {
        "enabled" => {
            let budget = fields.count("budget_tokens")?;
            Ok(Some(Reasoning { effort: None, budget_tokens: Some(fields.need("budget_tokens", budget)?) }))
        }
        "adaptive" => Ok(Some(Reasoning::default())),
        "disabled" => Ok(Some(Reasoning { effort: Some(Effort::None), budget_tokens: None })),
        _ => Err(fields.invalid("type", "must be enabled, adaptive or disabled")),
    }
}
