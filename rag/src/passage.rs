//! What the engines hold: passages of records, and the key by which each is found again.

use serde::{Deserialize, Serialize};
use std::ops::Range;
use uuid::Uuid;

/// A record of a tenant, by the catalogue's name of its resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    pub resource: String,
    pub id: Uuid,
}

/// A passage of a record. The same text has the same key after every re-indexing, as long as it stands at the same place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    pub record: Record,
    /// The permission that the fields of this passage need beyond the resource's own; empty for none. Fields of different
    /// families never share a text or a vector.
    pub family: String,
    /// The long text that this is a chunk of; empty for the record's short fields.
    pub field: String,
    /// The position among the chunks of the field.
    pub ordinal: u32,
}

/// What a filter can ask of a row. Read from the row, never from an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    pub owner: Option<Uuid>,
    pub department: Option<Uuid>,
    pub company: Option<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    pub key: Key,
    /// What the record is called; for a chunk also the headings above it. Counts more than the text.
    pub title: String,
    pub text: String,
    /// Bytes of the field's value that `text` is; `None` for short fields, which are joined.
    pub span: Option<Range<usize>>,
}

impl Passage {
    /// Of everything that an embedding is made from; an unchanged hash needs no new one. `model` names model and version.
    pub fn hash(&self, model: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for part in [model, &self.title, &self.text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}
