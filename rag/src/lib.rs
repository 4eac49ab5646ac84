//! Retrieval: what somebody may read, found by words and by meaning, and read again before it is shown.
//!
//! Start at [`permit::Permit`], without which no engine can be asked, and at the two traits in [`engine`]. The engines
//! propose; PostgreSQL disposes: every candidate is read again in one snapshot under the asker's own row-level security,
//! and what is not readable there does not exist.
//!
//! What is indexed is a [`passage::Passage`]: the short fields of a record that share a permission, or a chunk of one of
//! its long texts. The index holds attributes of rows (tenant, owner, department, company, the permission of the
//! fields), never who may read them: a change of roles needs no new indexing.
//!
//! Deliberately absent: writing. `indexer/` fills the engines; only it does.

pub mod engine;
pub mod passage;
pub mod permit;
pub mod render;
pub mod retrieve;
