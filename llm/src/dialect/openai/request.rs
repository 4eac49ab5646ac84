//! Requests for chat completions: a caller's read, and a provider's written.
//!
//! [`decode`] is in `decode.rs`, [`encode`] here; a body that a caller wrote in this very dialect is only patched, in `pass.rs`.

mod decode;
mod pass;

use serde_json::{Map, Value, json};

use super::Quirks;
use crate::chat::{Authority, ChatRequest, Delivery, Dialect, Effort, Format, ImageSource, Message, Part, Reasoning, Tool, ToolCall, ToolChoice};
use crate::dialect::ids::Ids;
use crate::error::{Error, Kind};

pub use decode::decode;
pub(in crate::dialect) use decode::{cache, effort as effort_of, image_source, schema};

/// The body of a request to a server with these quirks.
///
/// # Errors
/// [`Kind::Unsupported`] if the request holds something that only another dialect can express.
pub fn encode(request: &ChatRequest, model: &str, quirks: &Quirks) -> Result<Vec<u8>, Error> {
    let own = request.wire.as_deref().filter(|wire| wire.dialect == Dialect::OpenAiChat);
    if let Some(body) = own.and_then(|wire| pass::patched(wire, request, model, quirks)) {
        return Ok(body.into_bytes());
    }
    if !request.beyond.is_empty() {
        return Err(Kind::Unsupported.into());
    }
    let ids = ids(&request.messages, quirks);
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    set("model", model.into());
    set("messages", messages(request, quirks, &ids)?);
    if request.delivery == Delivery::Stream {
        set("stream", true.into());
        if quirks.stream_options {
            set("stream_options", json!({"include_usage": true}));
        }
    }
    set(quirks.token_limit.field(), request.max_tokens.into());
    let sampling = &request.sampling;
    let numbers = [
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("frequency_penalty", sampling.frequency_penalty),
        ("presence_penalty", sampling.presence_penalty),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            set(name, number.into());
        }
    }
    if let Some(seed) = sampling.seed {
        set("seed", seed.into());
    }
    if !sampling.stop.is_empty() {
        set("stop", sampling.stop.clone().into());
    }
    if !request.tools.is_empty() {
        set("tools", request.tools.iter().map(|tool| function(tool)).collect());
        if let Some(choice) = &request.tool_choice {
            set("tool_choice", tool_choice(choice));
        }
        if let Some(parallel) = request.parallel_tool_calls {
            set("parallel_tool_calls", parallel.into());
        }
    }
    if let Some(format) = format(&request.format) {
        set("response_format", format);
    }
    if let Some(effort) = request.reasoning.and_then(effort) {
        set("reasoning_effort", effort.into());
    }
    serde_json::to_vec(&body).map_err(|error| Error::caused_by(Kind::Misconfigured, error))
}

/// The ids of all calls, in the form that the server takes.
fn ids(messages: &[Message], quirks: &Quirks) -> Ids {
    let ids: Vec<&str> = messages
        .iter()
        .flat_map(|message| {
            let answered = match message {
                Message::Tool { call_id, .. } => Some(call_id.as_str()),
                _ => None,
            };
            message.tool_calls().map(|call| call.id.as_str()).chain(answered)
        })
        .collect();
    Ids::new(quirks.ids, ids)
}

/// The context joins the first system message: some chat templates accept only one, and only at the beginning.
fn messages(request: &ChatRequest, quirks: &Quirks, ids: &Ids) -> Result<Value, Error> {
    let mut context = (!request.context.is_null()).then(|| format!("Context: {}", request.context));
    let mut wire = Vec::with_capacity(request.messages.len() + 1);
    if context.is_some() && !matches!(request.messages.first(), Some(Message::System { .. })) {
        wire.extend(context.take().map(|context| json!({"role": "system", "content": context})));
    }
    for message in &request.messages {
        wire.push(match message {
            Message::System { authority, content } => {
                let role = if *authority == Authority::Developer && quirks.developer_role { "developer" } else { "system" };
                let content = match context.take() {
                    Some(context) => format!("{}\n\n{context}", message.text()).into(),
                    None => self::content(content)?,
                };
                json!({"role": role, "content": content})
            }
            Message::User { content } => json!({"role": "user", "content": self::content(content)?}),
            Message::Assistant { content } => assistant(content, ids)?,
            Message::Tool { call_id, content, .. } => {
                if content.iter().any(|part| matches!(part, Part::Image { .. })) {
                    return Err(Kind::Unsupported.into());
                }
                json!({"role": "tool", "content": self::content(content)?, "tool_call_id": ids.outward(call_id)})
            }
        });
    }
    Ok(wire.into())
}

/// A plain text where that is all there is: not every server takes a list of parts.
fn content(parts: &[Part]) -> Result<Value, Error> {
    match parts {
        [] => Ok("".into()),
        [Part::Text { text, .. }] => Ok(text.as_str().into()),
        parts => parts.iter().map(part).collect::<Result<Vec<_>, _>>().map(Value::from),
    }
}

fn part(part: &Part) -> Result<Value, Error> {
    Ok(match part {
        Part::Text { text, .. } => json!({"type": "text", "text": text}),
        Part::Refusal { text } => json!({"type": "refusal", "refusal": text}),
        Part::Image { source, detail } => {
            let url = match source {
                ImageSource::Url { url } => url.clone(),
                ImageSource::Base64 { media_type, data } => format!("data:{media_type};base64,{data}"),
            };
            let mut image = json!({"url": url});
            if let Some(detail) = detail {
                image["detail"] = detail.as_str().into();
            }
            json!({"type": "image_url", "image_url": image})
        }
        Part::Other { dialect: Dialect::OpenAiChat, value } => value.clone(),
        Part::Other { .. } | Part::Reasoning { .. } | Part::ToolCall(_) => return Err(Kind::Unsupported.into()),
    })
}

/// Reasoning stays behind: no server of this dialect can verify what another one signed, and some refuse to see it.
fn assistant(parts: &[Part], ids: &Ids) -> Result<Value, Error> {
    let (mut said, mut calls) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Reasoning { .. } => {}
            Part::ToolCall(ToolCall { id, name, arguments }) => {
                calls.push(json!({"id": ids.outward(id), "type": "function", "function": {"name": name, "arguments": arguments}}));
            }
            other => said.push(other.clone()),
        }
    }
    let mut message = json!({"role": "assistant"});
    if !said.is_empty() || calls.is_empty() {
        message["content"] = content(&said)?;
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    Ok(message)
}

fn function(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name});
    if !tool.description.is_empty() {
        function["description"] = tool.description.as_str().into();
    }
    function["parameters"] = without_annotations(&tool.parameters);
    if let Some(strict) = tool.strict {
        function["strict"] = strict.into();
    }
    json!({"type": "function", "function": function})
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

fn format(format: &Format) -> Option<Value> {
    match format {
        Format::Text => None,
        Format::JsonObject => Some(json!({"type": "json_object"})),
        Format::JsonSchema(schema) => {
            let mut wire = json!({"name": schema.name, "schema": schema.schema});
            if let Some(description) = &schema.description {
                wire["description"] = description.as_str().into();
            }
            if let Some(strict) = schema.strict {
                wire["strict"] = strict.into();
            }
            Some(json!({"type": "json_schema", "json_schema": wire}))
        }
    }
}

/// A budget in tokens is told as the effort that comes nearest.
fn effort(reasoning: Reasoning) -> Option<&'static str> {
    let effort = reasoning.effort.or_else(|| {
        reasoning.budget_tokens.map(|budget| match budget {
            0..=2_048 => Effort::Low,
            2_049..=12_288 => Effort::Medium,
            _ => Effort::High,
        })
    });
    effort.and_then(|effort| match effort {
        // Only the newest models know `none`, and the others refuse it.
        Effort::None => None,
        Effort::Minimal => Some("minimal"),
        Effort::Low => Some("low"),
        Effort::Medium => Some("medium"),
        Effort::High => Some("high"),
        Effort::Max => Some("xhigh"),
    })
}

/// A schema without its `x-` keywords. Below `properties` and its like the keys are names of things and stay; below `enum` and its
/// like there are values and no schemas.
pub(in crate::dialect) fn without_annotations(schema: &Value) -> Value {
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
