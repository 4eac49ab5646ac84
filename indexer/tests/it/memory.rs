//! Engines in memory, by the letter of the traits, that can be told to fail: away, refusing a record, or stopping for ever
//! after a write, as if the process had been killed before it could note it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use steward_rag::engine::{Embedded, Error, Generation, Hit, Index, Known, Result, State, TextIndex, TextQuery, VectorIndex, Write};
use steward_rag::passage::{Attributes, Key, Passage, Record};
use steward_rag::permit::Permit;
use tokio::sync::Notify;
use uuid::Uuid;

/// What is held of a passage: its text, or the hash of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Text(String, String),
    Hash([u8; 32]),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) version: i64,
    /// `None` for a tombstone.
    pub(crate) live: Option<(Attributes, BTreeMap<Key, Content>)>,
}

type Records = BTreeMap<(Uuid, Record), Held>;

#[derive(Default)]
pub(crate) struct Memory {
    generations: Mutex<BTreeMap<Generation, Records>>,
    pub(crate) away: AtomicBool,
    pub(crate) refused: Mutex<HashSet<Uuid>>,
    /// Stops after a write: what was written stays, nobody hears of it.
    pub(crate) hang: AtomicBool,
    pub(crate) hung: Notify,
    /// How often term statistics were taken.
    pub(crate) frozen: Mutex<HashMap<(Generation, Uuid), u32>>,
    pub(crate) writes: AtomicU64,
    pub(crate) vectors: AtomicU64,
}

impl Memory {
    pub(crate) fn records(&self, generation: Generation, tenant: Uuid) -> BTreeMap<Record, Held> {
        let generations = self.generations.lock().unwrap();
        let records = generations.get(&generation).cloned().unwrap_or_default();
        records.into_iter().filter(|((of, _), _)| *of == tenant).map(|((_, record), held)| (record, held)).collect()
    }
    /// Changes what is held behind everybody's back.
    pub(crate) fn plant(&self, generation: Generation, change: impl FnOnce(&mut Records)) {
        change(self.generations.lock().unwrap().get_mut(&generation).unwrap());
    }
    pub(crate) fn lose(&self, generation: Generation) {
        self.generations.lock().unwrap().remove(&generation);
    }

    async fn write(&self, generation: Generation, writes: Vec<Write<(Key, Option<Content>)>>) -> Result<()> {
        self.reachable()?;
        if writes.iter().any(|write| self.refused.lock().unwrap().contains(&write.record.id)) {
            return Err(Error::NoDirection);
        }
        {
            let mut generations = self.generations.lock().unwrap();
            let records = generations.get_mut(&generation).ok_or(Error::NoGeneration { engine: "memory", generation: generation.0 })?;
            for write in writes {
                self.writes.fetch_add(1, Ordering::Relaxed);
                let held = records.get(&(write.tenant, write.record.clone()));
                let gone = matches!(write.state, State::Gone);
                let wins = held.is_none_or(|held| write.version > held.version || (write.version == held.version && (gone || held.live.is_some())));
                if !wins {
                    continue;
                }
                let kept = |key: &Key| held.and_then(|held| held.live.as_ref()).and_then(|(_, passages)| passages.get(key)).cloned();
                let live = match write.state {
                    State::Gone => None,
                    State::Live { attributes, passages } => {
                        Some((attributes, passages.into_iter().map(|(key, content)| (key.clone(), content.or_else(|| kept(&key)).unwrap())).collect()))
                    }
                };
                records.insert((write.tenant, write.record), Held { version: write.version, live });
            }
        }
        if self.hang.load(Ordering::Relaxed) {
            self.hung.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    fn reachable(&self) -> Result<()> {
        match self.away.load(Ordering::Relaxed) {
            true => Err(Error::Unavailable { engine: "memory", source: "told to be away".into() }),
            false => Ok(()),
        }
    }
}

fn map<P, Q>(write: &Write<P>, passage: impl Fn(&P) -> Q) -> Write<Q> {
    let state = match &write.state {
        State::Gone => State::Gone,
        State::Live { attributes, passages } => State::Live { attributes: *attributes, passages: passages.iter().map(passage).collect() },
    };
    Write { tenant: write.tenant, record: write.record.clone(), version: write.version, state }
}

#[async_trait]
impl Index for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }
    async fn create(&self, generation: Generation) -> Result<()> {
        self.reachable()?;
        self.generations.lock().unwrap().entry(generation).or_default();
        Ok(())
    }
    async fn drop(&self, generation: Generation) -> Result<()> {
        self.reachable()?;
        self.lose(generation);
        Ok(())
    }
    async fn generations(&self) -> Result<Vec<Generation>> {
        self.reachable()?;
        Ok(self.generations.lock().unwrap().keys().copied().collect())
    }
    async fn known(&self, generation: Generation, tenant: Uuid, resource: &str, after: Option<Uuid>, limit: usize) -> Result<Vec<Known>> {
        self.reachable()?;
        let records = self.records(generation, tenant);
        let known = records.into_iter().filter_map(|(record, held)| {
            let passages = held.live?.1.len();
            (record.resource == resource && after.is_none_or(|after| record.id > after)).then(|| Known {
                record,
                version: held.version,
                passages: u32::try_from(passages).unwrap(),
            })
        });
        Ok(known.take(limit).collect())
    }
    async fn forget(&self, generation: Generation, tenant: Uuid) -> Result<()> {
        self.plant(generation, |records| records.retain(|(of, _), _| *of != tenant));
        Ok(())
    }
    async fn prune(&self, _: Generation, _: DateTime<Utc>) -> Result<u64> {
        Ok(0)
    }
}

#[async_trait]
impl TextIndex for Memory {
    async fn apply(&self, generation: Generation, writes: &[Write<Passage>]) -> Result<()> {
        let held = |passage: &Passage| (passage.key.clone(), Some(Content::Text(passage.title.clone(), passage.text.clone())));
        self.write(generation, writes.iter().map(|write| map(write, held)).collect()).await
    }
    async fn search(&self, _: Generation, _: &Permit, _: &TextQuery) -> Result<Vec<Hit>> {
        Ok(Vec::new())
    }
    async fn freeze(&self, generation: Generation, tenant: Uuid) -> Result<()> {
        *self.frozen.lock().unwrap().entry((generation, tenant)).or_default() += 1;
        Ok(())
    }
}

#[async_trait]
impl VectorIndex for Memory {
    async fn apply(&self, generation: Generation, writes: &[Write<Embedded>]) -> Result<()> {
        let new = writes.iter().filter_map(|write| match &write.state {
            State::Live { passages, .. } => Some(passages.iter().filter(|passage| passage.vector.is_some()).count()),
            State::Gone => None,
        });
        self.vectors.fetch_add(new.sum::<usize>() as u64, Ordering::Relaxed);
        let held = |passage: &Embedded| (passage.key.clone(), passage.vector.as_ref().map(|_| Content::Hash(passage.hash)));
        self.write(generation, writes.iter().map(|write| map(write, held)).collect()).await
    }
    async fn search(&self, _: Generation, _: &Permit, _: &[f32], _: usize) -> Result<Vec<Hit>> {
        Ok(Vec::new())
    }
    async fn hashes(&self, generation: Generation, tenant: Uuid, records: &[Record]) -> Result<HashMap<Key, [u8; 32]>> {
        self.reachable()?;
        let held = self.records(generation, tenant);
        let passages = records.iter().filter_map(|record| held.get(record)?.live.clone()).flat_map(|(_, passages)| passages);
        Ok(passages.filter_map(|(key, content)| if let Content::Hash(hash) = content { Some((key, hash)) } else { None }).collect())
    }
}
