//! The embedded full text: tantivy, in a folder for each generation.
//!
//! Start at [`generation::Generation`]: writes with their fence, and the reader that follows what other processes commit.
//! `schema` says what a document is, `analysis` what a word is, `search` how a question is answered, `statistics` what
//! words are weighed by.
//!
//! One process writes, elected by the indexer; the writer is opened by the first write and given up by
//! [`TantivyText::release`]. Any number of processes read. All tenants share an index, because each writer takes its own
//! memory; nothing else is shared: the words of a tenant are terms of their own.

pub(crate) mod analysis;
mod generation;
mod records;
mod schema;
mod search;
mod statistics;

use super::{Error, Generation, Hit, Index, Known, Result, TextIndex, TextQuery, Write};
use crate::passage::Passage;
use crate::permit::Permit;
use ::tantivy::TantivyError;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use generation::{is_transient, lock, sync};
use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use steward_kernel::{Clock, ids};
use uuid::Uuid;

const NAME: &str = "tantivy";

/// The generations under a folder. Cheap to clone; the clones share their writer.
#[derive(Clone)]
pub struct TantivyText {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    /// Gives tombstones their time.
    clock: Clock,
    open: Mutex<HashMap<Generation, Arc<generation::Generation>>>,
}

impl TantivyText {
    /// Under `<home>/index/text`. Nothing is read or made yet.
    pub fn new(root: PathBuf, clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { root, clock, open: Mutex::default() }) }
    }

    /// Gives up writing, so that another process may take over; the next write here opens the writer again. Waits for
    /// merges that run.
    pub async fn release(&self) -> Result<()> {
        self.blocking(|inner| {
            let open: Vec<_> = lock(&inner.open).values().cloned().collect();
            open.iter().try_for_each(|generation| generation.release()).map_err(failure)
        })
        .await
    }

    /// tantivy reads files and takes locks; it also panics at some kinds of damage.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(Error::Damaged { engine: NAME, source: Box::new(error) }),
            Err(error) => Err(Error::Unavailable { engine: NAME, source: Box::new(error) }),
        }
    }

    async fn on<T: Send + 'static>(
        &self,
        generation: Generation,
        work: impl FnOnce(&generation::Generation, &Inner) -> ::tantivy::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.blocking(move |inner| {
            let open = inner.open(generation)?;
            work(&open, inner).map_err(|error| {
                // Whatever it was, the next call starts from the files; a generation that another process dropped is no damage.
                if !is_transient(&error) {
                    lock(&inner.open).remove(&generation);
                }
                if inner.folder(generation).is_dir() { failure(error) } else { missing(generation) }
            })
        })
        .await
    }
}

impl Inner {
    fn folder(&self, generation: Generation) -> PathBuf {
        self.root.join(generation.0.to_string())
    }

    fn open(&self, generation: Generation) -> Result<Arc<generation::Generation>> {
        let mut open = lock(&self.open);
        if let Some(open) = open.get(&generation) {
            return Ok(Arc::clone(open));
        }
        let folder = self.folder(generation);
        if !folder.is_dir() {
            return Err(missing(generation));
        }
        let opened = Arc::new(generation::Generation::open(folder).map_err(failure)?);
        open.insert(generation, Arc::clone(&opened));
        Ok(opened)
    }

    fn create(&self, generation: Generation) -> ::tantivy::Result<()> {
        let folder = self.folder(generation);
        if folder.is_dir() {
            return Ok(());
        }
        // Complete or not at all: a generation is what has its name.
        let draft = self.root.join(format!(".new-{}", ids::fresh().simple()));
        generation::Generation::create(&draft)?;
        match fs::rename(&draft, &folder) {
            Ok(()) => sync(&self.root)?,
            // Another process was faster.
            Err(_) if folder.is_dir() => fs::remove_dir_all(&draft)?,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn drop(&self, generation: Generation) -> io::Result<()> {
        let open = lock(&self.open).remove(&generation);
        // A merge that still runs would write into the folder while it is removed. Somebody may still be reading.
        if let Some(Err(error)) = open.map(|open| open.release()) {
            tracing::debug!(%error, "a dropped text index was not closed in order");
        }
        let gone = self.root.join(format!(".gone-{}", ids::fresh().simple()));
        match fs::rename(self.folder(generation), &gone) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(()) => sync(&self.root)?,
        }
        // Also what a process left behind that ended while it made or removed one. Drafts of others may be in use.
        for name in self.names()?.iter().filter(|name| name.starts_with(".gone-")) {
            match fs::remove_dir_all(self.root.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        match fs::read_dir(&self.root) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
        }
    }
}

fn missing(generation: Generation) -> Error {
    Error::NoGeneration { engine: NAME, generation: generation.0 }
}

fn failure(error: TantivyError) -> Error {
    if is_transient(&error) { Error::Unavailable { engine: NAME, source: Box::new(error) } } else { Error::Damaged { engine: NAME, source: Box::new(error) } }
}

fn unavailable(error: io::Error) -> Error {
    Error::Unavailable { engine: NAME, source: Box::new(error) }
}

#[async_trait]
impl Index for TantivyText {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn create(&self, generation: Generation) -> Result<()> {
        self.blocking(move |inner| inner.create(generation).map_err(failure)).await
    }

    async fn drop(&self, generation: Generation) -> Result<()> {
        self.blocking(move |inner| inner.drop(generation).map_err(unavailable)).await
    }

    async fn generations(&self) -> Result<Vec<Generation>> {
        self.blocking(|inner| {
            let names = inner.names().map_err(unavailable)?;
            let mut generations: Vec<_> = names.iter().filter_map(|name| name.parse().ok().map(Generation)).collect();
            generations.sort_unstable();
            Ok(generations)
        })
        .await
    }

    async fn known(&self, generation: Generation, tenant: Uuid, resource: &str, after: Option<Uuid>, limit: usize) -> Result<Vec<Known>> {
        let resource = resource.to_owned();
        self.on(generation, move |open, _| open.known(tenant, &resource, after, limit)).await
    }

    async fn forget(&self, generation: Generation, tenant: Uuid) -> Result<()> {
        self.on(generation, move |open, _| open.forget(tenant)).await
    }

    async fn prune(&self, generation: Generation, older_than: DateTime<Utc>) -> Result<u64> {
        self.on(generation, move |open, _| open.prune(older_than)).await
    }

    async fn release(&self) -> Result<()> {
        // The engine's own, which has the same name.
        Self::release(self).await
    }
}

#[async_trait]
impl TextIndex for TantivyText {
    async fn apply(&self, generation: Generation, writes: &[Write<Passage>]) -> Result<()> {
        let writes = writes.to_vec();
        self.on(generation, move |open, inner| open.apply(&writes, inner.clock.now())).await
    }

    async fn search(&self, generation: Generation, permit: &Permit, query: &TextQuery) -> Result<Vec<Hit>> {
        // Who may find nothing learns nothing, not even whether the index is there.
        if permit.clauses().is_empty() {
            return Ok(Vec::new());
        }
        let (permit, query) = (permit.clone(), query.clone());
        self.on(generation, move |open, _| open.search(&permit, &query)).await
    }

    async fn freeze(&self, generation: Generation, tenant: Uuid) -> Result<()> {
        self.on(generation, move |open, _| open.freeze(tenant)).await
    }
}
