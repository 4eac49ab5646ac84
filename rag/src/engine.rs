//! The two kinds of engines, each behind a trait with one contract suite (`tests/it/contract/`).
//!
//! A write replaces all passages of a record at once, so that no chunk of an earlier text remains. It is fenced by the
//! row's version, in the engine itself: late, repeated and reordered writes change nothing. The version of a row that is
//! gone is kept as a tombstone for as long as an older write could still arrive.
//!
//! **Invariants:** nothing is found without a [`Permit`]; nothing of another tenant or of another generation is found;
//! what [`TextIndex::apply`] and [`VectorIndex::apply`] have acknowledged survives a `kill -9`.

mod embedding;
pub mod pgvector;
pub mod qdrant;
pub mod tantivy;

use crate::passage::{Attributes, Key, Passage, Record};
use crate::permit::Permit;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// One complete filling of the engines. A rebuild fills the next one beside the live one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub i64);

/// What a record is now, as it was read from its table. `P` is what the engine holds of a passage.
#[derive(Clone, Debug)]
pub struct Write<P> {
    pub tenant: Uuid,
    pub record: Record,
    /// Of the row that was read, or the last one known of a row that is gone.
    pub version: i64,
    pub state: State<P>,
}

#[derive(Clone, Debug)]
pub enum State<P> {
    /// Takes the place of a live write of the same version: a record is rendered anew when its catalogue changes.
    Live { attributes: Attributes, passages: Vec<P> },
    /// Deleted or archived. Beats a live write of the same version; a live write of a higher one brings the record back.
    Gone,
}

/// A passage with its embedding.
#[derive(Clone, Debug)]
pub struct Embedded {
    pub key: Key,
    /// [`Passage::hash`] of what the vector was made from.
    pub hash: [u8; 32],
    /// `None` keeps the vector that the engine holds under the same key and hash; [`VectorIndex::hashes`] tells of it.
    pub vector: Option<Arc<[f32]>>,
}

/// A candidate. Scores order the hits of one answer; they mean nothing beyond it and are shown to nobody.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub key: Key,
    pub version: i64,
    pub score: f32,
}

/// A record as an engine knows it, for the reconciler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub record: Record,
    pub version: i64,
    /// Passages that the engine holds of it; 0 for a tombstone, which is not listed.
    pub passages: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextQuery {
    pub text: String,
    /// The last word may be the beginning of one: search as you type.
    pub prefix: bool,
    pub limit: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine cannot be reached or has not answered in time. Whoever asks goes on without it and says so.
    #[error("the {engine} engine is not available")]
    Unavailable { engine: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    /// The engine has no such generation.
    #[error("the {engine} engine has no generation {generation}")]
    NoGeneration { engine: &'static str, generation: i64 },
    /// What the engine holds cannot be read: it is to be rebuilt.
    #[error("the {engine} index is damaged")]
    Damaged { engine: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    /// A vector of another length than the generation's.
    #[error("a vector of {found} dimensions was given where {expected} are held")]
    Dimensions { expected: usize, found: usize },
    /// A vector without a direction, to which nothing is near.
    #[error("a vector is zero or not finite")]
    NoDirection,
    /// Something must be set up before the engine can be used; the hint says what.
    #[error("the {engine} engine cannot be used: {hint}")]
    Setup { engine: &'static str, hint: String },
}

pub type Result<T> = std::result::Result<T, Error>;

/// What both kinds of engines can do.
#[async_trait]
pub trait Index: Send + Sync {
    /// As metrics and messages name it: `tantivy`, `pgvector`, `qdrant`, `elasticsearch`.
    fn name(&self) -> &'static str;
    /// Makes an empty generation; one that exists is left as it is.
    async fn create(&self, generation: Generation) -> Result<()>;
    /// Drops a generation with all that it holds; one that does not exist is fine.
    async fn drop(&self, generation: Generation) -> Result<()>;
    /// The generations that the engine holds.
    async fn generations(&self) -> Result<Vec<Generation>>;
    /// Live records of a tenant and a resource in the order of their ids, after `after`, at most `limit`.
    async fn known(&self, generation: Generation, tenant: Uuid, resource: &str, after: Option<Uuid>, limit: usize) -> Result<Vec<Known>>;
    /// Removes all of a tenant, tombstones too.
    async fn forget(&self, generation: Generation, tenant: Uuid) -> Result<()>;
    /// Removes tombstones that are older than the replay window.
    async fn prune(&self, generation: Generation, older_than: chrono::DateTime<chrono::Utc>) -> Result<u64>;
    /// Gives up what only one process may hold, so that another may write; the next write takes it again.
    async fn release(&self) -> Result<()> {
        Ok(())
    }
    /// What the engine wants done now and then, such as indexes that have become worth their while.
    async fn upkeep(&self, _generation: Generation) -> Result<()> {
        Ok(())
    }
}

/// Full text: BM25 with term statistics of the tenant, frozen between rebuilds, so that rows which somebody cannot see
/// change nothing in what he sees.
#[async_trait]
pub trait TextIndex: Index {
    /// Durable and searchable when it returns. All or nothing for each record.
    async fn apply(&self, generation: Generation, writes: &[Write<Passage>]) -> Result<()>;
    /// Best first; equal scores in the order of the keys.
    async fn search(&self, generation: Generation, permit: &Permit, query: &TextQuery) -> Result<Vec<Hit>>;
    /// Takes the term statistics of a tenant anew. Engines that cannot freeze them do nothing.
    async fn freeze(&self, generation: Generation, tenant: Uuid) -> Result<()>;
}

/// Nearest neighbours by cosine.
#[async_trait]
pub trait VectorIndex: Index {
    /// Durable and searchable when it returns. All or nothing for each record.
    async fn apply(&self, generation: Generation, writes: &[Write<Embedded>]) -> Result<()>;
    /// Nearest first; equal distances in the order of the keys.
    async fn search(&self, generation: Generation, permit: &Permit, vector: &[f32], limit: usize) -> Result<Vec<Hit>>;
    /// The hashes under which the engine holds vectors of these records.
    async fn hashes(&self, generation: Generation, tenant: Uuid, records: &[Record]) -> Result<HashMap<Key, [u8; 32]>>;
}
