//! Taking a request apart, with refusals in the form of a problem. Use these instead of axum's own.

use crate::error::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use steward_kernel::{Code, Error};

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is the stored one of an earlier call with the same key.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The parts of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            // An id that is none is an address at which there is nothing.
            Err(_) => Err(Problem::no_route()),
        }
    }
}

/// The parameters of the query string, in their order.
#[derive(Debug)]
pub(crate) struct Parameters(pub(crate) Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(pairs)) => Ok(Self(pairs)),
            Err(_) => Err(Problem::bad_request("the query string cannot be read")),
        }
    }
}

impl Parameters {
    /// Takes a parameter out; given twice is a mistake.
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let Some(at) = self.0.iter().position(|(key, _)| key == name) else { return Ok(None) };
        let (_, value) = self.0.remove(at);
        if self.0.iter().any(|(key, _)| key == name) {
            return Err(Problem::bad_request(format!("the parameter `{name}` is given twice")));
        }
        Ok(Some(value))
    }
    /// `true` or `false`; absent is false.
    pub(crate) fn take_flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.take(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::bad_request(format!("the parameter `{name}` is true or false"))),
        }
    }
    pub(crate) fn take_number(&mut self, name: &str, from: u32, to: u32) -> Result<Option<u32>, Problem> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        match text.parse::<u32>() {
            Ok(number) if (from..=to).contains(&number) => Ok(Some(number)),
            _ => Err(Problem::bad_request(format!("the parameter `{name}` is a number from {from} to {to}"))),
        }
    }
    /// A list separated by commas.
    pub(crate) fn take_list(&mut self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect();
        if items.is_empty() {
            return Err(Problem::bad_request(format!("the parameter `{name}` is empty")));
        }
        Ok(Some(items))
    }
    /// What is left was not understood.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::bad_request(format!("the parameter `{}` is not known here", short(name)))),
        }
    }
}

/// A name from the caller, bounded, so that the answer cannot be made large.
pub(crate) fn short(name: &str) -> String {
    name.chars().take(80).collect()
}

/// The body, read up to the route's limit.
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(refused) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(Error::new(Code::TooLarge, "the body is too large").into()),
            Err(_) => Err(Problem::bad_request("the body could not be read")),
        }
    }
}

/// A JSON object as the body; no body at all is an empty one.
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Object {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = content_type(request.headers());
        let Body(bytes) = Body::from_request(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        match json::<Value>(kind.as_deref(), &bytes)? {
            Value::Object(object) => Ok(Self(object)),
            _ => Err(Problem::bad_request("the body must be a JSON object")),
        }
    }
}

/// A typed JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = content_type(request.headers());
        let Body(bytes) = Body::from_request(request, state).await?;
        json(kind.as_deref(), &bytes).map(Self)
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    Some(value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase())
}

fn json<T: DeserializeOwned>(kind: Option<&str>, bytes: &[u8]) -> Result<T, Problem> {
    if !kind.is_some_and(|kind| kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))) {
        return Err(Problem::unsupported_media_type("application/json"));
    }
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            Error::new(Code::InvalidInput, format!("the body is not what is expected here: {}", short(&error.to_string()))).into()
        }
        _ => Problem::bad_request(format!("the body is not valid JSON: line {}, column {}", error.line(), error.column())),
    })
}

/// The header `Idempotency-Key`: 1 to 200 visible characters.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        // Confirmations have keys of their own, which no client may take.
        Ok(key) if key.starts_with("proposal:") => Err(Problem::bad_request("an Idempotency-Key cannot begin with proposal:")),
        Ok(key) if (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) => Ok(Some(key.to_owned())),
        _ => Err(Problem::bad_request("Idempotency-Key takes 1 to 200 visible ASCII characters")),
    }
}

/// What `If-Match` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// There is no such header.
    Absent,
    /// `*`: whatever version there is.
    Any,
    Version(i64),
}

pub(crate) fn if_match(headers: &HeaderMap) -> Result<Expected, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(Expected::Absent) };
    let text = value.to_str().unwrap_or("").trim();
    if text == "*" {
        return Ok(Expected::Any);
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    match version.parse::<i64>() {
        Ok(version) if version >= 0 => Ok(Expected::Version(version)),
        _ => Err(Problem::bad_request("If-Match takes the ETag of the record, such as \"3\"")),
    }
}

/// Whether `If-None-Match` names this version.
pub(crate) fn none_match(headers: &HeaderMap, version: i64) -> bool {
    let own = format!("\"{version}\"");
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own
    })
}

#[cfg(test)]
#[path = "extract/tests.rs"]
mod tests;
