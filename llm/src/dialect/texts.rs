//! The texts of a body that a guard has to see, and the body with other texts in their place.
//!
//! Start at [`Texts::read`], before the body is decoded: then what passes through and what is written anew are masked alike. Whatever
//! stands where words may stand is given out; a part that nobody here knows is given out as a whole.
//!
//! What is absent: names of tools and the structure of schemas, which are the application's own; what they describe and list is given.

use bytes::Bytes;
use serde_json::Value;

use super::json::{Fields, Invalid};
use super::patch::{Change, patch};
use crate::chat::Dialect;
use crate::guard::Piece;

/// The fields of a body in which there are texts.
const FIELDS: [&str; 10] = ["system", "messages", "instructions", "input", "tools", "prediction", "user", "metadata", "safety_identifier", "prompt_cache_key"];

/// A body and its texts.
pub struct Texts {
    body: Bytes,
    dialect: Dialect,
    fields: Vec<(&'static str, Value)>,
    texts: Vec<(Kind, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Words,
    /// JSON, or words if it is none.
    Json,
}

impl Texts {
    /// Finds the texts of a request for an answer or for vectors. Texts that come as tokens are not found: nobody can read them.
    ///
    /// # Errors
    /// If the body is no JSON object, or a field stands there twice.
    pub fn read(dialect: Dialect, body: Bytes) -> Result<Self, Invalid> {
        let mut whole = Fields::body(&body)?;
        let mut fields: Vec<_> = FIELDS.iter().filter_map(|name| Some((*name, whole.take(name)?))).collect();
        let mut texts = Vec::new();
        for (name, value) in &mut fields {
            visit(dialect, name, value, &mut |kind, slot| {
                texts.push((kind, slot.as_str().map_or_else(|| slot.to_string(), str::to_owned)));
                Ok(())
            })?;
        }
        Ok(Self { body, dialect, fields, texts })
    }

    /// The texts, in the order in which they stand.
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        self.texts.iter().map(|(kind, text)| if *kind == Kind::Words { Piece::Text(text) } else { Piece::Json(text) }).collect()
    }

    /// The body with these texts in place of the others; every byte elsewhere stays, and all of them if no text is another one.
    ///
    /// # Errors
    /// If they are not as many, or one that stands for JSON is none.
    pub fn with<T: AsRef<str>>(mut self, texts: &[T]) -> Result<Bytes, Invalid> {
        let lost = || Invalid { param: None, reason: "the texts of the body cannot be put back".to_owned() };
        if texts.len() != self.texts.len() {
            return Err(lost());
        }
        if texts.iter().zip(&self.texts).all(|(new, (_, old))| new.as_ref() == old) {
            return Ok(self.body);
        }
        let mut texts = texts.iter();
        for (name, value) in &mut self.fields {
            visit(self.dialect, name, value, &mut |_, slot| {
                let text = texts.next().ok_or_else(lost)?.as_ref();
                *slot = if slot.is_string() { text.into() } else { serde_json::from_str(text).map_err(|_| lost())? };
                Ok(())
            })?;
        }
        let changes: Vec<_> = self.fields.into_iter().map(|(name, value)| (name, Change::Set(value))).collect();
        let body = std::str::from_utf8(&self.body).ok().and_then(|text| patch(text, &changes).ok()).ok_or_else(lost)?;
        Ok(body.into())
    }
}

type See<'a> = dyn FnMut(Kind, &mut Value) -> Result<(), Invalid> + 'a;

/// Shows every place of a text, in the same order each time.
fn visit(dialect: Dialect, field: &str, value: &mut Value, see: &mut See<'_>) -> Result<(), Invalid> {
    match field {
        "tools" => descriptions(value, see),
        "messages" | "input" if value.is_array() => {
            for message in value.as_array_mut().into_iter().flatten() {
                self::message(dialect, message, see)?;
            }
            Ok(())
        }
        _ => content(value, Kind::Words, see),
    }
}

fn message(dialect: Dialect, message: &mut Value, see: &mut See<'_>) -> Result<(), Invalid> {
    if message.is_string() {
        return see(Kind::Words, message);
    }
    let is_result = message.get("role").and_then(Value::as_str) == Some("tool") && dialect == Dialect::OpenAiChat;
    for (name, kind) in [("content", if is_result { Kind::Json } else { Kind::Words }), ("output", Kind::Json), ("summary", Kind::Words)] {
        if let Some(value) = message.get_mut(name) {
            content(value, kind, see)?;
        }
    }
    for name in ["refusal", "reasoning_content", "reasoning", "name"] {
        if let Some(value) = message.get_mut(name).filter(|value| value.is_string() && (name != "name" || dialect == Dialect::OpenAiChat)) {
            see(Kind::Words, value)?;
        }
    }
    for name in ["arguments", "input"] {
        if let Some(value) = message.get_mut(name).filter(|value| !value.is_null()) {
            see(Kind::Json, value)?;
        }
    }
    for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(arguments) = call.pointer_mut("/function/arguments").filter(|arguments| !arguments.is_null()) {
            see(Kind::Json, arguments)?;
        }
    }
    Ok(())
}

/// A text, or a list of parts.
fn content(value: &mut Value, kind: Kind, see: &mut See<'_>) -> Result<(), Invalid> {
    match value {
        Value::Null => Ok(()),
        Value::String(_) => see(kind, value),
        Value::Array(parts) => parts.iter_mut().try_for_each(|part| self::part(part, kind, see)),
        _ => see(Kind::Json, value),
    }
}

fn part(part: &mut Value, kind: Kind, see: &mut See<'_>) -> Result<(), Invalid> {
    let word = part.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, kind) = match word.as_str() {
        "text" | "input_text" | "output_text" | "summary_text" | "reasoning_text" => ("text", kind),
        "refusal" => ("refusal", kind),
        "thinking" => ("thinking", kind),
        "tool_use" | "server_tool_use" => ("input", Kind::Json),
        "tool_result" => {
            return part.get_mut("content").map_or(Ok(()), |value| content(value, Kind::Json, see));
        }
        // Pictures hold no text, and what is hidden cannot be read.
        "image" | "image_url" | "input_image" | "redacted_thinking" => return Ok(()),
        _ => return see(Kind::Json, part),
    };
    part.get_mut(name).filter(|value| !value.is_null()).map_or(Ok(()), |value| see(kind, value))
}

/// What tools and their schemas say in words.
fn descriptions(value: &mut Value, see: &mut See<'_>) -> Result<(), Invalid> {
    match value {
        Value::Array(values) => values.iter_mut().try_for_each(|value| descriptions(value, see)),
        Value::Object(fields) => fields.iter_mut().try_for_each(|(name, value)| match name.as_str() {
            "description" if value.is_string() => see(Kind::Words, value),
            "enum" | "const" | "default" | "examples" => words(value, see),
            _ => descriptions(value, see),
        }),
        _ => Ok(()),
    }
}

fn words(value: &mut Value, see: &mut See<'_>) -> Result<(), Invalid> {
    match value {
        Value::String(_) => see(Kind::Words, value),
        Value::Array(values) => values.iter_mut().try_for_each(|value| words(value, see)),
        Value::Object(fields) => fields.values_mut().try_for_each(|value| words(value, see)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
