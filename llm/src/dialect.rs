//! What the dialects of different providers need of each other.
//!
//! Start at [`ids`] for the ids of tool calls, and at [`patch`] for bodies that pass through but for a few fields.

pub mod ids;
pub mod patch;
