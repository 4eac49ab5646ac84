//! What the index knows of records: their versions, for the fence, for the reconciler and for pruning.

use super::schema::{BARE, Fields, KIND, PASSAGE, TOMBSTONE, VERSION, record_bytes};
use super::search::damaged;
use crate::engine::Known;
use crate::passage::Record;
use ::tantivy::schema::{Field, IndexRecordOption};
use ::tantivy::{DocId, DocSet, Result, Searcher, SegmentReader, TERMINATED, Term};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The version that the index holds of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub version: i64,
    pub gone: bool,
}

pub(super) fn held(searcher: &Searcher, record: Field, term: &Term) -> Result<Option<Held>> {
    for segment in searcher.segment_readers() {
        let Some(mut postings) = segment.inverted_index(record)?.read_postings(term, IndexRecordOption::Basic)? else { continue };
        while postings.doc() != TERMINATED {
            if !segment.is_deleted(postings.doc()) {
                let Columns { version, kind } = columns(segment, postings.doc())?;
                return Ok(Some(Held { version, gone: kind == TOMBSTONE }));
            }
            postings.advance();
        }
    }
    Ok(None)
}

/// Live records in the order of their ids.
pub(super) fn known(searcher: &Searcher, fields: &Fields, tenant: Uuid, resource: &str, after: Option<Uuid>, limit: usize) -> Result<Vec<Known>> {
    let mut records: BTreeMap<Uuid, (i64, u32)> = BTreeMap::new();
    let beginning = record_bytes(tenant, resource, None);
    let last = record_bytes(tenant, resource, Some(Uuid::max()));
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(fields.record)?;
        let range = index.terms().range().le(&last);
        let range = match after {
            Some(after) => range.gt(record_bytes(tenant, resource, Some(after))),
            None => range.ge(&beginning),
        };
        let mut terms = range.into_stream()?;
        let mut found = 0;
        // The first records of all are among the first of each segment that holds documents of them.
        while found < limit && terms.advance() {
            let mut postings = index.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
            let mut live = None;
            while postings.doc() != TERMINATED {
                if !segment.is_deleted(postings.doc()) {
                    let Columns { version, kind } = columns(segment, postings.doc())?;
                    if kind == PASSAGE || kind == BARE {
                        let (_, passages) = live.get_or_insert((version, 0));
                        *passages += u32::from(kind == PASSAGE);
                    }
                }
                postings.advance();
            }
            let Some((version, passages)) = live else { continue };
            found += 1;
            let id = terms.key().get(beginning.len()..).and_then(|id| Uuid::from_slice(id).ok()).ok_or_else(|| damaged("a record has no id"))?;
            records.entry(id).or_insert((version, 0)).1 += passages;
        }
    }
    let known = |(id, (version, passages))| Known { record: Record { resource: resource.to_owned(), id }, version, passages };
    Ok(records.into_iter().take(limit).map(known).collect())
}

/// The times of tombstones before one, and how many tombstones these are.
pub(super) fn tombstones_before(searcher: &Searcher, fields: &Fields, before: &[u8]) -> Result<(Vec<Vec<u8>>, u64)> {
    let mut times = Vec::new();
    let mut tombstones = 0;
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(fields.gone_at)?;
        let mut terms = index.terms().range().lt(before).into_stream()?;
        while terms.advance() {
            let mut postings = index.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
            while postings.doc() != TERMINATED {
                tombstones += u64::from(!segment.is_deleted(postings.doc()));
                postings.advance();
            }
            times.push(terms.key().to_vec());
        }
    }
    times.sort_unstable();
    times.dedup();
    Ok((times, tombstones))
}

struct Columns {
    version: i64,
    kind: u64,
}

fn columns(segment: &SegmentReader, doc: DocId) -> Result<Columns> {
    let columns = segment.fast_fields();
    let version = columns.i64(VERSION)?.first(doc).ok_or_else(|| damaged("a document has no version"))?;
    let kind = columns.u64(KIND)?.first(doc).ok_or_else(|| damaged("a document has no kind"))?;
    Ok(Columns { version, kind })
}
