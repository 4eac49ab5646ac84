//! Inputs of changing commands, where "not given" and "cleared" are two things.

use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "given")]`: absent is `None`, null is `Some(None)`.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
