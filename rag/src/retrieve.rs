//! Questions: the engines propose, PostgreSQL disposes.
//!
//! Start at [`Retriever::search`]. A first read takes the asker's rights and the generation from one snapshot; the engines
//! are asked side by side, behind the [`Permit`], while no transaction is open; a second read reads every candidate again
//! under the asker's own row-level security ([`bind`]), and only what it gives back is ranked ([`fuse`]), quoted
//! ([`snippet`], [`citation`]) and counted. A right that was withdrawn between the two is gone in the second.
//!
//! **Invariants:** candidates that the asker cannot read have no part in an answer, not even by their places: each list is
//! ranked by what stands in it, down to a depth that is counted in such candidates alone. Scores leave this module never.
//! An error of the database or of the rights ends the question; an engine that fails is gone without, and the answer says so.
//!
//! Deliberately absent: what a question means, and what is made of the answer.

mod bind;
mod citation;
mod engines;
mod fallback;
mod fuse;
mod position;
mod snippet;
mod words;

pub use citation::{Citation, Verdict, verify};
pub use position::Position;
pub use snippet::{SNIPPET_MAX, Snippet, pieces};

use crate::engine::{Generation, TextIndex, VectorIndex};
use crate::passage::{Key, Passage, Record};
use crate::permit::Permit;
use bind::Bound;
use engines::{Hits, Outcome};
use position::Patience;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use steward_embedder::Embedder;
use steward_kernel::bus::Kernel;
use steward_kernel::error::{During, Result};
use steward_kernel::{Principal, Read};
use words::Words;

/// The largest answer.
pub const LIMIT_MAX: usize = 200;
/// Candidates of each list that are ranked at least.
const DEPTH_MIN: usize = 30;
/// Records of a write that the index does not know of yet, read by SQL.
const CHANGED_MAX: i64 = 200;
/// By how much a second look is wider than the first.
const WIDER: usize = 3;

#[derive(Clone, Debug)]
pub struct Query {
    pub text: String,
    pub limit: usize,
    /// Only of these resources. One that does not exist is like one that the asker may not read: nothing of it is found.
    pub resources: Option<Vec<String>>,
    /// The last word may be the beginning of one.
    pub prefix: bool,
    pub mode: Mode,
    pub items: Items,
    /// A write of the asker's that the answer should know of.
    pub position: Option<Position>,
}

impl Query {
    pub fn new(text: impl Into<String>, limit: usize) -> Self {
        Self { text: text.into(), limit, resources: None, prefix: false, mode: Mode::Question, items: Items::Records, position: None }
    }
    /// For a box that answers with each letter: by words alone, the last of which may be incomplete.
    pub fn as_you_type(text: impl Into<String>, limit: usize) -> Self {
        Self { prefix: true, mode: Mode::AsYouType, ..Self::new(text, limit) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By words alone, which takes a millisecond.
    AsYouType,
    /// By words and by meaning.
    Question,
}

/// What an item of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Items {
    /// A record, by its best passage.
    Records,
    Passages,
}

#[derive(Clone, Debug)]
pub struct Answer {
    /// Best first.
    pub items: Vec<Found>,
    /// There may be more: the search ended at its bound, not at the end of what there is.
    pub partial: bool,
    /// In which respects the answer is less than it could be.
    pub degraded: Vec<Degraded>,
    /// The filling that was searched.
    pub generation: Option<Generation>,
}

#[derive(Clone, Debug)]
pub struct Found {
    pub record: Record,
    pub version: i64,
    /// What the record is called, as the asker sees it.
    pub title: String,
    /// Bytes of `title` that are words of the question.
    pub title_spans: Vec<Range<usize>>,
    pub passage: Passage,
    pub snippet: Snippet,
    pub citation: Citation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Degraded {
    /// Nothing was found by meaning.
    WordsOnly,
    /// The text index did not answer: records are found by the beginnings of their names.
    NamesOnly,
    /// The index has not come to the position that was asked for; names and what that write changed were looked up as well.
    IndexBehind,
    /// The first index is still being filled; names were looked up as well.
    IndexBuilding,
}

impl Degraded {
    /// Stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WordsOnly => "words_only",
            Self::NamesOnly => "names_only",
            Self::IndexBehind => "index_behind",
            Self::IndexBuilding => "index_building",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub text_timeout: Duration,
    /// For the question's vector and the search by it.
    pub vectors_timeout: Duration,
    /// How long a question that names a position waits for the index.
    pub position_timeout: Duration,
    /// Candidates of each engine at most.
    pub candidates_max: usize,
    /// What is less near by meaning is not meant: the cosine of the angle between question and passage.
    pub similarity_min: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            text_timeout: Duration::from_secs(2),
            vectors_timeout: Duration::from_secs(2),
            position_timeout: Duration::from_millis(500),
            candidates_max: 600,
            similarity_min: 0.3,
        }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Retriever {
    pub text: Arc<dyn TextIndex>,
    /// Without both of these, what is found is found by words.
    pub vectors: Option<Arc<dyn VectorIndex>>,
    pub embedder: Option<Arc<dyn Embedder>>,
    pub settings: Settings,
}

/// The filling that is searched: the live one, and before there is one the one that is being built.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Target {
    id: i64,
    model: String,
    text_ready: bool,
}

/// What holds for a question at its beginning.
struct Standing {
    permit: Permit,
    target: Option<Target>,
    /// The index has not come to the position in time.
    is_behind: bool,
}

impl Retriever {
    pub fn new(text: Arc<dyn TextIndex>, vectors: Option<Arc<dyn VectorIndex>>, embedder: Option<Arc<dyn Embedder>>, settings: Settings) -> Self {
        Self { text, vectors, embedder, settings }
    }

    /// What the asker may read and asked for. Errors are the kernel's; engines that fail stand in [`Answer::degraded`].
    pub async fn search(&self, kernel: &Arc<Kernel>, principal: &Principal, query: &Query) -> Result<Answer> {
        let limit = query.limit.clamp(1, LIMIT_MAX);
        let words = Words::of(&query.text, query.prefix);
        let mut standing = self.standing(kernel, principal, query).await?;
        let mut reach = Reach { depth: DEPTH_MIN.max(WIDER * limit).min(self.settings.candidates_max), fetch: 0, most: self.settings.candidates_max };
        reach.fetch = reach.depth;
        let mut vector = None;
        let mut looked_again = false;
        loop {
            // Without words there is nothing to look for, and without rights nobody is asked.
            let asks = !words.is_empty() && !standing.permit.clauses().is_empty();
            let hits = match &standing.target {
                Some(target) if asks => self.ask(target, &standing.permit, query, &mut vector, reach.fetch).await,
                _ => Hits::none(asks),
            };
            if hits.generation_is_gone && !looked_again {
                // Another one took its place since.
                looked_again = true;
                standing = self.standing(kernel, principal, query).await?;
                continue;
            }
            let mut read = kernel.read(principal).await?;
            let round = Round::read(&mut read, query, &words, &standing, hits, &reach).await?;
            read.finish().await?;
            match round.next(&reach, query.items, limit) {
                Some(wider) => reach = wider,
                None => return Ok(round.answer(&standing, &words, query.items, limit)),
            }
        }
    }

    /// Rights and generation from one snapshot, after the index has come to the position that was asked for.
    async fn standing(&self, kernel: &Arc<Kernel>, principal: &Principal, query: &Query) -> Result<Standing> {
        let mut patience = Patience::new(self.settings.position_timeout);
        loop {
            let mut read = kernel.read(principal).await?;
            let permit = Permit::of(read.catalogue(), read.rights(), principal, query.resources.as_deref());
            let target = target(&mut read).await?;
            let is_behind = match (query.position, &target) {
                (Some(position), Some(target)) => !position.is_indexed(&mut read, Generation(target.id)).await?,
                _ => false,
            };
            read.finish().await?;
            if !is_behind || !patience.wait().await {
                return Ok(Standing { permit, target, is_behind });
            }
        }
    }
}

async fn target(read: &mut Read) -> Result<Option<Target>> {
    sqlx::query_as(
        "SELECT id, model, text_ready_at IS NOT NULL AS text_ready FROM rag.generation WHERE state IN ('live', 'building') ORDER BY state = 'live' DESC LIMIT 1",
    )
    .fetch_optional(read.db())
    .await
    .during("look up the generation")
}

/// How far a round looks.
#[derive(Clone, Copy)]
struct Reach {
    /// Candidates of each list that are ranked, counted in those that stand.
    depth: usize,
    /// Candidates that each engine is asked for.
    fetch: usize,
    most: usize,
}

/// A list of candidates that stand, best first.
struct List {
    keys: Vec<Key>,
    /// The engine has no more.
    is_whole: bool,
}

/// What one look gave.
struct Round {
    lists: Vec<List>,
    bound: Bound,
    degraded: BTreeSet<Degraded>,
}

impl Round {
    async fn read(read: &mut Read, query: &Query, words: &Words, standing: &Standing, hits: Hits, reach: &Reach) -> Result<Self> {
        let mut degraded: BTreeSet<Degraded> = BTreeSet::new();
        let needs = [
            (matches!(hits.text, Outcome::Failed), Degraded::NamesOnly),
            (standing.is_behind, Degraded::IndexBehind),
            (standing.target.as_ref().is_some_and(|target| !target.text_ready), Degraded::IndexBuilding),
        ];
        degraded.extend(needs.into_iter().filter(|(needed, _)| *needed).map(|(_, how)| how));
        let named = match degraded.is_empty() {
            true => Vec::new(),
            false => fallback::by_names(read, &query.text, query.resources.as_deref(), words, reach.depth).await?,
        };
        let changed = match query.position {
            Some(position) if !degraded.is_empty() => position.changed(read, CHANGED_MAX).await?,
            _ => Vec::new(),
        };
        let wanted = |record: &Record| query.resources.as_ref().is_none_or(|names| names.contains(&record.resource));
        let changed: Vec<Record> = changed.into_iter().filter(wanted).collect();
        if matches!(hits.vectors, Outcome::Failed) {
            degraded.insert(Degraded::WordsOnly);
        }
        let (text, vectors) = (hits.text.list(), hits.vectors.list());
        let records = text.iter().chain(&vectors).flat_map(|list| &list.hits).map(|hit| hit.key.record.clone()).chain(named.iter().chain(&changed).cloned());
        let bound = Bound::read(read, records.collect()).await?;
        let model = standing.target.as_ref().map_or("", |target| target.model.as_str());
        let list = |mut keys: Vec<Key>, is_whole: bool| {
            let is_whole = is_whole && keys.len() <= reach.depth;
            keys.truncate(reach.depth);
            List { keys, is_whole }
        };
        let mut lists = Vec::new();
        lists.extend(text.map(|text| list(bound.by_words(&text.hits, words), text.is_whole)));
        lists.extend(vectors.map(|vectors| list(bound.by_meaning(&vectors, model, words), vectors.is_whole)));
        lists.push(list(bound.best_of(&named, words), true));
        lists.push(list(bound.saying(&changed, words), true));
        Ok(Self { lists, bound, degraded })
    }

    /// The reach of another look; `None` when this one is enough, or when a wider one is not allowed.
    fn next(&self, reach: &Reach, items: Items, limit: usize) -> Option<Reach> {
        if reach.fetch >= reach.most || self.lists.iter().all(|list| list.is_whole) {
            return None;
        }
        // First every list is filled to the depth, whatever fell out of it; only then the depth may grow.
        if self.lists.iter().any(|list| !list.is_whole && list.keys.len() < reach.depth) {
            return Some(Reach { fetch: (reach.fetch * WIDER).min(reach.most), ..*reach });
        }
        (self.count(items) < limit).then(|| {
            let depth = (reach.depth * WIDER).min(reach.most);
            Reach { depth, fetch: reach.fetch.max(depth), ..*reach }
        })
    }

    fn count(&self, items: Items) -> usize {
        let keys = self.lists.iter().flat_map(|list| &list.keys);
        match items {
            Items::Passages => keys.collect::<HashSet<_>>().len(),
            Items::Records => keys.map(|key| &key.record).collect::<HashSet<_>>().len(),
        }
    }

    fn answer(&self, standing: &Standing, words: &Words, items: Items, limit: usize) -> Answer {
        let is_whole = self.lists.iter().all(|list| list.is_whole);
        let keys: Vec<Key> = match items {
            Items::Passages => fuse::fuse(&self.lists.iter().map(|list| list.keys.clone()).collect::<Vec<_>>()),
            Items::Records => {
                let fused = fuse::fuse(&self.lists.iter().map(|list| distinct(list.keys.iter().map(|key| &key.record))).collect::<Vec<_>>());
                let best = self.best_passages();
                fused.into_iter().filter_map(|record| best.get(record).map(|key| (*key).clone())).collect()
            }
        };
        let found: Vec<Found> = keys.iter().take(limit).filter_map(|key| self.found(key, words)).collect();
        Answer {
            partial: !is_whole && found.len() < limit,
            items: found,
            degraded: self.degraded.iter().copied().collect(),
            generation: standing.target.as_ref().map(|target| Generation(target.id)),
        }
    }

    /// Of each record the passage that stands highest in any list; at the same place the one that was found by words.
    fn best_passages(&self) -> HashMap<&Record, &Key> {
        let mut best: HashMap<&Record, (usize, &Key)> = HashMap::new();
        for list in &self.lists {
            for (place, key) in list.keys.iter().enumerate() {
                let held = best.entry(&key.record).or_insert((place, key));
                if place < held.0 {
                    *held = (place, key);
                }
            }
        }
        best.into_iter().map(|(record, (_, key))| (record, key)).collect()
    }

    fn found(&self, key: &Key, words: &Words) -> Option<Found> {
        let (live, passage) = self.bound.passage(key)?;
        let shown = if passage.text.trim().is_empty() { &passage.title } else { &passage.text };
        let snippet = Snippet::of(shown, words);
        let named = live.row.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
        let title = named.unwrap_or_else(|| snippet.text.lines().next().unwrap_or_default()).to_owned();
        Some(Found {
            record: key.record.clone(),
            version: live.row.version,
            title_spans: words.spans(&title),
            title,
            citation: Citation::of(&live.resource, &live.row, passage, words),
            passage: passage.clone(),
            snippet,
        })
    }
}

/// Each once, at its first place.
fn distinct<T: Eq + Hash + Copy>(things: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    things.filter(|thing| seen.insert(*thing)).collect()
}
