//! The nearest passages that a permit lets through and whose record still has their version.

use super::points::{self, Fence};
use super::{Qdrant, VECTOR, filter, upkeep};
use crate::engine::{Generation, Hit, Result};
use crate::passage::Record;
use crate::permit::Permit;
use qdrant_client::QdrantError;
use qdrant_client::qdrant::{AcornSearchParams, GetPoints, Query, QueryPoints, ScoredPoint, SearchParams};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Asked for beyond what is wanted: passages that do not count, and equals of the last one, which Qdrant puts in no order.
const SPARE: usize = 16;

/// Points of one answer at most. Equals beyond it stay in whatever order they come.
const PAGE_MAX: usize = 16_384;

pub(super) async fn nearest(engine: &Qdrant, generation: Generation, permit: &Permit, vector: Vec<f32>, limit: usize) -> Result<Vec<Hit>> {
    let held = upkeep::roughly(engine, generation, filter::all_passages(permit.tenant())).await?;
    let mut asked = limit.saturating_add(SPARE).min(PAGE_MAX.max(limit));
    loop {
        let request = query(engine, generation, permit, &vector, asked, held <= engine.exact_max);
        let points = engine.client.query(request).await.map_err(|error| engine.failed(generation, error))?.result;
        let (full, last) = (points.len() >= asked, points.last().map(|point| point.score));
        let mut hits = counting(engine, generation, permit.tenant(), points).await.map_err(|error| engine.failed(generation, error))?;
        hits.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then_with(|| a.key.cmp(&b.key)));
        // The page ends within a group of equals, whose first ones may lie beyond it.
        let torn = hits.len() < limit || hits.get(limit.saturating_sub(1)).map(|hit| hit.score) == last;
        if full && torn && asked < PAGE_MAX {
            asked = asked.saturating_mul(4).min(PAGE_MAX);
            continue;
        }
        hits.truncate(limit);
        return Ok(hits);
    }
}

fn query(engine: &Qdrant, generation: Generation, permit: &Permit, vector: &[f32], limit: usize, exact: bool) -> QueryPoints {
    let params = if exact {
        SearchParams { exact: Some(true), ..SearchParams::default() }
    } else {
        // The graph alone loses under filters; this walks through neighbours that the filter takes out.
        let acorn = AcornSearchParams { enable: Some(true), max_selectivity: None };
        SearchParams { hnsw_ef: Some(256), acorn: Some(acorn), ..SearchParams::default() }
    };
    QueryPoints {
        collection_name: engine.collection(generation),
        query: Some(Query::new_nearest(vector.to_vec())),
        using: Some(VECTOR.to_owned()),
        filter: Some(filter::permitted(permit)),
        params: Some(params),
        limit: Some(limit as u64),
        with_payload: Some(true.into()),
        ..QueryPoints::default()
    }
}

/// Leaves out what a writer that was stopped or came too late has left behind.
async fn counting(engine: &Qdrant, generation: Generation, tenant: Uuid, found: Vec<ScoredPoint>) -> std::result::Result<Vec<Hit>, QdrantError> {
    let hits: Vec<Hit> = found
        .into_iter()
        .filter_map(|point| Some(Hit { key: points::key_of(&point.payload)?, version: points::version_of(&point.payload)?, score: point.score }))
        .collect();
    let fences = fences(engine, generation, tenant, hits.iter().map(|hit| &hit.key.record)).await?;
    Ok(hits.into_iter().filter(|hit| fences.get(&hit.key.record).is_some_and(|fence| !fence.gone && fence.version == hit.version)).collect())
}

/// What the records' points say now.
pub(super) async fn fences<'a>(
    engine: &Qdrant,
    generation: Generation,
    tenant: Uuid,
    records: impl Iterator<Item = &'a Record>,
) -> std::result::Result<HashMap<Record, Fence>, QdrantError> {
    let ids: HashSet<Uuid> = records.map(|record| points::record_id(tenant, record)).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let request = GetPoints {
        collection_name: engine.collection(generation),
        ids: ids.into_iter().map(Into::into).collect(),
        with_payload: Some(true.into()),
        with_vectors: Some(false.into()),
        ..GetPoints::default()
    };
    let found = engine.client.get_points(request).await?.result;
    Ok(found.into_iter().filter_map(|point| Some((points::record_of(&point.payload)?, points::fence_of(&point.payload)?))).collect())
}
