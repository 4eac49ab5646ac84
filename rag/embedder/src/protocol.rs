//! What a client and its worker say to each other, over the worker's standard input and output.
//!
//! The worker speaks first: [`Reply::Hello`] once its model is loaded and has been tried, or [`Reply::Unable`]. Then each
//! [`Request`] is answered once, in any order. The worker ends when its input does, so that it dies with its parent,
//! however that ends.

use serde::{Deserialize, Serialize};

use crate::Purpose;

/// Changes with any change of the messages.
pub const VERSION: u32 = 1;

/// Texts in one request. Many would keep a question waiting and cost memory; the model gains little from more.
pub const TEXTS_MAX: usize = 8;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub id: u64,
    pub purpose: Purpose,
    pub texts: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// Ready to compute.
    Hello { version: u32, model: String, dimensions: usize },
    /// The model cannot be loaded; the worker ends.
    Unable { message: String },
    /// One vector for each text, in their order.
    Vectors { id: u64, vectors: Vec<Vec<f32>> },
    /// These texts could not be embedded. The message holds nothing of them.
    Failed { id: u64, message: String },
}
