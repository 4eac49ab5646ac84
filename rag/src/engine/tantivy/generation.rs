//! One generation on disk: its index, the sidecar files of frozen statistics, its reader and, in the process that leads,
//! its writer. Everything here blocks.
//!
//! **Invariants:** one commit for each batch, and what it acknowledges is on disk; a record's documents are replaced as one,
//! and only by a later version; a write that failed leaves nothing behind for the next commit.

use super::analysis::question;
use super::records::{self, Held};
use super::schema::{Fields, millis_bytes, tokenizers};
use super::search::{damaged, search};
use super::statistics::Statistics;
use crate::engine::{Hit, Known, State, TextQuery, Write};
use crate::passage::{Passage, Record};
use crate::permit::Permit;
use ::tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use ::tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Result, Searcher, TantivyError, Term};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

const META: &str = "meta.json";
/// Statistics that are kept in memory, at 64 KiB each.
const STATISTICS_MAX: usize = 64;
/// The least that a writer takes.
const WRITER_BYTES: usize = 15_000_000;
/// A segment of which more than this is gone is written anew.
const GONE_SHARE_MAX: f32 = 0.3;

pub(super) struct Generation {
    folder: PathBuf,
    fields: Fields,
    index: Index,
    reader: IndexReader,
    /// The list of segments that the reader has loaded, as it stood in its file.
    loaded: Mutex<Vec<u8>>,
    /// Open from the first write until [`Self::release`]; its lock on the folder keeps other processes from writing.
    writer: Mutex<Option<IndexWriter>>,
    statistics: Mutex<HashMap<Uuid, (Stamp, Arc<Statistics>)>>,
}

/// What tells one file from the one that took its place.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified: (i64, i64),
}

impl Generation {
    /// Fills an empty folder.
    pub(super) fn create(folder: &Path) -> Result<()> {
        fs::create_dir_all(folder.join("index"))?;
        fs::create_dir_all(folder.join("statistics"))?;
        Index::builder().schema(Fields::new().schema).tokenizers(tokenizers()).create_in_dir(folder.join("index"))?;
        for made in [folder.join("index"), folder.to_owned()] {
            sync(&made)?;
        }
        Ok(())
    }

    pub(super) fn open(folder: PathBuf) -> Result<Self> {
        let fields = Fields::new();
        let mut index = Index::open_in_dir(folder.join("index"))?;
        if index.schema() != fields.schema {
            return Err(damaged("the index has other fields: it was made by another version"));
        }
        index.set_tokenizers(tokenizers());
        let loaded = fs::read(folder.join("index").join(META))?;
        // Nothing is stored, so that no blocks of it need to be kept.
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).doc_store_cache_num_blocks(0).try_into()?;
        Ok(Self { folder, fields, index, reader, loaded: Mutex::new(loaded), writer: Mutex::new(None), statistics: Mutex::default() })
    }

    /// What is committed now, by whichever process.
    fn fresh(&self) -> Result<Searcher> {
        let meta = fs::read(self.folder.join("index").join(META))?;
        let mut loaded = lock(&self.loaded);
        if *loaded != meta {
            self.reader.reload()?;
            *loaded = meta;
        }
        Ok(self.reader.searcher())
    }

    pub(super) fn search(&self, permit: &Permit, query: &TextQuery) -> Result<Vec<Hit>> {
        let words = question(&query.text, query.prefix);
        let statistics = self.statistics(permit.tenant())?;
        search(&self.fresh()?, &self.fields, &statistics, permit, &words, query.limit)
    }

    pub(super) fn known(&self, tenant: Uuid, resource: &str, after: Option<Uuid>, limit: usize) -> Result<Vec<Known>> {
        records::known(&self.fresh()?, &self.fields, tenant, resource, after, limit)
    }

    pub(super) fn apply(&self, writes: &[Write<Passage>], now: DateTime<Utc>) -> Result<()> {
        self.write(|writer, searcher| {
            let mut changes = 0;
            for write in last_of_each(writes) {
                let term = self.fields.record_term(write.tenant, &write.record);
                let held = records::held(searcher, self.fields.record, &term)?;
                if held.is_some_and(|held| !supersedes(write, held)) {
                    continue;
                }
                changes += 1;
                writer.delete_term(term);
                for document in self.fields.documents(write, now) {
                    writer.add_document(document)?;
                }
            }
            Ok(changes)
        })?;
        Ok(())
    }

    pub(super) fn forget(&self, tenant: Uuid) -> Result<()> {
        let term = self.fields.tenant_term(tenant);
        self.write(|writer, searcher| {
            let changes = searcher.doc_freq(&term)?;
            writer.delete_term(term.clone());
            Ok(changes)
        })?;
        match fs::remove_file(self.statistics_path(tenant)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            Err(_) => {}
            Ok(()) => sync(&self.folder.join("statistics"))?,
        }
        lock(&self.statistics).remove(&tenant);
        Ok(())
    }

    pub(super) fn prune(&self, older_than: DateTime<Utc>) -> Result<u64> {
        self.write(|writer, searcher| {
            let (times, tombstones) = records::tombstones_before(searcher, &self.fields, &millis_bytes(older_than))?;
            for time in times {
                writer.delete_term(Term::from_field_bytes(self.fields.gone_at, &time));
            }
            Ok(tombstones)
        })
    }

    /// Runs `fill` against what is committed and commits what it wrote, if it says that it changed something.
    fn write(&self, fill: impl FnOnce(&mut IndexWriter, &Searcher) -> Result<u64>) -> Result<u64> {
        let mut held = lock(&self.writer);
        let mut writer = match held.take() {
            Some(writer) => writer,
            None => self.writer()?,
        };
        let filled = self.fresh().and_then(|searcher| {
            let changes = fill(&mut writer, &searcher)?;
            if changes > 0 {
                writer.commit()?;
            }
            Ok(changes)
        });
        let changes = match filled {
            Ok(changes) => changes,
            Err(error) => {
                // What is not committed goes with the writer; the first error is the one to tell.
                let _ = writer.wait_merging_threads();
                return Err(error);
            }
        };
        *held = Some(writer);
        if changes > 0 {
            self.fresh()?;
        }
        Ok(changes)
    }

    fn writer(&self) -> Result<IndexWriter> {
        let options = IndexWriterOptions::builder().memory_budget_per_thread(WRITER_BYTES).num_worker_threads(1).num_merge_threads(1).build();
        let writer = self.index.writer_with_options(options)?;
        let mut policy = LogMergePolicy::default();
        policy.set_del_docs_ratio_before_merge(GONE_SHARE_MAX);
        writer.set_merge_policy(Box::new(policy));
        Ok(writer)
    }

    /// Lets another process write. Waits for merges that run: one that ended after the lock is gone would put its list of
    /// segments over what another writer has committed.
    pub(super) fn release(&self) -> Result<()> {
        let mut held = lock(&self.writer);
        match held.take() {
            Some(writer) => writer.wait_merging_threads(),
            None => Ok(()),
        }
    }

    pub(super) fn freeze(&self, tenant: Uuid) -> Result<()> {
        let taken = Statistics::take(&self.fresh()?, &self.fields, tenant)?;
        let path = self.statistics_path(tenant);
        // Two processes that freeze at the same time do not write into one file.
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let _alone = lock(&self.statistics);
        let mut file = File::create(&draft)?;
        file.write_all(&taken.to_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        sync(&self.folder.join("statistics"))?;
        Ok(())
    }

    fn statistics(&self, tenant: Uuid) -> Result<Arc<Statistics>> {
        let path = self.statistics_path(tenant);
        let stamp = match fs::metadata(&path) {
            Ok(meta) => Stamp { inode: meta.ino(), modified: (meta.mtime(), meta.mtime_nsec()) },
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Arc::new(Statistics::CONSTANT)),
            Err(error) => return Err(error.into()),
        };
        let mut kept = lock(&self.statistics);
        if let Some((of, statistics)) = kept.get(&tenant)
            && *of == stamp
        {
            return Ok(Arc::clone(statistics));
        }
        let read = Statistics::from_bytes(&fs::read(&path)?).ok_or_else(|| damaged("frozen statistics cannot be read"))?;
        let read = Arc::new(read);
        if kept.len() >= STATISTICS_MAX {
            // Reading one anew is cheap; which one goes does not matter.
            kept.clear();
        }
        kept.insert(tenant, (stamp, Arc::clone(&read)));
        Ok(read)
    }

    fn statistics_path(&self, tenant: Uuid) -> PathBuf {
        self.folder.join("statistics").join(tenant.simple().to_string())
    }
}

/// A merge under way keeps its lock to the end; whoever must not wait here calls [`Generation::release`] before.
impl Drop for Generation {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            tracing::debug!(%error, "a text index was not closed in order");
        }
    }
}

/// Of several writes of a record in one batch the one that wins.
fn last_of_each(writes: &[Write<Passage>]) -> Vec<&Write<Passage>> {
    let mut last: Vec<&Write<Passage>> = Vec::with_capacity(writes.len());
    let mut places: HashMap<(Uuid, &Record), usize> = HashMap::new();
    for write in writes {
        match places.get(&(write.tenant, &write.record)) {
            None => {
                places.insert((write.tenant, &write.record), last.len());
                last.push(write);
            }
            Some(place) => {
                let before = &mut last[*place];
                if supersedes(write, Held { version: before.version, gone: matches!(before.state, State::Gone) }) {
                    *before = write;
                }
            }
        }
    }
    last
}

fn supersedes(write: &Write<Passage>, held: Held) -> bool {
    write.version > held.version || (write.version == held.version && !held.gone)
}

/// Makes what was renamed or removed in a folder durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What a lock guards here is either replaced as a whole or taken out before anything can panic.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether asking again later may help; else the generation is to be rebuilt.
pub(super) fn is_transient(error: &TantivyError) -> bool {
    use ::tantivy::directory::error::{OpenDirectoryError, OpenReadError};
    let of_kind = |kind| !matches!(kind, ErrorKind::NotFound | ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
    match error {
        TantivyError::LockFailure(..) | TantivyError::OpenWriteError(_) | TantivyError::SystemError(_) | TantivyError::ErrorInThread(_) => true,
        TantivyError::IoError(error) => of_kind(error.kind()),
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => of_kind(io_error.kind()),
        TantivyError::OpenDirectoryError(OpenDirectoryError::IoError { io_error, .. }) => of_kind(io_error.kind()),
        _ => false,
    }
}
