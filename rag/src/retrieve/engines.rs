//! Asking both engines side by side, each within its time. No transaction is open meanwhile.

use super::{Mode, Query, Retriever, Target};
use crate::engine::{Error, Generation, Hit, TextQuery};
use crate::passage::Key;
use crate::permit::Permit;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use steward_embedder::{Embedder, Purpose};
use tokio::time::timeout;

pub(super) struct Hits {
    pub(super) text: Outcome,
    pub(super) vectors: Outcome,
    /// An engine does not have the generation that was asked.
    pub(super) generation_is_gone: bool,
}

pub(super) enum Outcome {
    Found(Proposed),
    /// It was to be asked and has not answered.
    Failed,
    NotAsked,
}

/// Candidates as an engine ranks them.
pub(super) struct Proposed {
    pub(super) hits: Vec<Hit>,
    /// Of what the vectors were made from; empty for words.
    pub(super) hashes: HashMap<Key, [u8; 32]>,
    /// There are no more.
    pub(super) is_whole: bool,
}

impl Hits {
    /// Without an index; `asks` where one was needed.
    pub(super) fn none(asks: bool) -> Self {
        Self { text: if asks { Outcome::Failed } else { Outcome::NotAsked }, vectors: Outcome::NotAsked, generation_is_gone: false }
    }
}

impl Outcome {
    pub(super) fn list(self) -> Option<Proposed> {
        match self {
            Self::Found(proposed) => Some(proposed),
            Self::Failed | Self::NotAsked => None,
        }
    }
}

/// The vector of a question, made once for all rounds.
pub(super) enum Vector {
    Is(Vec<f32>),
    /// There is none.
    Failed,
}

impl Retriever {
    pub(super) async fn ask(&self, target: &Target, permit: &Permit, query: &Query, vector: &mut Option<Vector>, limit: usize) -> Hits {
        let generation = Generation(target.id);
        let text = async {
            let asked = TextQuery { text: query.text.clone(), prefix: query.prefix, limit };
            in_time(self.settings.text_timeout, self.text.name(), self.text.search(generation, permit, &asked)).await
        };
        let (text, vectors) = tokio::join!(text, self.by_meaning(target, permit, query, vector, limit));
        let is_gone = |result: &Result<Proposed, Unanswered>| matches!(result, Err(Unanswered::NoGeneration));
        let text = text.map(|hits| Proposed { is_whole: hits.len() < limit, hits, hashes: HashMap::new() });
        Hits { generation_is_gone: is_gone(&text) || vectors.as_ref().is_some_and(is_gone), text: outcome(Some(text)), vectors: outcome(vectors) }
    }

    /// `None` where nothing is to be found by meaning.
    async fn by_meaning(
        &self,
        target: &Target,
        permit: &Permit,
        query: &Query,
        vector: &mut Option<Vector>,
        limit: usize,
    ) -> Option<Result<Proposed, Unanswered>> {
        let (Some(index), Some(embedder), Mode::Question) = (&self.vectors, &self.embedder, query.mode) else { return None };
        // Vectors of another model lie in another space.
        if target.model != embedder.model() {
            return Some(Err(Unanswered::Failed));
        }
        let search = async {
            let question = match vector {
                Some(Vector::Is(question)) => question,
                Some(Vector::Failed) => return Err(Unanswered::Failed),
                empty => match empty.insert(embed(embedder.as_ref(), &query.text).await) {
                    Vector::Is(question) => question,
                    Vector::Failed => return Err(Unanswered::Failed),
                },
            };
            let found = async {
                let hits = index.search(Generation(target.id), permit, question, limit).await?;
                // What each was made from, so that a text which is another one by now is not found by what it meant.
                let records: BTreeSet<_> = hits.iter().map(|hit| hit.key.record.clone()).collect();
                let hashes = index.hashes(Generation(target.id), permit.tenant(), &records.into_iter().collect::<Vec<_>>()).await?;
                Ok((hits, hashes))
            };
            found.await.map_err(|error| Unanswered::of(index.name(), &error))
        };
        let (hits, hashes) = match timeout(self.settings.vectors_timeout, search).await {
            Ok(Ok(found)) => found,
            Ok(Err(unanswered)) => return Some(Err(unanswered)),
            Err(_) => {
                tracing::warn!(engine.name = index.name(), "the search by meaning took too long");
                return Some(Err(Unanswered::Failed));
            }
        };
        let near = hits.iter().take_while(|hit| hit.score >= self.settings.similarity_min).count();
        let is_whole = hits.len() < limit || near < hits.len();
        Some(Ok(Proposed { hits: hits.into_iter().take(near).collect(), hashes, is_whole }))
    }
}

async fn embed(embedder: &dyn Embedder, text: &str) -> Vector {
    match embedder.embed(vec![text.to_owned()], Purpose::Query).await {
        Ok(vectors) => vectors.into_iter().next().map_or(Vector::Failed, Vector::Is),
        Err(error) => {
            tracing::debug!(code = error.code(), "a question has no vector");
            Vector::Failed
        }
    }
}

enum Unanswered {
    NoGeneration,
    Failed,
}

impl Unanswered {
    fn of(engine: &'static str, error: &Error) -> Self {
        if let Error::NoGeneration { .. } = error {
            return Self::NoGeneration;
        }
        tracing::warn!(engine.name = engine, error = %error, cause = std::error::Error::source(error).map(tracing::field::display), "an engine did not answer");
        Self::Failed
    }
}

async fn in_time<T>(at_most: Duration, engine: &'static str, search: impl Future<Output = Result<T, Error>>) -> Result<T, Unanswered> {
    match timeout(at_most, search).await {
        Ok(answered) => answered.map_err(|error| Unanswered::of(engine, &error)),
        Err(_) => {
            tracing::warn!(engine.name = engine, "an engine took too long");
            Err(Unanswered::Failed)
        }
    }
}

fn outcome(result: Option<Result<Proposed, Unanswered>>) -> Outcome {
    match result {
        None => Outcome::NotAsked,
        Some(Ok(proposed)) => Outcome::Found(proposed),
        Some(Err(_)) => Outcome::Failed,
    }
}
