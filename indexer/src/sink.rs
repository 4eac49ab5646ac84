//! The two parts of the index behind one face: what a part does with records that were read.

use crate::fault::Result;
use crate::{Engines, Vectors};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::Arc;
use steward_embedder::Purpose;
use steward_rag::engine::{Embedded, Generation, Index, State, TextIndex, Write};
use steward_rag::passage::{Key, Passage, Record};
use uuid::Uuid;

/// Texts that are embedded at once: few, so that questions overtake.
const TEXTS_MAX: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    Text,
    Vectors,
}

impl Part {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Vectors => "vectors",
        }
    }
    /// Of every generation; see [`Part::consumer`].
    pub(crate) fn family(self) -> &'static str {
        match self {
            Self::Text => "indexer:text",
            Self::Vectors => "indexer:vectors",
        }
    }
    /// The name of its cursor in a generation. Each generation has its own, so that a swap moves no cursor.
    pub(crate) fn consumer(self, generation: Generation) -> String {
        format!("{}:{}", self.family(), generation.0)
    }
}

#[async_trait]
pub(crate) trait Sink: Send + Sync {
    fn part(&self) -> Part;
    fn index(&self) -> &dyn Index;
    /// Durable and searchable when it returns.
    async fn write(&self, generation: Generation, writes: Vec<Write<Passage>>) -> Result<()>;
    /// All records of a tenant are in.
    async fn settled(&self, generation: Generation, tenant: Uuid) -> Result<()>;
}

/// The parts that are configured.
pub(crate) fn sinks(engines: &Engines) -> Vec<Arc<dyn Sink>> {
    let text: Arc<dyn Sink> = Arc::new(TextSink(Arc::clone(&engines.text)));
    let vectors = engines.vectors.clone().map(|vectors| Arc::new(vectors) as Arc<dyn Sink>);
    std::iter::once(text).chain(vectors).collect()
}

struct TextSink(Arc<dyn TextIndex>);

#[async_trait]
impl Sink for TextSink {
    fn part(&self) -> Part {
        Part::Text
    }
    fn index(&self) -> &dyn Index {
        &*self.0
    }
    async fn write(&self, generation: Generation, writes: Vec<Write<Passage>>) -> Result<()> {
        Ok(self.0.apply(generation, &writes).await?)
    }
    async fn settled(&self, generation: Generation, tenant: Uuid) -> Result<()> {
        Ok(self.0.freeze(generation, tenant).await?)
    }
}

#[async_trait]
impl Sink for Vectors {
    fn part(&self) -> Part {
        Part::Vectors
    }
    fn index(&self) -> &dyn Index {
        &*self.index
    }
    async fn write(&self, generation: Generation, writes: Vec<Write<Passage>>) -> Result<()> {
        let known = self.known(generation, &writes).await?;
        // Whole records at a time, so that what is embedded is acknowledged soon and a failure repeats little.
        let mut ready: Vec<Write<Embedded>> = Vec::new();
        let mut waiting: Vec<(Write<Passage>, usize)> = Vec::new();
        let mut texts = 0;
        for write in writes {
            let new = self.new_texts(&write, &known);
            texts += new;
            waiting.push((write, new));
            if texts >= TEXTS_MAX {
                ready.extend(self.embedded(std::mem::take(&mut waiting), &known).await?);
                self.index.apply(generation, &std::mem::take(&mut ready)).await?;
                texts = 0;
            }
        }
        ready.extend(self.embedded(waiting, &known).await?);
        if !ready.is_empty() {
            self.index.apply(generation, &ready).await?;
        }
        Ok(())
    }
    async fn settled(&self, _: Generation, _: Uuid) -> Result<()> {
        Ok(())
    }
}

impl Vectors {
    /// What the engine holds of these records, so that unchanged texts are not embedded again.
    async fn known(&self, generation: Generation, writes: &[Write<Passage>]) -> Result<HashMap<(Uuid, Key), [u8; 32]>> {
        let mut tenants: HashMap<Uuid, Vec<Record>> = HashMap::new();
        for write in writes.iter().filter(|write| matches!(write.state, State::Live { .. })) {
            tenants.entry(write.tenant).or_default().push(write.record.clone());
        }
        let mut known = HashMap::new();
        for (tenant, records) in tenants {
            let hashes = self.index.hashes(generation, tenant, &records).await?;
            known.extend(hashes.into_iter().map(|(key, hash)| ((tenant, key), hash)));
        }
        Ok(known)
    }

    fn is_known(&self, known: &HashMap<(Uuid, Key), [u8; 32]>, tenant: Uuid, passage: &Passage) -> bool {
        known.get(&(tenant, passage.key.clone())) == Some(&passage.hash(self.embedder.model()))
    }

    fn new_texts(&self, write: &Write<Passage>, known: &HashMap<(Uuid, Key), [u8; 32]>) -> usize {
        match &write.state {
            State::Live { passages, .. } => passages.iter().filter(|passage| !self.is_known(known, write.tenant, passage)).count(),
            State::Gone => 0,
        }
    }

    async fn embedded(&self, writes: Vec<(Write<Passage>, usize)>, known: &HashMap<(Uuid, Key), [u8; 32]>) -> Result<Vec<Write<Embedded>>> {
        let texts: Vec<String> = writes
            .iter()
            .filter_map(|(write, _)| match &write.state {
                State::Live { passages, .. } => Some(passages.iter().filter(|passage| !self.is_known(known, write.tenant, passage)).map(text_of)),
                State::Gone => None,
            })
            .flatten()
            .collect();
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(TEXTS_MAX) {
            let made = self.embedder.embed(batch.to_vec(), Purpose::Passage).await?;
            metrics::counter!("steward_index_embedded_total").increment(made.len() as u64);
            vectors.extend(made);
        }
        let mut vectors = vectors.into_iter();
        let model = self.embedder.model();
        let with_vectors = |(write, _): (Write<Passage>, usize)| {
            let Write { tenant, record, version, state } = write;
            let state = match state {
                State::Gone => State::Gone,
                State::Live { attributes, passages } => {
                    let embedded = passages.into_iter().map(|passage| {
                        let vector = if self.is_known(known, tenant, &passage) { None } else { vectors.next().map(Arc::from) };
                        Embedded { hash: passage.hash(model), key: passage.key, vector }
                    });
                    State::Live { attributes, passages: embedded.collect() }
                }
            };
            Write { tenant, record, version, state }
        };
        Ok(writes.into_iter().map(with_vectors).collect())
    }
}

/// What a vector is made from: the title says what the text is about.
fn text_of(passage: &Passage) -> String {
    match (passage.title.is_empty(), passage.text.is_empty()) {
        (true, _) => passage.text.clone(),
        (_, true) => passage.title.clone(),
        _ => format!("{}\n{}", passage.title, passage.text),
    }
}
