//! How a record is replaced: first its own point takes the new version, then its passages, then all
//! others of it go that are not newer.
//!
//! Qdrant knows no transactions, but it applies the operations of a shard one after the other, and each operation here says
//! what it may overwrite (`update_filter`). From the first operation on the old passages do not count, since their version is
//! not the record's; the new ones count as they arrive. A reader may thus find nothing of a record for a moment, never a
//! mixture; and a writer that is stopped half way has not been acknowledged and is repeated.
//!
//! **A late writer**, however long it slept between reading and writing, cannot lower a version: its operations on points
//! that are there are refused by the filter, and a passage that it adds where none is has a version that is not the record's.
//! Such a passage is found by nobody and goes with the next write of the record.

use super::points::{self, Fence};
use super::{Error, NAME, Qdrant, VECTOR, filter};
use crate::engine::{Embedded, Generation, Result, State, Write, embedding};
use crate::passage::Record;
use qdrant_client::QdrantError;
use qdrant_client::qdrant::points_update_operation::{DeletePoints, Operation, PointStructList};
use qdrant_client::qdrant::vector_output::Vector as Values;
use qdrant_client::qdrant::{
    Filter, GetPoints, PointId, PointStruct, PointsUpdateOperation, RetrievedPoint, UpdateBatchPoints, UpdateStatus, WriteOrdering, WriteOrderingType,
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Everything of one version: Qdrant's filters belong to an operation, not to a point.
#[derive(Default)]
struct Wave<'a> {
    alive: Vec<PointStruct>,
    gone: Vec<PointStruct>,
    passages: Vec<PointStruct>,
    records: Vec<&'a Record>,
    gone_records: Vec<&'a Record>,
}

pub(super) async fn apply(engine: &Qdrant, generation: Generation, tenant: Uuid, writes: &[&Write<Embedded>]) -> Result<()> {
    let held = Held::read(engine, generation, tenant, writes).await.map_err(|error| engine.failed(generation, error))?;
    let mut waves: BTreeMap<i64, Wave<'_>> = BTreeMap::new();
    for write in writes {
        // Saves the work where the answer is known already; the operations themselves are what decides.
        let late = held
            .fences
            .get(&points::record_id(tenant, &write.record))
            .is_some_and(|fence| fence.version > write.version || (fence.version == write.version && fence.gone));
        if late {
            continue;
        }
        let wave = waves.entry(write.version).or_default();
        match &write.state {
            State::Gone => {
                wave.gone.push(points::record(tenant, &write.record, write.version, Some(engine.clock.now())));
                wave.gone_records.push(&write.record);
            }
            State::Live { attributes, passages } => {
                wave.alive.push(points::record(tenant, &write.record, write.version, None));
                wave.records.push(&write.record);
                for passage in passages {
                    let given = passage.vector.as_deref().map(|vector| embedding::unit(vector, vector.len())).transpose()?;
                    let Some(vector) = given.or_else(|| held.vector(tenant, passage)) else { continue };
                    wave.passages.push(points::passage(tenant, &passage.key, write.version, attributes, &passage.hash, vector));
                }
            }
        }
    }
    let operations: Vec<PointsUpdateOperation> = waves.into_iter().flat_map(|(version, wave)| wave.operations(tenant, version)).collect();
    if operations.is_empty() {
        return Ok(());
    }
    let batch = UpdateBatchPoints { collection_name: engine.collection(generation), wait: Some(true), operations, ordering: Some(strong()), timeout: None };
    let done = engine.client.update_points_batch(batch).await.map_err(|error| engine.failed(generation, error))?;
    // With `wait` an operation may still answer that it has only been taken: then nothing is promised to anybody.
    if done.result.iter().any(|result| result.status() != UpdateStatus::Completed) {
        return Err(Error::Unavailable { engine: NAME, source: "an operation was not completed in time".into() });
    }
    Ok(())
}

impl Wave<'_> {
    fn operations(self, tenant: Uuid, version: i64) -> impl Iterator<Item = PointsUpdateOperation> {
        let next = version.saturating_add(1);
        let kept: Vec<PointId> = self.passages.iter().filter_map(|point| point.id.clone()).collect();
        let others = |records: Vec<&Record>, kept| (!records.is_empty()).then(|| delete(filter::passages_below(tenant, records.into_iter(), next, kept)));
        let operations = [
            upsert(self.alive, filter::older(version)),
            // Of the same version too: a record may have been rendered anew.
            upsert(self.passages, filter::older(next)),
            others(self.records, kept),
            upsert(self.gone, filter::older_or_alive(version)),
            others(self.gone_records, Vec::new()),
        ];
        operations.into_iter().flatten()
    }
}

/// The version that is in the engine, and the vectors that writes want to keep.
struct Held {
    fences: HashMap<Uuid, Fence>,
    vectors: HashMap<Uuid, ([u8; 32], Vec<f32>)>,
}

impl Held {
    async fn read(engine: &Qdrant, generation: Generation, tenant: Uuid, writes: &[&Write<Embedded>]) -> std::result::Result<Self, QdrantError> {
        let mut ids = Vec::new();
        for write in writes {
            ids.push(points::record_id(tenant, &write.record).into());
            if let State::Live { passages, .. } = &write.state {
                ids.extend(passages.iter().filter(|passage| passage.vector.is_none()).map(|passage| points::passage_id(tenant, &passage.key).into()));
            }
        }
        let request = GetPoints {
            collection_name: engine.collection(generation),
            ids,
            with_payload: Some(true.into()),
            with_vectors: Some(true.into()),
            ..GetPoints::default()
        };
        let mut held = Self { fences: HashMap::new(), vectors: HashMap::new() };
        for point in engine.client.get_points(request).await?.result {
            if let (Some(record), Some(fence)) = (points::record_of(&point.payload), points::fence_of(&point.payload)) {
                held.fences.insert(points::record_id(tenant, &record), fence);
            } else if let (Some(key), Some(hash), Some(vector)) = (points::key_of(&point.payload), points::hash_of(&point.payload), vector_of(&point)) {
                held.vectors.insert(points::passage_id(tenant, &key), (hash, vector));
            }
        }
        Ok(held)
    }

    /// The same hash is the same text and model, so the vector is right whichever version left it there.
    fn vector(&self, tenant: Uuid, passage: &Embedded) -> Option<Vec<f32>> {
        self.vectors.get(&points::passage_id(tenant, &passage.key)).filter(|(hash, _)| *hash == passage.hash).map(|(_, vector)| vector.clone())
    }
}

fn vector_of(point: &RetrievedPoint) -> Option<Vec<f32>> {
    match point.vectors.as_ref()?.get_vector_by_name(VECTOR)? {
        Values::Dense(dense) => Some(dense.data),
        _ => None,
    }
}

fn upsert(points: Vec<PointStruct>, update_filter: Filter) -> Option<PointsUpdateOperation> {
    if points.is_empty() {
        return None;
    }
    let list = PointStructList { points, update_filter: Some(update_filter), ..PointStructList::default() };
    Some(PointsUpdateOperation { operation: Some(Operation::Upsert(list)) })
}

fn delete(filter: Filter) -> PointsUpdateOperation {
    PointsUpdateOperation { operation: Some(Operation::DeletePoints(DeletePoints { points: Some(filter.into()), shard_key_selector: None })) }
}

/// Through the leader of the shard, which puts all operations into one order.
pub(super) fn strong() -> WriteOrdering {
    WriteOrdering { r#type: WriteOrderingType::Strong.into() }
}
