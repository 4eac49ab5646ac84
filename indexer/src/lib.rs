//! The indexer: what was committed becomes what can be found.
//!
//! Start at [`Indexer::run`]. One process leads for each database ([`lead`]); in it every part of the index, full text and
//! vectors, is followed on its own ([`follow`]), so that words are found at once and vectors come after. A part reads the
//! outbox from its cursor, reads again what it was told of ([`source`]), writes it to its engine ([`sink`]) and only then
//! moves the cursor. Payloads are hints; what counts is the row as it is read.
//!
//! [`fill`] walks whole resources: for a new generation, a new tenant, and where what is found of a resource has changed.
//! [`compare`] holds the engines to the rows. [`generation`] says which filling is searched.
//!
//! **Invariants:** a cursor never passes a row whose outcome is not stored; an engine is written by one task alone, so
//! that no older reading follows a newer one; a part whose engine is away waits and holds up nobody but itself.
//!
//! Deliberately absent: searching, see `rag/`.

mod compare;
mod failures;
mod fault;
mod fill;
mod follow;
pub mod generation;
mod lead;
mod outbox;
mod sink;
mod source;
mod status;
mod upkeep;

pub use compare::Drift;
pub use sink::Part;
pub use status::{PartStatus, Status};

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use steward_embedder::Embedder;
use steward_kernel::bus::Kernel;
use steward_kernel::error::Error;
use steward_rag::engine::{Generation, TextIndex, VectorIndex};
use tokio::sync::Mutex;

/// What is filled.
#[derive(Clone)]
pub struct Engines {
    pub text: Arc<dyn TextIndex>,
    /// `None` where the configuration wants none.
    pub vectors: Option<Vectors>,
}

/// An engine for vectors and what makes them.
#[derive(Clone)]
pub struct Vectors {
    pub index: Arc<dyn VectorIndex>,
    pub embedder: Arc<dyn Embedder>,
}

#[derive(Clone, Debug)]
pub struct Settings {
    /// The net under the wake-up in the process: how often a leader looks for itself, and a follower asks for the lead.
    pub poll: Duration,
    /// Rows of the outbox that are read at once.
    pub batch_rows: i32,
    /// Records of a filling that are read at once.
    pub chunk_rows: u32,
    pub attempts_max: i32,
    /// How often tenants and their catalogues are looked at for what must be filled.
    pub survey_every: Duration,
    /// How often each resource of a tenant is compared with the engines.
    pub compare_every: Duration,
    pub metrics_every: Duration,
    /// Tombstones are kept for longer than any delivery can take: as long as the outbox is kept.
    pub tombstones_keep: Duration,
    /// The longest pause while an engine is away.
    pub pause_max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            batch_rows: 500,
            chunk_rows: 200,
            attempts_max: 8,
            survey_every: Duration::from_secs(30),
            compare_every: Duration::from_secs(3_600),
            metrics_every: Duration::from_secs(10),
            tombstones_keep: Duration::from_secs(120 * 86_400),
            pause_max: Duration::from_secs(60),
        }
    }
}

/// Cheap to clone; clones share the leadership.
#[derive(Clone)]
pub struct Indexer {
    shared: Arc<Shared>,
}

struct Shared {
    kernel: Arc<Kernel>,
    engines: Engines,
    settings: Settings,
    /// Digest of what passages are made of in this release.
    shape: [u8; 32],
    leading: AtomicBool,
    /// Held while this process works, so that [`Indexer::run`] and [`Indexer::settle`] do not meet.
    turn: Mutex<()>,
}

impl Indexer {
    pub fn new(kernel: Arc<Kernel>, engines: Engines, settings: Settings) -> Self {
        let shape = source::shape_of_all(&kernel.registry.catalogue);
        Self { shared: Arc::new(Shared { kernel, engines, settings, shape, leading: AtomicBool::new(false), turn: Mutex::new(()) }) }
    }

    /// Asks for a new generation beside the live one; whoever leads builds it and swaps it in.
    pub async fn rebuild(&self) -> Result<Generation, Error> {
        let shared = &self.shared;
        let generation = generation::request(&shared.kernel.database.relay, shared.model(), &shared.shape, generation::Reason::Asked).await?;
        shared.kernel.committed.tell();
        Ok(generation)
    }
}

impl Shared {
    /// That vectors are made by; empty without vectors.
    fn model(&self) -> &str {
        self.engines.vectors.as_ref().map_or("", |vectors| vectors.embedder.model())
    }
}
