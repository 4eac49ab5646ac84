//! Embeddings: a caller's request read and a provider's written, a provider's answer read and a caller's written.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::usage::WireUsage;
use crate::chat::{Dialect, Usage, Wire};
use crate::dialect::classify;
use crate::dialect::json::{Fields, Invalid};
use crate::dialect::patch::{Change, patch};
use crate::dialect::{Defaults, Head, to_bytes};
use crate::embed::{EmbedInput, EmbedRequest, Embeddings, Encoding};
use crate::error::{Error, Kind};

/// Reads a caller's request.
///
/// # Errors
/// If it cannot be understood.
pub fn decode(body: Bytes, defaults: Defaults) -> Result<EmbedRequest, Invalid> {
    let mut fields = Fields::body(&body)?;
    let model = fields.needed_text("model")?;
    let input = fields.take("input");
    let inputs = inputs(fields.need("input", input)?).filter(|inputs| !inputs.is_empty());
    let inputs = inputs.ok_or_else(|| fields.invalid("input", "must be a text, a list of texts, a list of tokens or a list of such lists"))?;
    let dimensions = fields.count("dimensions")?;
    let encoding = match fields.text("encoding_format")?.as_deref() {
        None | Some("float") => Encoding::Float,
        Some("base64") => Encoding::Base64,
        Some(_) => return Err(fields.invalid("encoding_format", "must be float or base64")),
    };
    let beyond = fields.left().filter(|name| *name != "user").map(str::to_owned).collect();
    let wire = Wire { dialect: Dialect::OpenAiChat, body, shows_usage: true, betas: Vec::new() };
    Ok(EmbedRequest { inputs, dimensions, encoding, model: Some(model), deadline: defaults.deadline, wire: Some(Arc::new(wire)), beyond })
}

fn inputs(input: Value) -> Option<Vec<EmbedInput>> {
    match input {
        Value::String(text) => Some(vec![EmbedInput::Text(text)]),
        Value::Array(values) if values.iter().all(Value::is_u64) => Some(if values.is_empty() { Vec::new() } else { vec![tokens(&values)?] }),
        Value::Array(values) => values
            .into_iter()
            .map(|value| match value {
                Value::String(text) => Some(EmbedInput::Text(text)),
                Value::Array(values) if !values.is_empty() => tokens(&values),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

fn tokens(values: &[Value]) -> Option<EmbedInput> {
    values.iter().map(|value| value.as_u64().and_then(|token| u32::try_from(token).ok())).collect::<Option<_>>().map(EmbedInput::Tokens)
}

/// The body of a request to a server.
///
/// # Errors
/// [`Kind::Unsupported`] if it asks for what stands in the wire only and there is none.
pub fn encode(request: &EmbedRequest, model: &str) -> Result<Vec<u8>, Error> {
    if let Some(wire) = &request.wire
        && let Ok(text) = std::str::from_utf8(&wire.body)
        && let Ok(body) = patch(text, &[("model", Change::Set(model.into()))])
    {
        return Ok(body.into_bytes());
    }
    if !request.beyond.is_empty() {
        return Err(Kind::Unsupported.into());
    }
    let input: Vec<Value> = request
        .inputs
        .iter()
        .map(|input| match input {
            EmbedInput::Text(text) => text.as_str().into(),
            EmbedInput::Tokens(tokens) => tokens.clone().into(),
        })
        .collect();
    let mut body = json!({"model": model, "input": input});
    if let Some(dimensions) = request.dimensions {
        body["dimensions"] = dimensions.into();
    }
    // The shorter of the two ways, whatever the caller asked for.
    body["encoding_format"] = "base64".into();
    serde_json::to_vec(&body).map_err(|error| Error::caused_by(Kind::Misconfigured, error))
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    data: Option<Vec<Row>>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vector,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    Float(Vec<f32>),
    Base64(String),
}

/// Reads a provider's answer to so many inputs. Servers that know no base64 answer with numbers whatever was asked for.
///
/// # Errors
/// What it says went wrong; [`Kind::Malformed`] if it is no answer, or not one to so many inputs.
pub fn read(body: &[u8], inputs: usize) -> Result<Embeddings, Error> {
    let read: Body = serde_json::from_slice(body).map_err(|_| Kind::Malformed)?;
    if let Some(error) = &read.error {
        return Err(classify::in_stream(error));
    }
    let rows = read.data.filter(|rows| rows.len() == inputs).ok_or(Kind::Malformed)?;
    let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); inputs];
    for (position, row) in rows.into_iter().enumerate() {
        let place = vectors.get_mut(row.index.unwrap_or(position)).filter(|place| place.is_empty()).ok_or(Kind::Malformed)?;
        *place = row.embedding.numbers().filter(|numbers| !numbers.is_empty()).ok_or(Kind::Malformed)?;
    }
    Ok(Embeddings { vectors, model: read.model, usage: read.usage.as_ref().map(Usage::from), raw: None })
}

impl Vector {
    fn numbers(self) -> Option<Vec<f32>> {
        match self {
            Self::Float(numbers) => Some(numbers),
            Self::Base64(text) => {
                let bytes = STANDARD.decode(text).ok().filter(|bytes| bytes.len().is_multiple_of(4))?;
                Some(bytes.chunks_exact(4).filter_map(|four| four.try_into().ok()).map(f32::from_le_bytes).collect())
            }
        }
    }
}

/// Writes an answer for a caller.
pub fn write(embeddings: &Embeddings, encoding: Encoding, head: &Head) -> Bytes {
    if let Some(raw) = &embeddings.raw {
        return raw.clone();
    }
    let vector = |numbers: &Vec<f32>| match encoding {
        Encoding::Float => json!(numbers),
        Encoding::Base64 => STANDARD.encode(numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>()).into(),
    };
    let data: Vec<Value> =
        embeddings.vectors.iter().enumerate().map(|(index, numbers)| json!({"object": "embedding", "index": index, "embedding": vector(numbers)})).collect();
    let input = embeddings.usage.map(|usage| usage.input_tokens).unwrap_or_default();
    to_bytes(&json!({
        "object": "list",
        "data": data,
        "model": embeddings.model.as_deref().unwrap_or(&head.model),
        "usage": {"prompt_tokens": input, "total_tokens": input},
    }))
}

#[cfg(test)]
mod tests;
