//! Passages and records as points: their ids, and what they carry.

use super::VECTOR;
use crate::passage::{Attributes, Key, Record};
use chrono::{DateTime, Utc};
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::{NamedVectors, PointStruct, Value, Vector, Vectors};
use std::collections::HashMap;
use uuid::{Builder, Uuid};

pub(super) type Payload = HashMap<String, Value>;

pub(super) const KIND: &str = "kind";
pub(super) const RECORD: &str = "record";
pub(super) const PASSAGE: &str = "passage";
pub(super) const TENANT: &str = "tenant";
pub(super) const RESOURCE: &str = "resource";
pub(super) const ENTITY: &str = "entity";
pub(super) const VERSION: &str = "version";
pub(super) const FAMILY: &str = "family";
pub(super) const OWNER: &str = "owner";
pub(super) const DEPARTMENT: &str = "department";
pub(super) const COMPANY: &str = "company";
pub(super) const GONE: &str = "gone";
/// Milliseconds since 1970, of a record that is gone.
pub(super) const GONE_AT: &str = "gone_at";
/// The first 63 bits of the record's id, in whose order records are listed.
pub(super) const ORDER: &str = "order";
pub(super) const HASH: &str = "hash";
const FIELD: &str = "field";
const ORDINAL: &str = "ordinal";

/// What a record's point says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fence {
    pub(super) version: i64,
    pub(super) gone: bool,
}

/// A point of the same key has the same id in every generation; two tenants never share one.
fn id(tenant: Uuid, kind: &str, parts: &[&[u8]]) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    for part in [tenant.as_bytes().as_slice(), kind.as_bytes()].iter().chain(parts) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Builder::from_custom_bytes(bytes).into_uuid()
}

pub(super) fn record_id(tenant: Uuid, record: &Record) -> Uuid {
    id(tenant, RECORD, &[record.resource.as_bytes(), record.id.as_bytes()])
}

pub(super) fn passage_id(tenant: Uuid, key: &Key) -> Uuid {
    let Key { record, family, field, ordinal } = key;
    id(tenant, PASSAGE, &[record.resource.as_bytes(), record.id.as_bytes(), family.as_bytes(), field.as_bytes(), &ordinal.to_le_bytes()])
}

pub(super) fn order(id: Uuid) -> i64 {
    let (high, _) = id.as_u64_pair();
    i64::try_from(high >> 1).unwrap_or(i64::MAX)
}

fn payload(tenant: Uuid, kind: &str, record: &Record, version: i64) -> Payload {
    HashMap::from([
        (KIND.to_owned(), kind.into()),
        (TENANT.to_owned(), tenant.to_string().into()),
        (RESOURCE.to_owned(), record.resource.as_str().into()),
        (ENTITY.to_owned(), record.id.to_string().into()),
        (VERSION.to_owned(), version.into()),
    ])
}

pub(super) fn record(tenant: Uuid, record: &Record, version: i64, gone_at: Option<DateTime<Utc>>) -> PointStruct {
    let mut payload = payload(tenant, RECORD, record, version);
    payload.insert(ORDER.to_owned(), order(record.id).into());
    payload.insert(GONE.to_owned(), gone_at.is_some().into());
    if let Some(at) = gone_at {
        payload.insert(GONE_AT.to_owned(), at.timestamp_millis().into());
    }
    point(record_id(tenant, record), payload, NamedVectors::default())
}

pub(super) fn passage(tenant: Uuid, key: &Key, version: i64, attributes: &Attributes, hash: &[u8; 32], vector: Vec<f32>) -> PointStruct {
    let mut payload = payload(tenant, PASSAGE, &key.record, version);
    payload.insert(FAMILY.to_owned(), key.family.as_str().into());
    payload.insert(FIELD.to_owned(), key.field.as_str().into());
    payload.insert(ORDINAL.to_owned(), i64::from(key.ordinal).into());
    payload.insert(HASH.to_owned(), blake3::Hash::from_bytes(*hash).to_hex().as_str().into());
    for (name, id) in [(OWNER, attributes.owner), (DEPARTMENT, attributes.department), (COMPANY, attributes.company)] {
        if let Some(id) = id {
            payload.insert(name.to_owned(), id.to_string().into());
        }
    }
    let vectors = NamedVectors { vectors: HashMap::from([(VECTOR.to_owned(), Vector::new_dense(vector))]) };
    point(passage_id(tenant, key), payload, vectors)
}

fn point(id: Uuid, payload: Payload, vectors: NamedVectors) -> PointStruct {
    PointStruct { id: Some(id.into()), payload, vectors: Some(Vectors { vectors_options: Some(VectorsOptions::Vectors(vectors)) }) }
}

fn text<'a>(payload: &'a Payload, name: &str) -> Option<&'a str> {
    match payload.get(name)?.kind.as_ref()? {
        Kind::StringValue(text) => Some(text),
        _ => None,
    }
}

fn integer(payload: &Payload, name: &str) -> Option<i64> {
    match payload.get(name)?.kind.as_ref()? {
        Kind::IntegerValue(number) => Some(*number),
        _ => None,
    }
}

pub(super) fn version_of(payload: &Payload) -> Option<i64> {
    integer(payload, VERSION)
}

pub(super) fn record_of(payload: &Payload) -> Option<Record> {
    Some(Record { resource: text(payload, RESOURCE)?.to_owned(), id: text(payload, ENTITY)?.parse().ok()? })
}

pub(super) fn key_of(payload: &Payload) -> Option<Key> {
    Some(Key {
        record: record_of(payload)?,
        family: text(payload, FAMILY)?.to_owned(),
        field: text(payload, FIELD)?.to_owned(),
        ordinal: u32::try_from(integer(payload, ORDINAL)?).ok()?,
    })
}

pub(super) fn hash_of(payload: &Payload) -> Option<[u8; 32]> {
    text(payload, HASH).and_then(|hex| blake3::Hash::from_hex(hex).ok()).map(|hash| *hash.as_bytes())
}

/// `None` for a passage.
pub(super) fn fence_of(payload: &Payload) -> Option<Fence> {
    if text(payload, KIND)? != RECORD {
        return None;
    }
    let gone = matches!(payload.get(GONE)?.kind, Some(Kind::BoolValue(true)));
    Some(Fence { version: version_of(payload)?, gone })
}
