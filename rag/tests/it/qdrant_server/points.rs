//! Points: conditional upserts, deletions, look-ups, scrolling in the order of ids or of an indexed number, counting, and
//! exact search by cosine.

use super::filter::Sieve;
use super::{Collection, Point, Shared, unimplemented_methods};
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_server::Points;
use qdrant_client::qdrant::points_update_operation::Operation;
use qdrant_client::qdrant::query::Variant;
use qdrant_client::qdrant::start_from::Value as Start;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vector_input::Variant as Input;
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::with_vectors_selector::SelectorOptions;
use qdrant_client::qdrant::{
    CountPoints, CountResponse, CountResult, CreateFieldIndexCollection, DeletePoints, Filter, GetPoints, GetResponse, NamedVectorsOutput, PointId,
    PointStruct, PointsOperationResponse, PointsSelector, QueryPoints, QueryResponse, RetrievedPoint, ScoredPoint, ScrollPoints, ScrollResponse,
    UpdateBatchPoints, UpdateBatchResponse, UpdateResult, UpdateStatus, VectorOutput, VectorsOutput, WithVectorsSelector, vector, vector_output,
    vectors_output,
};
use std::collections::HashMap;
use tonic::{Request, Response, Status};

fn uuid(id: Option<&PointId>) -> Result<String, Status> {
    match id.and_then(|id| id.point_id_options.as_ref()) {
        Some(PointIdOptions::Uuid(id)) => Ok(id.parse::<uuid::Uuid>().map_err(|_| Status::invalid_argument("not a UUID"))?.to_string()),
        other => Err(Status::unimplemented(format!("id {other:?}"))),
    }
}

fn normal(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter().map(|x| x / length).collect()
}

/// The name and the length of the collection's one vector.
fn layout(collection: &Collection) -> Result<(String, usize), Status> {
    match collection.made.vectors_config.as_ref().and_then(|config| config.config.as_ref()) {
        Some(Config::ParamsMap(named)) if named.map.len() == 1 => {
            Ok(named.map.iter().map(|(name, params)| (name.clone(), params.size as usize)).next().unwrap())
        }
        other => Err(Status::unimplemented(format!("vectors {other:?}"))),
    }
}

fn checked(vector: &[f32], length: usize) -> Result<Vec<f32>, Status> {
    if vector.len() != length {
        return Err(Status::invalid_argument(format!("Wrong input: Vector dimension error: expected dim: {length}, got {}", vector.len())));
    }
    Ok(normal(vector))
}

fn upsert(collection: &mut Collection, points: Vec<PointStruct>, update: Option<&Filter>) -> Result<(), Status> {
    let (name, length) = layout(collection)?;
    let update = Sieve::of(update)?;
    for point in points {
        let id = uuid(point.id.as_ref())?;
        if let Some(held) = collection.points.get(&id)
            && !update.passes(&id, &held.payload)
        {
            continue;
        }
        let vector = match point.vectors.and_then(|vectors| vectors.vectors_options) {
            Some(VectorsOptions::Vectors(mut named)) => match named.vectors.remove(&name).and_then(|vector| vector.vector) {
                Some(vector::Vector::Dense(dense)) => Some(checked(&dense.data, length)?),
                None if named.vectors.is_empty() => None,
                other => return Err(Status::unimplemented(format!("vector {other:?}"))),
            },
            other => return Err(Status::unimplemented(format!("vectors {other:?}"))),
        };
        collection.points.insert(id, Point { payload: point.payload, vector });
    }
    Ok(())
}

fn delete(collection: &mut Collection, selector: Option<&PointsSelector>) -> Result<(), Status> {
    let Some(PointsSelectorOneOf::Filter(filter)) = selector.and_then(|selector| selector.points_selector_one_of.as_ref()) else {
        return Err(Status::unimplemented("deletion without a filter"));
    };
    let gone = Sieve::of(Some(filter))?;
    collection.points.retain(|id, point| !gone.passes(id, &point.payload));
    Ok(())
}

fn completed() -> UpdateResult {
    UpdateResult { operation_id: Some(1), status: UpdateStatus::Completed.into() }
}

fn vectors_of(collection: &Collection, point: &Point, wanted: Option<&WithVectorsSelector>) -> Result<Option<VectorsOutput>, Status> {
    match wanted.and_then(|wanted| wanted.selector_options.as_ref()) {
        None | Some(SelectorOptions::Enable(false)) => Ok(None),
        Some(SelectorOptions::Enable(true)) => {
            let (name, _) = layout(collection)?;
            let dense = |data: &Vec<f32>| VectorOutput {
                vector: Some(vector_output::Vector::Dense(qdrant_client::qdrant::DenseVector { data: data.clone() })),
                ..VectorOutput::default()
            };
            let vectors: HashMap<String, VectorOutput> = point.vector.iter().map(|vector| (name.clone(), dense(vector))).collect();
            Ok(Some(VectorsOutput { vectors_options: Some(vectors_output::VectorsOptions::Vectors(NamedVectorsOutput { vectors })) }))
        }
        other => Err(Status::unimplemented(format!("vectors {other:?}"))),
    }
}

fn retrieved(collection: &Collection, id: &str, point: &Point, wanted: Option<&WithVectorsSelector>) -> Result<RetrievedPoint, Status> {
    let vectors = vectors_of(collection, point, wanted)?;
    Ok(RetrievedPoint { id: Some(id.into()), payload: point.payload.clone(), vectors, ..RetrievedPoint::default() })
}

fn matching<'a>(collection: &'a Collection, filter: Option<&Filter>) -> Result<Vec<(&'a String, &'a Point)>, Status> {
    let filter = Sieve::of(filter)?;
    Ok(collection.points.iter().filter(|(id, point)| filter.passes(id, &point.payload)).collect())
}

/// In eights with sums of their own: without optimisation an iterator over pairs costs ten times as much, and a search
/// computes this for every point.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    let (one, one_rest) = one.as_chunks::<8>();
    let (other, other_rest) = other.as_chunks::<8>();
    let mut sums = [0.0_f32; 4];
    for (a, b) in one.iter().zip(other) {
        sums[0] += a[0] * b[0] + a[4] * b[4];
        sums[1] += a[1] * b[1] + a[5] * b[5];
        sums[2] += a[2] * b[2] + a[6] * b[6];
        sums[3] += a[3] * b[3] + a[7] * b[7];
    }
    let rest: f32 = one_rest.iter().zip(other_rest).map(|(a, b)| a * b).sum();
    sums[0] + sums[1] + sums[2] + sums[3] + rest
}

#[tonic::async_trait]
impl Points for Shared {
    async fn update_batch(&self, request: Request<UpdateBatchPoints>) -> Result<Response<UpdateBatchResponse>, Status> {
        let request = request.into_inner();
        let hold = self.0.lock().unwrap().hold.take();
        if let Some((arriving, go)) = hold {
            arriving.send(()).unwrap();
            go.await.unwrap();
        }
        if request.wait != Some(true) {
            return Err(Status::unimplemented("an update that is not waited for"));
        }
        let mut result = Vec::new();
        for operation in request.operations {
            // One by one, as a server applies them: others may come in between.
            self.on(&request.collection_name, |collection| match operation.operation {
                Some(Operation::Upsert(list)) if list.update_mode.is_none() => upsert(collection, list.points, list.update_filter.as_ref()),
                Some(Operation::DeletePoints(points)) => delete(collection, points.points.as_ref()),
                other => Err(Status::unimplemented(format!("operation {other:?}"))),
            })?;
            result.push(completed());
        }
        Ok(Response::new(UpdateBatchResponse { result, ..UpdateBatchResponse::default() }))
    }

    async fn delete(&self, request: Request<DeletePoints>) -> Result<Response<PointsOperationResponse>, Status> {
        let request = request.into_inner();
        self.on(&request.collection_name, |collection| delete(collection, request.points.as_ref()))?;
        Ok(Response::new(PointsOperationResponse { result: Some(completed()), ..PointsOperationResponse::default() }))
    }

    async fn get(&self, request: Request<GetPoints>) -> Result<Response<GetResponse>, Status> {
        let request = request.into_inner();
        let result = self.on(&request.collection_name, |collection| {
            let mut found = Vec::new();
            for id in &request.ids {
                let id = uuid(Some(id))?;
                if let Some(point) = collection.points.get(&id) {
                    found.push(retrieved(collection, &id, point, request.with_vectors.as_ref())?);
                }
            }
            Ok(found)
        })?;
        Ok(Response::new(GetResponse { result, ..GetResponse::default() }))
    }

    async fn scroll(&self, request: Request<ScrollPoints>) -> Result<Response<ScrollResponse>, Status> {
        let request = request.into_inner();
        let limit = request.limit.unwrap_or(10) as usize;
        let (result, next_page_offset) = self.on(&request.collection_name, |collection| {
            let mut found = matching(collection, request.filter.as_ref())?;
            let mut next = None;
            if let Some(order) = &request.order_by {
                if !collection.indexes.contains(&order.key) {
                    return Err(Status::invalid_argument(format!("No range index for `order_by` key: `{}`", order.key)));
                }
                let number = |point: &Point| match point.payload.get(&order.key).and_then(|value| value.kind.as_ref()) {
                    Some(Kind::IntegerValue(number)) => Some(*number),
                    _ => None,
                };
                let start = match order.start_from.as_ref().and_then(|start| start.value.as_ref()) {
                    None => i64::MIN,
                    Some(Start::Integer(start)) => *start,
                    other => return Err(Status::unimplemented(format!("start {other:?}"))),
                };
                found.retain(|(_, point)| number(point).is_some_and(|number| number >= start));
                found.sort_by_key(|(_, point)| number(point));
            } else {
                if let Some(offset) = &request.offset {
                    let offset = uuid(Some(offset))?;
                    found.retain(|(id, _)| **id >= offset);
                }
                next = found.get(limit).map(|(id, _)| PointId::from(id.as_str()));
            }
            found.truncate(limit);
            let page: Result<Vec<_>, Status> = found.into_iter().map(|(id, point)| retrieved(collection, id, point, request.with_vectors.as_ref())).collect();
            Ok((page?, next))
        })?;
        Ok(Response::new(ScrollResponse { next_page_offset, result, ..ScrollResponse::default() }))
    }

    async fn count(&self, request: Request<CountPoints>) -> Result<Response<CountResponse>, Status> {
        let request = request.into_inner();
        let count = self.on(&request.collection_name, |collection| Ok(matching(collection, request.filter.as_ref())?.len() as u64))?;
        Ok(Response::new(CountResponse { result: Some(CountResult { count }), ..CountResponse::default() }))
    }

    async fn query(&self, request: Request<QueryPoints>) -> Result<Response<QueryResponse>, Status> {
        let request = request.into_inner();
        let wanted = match request.query.and_then(|query| query.variant) {
            Some(Variant::Nearest(qdrant_client::qdrant::VectorInput { variant: Some(Input::Dense(dense)) })) => dense.data,
            other => return Err(Status::unimplemented(format!("query {other:?}"))),
        };
        if !request.prefetch.is_empty() || request.offset.is_some() || request.score_threshold.is_some() {
            return Err(Status::unimplemented("prefetch, offset or threshold"));
        }
        let limit = request.limit.unwrap_or(10) as usize;
        let result = self.on(&request.collection_name, |collection| {
            let (name, length) = layout(collection)?;
            if request.using.as_deref() != Some(&name) {
                return Err(Status::invalid_argument("Wrong input: Not existing vector name error"));
            }
            let wanted = checked(&wanted, length)?;
            let mut scored: Vec<(f32, &String, &Point)> = matching(collection, request.filter.as_ref())?
                .into_iter()
                .filter_map(|(id, point)| Some((dot(point.vector.as_ref()?, &wanted), id, point)))
                .collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0));
            scored.truncate(limit);
            let point = |(score, id, point): (f32, &String, &Point)| ScoredPoint {
                id: Some(id.as_str().into()),
                payload: point.payload.clone(),
                score,
                ..ScoredPoint::default()
            };
            Ok(scored.into_iter().map(point).collect())
        })?;
        Ok(Response::new(QueryResponse { result, ..QueryResponse::default() }))
    }

    async fn create_field_index(&self, request: Request<CreateFieldIndexCollection>) -> Result<Response<PointsOperationResponse>, Status> {
        let request = request.into_inner();
        self.on(&request.collection_name, |collection| {
            collection.indexes.push(request.field_name);
            Ok(())
        })?;
        Ok(Response::new(PointsOperationResponse { result: Some(completed()), ..PointsOperationResponse::default() }))
    }

    unimplemented_methods! {
        upsert: UpsertPoints -> PointsOperationResponse,
        update_vectors: UpdatePointVectors -> PointsOperationResponse,
        delete_vectors: DeletePointVectors -> PointsOperationResponse,
        set_payload: SetPayloadPoints -> PointsOperationResponse,
        overwrite_payload: SetPayloadPoints -> PointsOperationResponse,
        delete_payload: DeletePayloadPoints -> PointsOperationResponse,
        clear_payload: ClearPayloadPoints -> PointsOperationResponse,
        delete_field_index: DeleteFieldIndexCollection -> PointsOperationResponse,
        create_vector_name: CreateVectorNameRequest -> PointsOperationResponse,
        delete_vector_name: DeleteVectorNameRequest -> PointsOperationResponse,
        search: SearchPoints -> SearchResponse,
        search_batch: SearchBatchPoints -> SearchBatchResponse,
        search_groups: SearchPointGroups -> SearchGroupsResponse,
        recommend: RecommendPoints -> RecommendResponse,
        recommend_batch: RecommendBatchPoints -> RecommendBatchResponse,
        recommend_groups: RecommendPointGroups -> RecommendGroupsResponse,
        discover: DiscoverPoints -> DiscoverResponse,
        discover_batch: DiscoverBatchPoints -> DiscoverBatchResponse,
        query_batch: QueryBatchPoints -> QueryBatchResponse,
        query_groups: QueryPointGroups -> QueryGroupsResponse,
        facet: FacetCounts -> FacetResponse,
        search_matrix_pairs: SearchMatrixPoints -> SearchMatrixPairsResponse,
        search_matrix_offsets: SearchMatrixPoints -> SearchMatrixOffsetsResponse,
    }
}
