//! A caller's request for a chat completion.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::chat::{
    Authority, Cache, ChatRequest, Delivery, Dialect, Effort, Format, ImageSource, Message, Part, Reasoning, Sampling, Schema, Tool, ToolCall, ToolChoice,
    ToolStatus, Wire,
};
use crate::dialect::Defaults;
use crate::dialect::json::{Fields, Invalid};

/// Fields that change nothing in what is answered, so that a provider of another dialect may do without them.
const HARMLESS: [&str; 12] = [
    "user",
    "metadata",
    "store",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "prediction",
    "verbosity",
    "name",
    "annotations",
    "index",
];

/// Reads a request.
///
/// # Errors
/// If it cannot be understood, or asks for several answers at once.
pub fn decode(body: Bytes, defaults: Defaults) -> Result<ChatRequest, Invalid> {
    let mut fields = Fields::body(&body)?;
    let mut beyond = Vec::new();
    let model = fields.needed_text("model")?;
    if fields.count("n")?.is_some_and(|n| n > 1) {
        return Err(fields.invalid("n", "must be 1: this gateway gives one answer to a request"));
    }
    let listed = fields.list("messages")?;
    let listed = fields.need("messages", listed)?;
    let messages = listed.into_iter().enumerate().map(|(at, value)| message(value, format!("messages[{at}]"), &mut beyond)).collect::<Result<_, _>>()?;
    let delivery = if fields.flag("stream")? == Some(true) { Delivery::Stream } else { Delivery::Whole };
    let shows_usage = match fields.object("stream_options")? {
        Some(mut options) => options.flag("include_usage")? == Some(true),
        None => false,
    };
    let completion = fields.count("max_completion_tokens")?;
    let max_tokens = completion.or(fields.count("max_tokens")?);
    let sampling = sampling(&mut fields)?;
    let mut tools = Vec::new();
    for (at, value) in fields.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        tools.extend(tool(value, format!("tools[{at}]"), &mut beyond)?.map(Arc::new));
    }
    let tool_choice = match fields.take("tool_choice") {
        Some(value) => tool_choice(value, &mut beyond)?,
        None => None,
    };
    let parallel_tool_calls = fields.flag("parallel_tool_calls")?;
    let format = fields.object("response_format")?.map_or(Ok(Format::Text), format)?;
    let reasoning = match fields.text("reasoning_effort")? {
        Some(word) => {
            let effort = effort(&word).ok_or_else(|| fields.invalid("reasoning_effort", "must be none, minimal, low, medium, high or xhigh"))?;
            Some(Reasoning { effort: Some(effort), budget_tokens: None })
        }
        None => None,
    };
    // What says that nothing special is wanted is nothing special.
    for (name, plain) in [("logprobs", json!(false)), ("modalities", json!(["text"]))] {
        if fields.take(name).is_some_and(|value| value != plain) {
            beyond.push(name.to_owned());
        }
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
        wire: Some(Arc::new(Wire { dialect: Dialect::OpenAiChat, body, shows_usage, betas: Vec::new() })),
        beyond,
        ..ChatRequest::new(messages, max_tokens.unwrap_or(defaults.max_tokens), defaults.deadline)
    })
}

fn sampling(fields: &mut Fields) -> Result<Sampling, Invalid> {
    let stop = match fields.take("stop") {
        None => Vec::new(),
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) if texts.iter().all(Value::is_string) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(_) => return Err(fields.invalid("stop", "must be a text or a list of texts")),
    };
    Ok(Sampling {
        temperature: fields.number("temperature")?,
        top_p: fields.number("top_p")?,
        top_k: fields.count("top_k")?,
        stop,
        seed: fields.integer("seed")?,
        frequency_penalty: fields.number("frequency_penalty")?,
        presence_penalty: fields.number("presence_penalty")?,
    })
}

fn message(value: Value, at: String, beyond: &mut Vec<String>) -> Result<Message, Invalid> {
    let mut fields = Fields::of(value, at)?;
    let role = fields.needed_text("role")?;
    let content = content(&mut fields, "content")?;
    let message = match role.as_str() {
        "system" => Message::System { authority: Authority::System, content: some(&fields, content)? },
        "developer" => Message::System { authority: Authority::Developer, content: some(&fields, content)? },
        "user" => Message::User { content: some(&fields, content)? },
        "tool" => Message::Tool { call_id: fields.needed_text("tool_call_id")?, content: some(&fields, content)?, status: ToolStatus::Done },
        "assistant" => {
            let thought = fields.text("reasoning_content")?.or(fields.text("reasoning")?).filter(|text| !text.is_empty());
            let mut parts: Vec<Part> = thought.map(|text| Part::Reasoning { text, opaque: None }).into_iter().collect();
            parts.extend(content.unwrap_or_default());
            parts.extend(fields.text("refusal")?.filter(|text| !text.is_empty()).map(|text| Part::Refusal { text }));
            for (place, call) in fields.list("tool_calls")?.unwrap_or_default().into_iter().enumerate() {
                let at = fields.at(&format!("tool_calls[{place}]"));
                parts.push(self::call(call, at)?);
            }
            Message::Assistant { content: parts }
        }
        _ => return Err(fields.invalid("role", "must be system, developer, user, assistant or tool")),
    };
    beyond.extend(fields.left().filter(|name| !HARMLESS.contains(name)).map(|name| fields.at(name)));
    Ok(message)
}

fn some(fields: &Fields, content: Option<Vec<Part>>) -> Result<Vec<Part>, Invalid> {
    fields.need("content", content)
}

fn content(fields: &mut Fields, name: &str) -> Result<Option<Vec<Part>>, Invalid> {
    match fields.take(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(vec![Part::text(text)])),
        Some(Value::Array(parts)) => {
            let at = |place: usize| fields.at(&format!("{name}[{place}]"));
            parts.into_iter().enumerate().map(|(place, value)| part(value, at(place))).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(fields.invalid(name, "must be a text or a list of parts")),
    }
}

fn part(value: Value, at: String) -> Result<Part, Invalid> {
    let mut fields = Fields::of(value, at)?;
    let kind = fields.needed_text("type")?;
    Ok(match kind.as_str() {
        "text" => Part::Text { text: fields.needed_text("text")?, cache: cache(&mut fields)? },
        "refusal" => Part::Refusal { text: fields.needed_text("refusal")? },
        "image_url" => {
            let image = fields.object("image_url")?;
            let mut image = fields.need("image_url", image)?;
            Part::Image { source: image_source(image.needed_text("url")?), detail: image.text("detail")? }
        }
        _ => {
            let mut value = fields.rest();
            value.insert("type".to_owned(), kind.into());
            Part::Other { dialect: Dialect::OpenAiChat, value: value.into() }
        }
    })
}

/// A mark that servers with other models behind them take over from Anthropic.
pub(in crate::dialect) fn cache(fields: &mut Fields) -> Result<Option<Cache>, Invalid> {
    let Some(mut mark) = fields.object("cache_control")? else { return Ok(None) };
    match mark.text("ttl")?.as_deref() {
        None | Some("5m") => Ok(Some(Cache::Minutes)),
        Some("1h") => Ok(Some(Cache::Hour)),
        Some(_) => Err(mark.invalid("ttl", "must be 5m or 1h")),
    }
}

/// Pictures may stand in their own address.
pub(in crate::dialect) fn image_source(url: String) -> ImageSource {
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((media_type, data)) => ImageSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() },
        None => ImageSource::Url { url },
    }
}

fn call(value: Value, at: String) -> Result<Part, Invalid> {
    let mut fields = Fields::of(value, at)?;
    if fields.text("type")?.is_some_and(|kind| kind != "function") {
        return Err(fields.invalid("type", "must be function"));
    }
    let id = fields.needed_text("id")?;
    let function = fields.object("function")?;
    let mut function = fields.need("function", function)?;
    let name = function.needed_text("name")?;
    Ok(Part::ToolCall(ToolCall { id, name, arguments: function.text("arguments")?.unwrap_or_default() }))
}

fn tool(value: Value, at: String, beyond: &mut Vec<String>) -> Result<Option<Tool>, Invalid> {
    let mut fields = Fields::of(value, at.as_str())?;
    if fields.needed_text("type")? != "function" {
        beyond.push(at);
        return Ok(None);
    }
    let cache = cache(&mut fields)?;
    let function = fields.object("function")?;
    let mut function = fields.need("function", function)?;
    Ok(Some(Tool {
        name: function.needed_text("name")?,
        description: function.text("description")?.unwrap_or_default(),
        parameters: function.take("parameters").unwrap_or_else(|| json!({"type": "object", "properties": {}})),
        strict: function.flag("strict")?,
        cache,
    }))
}

fn tool_choice(value: Value, beyond: &mut Vec<String>) -> Result<Option<ToolChoice>, Invalid> {
    let mut fields = match value {
        Value::String(word) => {
            return match word.as_str() {
                "auto" => Ok(Some(ToolChoice::Auto)),
                "none" => Ok(Some(ToolChoice::None)),
                "required" => Ok(Some(ToolChoice::Required)),
                _ => Err(Invalid::new("tool_choice", "must be auto, none, required or a function")),
            };
        }
        value => Fields::of(value, "tool_choice")?,
    };
    match fields.needed_text("type")?.as_str() {
        "function" => {
            let function = fields.object("function")?;
            let name = fields.need("function", function)?.needed_text("name")?;
            Ok(Some(ToolChoice::Named(name)))
        }
        _ => {
            beyond.push("tool_choice".to_owned());
            Ok(None)
        }
    }
}

fn format(mut fields: Fields) -> Result<Format, Invalid> {
    match fields.needed_text("type")?.as_str() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::JsonObject),
        "json_schema" => {
            let schema = fields.object("json_schema")?;
            fields.need("json_schema", schema).and_then(self::schema).map(Format::JsonSchema)
        }
        _ => Err(fields.invalid("type", "must be text, json_object or json_schema")),
    }
}

pub(in crate::dialect) fn schema(mut fields: Fields) -> Result<Schema, Invalid> {
    let name = fields.needed_text("name")?;
    let description = fields.text("description")?;
    let schema = fields.take("schema");
    let schema = fields.need("schema", schema)?;
    Ok(Schema { name, description, schema, strict: fields.flag("strict")? })
}

pub(in crate::dialect) fn effort(word: &str) -> Option<Effort> {
    Some(match word {
        "none" => Effort::None,
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" | "max" => Effort::Max,
        _ => return None,
    })
}
