//! The index behind search: which engines hold it, and the indexer that keeps it up to date.

use crate::config::{Config, TextEngine, VectorEngine};
use anyhow::{Context, Result};
use std::sync::Arc;
use std::time::Duration;
use steward_embedder::{Embedder, State};
use steward_indexer::{Engines, Indexer, Settings, Vectors};
use steward_kernel::bus::Kernel;
use steward_rag::engine::pgvector::Pgvector;
use steward_rag::engine::qdrant::Qdrant;
use steward_rag::engine::tantivy::TantivyText;
use steward_rag::engine::{TextIndex, VectorIndex};

/// Nothing is opened yet: each engine is when it is first used.
pub(super) fn engines(config: &Config, kernel: &Kernel, embedder: &Arc<dyn Embedder>) -> Result<Engines> {
    let folder = match &config.search.folder {
        Some(folder) => folder.clone(),
        None => super::home(config)?.join("index"),
    };
    let text: Arc<dyn TextIndex> = match config.search.text {
        TextEngine::Tantivy => Arc::new(TantivyText::new(std::path::absolute(folder)?.join("text"), kernel.clock.clone())),
    };
    let dimensions = embedder.dimensions();
    let index: Option<Arc<dyn VectorIndex>> = match (config.search.vectors, embedder.health().state) {
        (VectorEngine::Off, _) | (_, State::Off) => None,
        (VectorEngine::Pgvector, _) => Some(Arc::new(Pgvector::new(kernel.database.clone(), kernel.clock.clone(), dimensions))),
        (VectorEngine::Qdrant, _) => {
            let settings = config.search.qdrant.as_ref().context("search.qdrant is not set")?;
            Some(Arc::new(Qdrant::new(settings, kernel.clock.clone(), dimensions).context("search.qdrant")?))
        }
    };
    let vectors = index.map(|index| Vectors { index, embedder: Arc::clone(embedder) });
    Ok(Engines { text, vectors })
}

pub(super) fn indexer(config: &Config, kernel: &Arc<Kernel>, engines: Engines) -> Indexer {
    let settings = Settings { compare_every: Duration::from_secs(config.search.compare_every_seconds), ..Settings::default() };
    Indexer::new(Arc::clone(kernel), engines, settings)
}
