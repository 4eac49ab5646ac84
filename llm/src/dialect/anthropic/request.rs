//! Requests for messages: a caller's read by [`decode`], a provider's written by [`encode`].

mod blocks;
mod decode;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Quirks, Thinking};
use crate::chat::{ChatRequest, Delivery, Dialect, Effort, Format, Message, Opaque, Part, Tool, ToolChoice, Wire};
use crate::dialect::openai::request::without_annotations;
use crate::dialect::patch::{Change, patch};
use crate::error::{Error, Kind};

pub use decode::decode;

/// The least that a thinking budget may be.
const BUDGET_MIN: u32 = 1_024;

/// The body of a request to a server with these quirks.
///
/// Seeds and penalties against repetition stay behind, as no server of this dialect knows them, and randomness ends at 1.
///
/// # Errors
/// [`Kind::Unsupported`] if the request holds something that only another dialect can express.
pub fn encode(request: &ChatRequest, model: &str, quirks: &Quirks) -> Result<Vec<u8>, Error> {
    let own = request.wire.as_deref().filter(|wire| wire.dialect == Dialect::Anthropic);
    if let Some(body) = own.and_then(|wire| patched(wire, request, model)) {
        return Ok(body.into_bytes());
    }
    if !request.beyond.is_empty() {
        return Err(Kind::Unsupported.into());
    }
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    set("model", model.into());
    set("max_tokens", request.max_tokens.into());
    if let Some(system) = blocks::system(request)? {
        set("system", system);
    }
    set("messages", blocks::messages(&request.messages)?);
    if request.delivery == Delivery::Stream {
        set("stream", true.into());
    }
    if !request.tools.is_empty() {
        set("tools", request.tools.iter().map(|tool| self::tool(tool)).collect());
        if let Some(choice) = tool_choice(request) {
            set("tool_choice", choice);
        }
    }
    let (thinking, effort) = thinking(request, quirks);
    let thinks = thinking.as_ref().is_some_and(|thinking| thinking["type"] != "disabled");
    if let Some(thinking) = thinking {
        set("thinking", thinking);
    }
    if let Some(output) = output(&request.format, effort)? {
        set("output_config", output);
    }
    let sampling = &request.sampling;
    if !sampling.stop.is_empty() {
        set("stop_sequences", sampling.stop.clone().into());
    }
    // A model that thinks takes none of these, and the others not both of the first two.
    if !thinks {
        if let Some(temperature) = sampling.temperature {
            set("temperature", temperature.clamp(0.0, 1.0).into());
        } else if let Some(top_p) = sampling.top_p {
            set("top_p", top_p.into());
        }
        if let Some(top_k) = sampling.top_k {
            set("top_k", top_k.into());
        }
    }
    serde_json::to_vec(&body).map_err(|error| Error::caused_by(Kind::Misconfigured, error))
}

/// What has to be looked at before it can be changed.
#[derive(Deserialize)]
struct Known {
    #[serde(default)]
    model: Option<Value>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    max_tokens: Option<Value>,
}

/// The caller's body for this target; `None` if it has to be written anew.
fn patched(wire: &Wire, request: &ChatRequest, model: &str) -> Option<String> {
    if !request.context.is_null() {
        return None;
    }
    let text = std::str::from_utf8(&wire.body).ok()?;
    let known: Known = serde_json::from_str(text).ok()?;
    let mut changes: Vec<(&str, Change)> = Vec::new();
    if known.model.as_ref().and_then(Value::as_str) != Some(model) {
        changes.push(("model", Change::Set(model.into())));
    }
    let streams = request.delivery == Delivery::Stream;
    if known.stream.unwrap_or(false) != streams {
        changes.push(("stream", Change::Set(streams.into())));
    }
    let limit = Value::from(request.max_tokens);
    if known.max_tokens.as_ref() != Some(&limit) {
        changes.push(("max_tokens", Change::Set(limit)));
    }
    patch(text, &changes).ok()
}

fn tool(tool: &Tool) -> Value {
    let mut wire = json!({"name": tool.name});
    if !tool.description.is_empty() {
        wire["description"] = tool.description.as_str().into();
    }
    wire["input_schema"] = without_annotations(&tool.parameters);
    if let Some(strict) = tool.strict {
        wire["strict"] = strict.into();
    }
    blocks::mark(&mut wire, tool.cache);
    wire
}

fn tool_choice(request: &ChatRequest) -> Option<Value> {
    let mut choice = match &request.tool_choice {
        None if request.parallel_tool_calls.is_none() => return None,
        None | Some(ToolChoice::Auto) => json!({"type": "auto"}),
        Some(ToolChoice::None) => return Some(json!({"type": "none"})),
        Some(ToolChoice::Required) => json!({"type": "any"}),
        Some(ToolChoice::Named(name)) => json!({"type": "tool", "name": name}),
    };
    if let Some(parallel) = request.parallel_tool_calls {
        choice["disable_parallel_tool_use"] = (!parallel).into();
    }
    Some(choice)
}

/// How thinking is asked for, with the effort where that is told apart.
fn thinking(request: &ChatRequest, quirks: &Quirks) -> (Option<Value>, Option<&'static str>) {
    let Some(reasoning) = request.reasoning else { return (None, None) };
    if reasoning.effort == Some(Effort::None) {
        return (Some(json!({"type": "disabled"})), None);
    }
    // A forced call and a call whose thoughts are not at hand are refused together with thinking.
    let is_forced = matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_)));
    if is_forced || lacks_thoughts(&request.messages) {
        return (None, None);
    }
    match quirks.thinking {
        Thinking::Adaptive => {
            let effort = reasoning.effort.map(|effort| match effort {
                Effort::None | Effort::Minimal | Effort::Low => "low",
                Effort::Medium => "medium",
                Effort::High => "high",
                Effort::Max => "max",
            });
            (Some(json!({"type": "adaptive"})), effort)
        }
        Thinking::Budget => {
            let by_effort = match reasoning.effort.unwrap_or(Effort::Medium) {
                Effort::None | Effort::Minimal => BUDGET_MIN,
                Effort::Low => 2_048,
                Effort::Medium => 8_192,
                Effort::High => 16_384,
                Effort::Max => 32_768,
            };
            let budget = reasoning.budget_tokens.unwrap_or(by_effort).min(request.max_tokens.saturating_sub(1));
            ((budget >= BUDGET_MIN).then(|| json!({"type": "enabled", "budget_tokens": budget})), None)
        }
    }
}

/// Whether the last answer called tools and its thoughts cannot be shown to the server, as another one gave it.
fn lacks_thoughts(messages: &[Message]) -> bool {
    let is_ours = |part: &Part| matches!(part, Part::Reasoning { opaque: Some(opaque), .. } if Opaque::dialect(opaque) == Dialect::Anthropic);
    let last = messages.iter().rev().find(|message| !matches!(message, Message::Tool { .. }));
    last.is_some_and(|message| message.tool_calls().next().is_some() && !message.content().iter().any(is_ours))
}

fn output(format: &Format, effort: Option<&str>) -> Result<Option<Value>, Error> {
    let mut output = Map::new();
    match format {
        Format::Text => {}
        // There is no way to ask for any object, and to hope for one is not to ask.
        Format::JsonObject => return Err(Kind::Unsupported.into()),
        Format::JsonSchema(schema) => drop(output.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema.schema}))),
    }
    if let Some(effort) = effort {
        output.insert("effort".to_owned(), effort.into());
    }
    Ok((!output.is_empty()).then(|| output.into()))
}
