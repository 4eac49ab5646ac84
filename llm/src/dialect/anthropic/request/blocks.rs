//! Our messages as Anthropic's: instructions apart, and each turn a list of blocks.

use serde_json::{Value, json};

use crate::chat::{Cache, ChatRequest, Dialect, ImageSource, Message, Opaque, Part, ToolCall, ToolStatus};
use crate::dialect::ids::{Form, Ids};
use crate::error::{Error, Kind};

/// All instructions, wherever in the conversation they stand: this dialect has one place for them. The context joins them.
pub(super) fn system(request: &ChatRequest) -> Result<Option<Value>, Error> {
    let mut blocks = Vec::new();
    for message in &request.messages {
        if let Message::System { content, .. } = message {
            blocks.extend(self::blocks(content, &Ids::default())?);
        }
    }
    if !request.context.is_null() {
        blocks.push(json!({"type": "text", "text": format!("Context: {}", request.context)}));
    }
    Ok(match &mut blocks[..] {
        [] => None,
        [one] if one.get("cache_control").is_none() => Some(one["text"].take()),
        _ => Some(blocks.into()),
    })
}

/// The conversation. Messages of one side that follow each other become one turn, so that the results of parallel calls stand together.
pub(super) fn messages(messages: &[Message]) -> Result<Value, Error> {
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
    let ids = Ids::new(Form::Anthropic, ids);
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let (role, blocks) = match message {
            Message::System { .. } => continue,
            Message::User { content } => ("user", blocks(content, &ids)?),
            Message::Assistant { content } => ("assistant", blocks(content, &ids)?),
            Message::Tool { call_id, content, status } => ("user", vec![result(call_id, content, *status, &ids)?]),
        };
        match turns.last_mut() {
            Some((last, turn)) if *last == role => turn.extend(blocks),
            // A turn that says nothing is refused.
            _ if blocks.is_empty() => {}
            _ => turns.push((role, blocks)),
        }
    }
    Ok(turns
        .into_iter()
        .map(|(role, mut blocks)| {
            let content = match &mut blocks[..] {
                [one] if one["type"] == "text" && one.get("cache_control").is_none() => one["text"].take(),
                _ => blocks.into(),
            };
            json!({"role": role, "content": content})
        })
        .collect())
}

fn result(call_id: &str, content: &[Part], status: ToolStatus, ids: &Ids) -> Result<Value, Error> {
    let mut block = json!({"type": "tool_result", "tool_use_id": ids.outward(call_id)});
    let mut parts = blocks(content, ids)?;
    // The mark of a result stands on the result itself.
    let cache = content.iter().find_map(|part| if let Part::Text { cache, .. } = part { *cache } else { None });
    for part in &mut parts {
        part.as_object_mut().map(|part| part.remove("cache_control"));
    }
    match &mut parts[..] {
        [] => {}
        [one] if one["type"] == "text" => block["content"] = one["text"].take(),
        _ => block["content"] = parts.into(),
    }
    if status == ToolStatus::Failed {
        block["is_error"] = true.into();
    }
    mark(&mut block, cache);
    Ok(block)
}

/// Empty texts are refused and say nothing, so they stay behind; so does reasoning that Anthropic cannot verify.
fn blocks(parts: &[Part], ids: &Ids) -> Result<Vec<Value>, Error> {
    parts.iter().filter_map(|part| block(part, ids).transpose()).collect()
}

fn block(part: &Part, ids: &Ids) -> Result<Option<Value>, Error> {
    Ok(Some(match part {
        Part::Text { text, .. } | Part::Refusal { text } if text.is_empty() => return Ok(None),
        Part::Text { text, cache } => {
            let mut block = json!({"type": "text", "text": text});
            mark(&mut block, *cache);
            block
        }
        Part::Refusal { text } => json!({"type": "text", "text": text}),
        Part::Image { source, .. } => {
            let source = match source {
                ImageSource::Url { url } => json!({"type": "url", "url": url}),
                ImageSource::Base64 { media_type, data } => json!({"type": "base64", "media_type": media_type, "data": data}),
            };
            json!({"type": "image", "source": source})
        }
        Part::Reasoning { text, opaque: Some(Opaque::Signature { dialect: Dialect::Anthropic, data }) } => {
            json!({"type": "thinking", "thinking": text, "signature": data})
        }
        Part::Reasoning { opaque: Some(Opaque::Hidden { dialect: Dialect::Anthropic, data }), .. } => json!({"type": "redacted_thinking", "data": data}),
        Part::Reasoning { .. } => return Ok(None),
        Part::ToolCall(ToolCall { id, name, arguments }) => {
            let input = if arguments.trim().is_empty() { "{}" } else { arguments };
            // The cause is left out: it could quote the arguments.
            let input: Value = serde_json::from_str(input).ok().filter(Value::is_object).ok_or(Kind::BadRequest)?;
            json!({"type": "tool_use", "id": ids.outward(id), "name": name, "input": input})
        }
        Part::Other { dialect: Dialect::Anthropic, value } => value.clone(),
        Part::Other { .. } => return Err(Kind::Unsupported.into()),
    }))
}

/// Asks the provider's cache to hold everything up to this block.
pub(super) fn mark(block: &mut Value, cache: Option<Cache>) {
    match cache {
        None => {}
        Some(Cache::Minutes) => block["cache_control"] = json!({"type": "ephemeral"}),
        Some(Cache::Hour) => block["cache_control"] = json!({"type": "ephemeral", "ttl": "1h"}),
    }
}
