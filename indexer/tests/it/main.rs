//! The indexer over a real database: what the engines hold is compared with what the rows say, record by record.
//!
//! Start at [`app::App`], a house with a module of books and pages ([`library`]) and engines in memory ([`memory`]), which
//! can be told to fail. What is promised of every engine is held against the embedded ones in [`real`].
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod app;
mod compare;
mod failures;
mod follow;
mod generations;
mod library;
mod memory;
mod real;
mod texts;
