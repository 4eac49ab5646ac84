//! Vectors in a Qdrant server, for those who run one.
//!
//! Start at [`write`], which says how a record is replaced and how late writers are fenced, and at [`search`]. A generation is
//! one collection, `<prefix>_<generation>`. It holds points of two kinds: a passage with its vector, and for each record one
//! point without a vector, which carries the version. **A passage counts only while it has the version of its record's
//! point, and that point is not gone**: whatever a writer that was stopped half way left behind is found by nobody.
//!
//! Versions are compared by Qdrant as floating-point numbers, exact below 2⁵³.

mod filter;
mod points;
mod search;
mod upkeep;
mod write;

use super::{Embedded, Error, Generation, Hit, Index, Known, Result, VectorIndex, Write, embedding};
use crate::passage::{Key, Record};
use crate::permit::Permit;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::{Qdrant as Client, QdrantError};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use steward_kernel::Clock;
use tonic_code::not_found;
use uuid::Uuid;

pub(crate) const NAME: &str = "qdrant";

/// The vector of a passage. A record's point has none.
const VECTOR: &str = "text";

/// Vectors of one tenant up to about this many are compared one by one; beyond, Qdrant searches its graph of the tenant.
pub const EXACT_MAX: u64 = 100_000;

/// How to reach the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Of its gRPC port: `http://qdrant:6334`.
    pub url: String,
    pub api_key: Option<SecretString>,
    /// Collections are named `<prefix>_<generation>`; servers that are shared need one for each installation.
    #[serde(default = "Settings::prefix")]
    pub prefix: String,
    #[serde(default = "Settings::timeout_seconds")]
    pub timeout_seconds: u64,
}

impl Settings {
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), api_key: None, prefix: Self::prefix(), timeout_seconds: Self::timeout_seconds() }
    }
    fn prefix() -> String {
        "steward".to_owned()
    }
    fn timeout_seconds() -> u64 {
        10
    }
}

pub struct Qdrant {
    client: Client,
    clock: Clock,
    prefix: String,
    /// Of the generations that this engine makes; one that exists keeps its own.
    dimensions: usize,
    exact_max: u64,
    /// Of generations that were looked up.
    known_dimensions: RwLock<HashMap<Generation, usize>>,
}

impl Qdrant {
    /// Connects when it is first used.
    pub fn new(settings: &Settings, clock: Clock, dimensions: usize) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if settings.prefix.is_empty() || !settings.prefix.chars().all(plain) {
            return Err(setup("the prefix of the collections is letters, digits, `_` and `-`"));
        }
        let timeout = Duration::from_secs(settings.timeout_seconds.max(1));
        let client = Client::from_url(&settings.url)
            .timeout(timeout)
            .connect_timeout(timeout)
            .api_key(settings.api_key.as_ref().map(|key| key.expose_secret().to_owned()))
            .skip_compatibility_check()
            .build()
            .map_err(|_| setup("the URL of Qdrant cannot be read; it is like `http://qdrant:6334`"))?;
        Ok(Self { client, clock, prefix: settings.prefix.clone(), dimensions, exact_max: EXACT_MAX, known_dimensions: RwLock::default() })
    }

    /// Another bound than [`EXACT_MAX`].
    pub fn exact_up_to(mut self, vectors: u64) -> Self {
        self.exact_max = vectors;
        self
    }

    fn collection(&self, generation: Generation) -> String {
        format!("{}_{}", self.prefix, generation.0)
    }

    async fn dimensions(&self, generation: Generation) -> Result<usize> {
        if let Some(dimensions) = self.known_dimensions.read().unwrap_or_else(PoisonError::into_inner).get(&generation) {
            return Ok(*dimensions);
        }
        let info = self.client.collection_info(self.collection(generation)).await.map_err(|error| self.failed(generation, error))?;
        let config = info.result.and_then(|info| info.config?.params?.vectors_config?.config);
        let size = match config {
            Some(Config::ParamsMap(named)) => named.map.get(VECTOR).map(|params| params.size),
            Some(Config::Params(_)) | None => None,
        };
        let dimensions = size.and_then(|size| usize::try_from(size).ok());
        let dimensions = dimensions.ok_or_else(|| setup(format!("the collection {} was not made by Steward", self.collection(generation))))?;
        self.known_dimensions.write().unwrap_or_else(PoisonError::into_inner).insert(generation, dimensions);
        Ok(dimensions)
    }

    /// A generation may have been dropped, or made anew, by another process since it was looked up.
    fn failed(&self, generation: Generation, error: QdrantError) -> Error {
        self.known_dimensions.write().unwrap_or_else(PoisonError::into_inner).remove(&generation);
        if not_found(&error) { Error::NoGeneration { engine: NAME, generation: generation.0 } } else { unavailable(error) }
    }
}

/// Reads a status without naming the crate of its type, which is the client's own business.
mod tonic_code {
    use qdrant_client::QdrantError;

    /// `NOT_FOUND` of gRPC.
    const NOT_FOUND: i32 = 5;

    pub(super) fn not_found(error: &QdrantError) -> bool {
        matches!(error, QdrantError::ResponseError { status } if status.code() as i32 == NOT_FOUND)
    }
}

#[async_trait]
impl Index for Qdrant {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn create(&self, generation: Generation) -> Result<()> {
        upkeep::create(self, generation).await
    }

    async fn drop(&self, generation: Generation) -> Result<()> {
        self.known_dimensions.write().unwrap_or_else(PoisonError::into_inner).remove(&generation);
        match self.client.delete_collection(self.collection(generation)).await {
            Ok(_) => Ok(()),
            Err(error) if not_found(&error) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn generations(&self) -> Result<Vec<Generation>> {
        let collections = self.client.list_collections().await.map_err(unavailable)?.collections;
        let number = |name: &str| name.strip_prefix(&self.prefix)?.strip_prefix('_')?.parse().ok().map(Generation);
        let mut generations: Vec<Generation> = collections.iter().filter_map(|collection| number(&collection.name)).collect();
        generations.sort();
        Ok(generations)
    }

    async fn known(&self, generation: Generation, tenant: Uuid, resource: &str, after: Option<Uuid>, limit: usize) -> Result<Vec<Known>> {
        upkeep::known(self, generation, tenant, resource, after, limit).await.map_err(|error| self.failed(generation, error))
    }

    async fn forget(&self, generation: Generation, tenant: Uuid) -> Result<()> {
        upkeep::delete(self, generation, filter::of_tenant(tenant)).await
    }

    async fn prune(&self, generation: Generation, older_than: DateTime<Utc>) -> Result<u64> {
        let gone = filter::gone_before(older_than);
        let pruned = upkeep::count(self, generation, gone.clone()).await?;
        upkeep::delete(self, generation, gone).await?;
        Ok(pruned)
    }
}

#[async_trait]
impl VectorIndex for Qdrant {
    async fn apply(&self, generation: Generation, writes: &[Write<Embedded>]) -> Result<()> {
        let dimensions = self.dimensions(generation).await?;
        embedding::check(writes, dimensions)?;
        for (tenant, writes) in embedding::rounds(writes) {
            for batch in embedding::batches(&writes) {
                write::apply(self, generation, tenant, batch).await?;
            }
        }
        Ok(())
    }

    async fn search(&self, generation: Generation, permit: &Permit, vector: &[f32], limit: usize) -> Result<Vec<Hit>> {
        if permit.clauses().is_empty() {
            return Ok(Vec::new());
        }
        let vector = embedding::unit(vector, self.dimensions(generation).await?)?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        search::nearest(self, generation, permit, vector, limit).await
    }

    async fn hashes(&self, generation: Generation, tenant: Uuid, records: &[Record]) -> Result<HashMap<Key, [u8; 32]>> {
        upkeep::hashes(self, generation, tenant, records).await.map_err(|error| self.failed(generation, error))
    }
}

fn unavailable(error: QdrantError) -> Error {
    Error::Unavailable { engine: NAME, source: error.into() }
}

fn setup(hint: impl Into<String>) -> Error {
    Error::Setup { engine: NAME, hint: hint.into() }
}
