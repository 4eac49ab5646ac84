//! The evaluation harness: it asks a running Steward through its doors, as its users do, and measures what comes back.
//!
//! Start at [`run::run`], which prepares a [`target::Target`] (one that is named, or a demo of its own on a throwaway
//! database), runs the [`suites`], and writes the [`report`]. A suite knows the doors and SQL, nothing of the inside: what
//! it measures holds for any client.
//!
//! Truth is SQL or the data set's own judgement, never an earlier answer. What was not answered is told apart from what was
//! answered wrongly: an assistant may say that it does not know, it may not be wrong.

pub mod client;
pub mod host;
mod random;
pub mod report;
pub mod run;
pub mod suites;
pub mod target;
