//! Making generations, and what the reconciler and the indexer ask about them.

use super::points::{self, COMPANY, DEPARTMENT, ENTITY, FAMILY, GONE, GONE_AT, KIND, ORDER, OWNER, Payload, RESOURCE, TENANT, VERSION};
use super::{EXACT_MAX, Qdrant, VECTOR, filter, search, setup, unavailable, write};
use crate::engine::{Generation, Known, Result};
use crate::passage::{Key, Record};
use qdrant_client::QdrantError;
use qdrant_client::qdrant::payload_index_params::IndexParams;
use qdrant_client::qdrant::start_from::Value as Start;
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    BoolIndexParams, CountPoints, CreateCollection, CreateFieldIndexCollection, DeletePoints, Direction, Distance, FieldType, Filter, HnswConfigDiff,
    IntegerIndexParams, KeywordIndexParams, OrderBy, PayloadIndexParams, PointId, ScrollPoints, StartFrom, UpdateStatus, UuidIndexParams, VectorParams,
    VectorParamsMap, VectorsConfig,
};
use std::collections::HashMap;
use uuid::Uuid;

type Answer<T> = std::result::Result<T, QdrantError>;

/// Conditional updates came with 1.16: an older server would ignore the condition and let late writers win.
const OLDEST: (u32, u32) = (1, 16);

const PAGE: u32 = 1_000;

pub(super) async fn create(engine: &Qdrant, generation: Generation) -> Result<()> {
    let version = engine.client.health_check().await.map_err(unavailable)?.version;
    if !new_enough(&version) {
        return Err(setup(format!("Qdrant {}.{} or newer is needed, the server is {version}", OLDEST.0, OLDEST.1)));
    }
    let collection = engine.collection(generation);
    if !engine.client.collection_exists(&collection).await.map_err(unavailable)? {
        let made = engine.client.create_collection(layout(engine, collection.clone())).await;
        // Somebody else may have made it in between.
        if let Err(error) = made
            && !engine.client.collection_exists(&collection).await.map_err(unavailable)?
        {
            return Err(unavailable(error));
        }
    }
    // Whoever made it may have been stopped before these; an index that is there stays.
    for (field, kind, params) in indexes() {
        let request = CreateFieldIndexCollection {
            collection_name: collection.clone(),
            wait: Some(true),
            field_name: field.to_owned(),
            field_type: Some(kind.into()),
            field_index_params: Some(PayloadIndexParams { index_params: Some(params) }),
            ..CreateFieldIndexCollection::default()
        };
        engine.client.create_field_index(request).await.map_err(unavailable)?;
    }
    Ok(())
}

fn new_enough(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split(['.', '-']).map(|part| part.parse::<u32>().ok());
    matches!((parts.next(), parts.next()), (Some(Some(major)), Some(Some(minor))) if (major, minor) >= OLDEST)
}

/// No graph over all tenants but one for each: `payload_m` with the tenant as the only field that has a graph.
fn layout(engine: &Qdrant, collection_name: String) -> CreateCollection {
    let size = engine.dimensions as u64;
    let params = VectorParams { size, distance: Distance::Cosine.into(), ..VectorParams::default() };
    CreateCollection {
        collection_name,
        hnsw_config: Some(HnswConfigDiff {
            m: Some(0),
            payload_m: Some(24),
            ef_construct: Some(128),
            // In kilobytes: where a filter leaves less than this, its rows are compared one by one.
            full_scan_threshold: Some(EXACT_MAX * size * 4 / 1024),
            ..HnswConfigDiff::default()
        }),
        vectors_config: Some(VectorsConfig { config: Some(Config::ParamsMap(VectorParamsMap { map: HashMap::from([(VECTOR.to_owned(), params)]) })) }),
        ..CreateCollection::default()
    }
}

fn indexes() -> Vec<(&'static str, FieldType, IndexParams)> {
    let keyword = || IndexParams::KeywordIndexParams(KeywordIndexParams { enable_hnsw: Some(false), ..KeywordIndexParams::default() });
    let uuid =
        |tenant| IndexParams::UuidIndexParams(UuidIndexParams { is_tenant: tenant, enable_hnsw: Some(tenant == Some(true)), ..UuidIndexParams::default() });
    let integer = || {
        IndexParams::IntegerIndexParams(IntegerIndexParams {
            lookup: Some(false),
            range: Some(true),
            enable_hnsw: Some(false),
            ..IntegerIndexParams::default()
        })
    };
    vec![
        (TENANT, FieldType::Uuid, uuid(Some(true))),
        (KIND, FieldType::Keyword, keyword()),
        (RESOURCE, FieldType::Keyword, keyword()),
        (FAMILY, FieldType::Keyword, keyword()),
        (ENTITY, FieldType::Uuid, uuid(None)),
        (OWNER, FieldType::Uuid, uuid(None)),
        (DEPARTMENT, FieldType::Uuid, uuid(None)),
        (COMPANY, FieldType::Uuid, uuid(None)),
        (VERSION, FieldType::Integer, integer()),
        (ORDER, FieldType::Integer, integer()),
        (GONE_AT, FieldType::Integer, integer()),
        (GONE, FieldType::Bool, IndexParams::BoolIndexParams(BoolIndexParams { enable_hnsw: Some(false), ..BoolIndexParams::default() })),
    ]
}

pub(super) async fn delete(engine: &Qdrant, generation: Generation, filter: Filter) -> Result<()> {
    let request = DeletePoints {
        collection_name: engine.collection(generation),
        wait: Some(true),
        points: Some(filter.into()),
        ordering: Some(write::strong()),
        ..DeletePoints::default()
    };
    let done = engine.client.delete_points(request).await.map_err(|error| engine.failed(generation, error))?;
    if done.result.is_some_and(|result| result.status() == UpdateStatus::Completed) {
        return Ok(());
    }
    Err(crate::engine::Error::Unavailable { engine: super::NAME, source: "a deletion was not completed in time".into() })
}

pub(super) async fn count(engine: &Qdrant, generation: Generation, filter: Filter) -> Result<u64> {
    counted(engine, generation, filter, true).await
}

/// An estimate, from the sizes of the indexes.
pub(super) async fn roughly(engine: &Qdrant, generation: Generation, filter: Filter) -> Result<u64> {
    counted(engine, generation, filter, false).await
}

async fn counted(engine: &Qdrant, generation: Generation, filter: Filter, exact: bool) -> Result<u64> {
    let request = CountPoints { collection_name: engine.collection(generation), filter: Some(filter), exact: Some(exact), ..CountPoints::default() };
    let counted = engine.client.count(request).await.map_err(|error| engine.failed(generation, error))?;
    Ok(counted.result.map_or(0, |result| result.count))
}

/// The payloads of all points of a filter.
async fn all(engine: &Qdrant, generation: Generation, filter: Filter) -> Answer<Vec<Payload>> {
    let (mut payloads, mut offset): (Vec<Payload>, Option<PointId>) = (Vec::new(), None);
    loop {
        let request = ScrollPoints {
            collection_name: engine.collection(generation),
            filter: Some(filter.clone()),
            offset,
            limit: Some(PAGE),
            with_payload: Some(true.into()),
            with_vectors: Some(false.into()),
            ..ScrollPoints::default()
        };
        let page = engine.client.scroll(request).await?;
        payloads.extend(page.result.into_iter().map(|point| point.payload));
        offset = page.next_page_offset;
        if offset.is_none() {
            return Ok(payloads);
        }
    }
}

/// The hashes of passages that count.
pub(super) async fn hashes(engine: &Qdrant, generation: Generation, tenant: Uuid, records: &[Record]) -> Answer<HashMap<Key, [u8; 32]>> {
    if records.is_empty() {
        return Ok(HashMap::new());
    }
    let fences = search::fences(engine, generation, tenant, records.iter()).await?;
    let counts = |payload: &Payload| {
        let fence = fences.get(&points::record_of(payload)?)?;
        (!fence.gone && points::version_of(payload) == Some(fence.version)).then_some(())
    };
    let payloads = all(engine, generation, filter::passages_of(tenant, records.iter())).await?;
    Ok(payloads
        .iter()
        .filter_map(|payload| {
            counts(payload)?;
            Some((points::key_of(payload)?, points::hash_of(payload)?))
        })
        .collect())
}

pub(super) async fn known(engine: &Qdrant, generation: Generation, tenant: Uuid, resource: &str, after: Option<Uuid>, limit: usize) -> Answer<Vec<Known>> {
    let mut known = records(engine, generation, tenant, resource, after, limit).await?;
    if known.is_empty() {
        return Ok(known);
    }
    let mut counts: HashMap<(Uuid, i64), u32> = HashMap::new();
    for payload in all(engine, generation, filter::passages_of(tenant, known.iter().map(|known| &known.record))).await? {
        if let (Some(record), Some(version)) = (points::record_of(&payload), points::version_of(&payload)) {
            *counts.entry((record.id, version)).or_default() += 1;
        }
    }
    for known in &mut known {
        known.passages = counts.get(&(known.record.id, known.version)).copied().unwrap_or(0);
    }
    Ok(known)
}

/// Qdrant lists in the order of a number, so records whose ids begin alike come in one group, and the last group of a page
/// may not be complete: it is left for a longer page.
async fn records(engine: &Qdrant, generation: Generation, tenant: Uuid, resource: &str, after: Option<Uuid>, limit: usize) -> Answer<Vec<Known>> {
    let mut asked = u32::try_from(limit.saturating_add(2)).unwrap_or(u32::MAX);
    loop {
        let order_by = OrderBy {
            key: ORDER.to_owned(),
            direction: Some(Direction::Asc.into()),
            start_from: after.map(|id| StartFrom { value: Some(Start::Integer(points::order(id))) }),
        };
        let request = ScrollPoints {
            collection_name: engine.collection(generation),
            filter: Some(filter::living(tenant, resource)),
            limit: Some(asked),
            with_payload: Some(true.into()),
            with_vectors: Some(false.into()),
            order_by: Some(order_by),
            ..ScrollPoints::default()
        };
        let page = engine.client.scroll(request).await?.result;
        let full = u32::try_from(page.len()).is_ok_and(|count| count >= asked);
        let mut found: Vec<(Uuid, i64)> =
            page.iter().filter_map(|point| Some((points::record_of(&point.payload)?.id, points::version_of(&point.payload)?))).collect();
        found.sort_unstable();
        if full && let Some((last, _)) = found.last().copied() {
            found.retain(|(id, _)| points::order(*id) < points::order(last));
        }
        found.retain(|(id, _)| after.is_none_or(|after| *id > after));
        if full && found.len() < limit && asked < u32::MAX {
            asked = asked.saturating_mul(4);
            continue;
        }
        found.truncate(limit);
        let record = |id| Record { resource: resource.to_owned(), id };
        return Ok(found.into_iter().map(|(id, version)| Known { record: record(id), version, passages: 0 }).collect());
    }
}
