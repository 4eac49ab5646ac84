//! No embedder: retrieval works by words alone, and can say why.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Embedder, Error, Health, MODEL, Purpose, State};

#[derive(Clone, Debug)]
pub struct Off {
    reason: Arc<str>,
}

impl Off {
    /// `reason` ends a sentence: "the configuration wants none".
    #[must_use]
    pub fn because(reason: &str) -> Self {
        Self { reason: reason.into() }
    }
}

#[async_trait]
impl Embedder for Off {
    /// That of the local model: what was indexed with it stays valid while it is switched off.
    fn model(&self) -> &str {
        MODEL
    }

    async fn embed(&self, _: Vec<String>, _: Purpose) -> Result<Vec<Vec<f32>>, Error> {
        Err(Error::Off(Arc::clone(&self.reason)))
    }

    fn health(&self) -> Health {
        Health { last_error: Some(self.reason.to_string()), ..Health::resting(State::Off) }
    }
}
