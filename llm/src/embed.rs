//! Texts turned into vectors by a model.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::chat::{Usage, Wire};

/// Texts that are to become vectors.
#[derive(Clone)]
pub struct EmbedRequest {
    /// What becomes a vector each.
    pub inputs: Vec<EmbedInput>,
    /// How long the vectors are to be; the model's default if absent.
    pub dimensions: Option<u32>,
    /// How the caller reads them.
    pub encoding: Encoding,
    /// The model as the caller names it.
    pub model: Option<String>,
    /// When the answer has to be there.
    pub deadline: Instant,
    /// What the caller sent, if it came over the wire.
    pub wire: Option<Arc<Wire>>,
    /// What the caller asks for that stands in the wire only, by the names of the fields.
    pub beyond: Vec<String>,
}

/// What becomes one vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbedInput {
    /// A text.
    Text(String),
    /// A text as the tokens of the model.
    Tokens(Vec<u32>),
}

/// How vectors are written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As numbers.
    #[default]
    Float,
    /// As the base64 of little-endian 32-bit numbers.
    Base64,
}

/// Vectors in the order of the inputs.
#[derive(Clone, PartialEq)]
pub struct Embeddings {
    /// One for each input.
    pub vectors: Vec<Vec<f32>>,
    /// The model, by the upstream's own name.
    pub model: Option<String>,
    /// What it took, if the provider said so.
    pub usage: Option<Usage>,
    /// The body as the upstream sent it, where it may go on as it is.
    pub raw: Option<Bytes>,
}

/// Texts never reach a log, so only sizes are shown.
impl fmt::Debug for EmbedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbedRequest").field("inputs", &self.inputs.len()).field("model", &self.model).finish_non_exhaustive()
    }
}

/// A vector tells much of its text, so only sizes are shown.
impl fmt::Debug for Embeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embeddings").field("vectors", &self.vectors.len()).field("model", &self.model).field("usage", &self.usage).finish_non_exhaustive()
    }
}
