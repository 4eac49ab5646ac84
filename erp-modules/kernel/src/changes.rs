//! The change of a record: which inputs were given, what stood there before, and the input that takes the change back.
//!
//! An input that is left out keeps its value; `null` clears an optional one.

use crate::{Error, Field, Resource, Result};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The old values of what was changed, under the names of the inputs.
#[derive(Default)]
pub struct Changes {
    before: Map<String, Value>,
}

impl Changes {
    /// Puts `new` in its place, where it was given and differs, and remembers the old value.
    pub fn set<T: Serialize + PartialEq>(&mut self, name: &str, slot: &mut T, new: Option<T>) -> Result<()> {
        if let Some(new) = new
            && *slot != new
        {
            let old = std::mem::replace(slot, new);
            let old = serde_json::to_value(old).map_err(|error| Error::internal("could not encode an old value").with_source(error))?;
            self.before.insert(name.into(), old);
        }
        Ok(())
    }

    /// Custom fields are merged key by key; `null` takes a key out.
    pub fn set_custom(&mut self, slot: &mut Value, new: Map<String, Value>) {
        let mut values = slot.as_object().cloned().unwrap_or_default();
        let mut before = Map::new();
        for (key, value) in new {
            let old = values.get(&key).cloned().unwrap_or(Value::Null);
            if old == value {
                continue;
            }
            if value.is_null() {
                values.remove(&key);
            } else {
                values.insert(key.clone(), value);
            }
            before.insert(key, old);
        }
        if !before.is_empty() {
            *slot = Value::Object(values);
            self.before.insert("custom".into(), Value::Object(before));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.before.is_empty()
    }
    pub fn has(&self, name: &str) -> bool {
        self.before.contains_key(name)
    }

    /// The input of the same command that restores the old values. That the record is still as it was left, the bus checks.
    pub fn undo(mut self, target: &str, id: impl Into<Uuid>) -> Value {
        self.before.insert(target.into(), Value::String(id.into().to_string()));
        Value::Object(self.before)
    }
}

/// For `Option<Option<T>>`: tells an input that is `null` from one that was left out.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(input).map(Some)
}

/// An optional text that holds nothing but blanks counts as not given.
pub fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// The inputs of a creating command: the resource's writable fields.
pub fn inputs(resource: Resource) -> Vec<Field> {
    resource.fields.into_iter().filter(|field| field.writable).collect()
}

/// The inputs of an updating command: the same, all optional.
pub fn update_inputs(resource: Resource) -> Vec<Field> {
    inputs(resource).into_iter().map(|field| Field { required: false, default: None, ..field }).collect()
}
