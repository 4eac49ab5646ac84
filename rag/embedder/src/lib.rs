//! Texts become vectors.
//!
//! Start at the trait [`Embedder`]. Three things stand behind it: [`Worker`], the client of a process that computes with a
//! local model and that it starts, watches and starts again; [`Hashed`], which needs no model and serves tests and
//! benchmarks; [`Off`], where a configuration wants none, so that search works by words alone and can say why.
//!
//! Whoever calls an embedder goes on without vectors when it fails: each failure comes within a bounded time and has a
//! [code](Error::code).
//!
//! Deliberately absent: the model. It and its many dependencies are in `rag/embedding-worker`, which only the program
//! itself needs; [`protocol`] and [`frame`] are what the two sides share.

mod client;
mod error;
pub mod frame;
mod hashed;
mod health;
mod off;
pub mod protocol;

pub use client::{Settings, Worker};
pub use error::{Error, Failure};
pub use hashed::Hashed;
pub use health::{Health, State};
pub use off::Off;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Of every vector, whatever computed it.
pub const DIMENSIONS: usize = 384;

/// What of a text counts, in tokens of the model; the rest is cut off.
pub const TOKENS_MAX: usize = 256;

/// What of a text counts in any case: far more than [`TOKENS_MAX`] tokens of any language, and a bound for what is sent.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// What the local model computes: its name, the beginning of its hash, and where texts are cut. Vectors of different
/// models cannot be compared, so this belongs into the hash of a text that says whether it must be embedded again.
pub const MODEL: &str = "all-MiniLM-L6-v2-int8/8199be6f/256";

/// What a text is embedded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A question that somebody waits for: it overtakes all passages.
    Query,
    /// A text to be found later.
    Passage,
}

/// Turns texts into vectors of unit length, so that their inner product says how near their meanings are.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// What computes, with its version; see [`MODEL`].
    fn model(&self) -> &str;

    /// Of every vector.
    fn dimensions(&self) -> usize {
        DIMENSIONS
    }

    /// One vector for each text, in their order. An empty text has a vector as well. Dropping the future gives the work up.
    async fn embed(&self, texts: Vec<String>, purpose: Purpose) -> Result<Vec<Vec<f32>>, Error>;

    /// How it fares, for monitors.
    fn health(&self) -> Health;
}

/// The beginning of a text that can count, cut between two characters.
#[must_use]
pub fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}
