//! A caller's JSON, read field by field.
//!
//! A body in which a field stands twice is refused: readers disagree about which one counts, and a guard must see what the model
//! sees. Errors name the field and never quote what stands in it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why a caller's request cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Invalid {
    /// The field, such as `messages[2].content`, if it is one.
    pub param: Option<String>,
    /// What is wrong with it; holds nothing of what the caller wrote.
    pub reason: String,
}

impl Invalid {
    pub(crate) fn new(param: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { param: Some(param.into()), reason: reason.into() }
    }
}

/// An object whose fields are taken out one by one. What is left at the end was not understood.
pub(crate) struct Fields {
    at: String,
    map: Map<String, Value>,
}

impl Fields {
    /// A whole body.
    pub(crate) fn body(body: &[u8]) -> Result<Self, Invalid> {
        match serde_json::from_slice(body) {
            Ok(Strict(Value::Object(map))) => Ok(Self { at: String::new(), map }),
            Ok(_) => Err(Invalid { param: None, reason: "the body is no JSON object".to_owned() }),
            Err(error) if error.is_data() => Err(Invalid { param: None, reason: "a field stands twice in the same object".to_owned() }),
            Err(error) => {
                Err(Invalid { param: None, reason: format!("the body is no JSON; it cannot be read at line {}, column {}", error.line(), error.column()) })
            }
        }
    }

    /// A value that has to be an object.
    pub(crate) fn of(value: Value, at: impl Into<String>) -> Result<Self, Invalid> {
        match value {
            Value::Object(map) => Ok(Self { at: at.into(), map }),
            _ => Err(Invalid::new(at, "must be an object")),
        }
    }

    /// The name of a field, from the outermost object.
    pub(crate) fn at(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    pub(crate) fn invalid(&self, name: &str, reason: &str) -> Invalid {
        Invalid::new(self.at(name), reason)
    }

    /// A field; one that is null is not there.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn need<T>(&self, name: &str, value: Option<T>) -> Result<T, Invalid> {
        value.ok_or_else(|| self.invalid(name, "is missing"))
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Invalid> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(name, "must be a text")),
        }
    }

    pub(crate) fn needed_text(&mut self, name: &str) -> Result<String, Invalid> {
        let text = self.text(name)?;
        self.need(name, text)
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Invalid> {
        self.take(name).map(|value| value.as_bool().ok_or_else(|| self.invalid(name, "must be true or false"))).transpose()
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Option<f64>, Invalid> {
        self.take(name).map(|value| value.as_f64().ok_or_else(|| self.invalid(name, "must be a number"))).transpose()
    }

    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>, Invalid> {
        self.take(name).map(|value| value.as_i64().ok_or_else(|| self.invalid(name, "must be a whole number"))).transpose()
    }

    /// A whole number above zero.
    pub(crate) fn count(&mut self, name: &str) -> Result<Option<u32>, Invalid> {
        let count = |value: Value| value.as_u64().and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
        self.take(name).map(|value| count(value).ok_or_else(|| self.invalid(name, "must be a whole number above zero"))).transpose()
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Invalid> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(_) => Err(self.invalid(name, "must be a list")),
        }
    }

    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, Invalid> {
        let texts = self.list(name)?.unwrap_or_default();
        texts.into_iter().map(|text| text.as_str().map(str::to_owned).ok_or_else(|| self.invalid(name, "must be a list of texts"))).collect()
    }

    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Self>, Invalid> {
        let at = self.at(name);
        self.take(name).map(|value| Self::of(value, at)).transpose()
    }

    /// The names of the fields that nobody took, without those that are null.
    pub(crate) fn left(&self) -> impl Iterator<Item = &str> {
        self.map.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str())
    }

    /// Everything that nobody took.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.map
    }
}

/// A value in which no field stands twice.
pub(crate) struct Strict(pub(crate) Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(value)) = values.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Strict(value))) = fields.next_entry::<String, _>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a field stands twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests;
