//! A Qdrant in memory, behind real gRPC: what the engine uses of the protocol, truthfully and exactly, and nothing else.
//!
//! Start at [`Server::start`]. Points lie in the order of their ids, vectors at length one; a search computes every
//! similarity. Whatever is not written here answers `UNIMPLEMENTED`, so that no test passes on what a server was not asked.

mod collections;
mod filter;
mod points;

use qdrant_client::qdrant::collections_server::CollectionsServer;
use qdrant_client::qdrant::points_server::PointsServer;
use qdrant_client::qdrant::qdrant_server::{Qdrant, QdrantServer};
use qdrant_client::qdrant::{CreateCollection, HealthCheckReply, HealthCheckRequest, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A method of the protocol that the engine does not use.
macro_rules! unimplemented_methods {
    ($($name:ident: $request:ident -> $response:ident),+ $(,)?) => { $(
        fn $name<'a, 'async_trait>(
            &'a self,
            _: tonic::Request<qdrant_client::qdrant::$request>,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<tonic::Response<qdrant_client::qdrant::$response>, tonic::Status>> + Send + 'async_trait>>
        where
            'a: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async { Err(tonic::Status::unimplemented(stringify!($name))) })
        }
    )+ };
}
use unimplemented_methods;

#[derive(Clone, Debug)]
struct Point {
    payload: HashMap<String, Value>,
    /// At length one.
    vector: Option<Vec<f32>>,
}

#[derive(Debug)]
struct Collection {
    made: CreateCollection,
    indexes: Vec<String>,
    points: BTreeMap<String, Point>,
}

#[derive(Default)]
struct State {
    collections: BTreeMap<String, Collection>,
    version: String,
    /// The key that came with the last list of collections.
    key: Option<String>,
    /// The next batch tells that it has arrived and waits.
    hold: Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn on<T>(&self, collection: &str, use_it: impl FnOnce(&mut Collection) -> Result<T, Status>) -> Result<T, Status> {
        let mut state = self.0.lock().unwrap();
        let missing = || Status::not_found(format!("Not found: Collection `{collection}` doesn't exist!"));
        use_it(state.collections.get_mut(collection).ok_or_else(missing)?)
    }
}

/// Stops when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Shared,
    _running: JoinSet<()>,
}

/// A batch that the server has taken from its wire and not applied.
pub(crate) struct Held {
    arrived: oneshot::Receiver<()>,
    go: oneshot::Sender<()>,
}

impl Held {
    pub(crate) async fn arrived(&mut self) {
        (&mut self.arrived).await.unwrap();
    }
    pub(crate) fn release(self) {
        self.go.send(()).unwrap();
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let shared = Shared(Arc::new(Mutex::new(State { version: "1.20.0".into(), ..State::default() })));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = tonic::transport::Server::builder()
            .add_service(QdrantServer::new(shared.clone()))
            .add_service(CollectionsServer::new(shared.clone()))
            .add_service(PointsServer::new(shared.clone()).max_decoding_message_size(usize::MAX));
        let mut running = JoinSet::new();
        running.spawn(async move { router.serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true))).await.unwrap() });
        Self { url, shared, _running: running }
    }

    /// The version that it tells.
    pub(crate) fn pretend(&self, version: &str) {
        self.shared.0.lock().unwrap().version = version.into();
    }

    pub(crate) fn key_seen(&self) -> Option<String> {
        self.shared.0.lock().unwrap().key.clone()
    }

    /// The next batch of updates waits for its release.
    pub(crate) fn hold(&self) -> Held {
        let ((arriving, arrived), (go, gone)) = (oneshot::channel(), oneshot::channel());
        self.shared.0.lock().unwrap().hold = Some((arriving, gone));
        Held { arrived, go }
    }

    /// Of all collections.
    pub(crate) fn points(&self) -> usize {
        self.shared.0.lock().unwrap().collections.values().map(|collection| collection.points.len()).sum()
    }
}

#[tonic::async_trait]
impl Qdrant for Shared {
    async fn health_check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckReply>, Status> {
        let version = self.0.lock().unwrap().version.clone();
        Ok(Response::new(HealthCheckReply { title: "in memory".into(), version, commit: None }))
    }
}
