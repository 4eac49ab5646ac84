//! Late binding: candidates are read again under the asker's own row-level security, and what is not there does not exist.

use super::engines::Proposed;
use super::words::Words;
use crate::engine::Hit;
use crate::passage::{Key, Passage, Record};
use crate::render;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use steward_kernel::Read;
use steward_kernel::catalogue::Resource;
use steward_kernel::error::Result;
use steward_kernel::query::TextRow;
use uuid::Uuid;

/// Records of one statement.
const IDS_MAX: usize = 200;

/// What the asker may read of the candidates, from one snapshot.
#[derive(Default)]
pub(super) struct Bound(HashMap<Record, Live>);

/// A record as it is now, with the passages that it consists of for the asker.
pub(super) struct Live {
    pub(super) resource: Arc<Resource>,
    pub(super) row: TextRow,
    passages: HashMap<Key, Passage>,
}

impl Bound {
    /// Reads the records again. One that was put away is found no more.
    pub(super) async fn read(read: &mut Read, records: BTreeSet<Record>) -> Result<Self> {
        let mut by_resource: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
        for Record { resource, id } in records {
            by_resource.entry(resource).or_default().push(id);
        }
        let catalogue = Arc::clone(read.catalogue());
        let mut bound = HashMap::new();
        for (name, ids) in by_resource {
            let Some(resource) = catalogue.resources.get(&name) else { continue };
            for ids in ids.chunks(IDS_MAX) {
                for row in read.texts(&name, ids).await?.into_iter().filter(|row| !row.archived) {
                    let passages = render::render(resource, &row).into_iter().map(|passage| (passage.key.clone(), passage)).collect();
                    bound.insert(Record { resource: name.clone(), id: row.id }, Live { resource: Arc::clone(resource), row, passages });
                }
            }
        }
        Ok(Self(bound))
    }

    pub(super) fn live(&self, record: &Record) -> Option<&Live> {
        self.0.get(record)
    }

    pub(super) fn passage(&self, key: &Key) -> Option<(&Live, &Passage)> {
        let live = self.live(&key.record)?;
        Some((live, live.passages.get(key)?))
    }

    /// The hits of the text index that stand, in their order: the passage is there for the asker as it is now, and still has
    /// a word of the question. So neither a text that changed nor one that was masked since is found by what it said before.
    pub(super) fn by_words(&self, hits: &[Hit], words: &Words) -> Vec<Key> {
        self.standing(hits, |passage| has_words(passage, words))
    }

    /// The hits of the vector index that stand: its vector was made from this very text. Of a text that is another one by
    /// now, or of which a part was masked, a vector says nothing: it must have a word of the question.
    pub(super) fn by_meaning(&self, proposed: &Proposed, model: &str, words: &Words) -> Vec<Key> {
        self.standing(&proposed.hits, |passage| proposed.hashes.get(&passage.key) == Some(&passage.hash(model)) || has_words(passage, words))
    }

    fn standing(&self, hits: &[Hit], stands: impl Fn(&Passage) -> bool) -> Vec<Key> {
        let stands = |hit: &&Hit| self.passage(&hit.key).is_some_and(|(_, passage)| stands(passage));
        hits.iter().filter(stands).map(|hit| hit.key.clone()).collect()
    }

    /// Of records that were not found by words, the passages that have some, best first.
    pub(super) fn saying(&self, records: &[Record], words: &Words) -> Vec<Key> {
        let mut passages: Vec<(usize, &Key)> = Vec::new();
        for live in records.iter().filter_map(|record| self.live(record)) {
            let said = |passage: &Passage| words.spans(&passage.title).len() + words.spans(&passage.text).len();
            passages.extend(live.passages.iter().filter(|(_, passage)| has_words(passage, words)).map(|(key, passage)| (said(passage), key)));
        }
        passages.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(other.1)));
        passages.into_iter().map(|(_, key)| key.clone()).collect()
    }

    /// The passages of records that were found otherwise, one for each: the one that says most of what was asked.
    pub(super) fn best_of(&self, records: &[Record], words: &Words) -> Vec<Key> {
        let best = |record: &Record| {
            let live = self.live(record)?;
            let said = |passage: &Passage| words.spans(&passage.title).len() + words.spans(&passage.text).len();
            live.passages.values().max_by(|one, other| said(one).cmp(&said(other)).then_with(|| other.key.cmp(&one.key))).map(|passage| passage.key.clone())
        };
        records.iter().filter_map(best).collect()
    }
}

fn has_words(passage: &Passage, words: &Words) -> bool {
    words.stand_in(&passage.title) || words.stand_in(&passage.text)
}
