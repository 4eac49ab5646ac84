//! The engines against their contracts, and retrieval over them.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod contract;
mod pgvector;
mod qdrant;
mod qdrant_server;
mod retrieval;
mod tantivy;
