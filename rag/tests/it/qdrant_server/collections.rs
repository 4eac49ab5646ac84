//! Collections: made, listed, looked at and dropped.

use super::{Collection, Shared, unimplemented_methods};
use qdrant_client::qdrant::collections_server::Collections;
use qdrant_client::qdrant::{
    CollectionConfig, CollectionDescription, CollectionExists, CollectionExistsRequest, CollectionExistsResponse, CollectionInfo, CollectionOperationResponse,
    CollectionParams, CreateCollection, DeleteCollection, GetCollectionInfoRequest, GetCollectionInfoResponse, ListCollectionsRequest, ListCollectionsResponse,
};
use std::collections::BTreeMap;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Collections for Shared {
    async fn get(&self, request: Request<GetCollectionInfoRequest>) -> Result<Response<GetCollectionInfoResponse>, Status> {
        self.on(&request.get_ref().collection_name, |collection| {
            let params = CollectionParams { vectors_config: collection.made.vectors_config.clone(), ..CollectionParams::default() };
            let config = CollectionConfig { params: Some(params), hnsw_config: collection.made.hnsw_config, ..CollectionConfig::default() };
            let info = CollectionInfo { config: Some(config), points_count: Some(collection.points.len() as u64), ..CollectionInfo::default() };
            Ok(Response::new(GetCollectionInfoResponse { result: Some(info), time: 0.0 }))
        })
    }

    async fn list(&self, request: Request<ListCollectionsRequest>) -> Result<Response<ListCollectionsResponse>, Status> {
        let mut state = self.0.lock().unwrap();
        state.key = request.metadata().get("api-key").map(|key| key.to_str().unwrap().to_owned());
        let collections = state.collections.keys().map(|name| CollectionDescription { name: name.clone() }).collect();
        Ok(Response::new(ListCollectionsResponse { collections, time: 0.0 }))
    }

    async fn create(&self, request: Request<CreateCollection>) -> Result<Response<CollectionOperationResponse>, Status> {
        let (made, mut state) = (request.into_inner(), self.0.lock().unwrap());
        if state.collections.contains_key(&made.collection_name) {
            return Err(Status::already_exists(format!("Wrong input: Collection `{}` already exists!", made.collection_name)));
        }
        let name = made.collection_name.clone();
        state.collections.insert(name, Collection { made, indexes: Vec::new(), points: BTreeMap::new() });
        Ok(Response::new(CollectionOperationResponse { result: true, time: 0.0 }))
    }

    /// A real server answers `false` for one that is not there.
    async fn delete(&self, request: Request<DeleteCollection>) -> Result<Response<CollectionOperationResponse>, Status> {
        let result = self.0.lock().unwrap().collections.remove(&request.get_ref().collection_name).is_some();
        Ok(Response::new(CollectionOperationResponse { result, time: 0.0 }))
    }

    async fn collection_exists(&self, request: Request<CollectionExistsRequest>) -> Result<Response<CollectionExistsResponse>, Status> {
        let exists = self.0.lock().unwrap().collections.contains_key(&request.get_ref().collection_name);
        Ok(Response::new(CollectionExistsResponse { result: Some(CollectionExists { exists }), time: 0.0 }))
    }

    unimplemented_methods! {
        update: UpdateCollection -> CollectionOperationResponse,
        update_aliases: ChangeAliases -> CollectionOperationResponse,
        list_collection_aliases: ListCollectionAliasesRequest -> ListAliasesResponse,
        list_aliases: ListAliasesRequest -> ListAliasesResponse,
        collection_cluster_info: CollectionClusterInfoRequest -> CollectionClusterInfoResponse,
        update_collection_cluster_setup: UpdateCollectionClusterSetupRequest -> UpdateCollectionClusterSetupResponse,
        create_shard_key: CreateShardKeyRequest -> CreateShardKeyResponse,
        delete_shard_key: DeleteShardKeyRequest -> DeleteShardKeyResponse,
        list_shard_keys: ListShardKeysRequest -> ListShardKeysResponse,
    }
}
